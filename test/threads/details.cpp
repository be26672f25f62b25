// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The words.
#include "details.hpp"

#include <array>
#include <sstream>

namespace tls_async::threads {
namespace {

std::string limits(std::vector<maybe_limit> const& all) {
  std::ostringstream told;
  for (maybe_limit const& one : all) {
    told << ' ';
    if (!one) {
      told << '-';
    } else if (*one == time_limit::none()) {
      told << "max";
    } else {
      told << one->span().count() / 1'000 << "us";
    }
  }
  return told.str();
}

void tell(std::ostream& out, end_plan const& of) {
  static constexpr std::array readers{"callbacks", "coroutine", "operators", "thread of futures"};
  static constexpr std::array writers{"chain",          "burst",          "coroutine",
                                      "outside future", "outside direct", "outside posted"};
  static constexpr std::array acts{"move",         "destroy",    "close",
                                   "cancel below", "shut early", "look"};
  if (!of.handshake_limits.empty())
    out << " handshake within" << limits(of.handshake_limits) << ';';
  if (of.handshake_cancels != 0) out << " cancelled " << of.handshake_cancels << " times;";
  out << (of.early_verbs ? " early;" : "") << (of.has_hooks ? " hooks;" : "") << " reads by "
      << readers[static_cast<std::size_t>(of.reader.how)] << " of " << of.reader.room << " within"
      << limits(of.reader.limits) << ", " << of.reader.cancels << " cancelled;";
  for (writer_plan const& writer : of.writers) {
    out << "\n      writes by " << writers[static_cast<std::size_t>(writer.how)] << ':';
    for (message_plan const& message : writer.messages) {
      out << ' ' << message.size << ' ' << name_of(message.given_as)
          << (message.limit ? limits({message.limit}) : "")
          << (message.is_cancelled ? " cancelled" : "") << ',';
    }
  }
  out << "\n      " << of.key_updates << " key updates" << (of.asks_peer ? " of both" : "")
      << (of.answers ? ", answers" : "") << (of.shuts ? ", shuts" : "")
      << (of.leaves ? ", leaves" : "") << (of.can_cancel_shutdown ? ", cancels that" : "");
  for (act_plan const& one : of.acts)
    out << ", " << acts[static_cast<std::size_t>(one.what)] << " after " << one.after.count()
        << "us";
  if (of.expires_after) out << ", expires after " << of.expires_after->count() << "ms";
  out << '\n';
}

}  // namespace

std::string details(round_plan const& plan) {
  std::ostringstream out;
  for (std::size_t i = 0; i != plan.connections.size(); ++i) {
    connection_plan const& one = plan.connections[i];
    out << "  " << i << " over " << name_of(one.over) << (one.tls_1_2 ? ", TLS 1.2" : "")
        << (one.is_direct ? ", direct" : "") << "\n    client:";
    tell(out, one.client);
    out << "    server:";
    tell(out, one.server);
  }
  return out.str();
}

}  // namespace tls_async::threads
