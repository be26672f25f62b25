// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/ring.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tls_async {
namespace {

struct bio_pair {
  BIO* inner = nullptr;
  BIO* outer = nullptr;
  std::size_t output_bytes = 0;
  std::size_t input_bytes = 0;

  [[nodiscard]] std::size_t size() const noexcept { return output_bytes + input_bytes; }
  void free() const noexcept {
    BIO_free(inner);
    BIO_free(outer);
  }
};

// One a thread: the pair that is taken is the one that was given back last, whose memory is in the
// cache. What was not needed for a while is freed by halves, oldest first (a low-water mark, as
// h2o's recycler has it); freeing at once would have malloc ask the kernel for it again and again.
// Sizes that are not asked for any more become the oldest. Allocates nothing itself.
class pair_pool {
public:
  pair_pool() = default;
  pair_pool(pair_pool const&) = delete;
  pair_pool& operator=(pair_pool const&) = delete;
  ~pair_pool() {
    is_gone = true;
    free_oldest(count_);
  }

  static bio_pair take(std::size_t output_bytes, std::size_t input_bytes) noexcept {
    bio_pair pair{nullptr, nullptr, output_bytes, input_bytes};
    if (!is_gone && of_thread().reuse(pair)) return pair;
    if (BIO_new_bio_pair(&pair.inner, output_bytes, &pair.outer, input_bytes) != 1)
      ERR_clear_error();
    return pair;
  }

  static void give(bio_pair const& pair) noexcept {
    if (is_gone || pair.size() > most_bytes) return pair.free();
    of_thread().keep(pair);
  }

  static std::size_t bytes() noexcept { return is_gone ? 0 : of_thread().bytes_; }

private:
  static constexpr std::size_t most_spare = 128;
  static constexpr std::size_t most_bytes = std::size_t{16} << 20;
  static constexpr unsigned gives_between_trims = 64;

  // Another pair of that size.
  bool reuse(bio_pair& wanted) noexcept {
    for (std::size_t i = count_; i-- != 0;) {
      if (unused_[i].output_bytes != wanted.output_bytes) continue;
      wanted = unused_[i];
      std::copy(unused_.begin() + i + 1, unused_.begin() + count_, unused_.begin() + i);
      --count_;
      bytes_ -= wanted.size();
      low_water_ = std::min(low_water_, count_);
      return true;
    }
    return false;
  }

  void keep(bio_pair const& pair) noexcept {
    while (count_ == most_spare || bytes_ > most_bytes - pair.size())
      free_oldest(1);
    unused_[count_++] = pair;
    bytes_ += pair.size();
    if (++gives_ % gives_between_trims != 0) return;
    free_oldest((low_water_ + 1) / 2);
    low_water_ = count_;
  }

  void free_oldest(std::size_t n) noexcept {
    for (std::size_t i = 0; i != n; ++i) {
      bytes_ -= unused_[i].size();
      unused_[i].free();
    }
    std::copy(unused_.begin() + n, unused_.begin() + count_, unused_.begin());
    count_ -= n;
    low_water_ = std::min(low_water_, count_);
  }

  static pair_pool& of_thread() noexcept {
    static thread_local pair_pool pool;
    return pool;
  }

  // A stream may outlive its thread's pool, at the end of the program.
  static thread_local bool is_gone;

  std::array<bio_pair, most_spare> unused_{};  // oldest first
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t low_water_ = 0;  // there were never fewer since the last trim
  unsigned gives_ = 0;
};

thread_local bool pair_pool::is_gone = false;

// What has gone in at one end and not come out at the other. BIO_ctrl_pending says the same, and
// costs ten times as much (fact 8).
std::size_t bytes_between(BIO* from, BIO* to) noexcept {
  return static_cast<std::size_t>(BIO_number_written(from) - BIO_number_read(to));
}

// So that they count as read.
void drain(BIO* end, std::size_t bytes) noexcept {
  char* place = nullptr;
  while (bytes != 0) {
    int const n = BIO_nread(end, &place, static_cast<int>(bytes));
    if (n <= 0) return;
    bytes -= static_cast<std::size_t>(n);
  }
}

}  // namespace

ring::~ring() {
  if (!is_attached()) return;
  is_filling_ = false;
  if (!detach()) bio_pair{inner_, outer_}.free();
}

bool ring::attach() noexcept {
  if (is_attached() || !(carries_output_ || carries_input_)) return true;
  auto const pair = pair_pool::take(output_bytes_, input_capacity());
  if (pair.outer == nullptr) return false;
  inner_ = pair.inner;
  outer_ = pair.outer;
  plug();
  return true;
}

// The session frees its ends when it gets others; the pool keeps one of its own.
void ring::plug() noexcept {
  if (carries_input_) {
    BIO_up_ref(inner_);
    SSL_set0_rbio(session_, inner_);
  }
  if (carries_output_) {
    BIO_up_ref(inner_);
    SSL_set0_wbio(session_, inner_);
  }
}

void ring::unplug() noexcept {
  if (carries_input_) SSL_set0_rbio(session_, nullptr);
  if (carries_output_) SSL_set0_wbio(session_, nullptr);
}

void ring::carry(bool output, bool input) noexcept {
  if (is_attached()) unplug();
  carries_output_ = output;
  carries_input_ = input;
  if (is_attached()) {
    plug();
  } else {
    unplug();  // whatever was there instead
  }
}

bool ring::detach() noexcept {
  if (!is_attached() || is_in_use()) return false;
  unplug();
  pair_pool::give({std::exchange(inner_, nullptr), std::exchange(outer_, nullptr), output_bytes_,
                   input_capacity()});
  return true;
}

std::span<std::byte const> ring::readable() noexcept {
  if (!is_attached()) return {};
  char* place = nullptr;
  int const n = BIO_nread0(outer_, &place);
  if (n <= 0) return {};
  return {reinterpret_cast<std::byte const*>(place), static_cast<std::size_t>(n)};
}

void ring::consume(std::size_t n) noexcept {
  char* place = nullptr;
  BIO_nread(outer_, &place, static_cast<int>(n));
}

std::size_t ring::output_bytes() const noexcept {
  return is_attached() ? bytes_between(inner_, outer_) : 0;
}

std::size_t ring::output_room() const noexcept {
  return is_attached() ? BIO_ctrl_get_write_guarantee(inner_) : output_bytes_;
}

std::span<std::byte> ring::writable() noexcept {
  if (!attach() || !is_attached() || input_bytes() != 0) return {};
  char* place = nullptr;
  int const n = BIO_nwrite0(outer_, &place);
  if (n <= 0) return {};
  return {reinterpret_cast<std::byte*>(place), static_cast<std::size_t>(n)};
}

void ring::commit(std::size_t n) noexcept {
  char* place = nullptr;
  BIO_nwrite(outer_, &place, static_cast<int>(n));
  follow_records({reinterpret_cast<std::byte const*>(place), n});
}

std::size_t ring::unused_bytes() noexcept { return pair_pool::bytes(); }

std::size_t ring::input_room() const noexcept {
  return is_attached() ? BIO_ctrl_get_write_guarantee(outer_) : input_capacity();
}

std::size_t ring::input_bytes() const noexcept {
  return is_attached() ? bytes_between(outer_, inner_) : 0;
}

void ring::clear() noexcept {
  drop_input();
  if (is_attached()) drain(outer_, output_bytes());
  record_rest_ = 0;
  header_bytes_ = 0;
  carry(true, true);
}

void ring::drop_input() noexcept {
  if (is_attached() && !is_filling_) drain(inner_, input_bytes());
}

std::span<std::byte> ring::begin_fill() noexcept {
  auto const room = writable();
  is_filling_ = !room.empty();
  return room;
}

void ring::end_fill(std::size_t n) noexcept {
  is_filling_ = false;
  if (n != 0) commit(n);
}

bool ring::take(std::span<std::byte const> landed) noexcept {
  int const size = static_cast<int>(landed.size());
  if (!attach()) return false;
  if (BIO_write(outer_, landed.data(), size) != size) return ERR_clear_error(), false;
  follow_records(landed);
  return true;
}

// Knows where the record ends whose beginning has come, from the lengths in the headers (RFC 8446
// section 5.1): two bytes behind the type and the version.
void ring::follow_records(std::span<std::byte const> ciphertext) noexcept {
  while (!ciphertext.empty()) {
    if (record_rest_ != 0 && header_bytes_ == 0) {
      std::size_t const n = std::min<std::size_t>(record_rest_, ciphertext.size());
      record_rest_ = static_cast<std::uint16_t>(record_rest_ - n);
      ciphertext = ciphertext.subspan(n);
      continue;
    }
    auto const byte = std::to_integer<std::uint16_t>(ciphertext.front());
    ciphertext = ciphertext.subspan(1);
    if (++header_bytes_ == record_header - 1) {
      record_rest_ = static_cast<std::uint16_t>(byte << 8);
    } else if (header_bytes_ == record_header) {
      record_rest_ = static_cast<std::uint16_t>(record_rest_ | byte);
      header_bytes_ = 0;
    }
  }
}

}  // namespace tls_async
