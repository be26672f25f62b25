// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which keys of tickets are in use, and when that changes. The mutex is held to look at the ring or
// to exchange it; random numbers are made and keys are wiped outside of it.
#include <tls_async/sessions/ticket_keys.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>

#include "../core/error_queue.hpp"
#include "../pem/refusal.hpp"
#include "ticket_ring.hpp"

namespace tls_async {
namespace detail {

using time_point = std::chrono::system_clock::time_point;
using ring_ptr = std::shared_ptr<ticket_ring const>;

struct ticket_source {
  ticket_keys::clock clock;
  // Zero for keys of files.
  std::chrono::seconds rotate_every{0};
  ticket_key_format format{};
  std::vector<std::filesystem::path> files;

  std::mutex mutex;
  ring_ptr ring;
  time_point since;                // of the current random key
  std::uint64_t readings = 0;      // that have begun
  std::uint64_t last_reading = 0;  // whose keys are in use

  bool is_random() const noexcept { return rotate_every.count() != 0; }
  time_point now() const { return clock ? clock() : std::chrono::system_clock::now(); }
};

namespace {

// Whole periods that have passed. A clock that was set back can't make a key older than it is.
std::int64_t periods(ticket_source const& source, time_point now) {
  return now < source.since ? 1 : (now - source.since) / source.rotate_every;
}

void fill_with_random(ticket_key& key) {
  if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
      RAND_priv_bytes(key.aes.data(), static_cast<int>(key.aes.size())) != 1 ||
      RAND_priv_bytes(key.hmac.data(), static_cast<int>(key.hmac.size())) != 1) {
    refuse(errc::bad_option, "OpenSSL has no random numbers: " + openssl_reason());
  }
}

// A new key, and the one before where it still counts.
ring_ptr next_ring(ticket_ring const* before) {
  auto made = std::make_shared<ticket_ring>(std::size_t{2});
  fill_with_random(made->add());
  if (before != nullptr) made->add() = before->current();
  return made;
}

// Makes the new key outside of the lock; another thread may have been faster, whose key stays.
void rotate_if_due(ticket_source& source) {
  auto const now = source.now();
  ring_ptr before;
  time_point since;
  {
    std::scoped_lock const lock(source.mutex);
    if (periods(source, now) == 0) return;
    before = source.ring;
    since = source.since;
  }
  auto const passed = now < since ? 1 : (now - since) / source.rotate_every;
  auto const next_since = now < since ? now : since + passed * source.rotate_every;
  ring_ptr next = next_ring(passed == 1 ? before.get() : nullptr);
  std::scoped_lock const lock(source.mutex);
  if (source.ring != before) return;
  source.ring.swap(next);
  source.since = next_since;
}

ring_ptr ring_of(ticket_source& source) {
  std::scoped_lock const lock(source.mutex);
  return source.ring;
}

std::uint64_t begin_reading(ticket_source& source) {
  std::scoped_lock const lock(source.mutex);
  return ++source.readings;
}

}  // namespace

ticket_ring::~ticket_ring() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(ticket_key)); }

ticket_key const* ticket_ring::find(unsigned char const* name) const noexcept {
  for (auto const& each : keys_) {
    if (std::memcmp(each.name.data(), name, each.name.size()) == 0) return &each;
  }
  return nullptr;
}

ring_ptr ticket_access::ring(ticket_keys const& keys) noexcept {
  auto& source = *keys.source_;
  if (source.is_random()) {
    error_mark const mark;
    try {
      rotate_if_due(source);
    } catch (...) {  // a clock of the program's may throw anything
      return ring_of(source);
    }
  }
  return ring_of(source);
}

std::chrono::sys_seconds ticket_access::now(ticket_keys const& keys) {
  return std::chrono::floor<std::chrono::seconds>(keys.source_->now());
}

std::optional<ticket_key_format> ticket_access::format(ticket_keys const& keys) noexcept {
  auto const& source = *keys.source_;
  if (source.is_random()) return {};
  return source.format;
}

}  // namespace detail

ticket_keys::ticket_keys(std::unique_ptr<detail::ticket_source> source)
    : source_(std::move(source)) {}
ticket_keys::~ticket_keys() = default;

std::shared_ptr<ticket_keys> ticket_keys::random(std::chrono::seconds rotate_every, clock now) {
  detail::error_queue_scope const scope;
  if (rotate_every < std::chrono::seconds(1)) {
    detail::refuse(errc::bad_option, "ticket keys cannot change more than once in a second");
  }
  if (rotate_every > std::chrono::hours(24 * 366)) {
    detail::refuse(errc::bad_option, "ticket keys have to change once in a year at least");
  }
  auto source = std::make_unique<detail::ticket_source>();
  source->clock = std::move(now);
  source->rotate_every = rotate_every;
  source->since = source->now();
  source->ring = detail::next_ring(nullptr);
  return std::shared_ptr<ticket_keys>(new ticket_keys(std::move(source)));
}

std::shared_ptr<ticket_keys> ticket_keys::from_files(ticket_key_format format,
                                                     std::filesystem::path const* first,
                                                     std::size_t count, clock now) {
  detail::error_queue_scope const scope;
  auto source = std::make_unique<detail::ticket_source>();
  source->clock = std::move(now);
  source->format = format;
  source->files.assign(first, first + count);
  source->ring = detail::read_ticket_keys(format, source->files);
  return std::shared_ptr<ticket_keys>(new ticket_keys(std::move(source)));
}

void ticket_keys::read_again() {
  detail::error_queue_scope const scope;
  auto& source = *source_;
  if (source.is_random()) {
    detail::refuse(errc::bad_option,
                   "these ticket keys are random and in no file; call rotate() for a new one");
  }
  auto const reading = detail::begin_reading(source);
  auto next = detail::read_ticket_keys(source.format, source.files);
  std::scoped_lock const lock(source.mutex);
  if (reading < source.last_reading) return;
  source.last_reading = reading;
  source.ring.swap(next);
}

void ticket_keys::rotate() {
  detail::error_queue_scope const scope;
  auto& source = *source_;
  if (!source.is_random()) {
    detail::refuse(errc::bad_option,
                   "these ticket keys are those of files; change the files and call read_again()");
  }
  for (;;) {
    auto const before = detail::ticket_access::ring(*this);
    auto next = detail::next_ring(before.get());
    auto const now = source.now();
    std::unique_lock lock(source.mutex);
    if (source.ring != before) continue;
    source.ring.swap(next);
    source.since = now;
    lock.unlock();
    return;
  }
}

bool ticket_keys::authenticates(std::span<std::byte const> ticket) const noexcept {
  constexpr std::size_t name_and_iv = 32;
  std::array<unsigned char, 32> mac{};
  if (ticket.size() <= name_and_iv + mac.size()) return false;
  detail::error_mark const leaves_no_error;
  auto const* const bytes = reinterpret_cast<unsigned char const*>(ticket.data());
  auto const authenticated = ticket.size() - mac.size();
  auto const ring = detail::ticket_access::ring(*this);
  auto const* const key = ring->find(bytes);
  return key != nullptr &&
         HMAC(EVP_sha256(), key->hmac.data(), static_cast<int>(key->length), bytes, authenticated,
              mac.data(), nullptr) != nullptr &&
         CRYPTO_memcmp(mac.data(), bytes + authenticated, mac.size()) == 0;
}

std::size_t ticket_keys::size() const { return detail::ticket_access::ring(*this)->all().size(); }

}  // namespace tls_async
