// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The keys of session tickets: made here and changed with time, or read from files that several
// processes share. Owns them and wipes them; does no I/O but those files, and knows no SSL.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace tls_async {

namespace detail {
struct ticket_source;
struct ticket_access;
}  // namespace detail

/// How a file holds the keys of tickets. Both are what the programs of these names read. Sessions
/// of such a program with the same keys are resumed, where no client is asked for a certificate.
enum class ticket_key_format {
  /// `ssl_session_ticket_key` of nginx: 48 or 80 random bytes in each file, as they are. The key of
  /// the first file encrypts; tickets under the others are accepted and replaced.
  ///
  /// A server of nginx's module http resumes sessions of ours too, if it has the same one
  /// certificate and neither of the two asks clients for theirs.
  nginx,
  /// `tls-ticket-keys` of HAProxy: one file of lines in base64, at least three, all of 48 or all of
  /// 80 bytes. The last three count: the one in the middle encrypts, the last one will be next.
  /// HAProxy resumes no session of ours: what it looks for in one is its own.
  haproxy
};

/// With what servers encrypt and authenticate session tickets (RFC 5077 section 4). Whoever knows
/// the keys can read what is sent in the sessions that were resumed with them in TLS 1.2, and can
/// make up sessions, so they change with time, and the old ones are wiped.
///
/// Any number of contexts may share one: context::use_ticket_keys(). In the files, 48 bytes are a
/// name of 16, a key of AES-128-CBC and one of HMAC-SHA256 of 16; 80 bytes are a name of 16 and two
/// keys of 32, for AES-256-CBC, where nginx has the one for HMAC first and HAProxy that for AES.
///
/// Errors: boost::system::system_error with a code of `errc` and a text that names the file and
/// says what to do; std::bad_alloc. A function that threw has changed nothing.
///
/// Concurrency: every function may be called at any time on any thread, also while handshakes run.
class ticket_keys {
public:
  /// Tells the time, for tests; may be called on any thread. Empty is the system's clock.
  using clock = std::function<std::chrono::system_clock::time_point()>;

  /// Random keys of this process alone. A key encrypts for `rotate_every`, a second to 366 days,
  /// and is accepted for as long again; nobody has to call anything for that.
  ///
  /// Throws `bad_option` for another `rotate_every`, or if OpenSSL has no random numbers.
  /// Source: RFC 5077 section 5.5, RAND_priv_bytes(3).
  static std::shared_ptr<ticket_keys> random(
      std::chrono::seconds rotate_every = std::chrono::hours(12), clock now = {});

  /// Keys of files, which other processes and machines may have too: those resume each other's
  /// sessions. What the files hold is never guessed from their content. They change only by
  /// `read_again()`; the one who writes the files is to do so at least once a day.
  ///
  /// Throws `file_error` if one of them cannot be read, is no regular file, belongs to neither this
  /// user nor root, or may be read or written by others; `bad_option` if its content is not of the
  /// format, two keys have the same name, or the number of files does not fit the format.
  static std::shared_ptr<ticket_keys> from_files(ticket_key_format format,
                                                 std::vector<std::filesystem::path> const& files,
                                                 clock now = {}) {
    return from_files(format, files.data(), files.size(), std::move(now));
  }

  ~ticket_keys();
  ticket_keys(ticket_keys const&) = delete;
  ticket_keys& operator=(ticket_keys const&) = delete;

  /// Reads the files again, all or none: where it throws, the keys stay. Of several calls at the
  /// same time the one that began last counts.
  ///
  /// Throws what `from_files` throws, and `bad_option` if the keys are random.
  void read_again();

  /// Makes a new random key now, which encrypts from here on; tickets under the one before are
  /// accepted and replaced, and those under older ones are not.
  ///
  /// Throws `bad_option` if the keys are those of files, or OpenSSL has no random numbers.
  void rotate();

  /// How many keys are accepted now.
  [[nodiscard]] std::size_t size() const;

  /// Whether `ticket`, as a client sends it (RFC 5077 section 4, or the identity of a PSK in RFC
  /// 8446 section 4.2.11), was made with one of the keys that are accepted now, and nobody has
  /// changed it: by its name and its MAC. So its client may well resume a session, but need not:
  /// the session may be too old, for another name, or somebody else's. False where there is no
  /// memory.
  /// Source: RFC 5077 section 4, HMAC(3).
  [[nodiscard]] bool authenticates(std::span<std::byte const> ticket) const noexcept;

private:
  friend struct detail::ticket_access;

  explicit ticket_keys(std::unique_ptr<detail::ticket_source> source);
  // Without a vector, which is another one where a program is built with _GLIBCXX_DEBUG.
  static std::shared_ptr<ticket_keys> from_files(ticket_key_format format,
                                                 std::filesystem::path const* first,
                                                 std::size_t count, clock now);

  std::unique_ptr<detail::ticket_source> source_;
};

}  // namespace tls_async
