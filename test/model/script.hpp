// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A script as a value: what is set on both ends, and what happens in which order. It is made of a
// seed, printed as text, read from that text again, and made shorter. Knows nothing of streams.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async::test::model {

/// What happens.
enum class act : unsigned char {
  // Verbs of the subject.
  handshake,
  read,
  write,
  key_update,
  close_write,
  shutdown,
  // Of its peer.
  peer_says,  ///< So many bytes of plaintext.
  peer_closes,
  peer_renews,        ///< Its keys; `both` asks for the subject's.
  peer_does,          ///< The deed of that number (tls_async_test/deeds.hpp).
  peer_renegotiates,  ///< It asks to (TLS 1.2).
  // Of the network.
  net_holds,
  net_delivers,
  net_releases,
  net_room,    ///< How much it holds before who writes has to wait.
  net_moves,   ///< The most that one read or write moves.
  net_ends,    ///< The subject reads the end of the transport behind what is on its way.
  net_breaks,  ///< The subject's next reads and writes fail, and what is on its way is lost.
  // Of the program.
  cancel,        ///< The n-th of the verbs that are in progress, by its slot.
  cancel_other,  ///< The same of those that are no key_update and no close_write.
  cancel_layer,  ///< By lowest_layer().cancel().
  clock,         ///< So many milliseconds pass.
  budget,        ///< The context's memory is so much from now on.
  move,
  destroy,
  destroy_loop,  ///< The io_context.
  throws,        ///< The next handler does, at its end.
  run,           ///< So many handlers.
  settle         ///< All handlers that can run.
};
inline constexpr std::size_t acts = static_cast<std::size_t>(act::settle) + 1;
inline constexpr std::size_t verbs = static_cast<std::size_t>(act::shutdown) + 1;

/// How a verb is given its buffers, or which variant of an act it is.
enum class form : unsigned char {
  plain,     ///< One buffer; as_client{host}; the keys that we send with.
  sequence,  ///< Several, some of them empty; a handshake with what has come already.
  owned,     ///< A string that the stream takes over.
  shared,    ///< By shared_ptr.
  moving,    ///< A callable, whose bytes lie elsewhere each time.
  throwing,  ///< A callable that throws when it is asked again.
  some,      ///< async_write_some, async_read_some.
  attempt,   ///< tls_try_write.
  file,      ///< tls_sendfile.
  composed,  ///< asio::async_write, asio::async_read.
  member,    ///< The member that Asio's stream has too.
  both,      ///< Both sides' keys; both directions of the network.
  in,        ///< What comes to the subject.
  out,
  partial,  ///< Cancellation types; terminal is plain.
  total
};
inline constexpr std::size_t forms = static_cast<std::size_t>(form::total) + 1;

/// How it is told the result.
enum class way : unsigned char { callback, strand, coroutine, future, blocking };
inline constexpr std::size_t ways = static_cast<std::size_t>(way::blocking) + 1;

inline constexpr std::uint64_t no_limit = UINT64_MAX;

struct event {
  act what = act::settle;
  std::uint64_t n = 0;
  form buffers = form::plain;
  way told = way::callback;
  std::uint64_t within = no_limit;  ///< Milliseconds; what is more than a clock counts is `max`.
  bool inside = false;              ///< In the next handler that runs.

  [[nodiscard]] bool is_verb() const { return static_cast<std::size_t>(what) < verbs; }
  bool operator==(event const&) const = default;
};

struct script {
  std::uint64_t seed = 0;                       ///< It was made of.
  std::map<std::string, std::string> settings;  ///< Those that are not the default.
  std::vector<event> events;

  bool operator==(script const&) const = default;
};

/// Subjects need not agree, since their verbs end at different times.
bool is_disturbed(script const& which);

std::string name_of(act what);
std::string name_of(form which);
std::string name_of(way which);
std::string text_of(event const& one);
/// One line for each setting and event, or all in one line.
std::string text_of(script const& whole, std::string_view between = "\n");
/// Throws std::runtime_error for what it doesn't understand. `#` begins a comment.
script parse(std::string_view text);

}  // namespace tls_async::test::model
