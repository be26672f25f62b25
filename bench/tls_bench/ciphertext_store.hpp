// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Three ways to put ciphertext between OpenSSL and a descriptor, to compare them: a BIO pair copied
// from and to a buffer, a BIO pair reached in place, and a BIO of our own. Each has room for so
// many bytes a direction, and is filled only when OpenSSL has read it empty.
#pragma once

#include "blocking_net.hpp"
#include "contexts.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace tls_async::bench {

inline void send_all(int fd, char const* data, std::size_t n) {
  while (n != 0) {
    auto const sent = ::send(fd, data, n, MSG_NOSIGNAL);
    succeed(static_cast<int>(sent), "send");
    data += sent;
    n -= static_cast<std::size_t>(sent);
  }
}
inline std::size_t receive_some(int fd, char* data, std::size_t n) {
  auto const got = ::recv(fd, data, n, 0);
  succeed(static_cast<int>(got), "recv");
  if (got == 0) throw std::runtime_error("the peer has closed");
  return static_cast<std::size_t>(got);
}

class pair_of_bios {
public:
  pair_of_bios(SSL* session, std::size_t bytes) {
    BIO* inner = nullptr;
    must(BIO_new_bio_pair(&inner, bytes, &outer_, bytes) == 1, "BIO_new_bio_pair");
    SSL_set_bio(session, inner, inner);
  }
  pair_of_bios(pair_of_bios const&) = delete;
  pair_of_bios& operator=(pair_of_bios const&) = delete;
  ~pair_of_bios() { BIO_free(outer_); }

protected:
  BIO* outer_ = nullptr;
};

class pair_copied : pair_of_bios {
public:
  static constexpr char const* name = "pair_copied";

  pair_copied(SSL* session, std::size_t bytes) : pair_of_bios(session, bytes), buffer_(bytes) {}

  void flush(int fd) {
    for (int n = 0; (n = BIO_read(outer_, buffer_.data(), static_cast<int>(buffer_.size()))) > 0;)
      send_all(fd, buffer_.data(), static_cast<std::size_t>(n));
  }
  void fill(int fd) {
    auto const n = static_cast<int>(receive_some(fd, buffer_.data(), buffer_.size()));
    must(BIO_write(outer_, buffer_.data(), n) == n, "BIO_write");
  }

private:
  std::vector<char> buffer_;
};

class pair_in_place : pair_of_bios {
public:
  static constexpr char const* name = "pair_in_place";
  using pair_of_bios::pair_of_bios;

  void flush(int fd) {
    char* place = nullptr;
    for (int n = 0; (n = BIO_nread0(outer_, &place)) > 0;) {
      send_all(fd, place, static_cast<std::size_t>(n));
      BIO_nread(outer_, &place, n);
    }
  }
  void fill(int fd) {
    char* place = nullptr;
    int const room = BIO_nwrite0(outer_, &place);
    auto const n = receive_some(fd, place, static_cast<std::size_t>(room));
    BIO_nwrite(outer_, &place, static_cast<int>(n));
  }
};

class own_bio {
public:
  static constexpr char const* name = "own_bio";

  own_bio(SSL* session, std::size_t bytes) : output_(bytes), input_(bytes) {
    static BIO_METHOD const* const methods = make_methods();
    BIO* const bio = BIO_new(methods);
    must(bio != nullptr, "BIO_new");
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
  }
  own_bio(own_bio const&) = delete;
  own_bio& operator=(own_bio const&) = delete;
  ~own_bio() = default;

  void flush(int fd) {
    send_all(fd, output_.data(), output_size_);
    output_size_ = 0;
  }
  void fill(int fd) {
    input_begin_ = 0;
    input_end_ = receive_some(fd, input_.data(), input_.size());
  }

private:
  static BIO_METHOD* make_methods() {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, name);
    must(made != nullptr, "BIO_meth_new");
    BIO_meth_set_write_ex(made, &own_bio::write);
    BIO_meth_set_read_ex(made, &own_bio::read);
    BIO_meth_set_ctrl(
        made, [](BIO*, int what, long, void*) -> long { return what == BIO_CTRL_FLUSH ? 1 : 0; });
    return made;
  }
  static int write(BIO* bio, char const* data, std::size_t n, std::size_t* written) {
    auto& self = *static_cast<own_bio*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *written = std::min(n, self.output_.size() - self.output_size_);
    if (*written == 0) BIO_set_retry_write(bio);
    std::memcpy(self.output_.data() + self.output_size_, data, *written);
    self.output_size_ += *written;
    return *written != 0 ? 1 : 0;
  }
  static int read(BIO* bio, char* data, std::size_t n, std::size_t* got) {
    auto& self = *static_cast<own_bio*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *got = std::min(n, self.input_end_ - self.input_begin_);
    if (*got == 0) BIO_set_retry_read(bio);
    std::memcpy(data, self.input_.data() + self.input_begin_, *got);
    self.input_begin_ += *got;
    return *got != 0 ? 1 : 0;
  }

  std::vector<char> output_, input_;
  std::size_t output_size_ = 0, input_begin_ = 0, input_end_ = 0;
};

}  // namespace tls_async::bench
