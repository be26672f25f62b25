// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Reads keys of tickets from files as nginx and HAProxy have them, and says exactly what is wrong
// with one. A file is never waited for: it is a regular one, or it is refused.
#include <openssl/crypto.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "../pem/pem.hpp"
#include "../pem/refusal.hpp"
#include "ticket_ring.hpp"

namespace tls_async::detail {
namespace {

// A line of HAProxy's has 64 or 108 letters. Nobody has a thousand keys.
constexpr std::size_t longest_file = 131'072;
constexpr std::size_t name_bytes = 16;

class descriptor {
public:
  explicit descriptor(std::filesystem::path const& file) noexcept
      // Without O_NONBLOCK opening a FIFO waits for its writer.
      : number_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  int number() const noexcept { return number_; }

private:
  int number_;
};

// Bytes that are wiped at the end. `secret_text` is for characters, and grows.
class secret_bytes {
public:
  secret_bytes() noexcept = default;
  ~secret_bytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  secret_bytes(secret_bytes const&) = delete;
  secret_bytes& operator=(secret_bytes const&) = delete;

  bool add(unsigned byte) noexcept {
    if (size_ == bytes_.size()) return false;
    bytes_[size_++] = static_cast<unsigned char>(byte);
    return true;
  }
  std::size_t size() const noexcept { return size_; }
  unsigned char const* data() const noexcept { return bytes_.data(); }

private:
  std::array<unsigned char, 80> bytes_{};
  std::size_t size_ = 0;
};

[[noreturn]] void refuse_file(std::string const& origin, std::string const& why) {
  refuse(errc::file_error, "cannot read " + origin + ": " + why);
}

[[noreturn]] void refuse_content(std::string const& origin, std::string const& why) {
  refuse(errc::bad_option, origin + ' ' + why);
}

// As OpenSSH asks of a private key.
void require_private(int file, std::string const& origin) {
  struct stat found {};
  if (::fstat(file, &found) != 0) refuse_file(origin, std::generic_category().message(errno));
  if (S_ISDIR(found.st_mode)) refuse_file(origin, "it is a directory");
  if (!S_ISREG(found.st_mode)) refuse_file(origin, "it is no regular file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    refuse_file(origin, "it belongs to another user, who may know the keys; make new ones");
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    refuse_file(origin, "others than its owner may use it; make new keys in a file of mode 600");
  }
  if (found.st_size > static_cast<off_t>(longest_file)) {
    refuse_file(origin, "it is longer than 128 KiB");
  }
}

secret_text read_private(std::filesystem::path const& file, std::string const& origin) {
  descriptor const open(file);
  if (open.number() < 0) refuse_file(origin, std::generic_category().message(errno));
  require_private(open.number(), origin);
  secret_text read;
  // All at once, and one byte more: it may have grown meanwhile.
  char* const room = read.room(longest_file + 1);
  while (read.size() <= longest_file) {
    auto const got = ::read(open.number(), room + read.size(), longest_file + 1 - read.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file(origin, std::generic_category().message(errno));
    if (got == 0) return read;
    read.grow_by(static_cast<std::size_t>(got));
  }
  refuse_file(origin, "it is longer than 128 KiB");
}

enum class second { aes, hmac };

// 48 or 80 bytes: the name, and two keys.
void split_key(unsigned char const* bytes, std::size_t size, second which, ticket_key& to) {
  to.length = (size - name_bytes) / 2;
  std::copy_n(bytes, name_bytes, to.name.data());
  auto* const first = which == second::aes ? to.aes.data() : to.hmac.data();
  auto* const last = which == second::aes ? to.hmac.data() : to.aes.data();
  std::copy_n(bytes + name_bytes, to.length, first);
  std::copy_n(bytes + name_bytes + to.length, to.length, last);
}

bool is_size_of_key(std::size_t size) noexcept { return size == 48 || size == 80; }

void add_nginx_key(std::filesystem::path const& file, ticket_ring& to) {
  auto const origin = file_origin("ticket key", file);
  auto const read = read_private(file, origin);
  auto const text = read.text();
  if (!is_size_of_key(text.size())) {
    refuse_content(origin, "has " + std::to_string(text.size()) +
                               " bytes; nginx's have 48 or 80, as of 'openssl rand 80'");
  }
  split_key(reinterpret_cast<unsigned char const*>(text.data()), text.size(),
            text.size() == 48 ? second::aes : second::hmac, to.add());
}

// Of one letter of base64 (RFC 4648 section 4).
std::optional<unsigned> value_of(char letter) noexcept {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  auto const at = letters.find(letter);
  if (at == std::string_view::npos) return {};
  return static_cast<unsigned>(at);
}

// OpenSSL's decoder does not say how many bytes the padding takes away, and needs a copy.
bool decode_base64(std::string_view line, secret_bytes& to) noexcept {
  if (line.size() % 4 != 0) return false;
  auto const padding = line.size() - std::min(line.find('='), line.size());
  if (padding > 2 ||
      line.substr(line.size() - padding) != std::string_view("==").substr(0, padding))
    return false;
  unsigned bits = 0;
  unsigned count = 0;
  for (char const letter : line.substr(0, line.size() - padding)) {
    auto const value = value_of(letter);
    if (!value) return false;
    bits = (bits << 6 | *value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    if (!to.add(bits >> count & 0xff)) return false;
  }
  return (bits & ((1U << count) - 1)) == 0;  // what is left over says nothing
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (!lines.empty() && lines.back().empty())
    lines.pop_back();
  return lines;
}

void add_haproxy_keys(std::filesystem::path const& file, ticket_ring& to) {
  auto const origin = file_origin("ticket key", file);
  auto const read = read_private(file, origin);
  auto const lines = lines_of(read.text());
  if (lines.size() < 3) {
    refuse_content(origin, "has " + std::to_string(lines.size()) +
                               " keys; HAProxy's have three or more, one on each line");
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i != lines.size(); ++i) {
    secret_bytes key;
    auto const line = "in line " + std::to_string(i + 1) + ' ';
    if (!decode_base64(lines[i], key) || !is_size_of_key(key.size())) {
      refuse_content(origin, line +
                                 "is not the base64 of 48 or 80 bytes, as 'openssl rand 80 "
                                 "| base64 -w0' makes it");
    }
    if (i != 0 && key.size() != size) {
      refuse_content(origin, line + "has a key of another size than before; all have the same");
    }
    size = key.size();
    if (i + 3 >= lines.size()) split_key(key.data(), key.size(), second::aes, to.add());
  }
  to.encrypt_with(1);
}

void require_distinct_names(ticket_ring const& ring, std::filesystem::path const& file) {
  for (auto const& each : ring.all()) {
    if (ring.find(each.name.data()) != &each) {
      refuse_content(file_origin("ticket key", file),
                     "has a key with the name of another one; each needs its own 16 bytes first");
    }
  }
}

}  // namespace

std::shared_ptr<ticket_ring const> read_ticket_keys(
    ticket_key_format format, std::vector<std::filesystem::path> const& files) {
  bool const is_haproxy = format == ticket_key_format::haproxy;
  if (files.empty() || (is_haproxy && files.size() != 1)) {
    refuse(errc::bad_option, is_haproxy ? "HAProxy has all its ticket keys in one file; pass one"
                                        : "no file with ticket keys was given");
  }
  auto made = std::make_shared<ticket_ring>(is_haproxy ? 3 : files.size());
  for (auto const& file : files) {
    is_haproxy ? add_haproxy_keys(file, *made) : add_nginx_key(file, *made);
    require_distinct_names(*made, file);
  }
  return made;
}

}  // namespace tls_async::detail
