// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pairs of chain and key by name: what is behind `identities`, and what a handshake looks names up
// in. Private to the library.
#pragma once

#include <tls_async/core/identity_info.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pair.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// A chain and its key, which belong together, and the names they are for. Never changes once it is
/// in a set, so threads may share it.
struct named_pair {
  chain given;
  private_key key;
  stack_ptr issuers;               ///< In the form in which OpenSSL takes them.
  std::vector<std::string> names;  ///< DNS names.
  std::vector<std::string> addresses;
  identity_info info;
};
using named_pair_ptr = std::shared_ptr<named_pair const>;

/// Throws `key_mismatch`, and `bad_certificate` for a certificate without a usable name or with
/// dates that can't be read.
named_pair_ptr make_named_pair(chain given, private_key key, std::filesystem::path file = {});

/// Those of one name, one for each type of key. Never empty.
using pairs_of_name = std::vector<named_pair_ptr>;

/// A name in the form in which names are compared: in lower case, without a final dot.
class compared_name {
public:
  explicit compared_name(std::string_view asked) noexcept;

  /// Empty if there was none, or one longer than names can be in SNI.
  std::string_view text() const noexcept { return {bytes_, size_}; }
  /// With "*" in the place of its first label, or empty. Invalidates `text()`.
  std::string_view wildcard() noexcept;

  /// What RFC 6066 section 3 and OpenSSL allow.
  static constexpr std::size_t longest = 255;

private:
  char bytes_[longest];
  std::size_t size_ = 0;
};

/// Puts them into a session. False if OpenSSL does not accept one of them.
bool use_pairs(SSL* session, pairs_of_name const& pairs);

/// Changes are made by one thread, before others look at it.
class [[gnu::visibility("hidden")]] identity_set {
public:
  identity_set() = default;
  /// The copy is nobody else's.
  identity_set(identity_set const& other)
      : pairs_(other.pairs_),
        by_name_(other.by_name_),
        default_name_(other.default_name_),
        refuses_others_(other.refuses_others_) {}
  identity_set& operator=(identity_set const&) = delete;

  /// Throws `bad_option` if one of its names has a pair of this key type. Changes nothing when it
  /// throws.
  void add(named_pair_ptr pair);

  /// False if there is no such name.
  bool set_default(std::string_view name);
  void refuse_others() noexcept { refuses_others_ = true; }

  std::vector<named_pair_ptr> const& pairs() const noexcept { return pairs_; }

  using by_name = std::map<std::string, pairs_of_name, std::less<>>;

  /// What a client gets that asks for this name, empty if for none, and the name by which it was
  /// found: a wildcard, or the default's. Null if the client is refused.
  by_name::value_type const* find(std::string_view asked) const noexcept;

  /// From now on others look at it, so it is changed no more.
  void share() noexcept { is_shared_.store(true, std::memory_order_relaxed); }
  bool is_shared() const noexcept { return is_shared_.load(std::memory_order_relaxed); }

private:
  void require_free(named_pair const& pair) const;

  std::vector<named_pair_ptr> pairs_;
  by_name by_name_;
  std::string default_name_;
  bool refuses_others_ = false;
  std::atomic<bool> is_shared_ = false;
};

}  // namespace tls_async::detail
#pragma GCC visibility pop
