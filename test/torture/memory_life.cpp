// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The whole life of a client and a server over a memory link, with a second pair beside them on the
// same event loop, whose contexts and pools they share, and which must not notice anything.
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <openssl/ssl.h>

#include <tls_async_test/virtual_clock.hpp>
#include "failing_layer.hpp"
#include "life.hpp"

namespace tls_async::test::torture {
namespace {

using tls = stream<failing_layer, virtual_clock>;

struct memory_pair : life_pair<tls> {
  memory_pair(boost::asio::io_context& io, life_plan const& plan, bool is_tortured) {
    auto ends = memory_stream::make(executor_of_side(io, is_tortured));
    // It takes all: an error waits for its alert to leave, which a link that is full would stop.
    for (auto* const end : {&ends.first, &ends.second})
      end->outgoing().largest_transfer = 9'000;
    failing_layer of_client(std::move(ends.first)), of_server(std::move(ends.second));
    make(plan, is_tortured, std::move(of_client), std::move(of_server));
  }
};

// Lets every timer expire that is due when so much time has passed.
void pass(boost::asio::io_context& io, virtual_clock::duration time) {
  virtual_clock::advance(time);
  boost::asio::basic_waitable_timer<virtual_clock> last(io, virtual_clock::now());
  bool is_over = false;
  last.async_wait([&](error_code) { is_over = true; });
  for (int i = 0; !is_over && i != most_steps; ++i) {
    io.restart();
    try {
      io.run_one_for(std::chrono::seconds(10));
    } catch (std::bad_alloc const&) {
    }
  }
}

outcome live(life_plan const& plan) {
  outcome found;
  boost::asio::io_context io(1);
  memory_pair other(io, {.is_short = true, .contexts = plan.contexts}, false);
  memory_pair first(io, plan, true);
  run_life(
      found, io, first, other, [&](std::chrono::seconds time) { pass(io, time); },
      plan.contexts == context_kind::budget);
  if (plan.breaks_off && !trap::has_sprung()) found.is_complete = true;
  return found;
}

template <life_plan const& Plan>
script script_of(std::string_view name, std::vector<kind> fails) {
  return {name, [] { return live(Plan); }, [] { (void)contexts_of(Plan); }, std::move(fails)};
}

life_plan const tls13{.updates_keys = true};
life_plan const tls12{.contexts = context_kind::tls12};
life_plan const resumed13{.updates_keys = true, .is_resumed = true};
life_plan const resumed12{.is_resumed = true, .contexts = context_kind::tls12};
life_plan const client_certificate{.updates_keys = true,
                                   .contexts = context_kind::client_certificate};
life_plan const budget{.updates_keys = true, .contexts = context_kind::budget};
life_plan const deadlines{.updates_keys = true, .has_deadlines = true};
life_plan const broken_off{.breaks_off = true};

}  // namespace

std::vector<script> memory_scripts() {
  std::vector<kind> const all{kind::our_memory, kind::openssl_memory, kind::next_layer,
                              kind::openssl_call};
  return {script_of<tls13>("tls13", all),
          script_of<tls12>("tls12", all),
          script_of<resumed13>("resumed13", all),
          script_of<resumed12>("resumed12", all),
          script_of<client_certificate>("client_certificate", all),
          script_of<budget>("budget", all),
          script_of<deadlines>("deadlines", {kind::our_memory, kind::next_layer}),
          script_of<broken_off>("broken_off", {kind::our_memory, kind::openssl_memory})};
}

}  // namespace tls_async::test::torture
