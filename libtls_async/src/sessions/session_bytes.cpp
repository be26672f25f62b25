// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions as bytes, to be read by another process:
//
//     "tls_async sessions 1\n"
//     of each session, the oldest first: key (32 bytes), began, ends (seconds since 1970, 8 bytes
//         each), length (4 bytes), as many bytes of i2d_SSL_SESSION(3)
//     SHA-256 over all of that (32 bytes)
//
// Numbers have their lowest byte first. It tells damage, and nobody who has changed it on purpose:
// who may write the bytes is for session_file.cpp.
#include "session_list.hpp"

#include <tls_async/error.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "../core/error_queue.hpp"
#include "../pem/refusal.hpp"

namespace tls_async {
namespace {

using detail::refuse;
using time_point = std::chrono::system_clock::time_point;

constexpr std::string_view name = "tls_async sessions ";
constexpr std::string_view version = "1\n";
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t bytes_beside = 32 + 8 + 8 + 4;  // of a session
// Far away, and within what a time_point in nanoseconds can have.
constexpr std::int64_t last_second = 9'000'000'000;

void add_number(std::string& to, std::uint64_t number, int bytes) {
  for (int i = 0; i != bytes; ++i)
    to += static_cast<char>(number >> (8 * i) & 0xff);
}

void add_time(std::string& to, time_point moment) {
  auto const since = std::chrono::floor<std::chrono::seconds>(moment.time_since_epoch()).count();
  add_number(to, static_cast<std::uint64_t>(std::clamp<std::int64_t>(since, 0, last_second)), 8);
}

std::array<unsigned char, digest_bytes> digest_of(std::string_view text) {
  detail::error_queue_scope const scope;
  std::array<unsigned char, digest_bytes> made{};
  detail::require_memory(
      EVP_Digest(text.data(), text.size(), made.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return made;
}

std::string_view text_of(std::array<unsigned char, digest_bytes> const& digest) {
  return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}

// What is left to be read. The digest was right, so what does not fit was never written by save().
class reader {
public:
  explicit reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool has_more() const noexcept { return !text_.empty(); }
  std::string_view next(std::size_t bytes) {
    if (bytes > text_.size()) refuse(errc::bad_sessions, "the saved sessions are cut");
    auto const piece = text_.substr(0, bytes);
    text_.remove_prefix(bytes);
    return piece;
  }
  std::uint64_t number(int bytes) {
    auto const piece = next(static_cast<std::size_t>(bytes));
    std::uint64_t read = 0;
    for (int i = bytes; i-- != 0;)
      read = read << 8 | static_cast<unsigned char>(piece[static_cast<std::size_t>(i)]);
    return read;
  }
  time_point moment() {
    auto const since = number(8);
    if (since > static_cast<std::uint64_t>(last_second))
      refuse(errc::bad_sessions, "the saved sessions have a time that nobody lives to see");
    return time_point(std::chrono::seconds(static_cast<std::int64_t>(since)));
  }

private:
  std::string_view text_;
};

// Without its beginning and its end, which are as they should be.
std::string_view body_of(std::string_view bytes) {
  if (!bytes.starts_with(name)) {
    refuse(errc::bad_sessions,
           "these are no sessions that session_store::save() has written; pass what it returned");
  }
  std::size_t const before = name.size() + version.size();
  if (bytes.substr(name.size(), version.size()) != version) {
    refuse(errc::bad_sessions,
           "the saved sessions have the format of another version of tls_async; remove them, and "
           "let this version save its own");
  }
  auto const end = bytes.size() - std::min(bytes.size() - before, digest_bytes);
  if (bytes.substr(end) != text_of(digest_of(bytes.substr(0, end)))) {
    refuse(errc::bad_sessions,
           "the saved sessions are damaged; remove them: handshakes will be full ones");
  }
  return bytes.substr(before, end - before);
}

detail::session_list::entries sessions_in(std::string_view body) {
  detail::session_list::entries found;
  for (reader from(body); from.has_more();) {
    session_key key{};
    auto const of = from.next(key.size());
    std::copy(of.begin(), of.end(), key.begin());
    auto const began = from.moment();
    auto const ends = from.moment();
    std::string bytes(from.next(from.number(4)));
    found.emplace_back(key, kept_session(std::move(bytes), began, ends));
  }
  return found;
}

}  // namespace

std::string session_store::save() const {
  std::string saved;
  {
    std::scoped_lock const lock(parts_->mutex);
    // In one piece, of which no copy stays behind in memory that was given back.
    auto const& all = parts_->sessions.all();
    std::size_t bytes = name.size() + version.size() + digest_bytes;
    for (auto const& each : all)
      bytes += bytes_beside + each.session.bytes.size();
    saved.reserve(bytes);
    (saved += name) += version;
    std::for_each(all.rbegin(), all.rend(), [&](auto const& each) {
      saved.append(each.key.begin(), each.key.end());
      add_time(saved, each.session.began);
      add_time(saved, each.session.ends);
      add_number(saved, each.session.bytes.size(), 4);
      saved += each.session.bytes;
    });
  }
  saved += text_of(digest_of(saved));
  return saved;
}

void session_store::load(std::string_view bytes) {
  auto found = sessions_in(body_of(bytes));
  auto const moment = now();
  detail::session_list::entries gone;
  std::scoped_lock const lock(parts_->mutex);
  while (!found.empty()) {
    auto const& next = found.front();
    if (!parts_->is_young(next.session, moment) || parts_->sessions.has(next)) {
      gone.splice(gone.end(), found, found.begin());
      continue;
    }
    auto const key = next.key;
    parts_->sessions.add(found);
    parts_->sessions.shrink(parts_->options, key, gone);
  }
}

}  // namespace tls_async
