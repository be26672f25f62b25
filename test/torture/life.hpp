// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What lives over any next layer have in common: the contexts, a pair of parties, and how the life
// goes on to its end and is judged.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "contexts.hpp"
#include "party.hpp"
#include "side_executor.hpp"

namespace tls_async::test::torture {

struct life_plan {
  bool updates_keys = false;
  bool is_short = false;
  bool has_deadlines = false;
  bool breaks_off = false;
  bool is_resumed = false;
  context_kind contexts = context_kind::usual;
  stream_options options = {};
};

inline context_pair& contexts_of(life_plan const& plan) { return contexts_of(plan.contexts); }

/// More handlers than any life has.
inline constexpr int most_steps = 50'000;

/// Before a complaint that this explains.
inline std::string const behind_bad_alloc = "behind bad_alloc from a verb or the event loop: ";

template <class Stream>
struct life_pair {
  std::optional<party<Stream>> client, server;
  bool is_made = false;

  template <class Layer>
  void make(life_plan const& plan, bool is_tortured, Layer of_client, Layer of_server) {
    auto& contexts = contexts_of(plan);
    auto const plan_of = [&](bool is_client) {
      return party_plan{is_client,
                        is_tortured,
                        plan.updates_keys,
                        plan.is_short,
                        plan.has_deadlines,
                        plan.breaks_off && is_client,
                        plan.contexts != context_kind::budget};
    };
    try {
      std::optional<Stream> made_client, made_server;
      {
        armed const scope(is_tortured);
        made_client.emplace(std::move(of_client), contexts.client, plan.options);
        made_server.emplace(std::move(of_server), contexts.server, plan.options);
      }
      if (plan.is_resumed) resume(*made_client, contexts);
      client.emplace(std::move(*made_client), plan_of(true));
      server.emplace(std::move(*made_server), plan_of(false));
    } catch (std::bad_alloc const&) {
      return;
    }
    client->expect(*server);
    server->expect(*client);
    is_made = true;
  }

  void start() {
    if (!is_made) return;
    client->start();
    server->start();
  }
  [[nodiscard]] char const* waits_for() const {
    if (!is_made) return nullptr;
    auto const* const waits = client->waits_for();
    return waits != nullptr ? waits : server->waits_for();
  }
  [[nodiscard]] bool has_error() const {
    return !is_made || client->has_error() || server->has_error();
  }
  [[nodiscard]] bool has_thrown() const {
    return is_made && (client->has_thrown() || server->has_thrown());
  }
  [[nodiscard]] bool is_done() const { return is_made && client->is_done() && server->is_done(); }
  void tell() const {
    if (!is_made) return;
    client->tell();
    server->tell();
  }
  void destroy() {
    if (!is_made) return;
    client->destroy();
    server->destroy();
  }
  void judge(outcome& found) const {
    if (!is_made) return;
    client->judge(found);
    server->judge(found);
  }

private:
  // A copy: a session that has seen a fatal alert is not resumed again.
  static void resume(Stream& stream, context_pair& contexts) {
    SSL_SESSION* const session = SSL_SESSION_dup(contexts.session.get());
    SSL_set_session(stream.native_handle(), session);
    SSL_SESSION_free(session);
  }
};

/// Runs what there is to run; false if there was no end of it. What was thrown out of it counts.
inline bool run(boost::asio::io_context& io, int& thrown) {
  for (int i = 0; i != most_steps; ++i) {
    io.restart();
    try {
      if (io.poll_one() == 0) return true;
    } catch (std::bad_alloc const&) {
      ++thrown;
    }
  }
  return false;
}

/// `pass_time` lets what is due by then expire. `shares_budget`: one pair may wait for the other.
template <class Pair, class PassTime>
void run_life(outcome& found, boost::asio::io_context& io, Pair& first, Pair& other,
              PassTime pass_time, bool shares_budget = false) {
  int thrown = 0;
  other.start();
  first.start();
  bool ends = run(io, thrown);
  auto const complain = [&](std::string const& what, bool may_follow = true) {
    bool const follows = may_follow && (thrown != 0 || first.has_thrown());
    found.complain((follows ? behind_bad_alloc : "") + what);
  };
  if (char const* const late = first.waits_for(); late != nullptr) {
    if (trap::tells) first.tell();
    // Whom run() has told of an exception has to destroy the stream.
    if (thrown == 0 && !first.has_thrown()) pass_time(std::chrono::seconds(60));
    ends = run(io, thrown) && ends;
    complain((first.waits_for() != nullptr ? "no end of " : "only time ended ") +
             std::string(late));
  }
  bool const has_error = first.has_error() || thrown != 0;
  first.destroy();
  ends = run(io, thrown) && ends;
  if (char const* const verb = first.waits_for(); verb != nullptr)
    complain("no end, even without a stream, of " + std::string(verb));
  // Whoever gave the memory back may have had none to tell it: who waits asks again.
  for (int i = 0; i != 3 && shares_budget && !other.is_done(); ++i) {
    pass_time(std::chrono::seconds(2));
    ends = run(io, thrown) && ends;
  }
  if (trap::tells) first.tell();
  if (trap::tells && !other.is_done()) other.tell();
  first.judge(found);
  other.judge(found);
  if (!ends) found.complain("no end of handlers");
  if (!has_error && !first.is_done()) found.complain("no error, and not all was done");
  if (!other.is_done()) complain("the other pair did not come to its end", shares_budget);
  if (auto const errors = left_errors(); !errors.empty())
    found.complain("left in OpenSSL's queue: " + errors);
  found.has_error = has_error;
  found.is_complete = first.is_done() && !has_error;
}

}  // namespace tls_async::test::torture
