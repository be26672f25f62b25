// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "wire.hpp"

#include <algorithm>
#include <utility>

namespace tls_async::test::model {

namespace asio = boost::asio;

std::size_t direction::may_pass() const {
  return is_held ? std::min(granted, bytes.size()) : bytes.size();
}

std::string direction::pass(std::size_t most) {
  std::size_t const n = std::min({most, may_pass(), largest});
  std::string passed = bytes.substr(0, n);
  bytes.erase(0, n);
  if (is_held) granted -= n;
  return passed;
}

void wire::waiting::finish(error_code ec, std::size_t n) {
  if (!handler) return;
  auto done = std::move(*handler);
  handler.reset();
  if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected()) slot.clear();
  asio::post(std::exchange(executor, {}), asio::append(std::move(done), ec, n));
}

void wire::fail(error_code why) {
  failure_ = why;
  in.bytes.clear();
  out.bytes.clear();
}

void wire::open() {
  for (direction* const way : {&in, &out}) {
    way->room = way->largest = SIZE_MAX;
    way->granted = 0;
    way->is_held = false;
  }
}

std::optional<std::size_t> wire::take(std::string_view from, error_code& ec) {
  ec = failure_;
  if (ec || from.empty()) return 0;
  if (out.has_ended) {
    ec = asio::error::broken_pipe;
    return 0;
  }
  std::size_t const space = out.room - std::min(out.room, out.bytes.size());
  std::size_t const n = std::min({from.size(), space, out.largest});
  if (n == 0) return {};
  out.bytes += from.substr(0, n);
  if (took_at != virtual_clock::now()) took_before = std::exchange(took_at, virtual_clock::now());
  return n;
}

std::optional<std::size_t> wire::give(asio::mutable_buffer into, error_code& ec) {
  ec = failure_;
  if (ec) return 0;
  if (into.size() == 0) return {};
  if (in.may_pass() == 0) {
    if (!in.has_ended || !in.bytes.empty()) return {};
    ec = asio::error::eof;
    return 0;
  }
  std::string const given = in.pass(into.size());
  return asio::buffer_copy(into, asio::buffer(given));
}

// What the peer gets, and what it answers.
bool wire::move() {
  bool moved = false;
  if (out.may_pass() != 0) {
    moved = true;
    peer_.receive(out.pass(SIZE_MAX));
  }
  auto const sent = peer_.send();
  if (in.has_ended || failure_) return moved;
  in.bytes += sent;
  return moved || !sent.empty();
}

bool wire::settle() {
  bool moved = false;
  for (bool more = true; more;) {
    more = move();
    error_code ec;
    if (writer.handler) {
      std::string bytes(asio::buffer_size(writer.from), '\0');
      asio::buffer_copy(asio::buffer(bytes), writer.from);
      if (auto const n = take(bytes, ec)) {
        more = true;
        writer.finish(ec, *n);
      }
    }
    if (reader.handler) {
      auto const empty = asio::buffer_size(reader.into) == 0;
      for (auto const& place : reader.into) {
        auto const n = give(place, ec);
        if (!n) continue;
        more = true;
        reader.finish(ec, *n);
        break;
      }
      if (empty) reader.finish(failure_, 0);
    }
    moved = moved || more;
  }
  return moved;
}

void wire::abandon() {
  for (waiting* const who : {&reader, &writer}) {
    who->handler.reset();
    who->executor = {};
  }
}

}  // namespace tls_async::test::model
