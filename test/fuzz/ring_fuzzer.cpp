// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The ring alone, with OpenSSL's part played by hand. Judged by two queues of bytes and a simple
// follower of records: what comes out is what went in, it never holds more than its size, and where
// it says that the record ends is where it ends.
#include <tls_async/core/ring.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <tls_async_test/tls_pair.hpp>
#include "events.hpp"
#include "record_follower.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

class judged_ring {
public:
  explicit judged_ring(script& with)
      : script_(with),
        session_(SSL_new(context())),
        room_(1 + with.size()),
        ring_(session_.get(), room_) {
    must(ring_.size() == 3 * room_, "another size");
  }

  void run() {
    for (std::size_t i = 0; i != 500 && !script_.ended(); ++i) {
      perform(script_.below(ring_events));
      judge();
    }
  }

private:
  static SSL_CTX* context() {
    static context_ptr const made(SSL_CTX_new(TLS_method()));
    return made.get();
  }

  void perform(std::size_t which) {
    switch (which) {
      case ring_attach:
        must(ring_.attach() && ring_.is_attached(), "it can't be attached");
        return;
      case ring_detach: {
        bool const may = ring_.is_attached() && !filling_ && output_.empty() && input_.empty();
        must(ring_.detach() == may, "it was detached, or was not");
        must(!may || !ring_.is_attached(), "it is still attached");
        return;
      }
      case ring_write:
        return write(script_.size());
      case ring_read:
        return read(script_.size());
      case ring_flush: {
        auto const piece = ring_.readable();
        must(piece.empty() == output_.empty(), "there is something to flush, or nothing");
        std::size_t const n = std::min(script_.size(), piece.size());
        must(output_.compare(0, piece.size(), text_of(piece)) == 0, "other bytes to flush");
        if (n != 0) ring_.consume(n);
        output_.erase(0, n);
        return;
      }
      case ring_commit: {
        if (filling_) return;
        auto const place = ring_.writable();
        must(place.empty() == !input_.empty(), "there is room to fill, or none");
        std::size_t const n = put(place);
        if (n != 0) ring_.commit(n);
        return;
      }
      case ring_begin_fill:
        if (filling_) return;
        place_ = ring_.begin_fill();
        filling_ = !place_.empty();
        must(filling_ == input_.empty(), "there is room to fill, or none");
        return;
      case ring_end_fill: {
        if (!filling_) return;
        std::size_t const n = put(place_);
        filling_ = false;
        return ring_.end_fill(n);
      }
      case ring_take: {
        if (filling_) return;
        auto const landed = script_.bytes(std::min(script_.size(), ring_.input_room()));
        must(ring_.take(std::as_bytes(std::span(landed))), "no room where there was room");
        return arrive(landed);
      }
      default:
        return;
    }
  }

  // OpenSSL's part.
  void write(std::size_t size) {
    if (!ring_.is_attached() || size == 0) return;
    auto const bytes = numbered_plaintext(size, written_);
    int const n = BIO_write(SSL_get_wbio(session_.get()), bytes.data(), static_cast<int>(size));
    std::size_t const wrote = n > 0 ? static_cast<std::size_t>(n) : 0;
    must(wrote == std::min(size, room_ - output_.size()), "it takes less than it has room for");
    output_.append(bytes, 0, wrote);
    written_ += wrote;
  }
  void read(std::size_t size) {
    if (!ring_.is_attached() || size == 0) return;
    std::string bytes(size, '\0');
    int const n = BIO_read(SSL_get_rbio(session_.get()), bytes.data(), static_cast<int>(size));
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    must(bytes == input_.substr(0, size), "other bytes came in");
    input_.erase(0, bytes.size());
  }

  // What the script says, at most as much as there is place for.
  std::size_t put(std::span<std::byte> place) {
    auto const bytes = script_.bytes(std::min(script_.size(), place.size()));
    if (!bytes.empty()) std::memcpy(place.data(), bytes.data(), bytes.size());
    arrive(bytes);
    return bytes.size();
  }
  void arrive(std::string_view bytes) {
    input_ += bytes;
    follower_.follow(bytes);
  }

  static std::string_view text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }

  void judge() {
    must(ERR_peek_error() == 0, "an error was left in the queue");
    must(ring_.output_bytes() == output_.size(), "another number of bytes to flush");
    must(ring_.input_bytes() == input_.size(), "another number of bytes that came in");
    must(output_.size() + ring_.output_room() == room_, "another room for output");
    must(input_.size() + ring_.input_room() == 2 * room_, "another room for input");
    must(ring_.is_filling() == filling_, "a fill is under way, or none");
    must(ring_.is_in_use() == (filling_ || !output_.empty() || !input_.empty()),
         "it is in use, or is not");
    must(ring_.memory_usage() == (ring_.is_attached() ? 3 * room_ : 0), "other memory");
    must(ring_.rest_of_record() == follower_.rest(), "another rest of the record");
    for (std::size_t const landing : {0U, 1U, 64U, 4'096U, 65'534U})
      must(ring_.expects_more_than(landing) == follower_.expects_more_than(landing),
           "another record is expected");
    must(ring::unused_bytes() <= std::size_t{16} << 20, "the thread keeps too much");
  }

  script& script_;
  session_ptr session_;
  std::size_t room_;
  ring ring_;
  record_follower follower_;
  std::string output_, input_;
  std::span<std::byte> place_;
  std::size_t written_ = 0;
  bool filling_ = false;
};

}  // namespace
}  // namespace tls_async::test

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  tls_async::test::script input(data, size);
  tls_async::test::judged_ring(input).run();
  return 0;
}
