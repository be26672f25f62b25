// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What differs where OpenSSL itself works on the socket, for kernel TLS: what is sealed is sent,
// and the gates only wait until the socket has room or input.
#pragma once

#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tls_async::detail {

// Asking for it is the only way to know. A socket that has it and no keys goes on as before.
inline bool kernel_has_tls(int socket) {
  std::array<char, 16> name{};
  auto size = static_cast<socklen_t>(name.size() - 1);
  if (getsockopt(socket, IPPROTO_TCP, TCP_ULP, name.data(), &size) == 0 &&
      std::string_view(name.data()) == "tls") {
    return true;
  }
  return setsockopt(socket, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0;
}

inline step stream_core::negotiate() {
  if (options_.ktls != ktls::off && !engine_.handshake_begun()) {
    if (int const socket = descriptor(); socket != -1)
      engine_.use_descriptor(socket, &kernel_has_tls);
  }
  return engine_.handshake();
}

inline void stream_core::sent_directly(std::size_t plaintext) {
  constexpr std::size_t cost_of_a_call = 1024;
  sent_this_turn_ += plaintext + cost_of_a_call;
  last_progress_ = now();
  ++engine_.stats().flushes;
}

// The kernel reads the file and seals it. False if that did not work: then reading it will tell
// why, or that it is at its end.
inline bool stream_core::send_file(write_operation& write) {
  auto const& part = *write.file();
  auto const length =
      static_cast<std::size_t>(std::min<std::uint64_t>(part.length, most_sent_a_turn));
  step const sent = engine_.sendfile(part.file, part.offset, length);
  if (!went_on(sent) || sent.bytes == 0) return false;
  sent_directly(sent.bytes);
  write.advance(sent.bytes);
  if (part.length == 0) {
    output_queue_.pop_front();
    ++engine_.stats().messages;
    finish_sealed(write);
  }
  return true;
}

inline void stream_core::has_room(gate_step from, error_code ec) {
  flushing_ = false;
  if (closed_) return;
  end_flush(ec);
  drive(&from);
}

// OpenSSL takes it from there.
inline void stream_core::has_input(gate_step from, error_code ec) {
  if (!end_fill(ec)) return drive(&from);
  if (closed_) return;
  if (ec == boost::asio::error::operation_aborted) {
    if (engine_.handshake_done() && engine_.in_handshake()) end_outputs(ec);
    end_inputs(ec);
  } else if (ec) {
    input_end_ = end_of_input(ec);
  }
  drive(&from);
}

}  // namespace tls_async::detail
