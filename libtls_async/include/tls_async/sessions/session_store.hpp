// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The sessions that clients may resume: how many, how long, and in which order they are given up.
// What they may be resumed for is the engine's (core/session_keeper.hpp). Does no network I/O.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/session_keeper.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tls_async {

/// Bounds of a session_store: `session_store_options{.lifetime = std::chrono::hours(1)}`.
struct session_store_options {
  /// Sessions in all; those that were kept the longest ago go first. At least 1.
  std::size_t most_sessions = 1'024;
  /// Memory of all of them, in bytes. A session takes 1 to 4 KB, most of it the peer's certificate.
  std::size_t most_bytes = std::size_t{4} << 20;
  /// Sessions for one peer under the same rules, of which the newest stay. A server may send any
  /// number of tickets, and each is used once. At least 1.
  std::size_t most_per_key = 4;
  /// How long after the full handshake in which the peer was verified its sessions are resumed,
  /// renewed ones included: nobody looks at the certificate in between. At least 1 s.
  std::chrono::seconds lifetime = std::chrono::hours(24);
};

/// Sessions of clients, to be resumed by later handshakes (RFC 8446 section 2.2, RFC 5246
/// section 7.3), which are then shorter and verify no certificate again.
///
/// A session is resumed only for the same host and port, with the same protocols offered by
/// context::set_alpn(), the same certificate of ours, the same names set by SSL_set1_host(3), and
/// the same rules for the peer (trust, pins, modes, depth, flags, rules_version) as it was made
/// with, and not longer than `lifetime` after its full handshake. A session is given out once; one
/// of TLS 1.2, which may be used again, comes back when its handshake has succeeded
/// (RFC 8446 appendix C.4).
///
/// A client context has a store of its own; as_client{host, port} makes use of it. One store can
/// serve any number of contexts: context::use_session_store().
///
/// Concurrency: all functions are safe from any thread. The clock is called by each thread too.
class session_store final : public session_keeper {
public:
  /// Tells the time; it may not throw.
  using clock = std::function<std::chrono::system_clock::time_point()>;

  /// An empty store. Throws bad_option if a bound is 0, or the lifetime is, or `clock` is empty.
  explicit session_store(session_store_options const& options = {},
                         clock of = &std::chrono::system_clock::now);
  ~session_store() override;

  /// Sessions kept at the moment, those included that are too old and not given up yet.
  [[nodiscard]] std::size_t size() const;
  /// Memory that they take, in bytes.
  [[nodiscard]] std::size_t bytes() const;
  /// Gives up all of them.
  void clear();

  // ---- From one run of the program to the next. Whoever can read what is saved can open all that
  // its sessions have carried and will carry. A session is still resumed only under the rules under
  // which it was made. Tickets should be used once (RFC 8446 appendix C.4), so let one process load
  // what was saved, and remove it then.

  /// All sessions, as bytes that `load` takes: a version, the sessions, and SHA-256 over all of it.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::string save() const;
  /// Adds the sessions that `save` has written, as if they had been kept now, in their order: the
  /// bounds are those of this store, and what is too old by its lifetime is left out, as is what it
  /// has already.
  ///
  /// Throws `bad_sessions` if `bytes` are damaged, of another version of the format or something
  /// else; then nothing was added. With std::bad_alloc some may have been.
  void load(std::string_view bytes);
  /// Writes what `save` answers to `file`, for its owner alone (mode 600). It is written beside,
  /// and takes the place of an older `file` when it is whole.
  ///
  /// Throws `file_error` if it can't be written; an older one is then as before.
  void save_file(std::filesystem::path const& file) const;
  /// Does with the content of `file` as `load` does.
  ///
  /// Throws `file_error` if it can't be read, `bad_sessions` as `load` does, and if it is no
  /// regular file, belongs to anybody but the user of the process or root, is open to others
  /// (chmod 600), or is larger than `most_bytes` of this store allows.
  void load_file(std::filesystem::path const& file);

  [[nodiscard]] std::chrono::system_clock::time_point now() const override;
  [[nodiscard]] std::optional<kept_session> take(session_key const& key) override;
  void keep(session_key const& key, kept_session session) override;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace tls_async
