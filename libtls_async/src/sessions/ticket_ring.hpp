// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The keys that are accepted at one time: never changed once they are made, and wiped when the last
// one who looks at them lets go. Private to the library.
#pragma once

#include <tls_async/sessions/ticket_keys.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace tls_async::detail {

struct ticket_key {
  std::array<unsigned char, 16> name{};  ///< Stands in each ticket: RFC 5077 section 4.
  std::array<unsigned char, 32> aes{};
  std::array<unsigned char, 32> hmac{};
  std::size_t length = 32;  ///< Of both: 16 for AES-128, 32 for AES-256.
};

/// Of ticket_source, which a public header names: so only its functions are hidden.
class ticket_ring {
public:
  /// Has room for `most` keys: one that grew would leave copies behind.
  explicit ticket_ring(std::size_t most) { keys_.reserve(most); }
  [[gnu::visibility("hidden")]] ~ticket_ring();
  ticket_ring(ticket_ring const&) = delete;
  ticket_ring& operator=(ticket_ring const&) = delete;

  /// The one that it returns is to be filled in.
  ticket_key& add() { return keys_.emplace_back(); }
  void encrypt_with(std::size_t index) noexcept { current_ = index; }

  ticket_key const& current() const noexcept { return keys_[current_]; }
  /// The key of this name, of 16 bytes, or null.
  [[gnu::visibility("hidden")]] ticket_key const* find(unsigned char const* name) const noexcept;
  std::vector<ticket_key> const& all() const noexcept { return keys_; }

private:
  std::vector<ticket_key> keys_;
  std::size_t current_ = 0;
};

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)

/// Reads the keys of files. Throws as ticket_keys::from_files does.
std::shared_ptr<ticket_ring const> read_ticket_keys(
    ticket_key_format format, std::vector<std::filesystem::path> const& files);

/// What those who encrypt and decrypt ask of a ticket_keys.
struct ticket_access {
  /// The keys of now. Makes a new random one where it is time for that; while there is no memory
  /// for it, the old one encrypts on. Never throws; makes no OpenSSL error.
  static std::shared_ptr<ticket_ring const> ring(ticket_keys const& keys) noexcept;
  /// The time of its clock, in seconds.
  static std::chrono::sys_seconds now(ticket_keys const& keys);
  /// Of the files of the keys, or nothing if they are random.
  static std::optional<ticket_key_format> format(ticket_keys const& keys) noexcept;
};

#pragma GCC visibility pop

}  // namespace tls_async::detail
