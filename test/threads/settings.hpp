// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a seed decides: how a round runs, over which transport, and what each end of each connection
// does. Only what the contract allows: see README.md.
#pragma once

#include <tls_async/time_limit.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tls_async::threads {

/// Which executors there are, and how many threads run them.
enum class way {
  single,         ///< One io_context, one thread.
  strand,         ///< Several threads; the socket's executor is a strand.
  bound,          ///< Several threads; a strand is bound to each handler, the socket knows none.
  chain,          ///< Several threads, and no strand.
  pool,           ///< A thread_pool; the socket's executor is a strand of it.
  pool_chain,     ///< A thread_pool, and no strand.
  elsewhere,      ///< Sockets in an io_context, all handlers on a strand of a thread_pool.
  other_strands,  ///< As strand; some handlers are bound to other strands of the same io_context.
  two_contexts,   ///< One io_context for each end.
  scattered  ///< As other_strands, and these are of another io_context and of a thread_pool, too.
};
constexpr int ways = 10;

/// nested: another TLS stream.
enum class transport { tcp, tcp_raw, tcp_strand, tcp_ref, local, beast, beast_timed, nested };
constexpr int transports = 8;

/// How the plaintext of a write is given, or what it is.
enum class form {
  buffer,
  buffers,
  string,
  vector,
  shared,
  relocatable,  ///< Its callable takes a mutex that is held around some starts.
  throwing,     ///< The same, and one of its calls throws.
  file,
  some,
  try_write,
  detached
};
constexpr int forms = 11;

using maybe_limit = std::optional<time_limit>;
/// It is short enough to expire while the program runs.
[[nodiscard]] inline bool may_expire(maybe_limit const& limit) {
  return limit && *limit != time_limit::none() && limit->span() < std::chrono::minutes(30);
}

struct message_plan {
  std::size_t size = 0;
  form given_as = form::buffer;
  maybe_limit limit;
  bool binds = false;  ///< The handler has an executor, an allocator and perhaps a slot.
  bool is_cancelled = false;
  unsigned throws_at = 0;  ///< Which call of a `throwing` one.
  bool holds_mutex = false;
};

struct writer_plan {
  /// chain: each message follows the one before. burst: all at once. `outside_...` are another
  /// thread's: as futures, started there, or posted to the home of the end.
  enum class style { chain, burst, coroutine, outside_future, outside_direct, outside_posted };
  style how = style::chain;
  std::vector<message_plan> messages;
  [[nodiscard]] bool is_outside() const { return how >= style::outside_future; }
};

struct reader_plan {
  enum class style { callbacks, coroutine, operators, thread_of_futures };
  style how = style::callbacks;
  std::size_t room = 16'384;
  std::vector<maybe_limit> limits;  ///< Of the first reads.
  std::size_t cancels = 0;          ///< So many of the first reads.
  bool binds = false;
  bool as_some = false;  ///< async_read_some
  std::size_t second_reads = 0;
};

/// What is done to a stream under way, at home; it is looked at anywhere.
enum class act { move, destroy, close, cancel_below, shut_early, look };
struct act_plan {
  act what = act::look;
  std::chrono::microseconds after{0};
};

struct end_plan {
  std::vector<maybe_limit> handshake_limits;
  std::size_t handshake_cancels = 0;
  bool early_verbs = false;  ///< Reads and writes don't wait for the handshake.
  bool has_hooks = false;    ///< Each question is answered by another thread.
  reader_plan reader;
  std::vector<writer_plan> writers;
  std::size_t key_updates = 0;
  bool asks_peer = false;
  std::size_t key_update_cancels = 0;  ///< So many of the last.
  bool cancels_close = false;          ///< The first tls_close_write.
  bool answers =
      false;  ///< Ends by tls_shutdown when the peer has ended, instead of tls_close_write.
  bool shuts = false;   ///< tls_shutdown after both halves have ended.
  bool leaves = false;  ///< Destroys the stream then, and not at the end of the round.
  bool can_cancel_shutdown = false;
  std::vector<act_plan> acts;
  std::optional<std::chrono::milliseconds> expires_after;  ///< Of a beast::tcp_stream.
};

struct connection_plan {
  transport over = transport::tcp;
  bool tls_1_2 = false;
  /// Calls come from other threads, too; else all of them are made at home.
  bool is_direct = false;
  end_plan client, server;
};

struct round_plan {
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  way runs = way::single;
  unsigned threads = 1;
  unsigned outsiders = 1;
  std::vector<connection_plan> connections;
  std::size_t reload_every = 0;      ///< New contexts after so many connections.
  std::vector<std::size_t> budgets;  ///< One after the other, when all handshakes are done.
  bool renews = false;               ///< The certificate, on a context in use.
  unsigned forks = 0;
  bool tells_of_forks = false;  ///< io_context::notify_fork
  bool keeps_streams = false;   ///< Those over sockets are there until run() has returned.
  bool is_abandoned = false;    ///< The io_context is destroyed while verbs are in progress.
};

/// The plan of one round.
[[nodiscard]] round_plan make_plan(std::uint64_t seed, std::uint64_t number);
/// In a few words.
[[nodiscard]] std::string describe(round_plan const& plan);
[[nodiscard]] char const* name_of(way runs);
[[nodiscard]] char const* name_of(transport over);
[[nodiscard]] char const* name_of(form given_as);

}  // namespace tls_async::threads
