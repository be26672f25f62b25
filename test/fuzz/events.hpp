// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The events of the scripts, by their numbers: what a target reads and the seeds are written with.
// Whoever moves one makes another corpus of each that there is.
#pragma once

#include <cstddef>

namespace tls_async::test {

/// Of a scripted peer. Whatever they make is behind what is on the wire.
enum peer_act : std::size_t {
  peer_next,     ///< The next record of its part of the session.
  peer_all,      ///< All of them.
  peer_says,     ///< Numbered plaintext: size, padding.
  record_due,    ///< Under the keys that are due: type, text.
  record_plain,  ///< In the clear: type, text.
  record_wrong,  ///< Under keys that nobody has agreed on: type, text.
  raw_bytes,     ///< Text.
  key_update,    ///< And new keys, if it is one: the request.
  alert,         ///< Level, number.
  message,       ///< A handshake message in parts: type, parts, text.
  flip,          ///< A bit of the next record: where.
  lie,           ///< The next record's length.
  drop,          ///< The next record is left out.
  swap_next,     ///< The next comes behind the one that follows it.
  split,         ///< The next record, in parts: how many.
  merge,         ///< The next two, if they are of a type, in one record.
  own_verb,      ///< OpenSSL closes (0), updates its keys (1, 2) or writes: size.
  peer_acts
};

/// Of engine_fuzzer, behind those of its peer.
enum engine_event : std::size_t {
  deliver = peer_acts,  ///< The way, size (0: all).
  flush,                ///< Size (0: all).
  seal,                 ///< Size.
  open,                 ///< Size.
  go_on,
  update_keys,  ///< Whether the peer is asked.
  close_session,
  rest,               ///< Whether with the buffers.
  allow_key_updates,  ///< How many.
  open_all,
  engine_events
};

/// Of two_engines_fuzzer; doubled, and one more for the server.
enum pair_event : std::size_t {
  pair_move,  ///< The way, size.
  pair_seal,  ///< Size.
  pair_open,  ///< Size.
  pair_go_on,
  pair_update_keys,  ///< Whether the peer is asked.
  pair_close,
  pair_rest,  ///< Whether with the buffers.
  pair_open_all,
  pair_move_all,
  pair_corrupt,  ///< Where, how.
  pair_events
};

/// Of ring_fuzzer.
enum ring_event : std::size_t {
  ring_attach,
  ring_detach,
  ring_write,   ///< OpenSSL does: size.
  ring_read,    ///< OpenSSL does: size.
  ring_flush,   ///< Size.
  ring_commit,  ///< Text.
  ring_begin_fill,
  ring_end_fill,  ///< Text.
  ring_take,      ///< Text.
  ring_events
};

/// Of pem_fuzzer, each with a way to put texts together, a text, and a password and its size.
enum pem_event : std::size_t {
  pem_chain,
  pem_key,
  pem_identity,
  pem_trust,
  pem_require,
  pem_again,
  pem_events
};

/// Of http2_fuzzer.
enum http2_event : std::size_t {
  http2_request,  ///< Bits, the size of the path in one byte, path.
  http2_data,     ///< Stream, whether it is the last, size.
  http2_frame,    ///< Type, flags, stream, text.
  http2_raw,      ///< Text.
  http2_send,     ///< Size.
  http2_poll,
  http2_events
};

}  // namespace tls_async::test
