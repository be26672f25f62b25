// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Draws the plans.
#include "settings.hpp"

#include <algorithm>
#include <array>

namespace tls_async::threads {
namespace {

using namespace std::chrono_literals;

class dice {
public:
  explicit dice(std::uint64_t seed) : random_(seed) {}
  /// 0 to n - 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  /// Once in n times.
  bool once_in(std::size_t n) { return below(n) == 0; }
  template <class T, std::size_t N>
  T one_of(std::array<T, N> const& all) {
    return all[below(N)];
  }

private:
  std::mt19937_64 random_;
};

// What may be done to one end of a connection, by the way its round runs.
struct allowed {
  bool home_is_strand;  ///< Or one thread: what runs there doesn't overlap.
  bool slots;           ///< Where handlers are bound to a strand, which emits on them.
  bool acts;            ///< Calls that are no verbs.
  bool plain;           ///< Handlers without an executor.
  bool moves_in;        ///< Destroying and moving under way.
};

maybe_limit draw_limit(dice& d) {
  switch (d.below(8)) {
    case 0:
      return time_limit(0ns);
    case 1:
      return time_limit(1us);
    case 2:
      return time_limit(std::chrono::microseconds(20 + d.below(500)));
    case 3:
      return time_limit(std::chrono::milliseconds(1 + d.below(10)));
    case 4:
      return time_limit(1h);
    case 5:
      return time_limit(std::chrono::hours::max());
    default:
      return {};
  }
}

std::size_t draw_size(dice& d) {
  switch (d.below(16)) {
    case 0:
      return 0;
    case 1:
      return 16'384;
    case 2:
      return 16'385 + d.below(60'000);
    case 3:
    case 4:
      return 1'000 + d.below(15'000);
    default:
      return 1 + d.below(900);
  }
}

writer_plan draw_writer(dice& d, allowed const& may, bool is_direct, bool has_futures,
                        bool has_outsiders) {
  using style = writer_plan::style;
  writer_plan made;
  if (is_direct) {
    made.how = d.one_of(std::array{style::chain, style::burst, style::outside_direct,
                                   style::outside_direct, style::outside_future, style::coroutine});
    if (made.how == style::coroutine && !may.home_is_strand) made.how = style::chain;
    if (made.how == style::outside_future && !has_futures) made.how = style::outside_direct;
  } else {
    made.how = d.one_of(std::array{style::chain, style::burst, style::coroutine,
                                   style::outside_posted, style::outside_posted});
    if (made.how == style::outside_posted && !has_outsiders) made.how = style::burst;
  }
  made.messages.resize(1 + d.below(12));
  for (message_plan& message : made.messages) {
    message.size = draw_size(d);
    message.given_as = static_cast<form>(d.below(forms));
    if (message.given_as == form::some && message.size == 0) message.size = 1;
    if (d.once_in(6)) message.limit = draw_limit(d);
    message.binds = !may.plain || d.once_in(2);
    message.is_cancelled = may.slots && d.once_in(8);
    message.throws_at = static_cast<unsigned>(d.below(4));
    message.holds_mutex = d.once_in(3);
  }
  return made;
}

reader_plan draw_reader(dice& d, allowed const& may, bool is_direct, bool has_futures) {
  using style = reader_plan::style;
  reader_plan made;
  made.how = is_direct && has_futures && d.once_in(6) ? style::thread_of_futures
             : may.home_is_strand && d.once_in(3)     ? style::coroutine
                                                      : style::callbacks;
  if (made.how == style::coroutine && may.slots && d.once_in(2)) made.how = style::operators;
  // Byte by byte only where few are to come.
  made.room = d.once_in(8) ? 1 : d.one_of(std::array<std::size_t, 4>{700, 4'096, 16'384, 40'000});
  made.binds = !may.plain || d.once_in(2);
  made.as_some = d.once_in(3);
  made.limits.resize(d.below(12));
  for (maybe_limit& limit : made.limits)
    limit = draw_limit(d);
  if (may.slots) made.cancels = d.below(6);
  if (may.home_is_strand && !is_direct && made.how == style::callbacks && d.once_in(4))
    made.second_reads = 2;
  return made;
}

std::vector<act_plan> draw_acts(dice& d, allowed const& may, bool is_beast) {
  std::vector<act_plan> made;
  auto const add = [&](act what) {
    made.push_back({what, std::chrono::microseconds(d.below(d.once_in(2) ? 500 : 8'000))});
  };
  if (may.moves_in) {
    for (std::size_t n = d.below(4); n != 0; --n)
      add(act::move);
    if (d.once_in(8)) add(act::destroy);
  }
  for (std::size_t n = d.below(3); n != 0; --n)
    add(act::look);
  if (may.acts) {
    if (d.once_in(10)) add(act::close);
    if (d.once_in(6)) add(act::shut_early);
    if (!is_beast && d.once_in(3)) {
      add(act::cancel_below);
      if (d.once_in(2)) add(act::cancel_below);
    }
  }
  return made;
}

end_plan draw_end(dice& d, allowed const& may, connection_plan const& in, bool has_futures,
                  bool has_outsiders, bool has_key_updates) {
  bool const is_beast = in.over == transport::beast || in.over == transport::beast_timed;
  end_plan made;
  if (d.once_in(3)) {
    made.handshake_limits.resize(1 + d.below(3));
    for (maybe_limit& limit : made.handshake_limits)
      limit = draw_limit(d);
  }
  if (may.slots && d.once_in(4)) made.handshake_cancels = 1 + d.below(2);
  made.early_verbs = d.once_in(4);
  made.has_hooks = has_futures && !made.early_verbs && d.once_in(4);
  made.reader = draw_reader(d, may, in.is_direct, has_futures);
  made.writers.resize(d.below(5));
  for (writer_plan& writer : made.writers)
    writer = draw_writer(d, may, in.is_direct, has_futures, has_outsiders);
  if (has_key_updates) {
    made.key_updates = d.below(5);
    made.asks_peer = d.once_in(2);
    if (may.slots && d.once_in(2)) made.key_update_cancels = 1 + d.below(3);
  }
  made.cancels_close = may.slots && d.once_in(3);
  made.shuts = d.once_in(2);
  made.leaves = may.moves_in && d.once_in(2);
  made.can_cancel_shutdown = may.slots && d.once_in(3);
  made.acts = draw_acts(d, may, is_beast);
  // Nobody is told what became of a detached write, so all of it has to leave.
  bool const may_end_it = std::ranges::any_of(made.acts, [](act_plan const& one) {
    return one.what == act::cancel_below || one.what == act::shut_early;
  });
  for (writer_plan& writer : made.writers) {
    for (message_plan& message : writer.messages) {
      if (message.given_as == form::detached && may_end_it) message.given_as = form::string;
    }
  }
  if (in.over == transport::beast_timed) {
    made.expires_after =
        d.once_in(4) ? std::chrono::milliseconds(d.below(30)) : std::chrono::milliseconds(10min);
  }
  return made;
}

// Where a transport can't run in this way: its executor has another type, or a timer of its own
// that needs a strand.
bool fits(transport over, way runs) {
  switch (over) {
    case transport::tcp_raw:
      return runs == way::single || runs == way::bound || runs == way::chain ||
             runs == way::elsewhere;
    case transport::tcp_strand:
      return runs == way::strand || runs == way::other_strands || runs == way::two_contexts ||
             runs == way::scattered;
    case transport::beast:
    case transport::beast_timed:
      return runs == way::single || runs == way::strand || runs == way::pool ||
             runs == way::two_contexts;
    default:
      return true;
  }
}

connection_plan draw_connection(dice& d, round_plan const& in) {
  connection_plan made;
  do {
    made.over = static_cast<transport>(d.below(transports));
    // The stream above holds its ring until that below has sent, and both count for one budget.
  } while (!fits(made.over, in.runs) || (made.over == transport::nested && !in.budgets.empty()));
  made.tls_1_2 = d.once_in(4);
  bool const is_chain = in.runs == way::chain || in.runs == way::pool_chain;
  made.is_direct = is_chain || in.runs == way::other_strands || in.runs == way::scattered ||
                   (!in.tells_of_forks && d.once_in(3));
  // A timeout of Beast's closes the socket at home, which must not meet a verb that starts.
  if (made.over == transport::beast_timed) made.is_direct = false;
  bool const strand_below = in.runs == way::single || in.runs == way::strand ||
                            in.runs == way::pool || in.runs == way::two_contexts;
  allowed may{};
  may.home_is_strand = !is_chain;
  may.slots = !is_chain;
  may.acts = strand_below && !made.is_direct;
  may.plain = made.is_direct || (in.runs != way::bound && in.runs != way::elsewhere);
  may.moves_in = true;
  bool const has_futures = !in.is_abandoned;
  bool const has_key_updates = d.once_in(2);
  made.client = draw_end(d, may, made, has_futures, in.outsiders != 0, has_key_updates);
  made.server = draw_end(d, may, made, has_futures, in.outsiders != 0, has_key_updates);
  if (d.once_in(3)) (d.once_in(2) ? made.client : made.server).answers = true;
  auto const slow = [](end_plan& reader, end_plan const& peer) {
    std::size_t bytes = 0;
    for (writer_plan const& writer : peer.writers) {
      for (message_plan const& message : writer.messages)
        bytes += message.size;
    }
    if (reader.reader.room == 1 && bytes > 3'000) reader.reader.room = 1'000;
  };
  slow(made.client, made.server);
  slow(made.server, made.client);
  return made;
}

}  // namespace

round_plan make_plan(std::uint64_t seed, std::uint64_t number) {
  dice d(seed * 0x9e3779b97f4a7c15U + number);
  round_plan made;
  made.seed = seed;
  made.number = number;
  // In turn, so that a few rounds meet them all.
  made.runs = static_cast<way>((seed + number) % ways);
  made.threads = made.runs == way::single ? 1U : 2U + static_cast<unsigned>(d.below(3));
  made.tells_of_forks = made.runs == way::single && d.once_in(2);
  made.outsiders = made.tells_of_forks ? 0U : 1U + static_cast<unsigned>(d.below(3));
  bool const has_several =
      made.runs == way::two_contexts || made.runs == way::elsewhere || made.runs == way::scattered;
  made.is_abandoned = !has_several && d.once_in(5);
  made.reload_every = d.once_in(2) ? 3 + d.below(6) : 0;
  if (d.once_in(2)) {
    made.budgets.resize(1 + d.below(12));
    for (std::size_t& budget : made.budgets)
      budget = d.one_of(std::array<std::size_t, 6>{0, 1, 30'000, 300'000, 700'000, 5'000'000});
  }
  made.renews = d.once_in(3);
  // Then nobody but its one thread may touch the io_context.
  if (made.tells_of_forks) {
    made.budgets.clear();
    made.renews = false;
  }
  made.keeps_streams = !made.is_abandoned && d.once_in(2);
  made.forks = d.once_in(3) || made.tells_of_forks ? 1U + static_cast<unsigned>(d.below(3)) : 0U;
  std::size_t const connections = 6 + d.below(20);
  for (std::size_t i = 0; i != connections; ++i)
    made.connections.push_back(draw_connection(d, made));
  return made;
}

char const* name_of(way runs) {
  static constexpr std::array names{"single",       "strand",     "bound",     "chain",
                                    "pool",         "pool chain", "elsewhere", "other strands",
                                    "two contexts", "scattered"};
  return names[static_cast<std::size_t>(runs)];
}
char const* name_of(transport over) {
  static constexpr std::array names{"tcp",   "tcp raw", "tcp strand",  "tcp ref",
                                    "local", "beast",   "beast timed", "nested"};
  return names[static_cast<std::size_t>(over)];
}
char const* name_of(form given_as) {
  static constexpr std::array names{"buffer", "buffers",     "string",   "vector",
                                    "shared", "relocatable", "throwing", "file",
                                    "some",   "try write",   "detached"};
  return names[static_cast<std::size_t>(given_as)];
}

std::string describe(round_plan const& plan) {
  return "--seed " + std::to_string(plan.seed) + ", round " + std::to_string(plan.number) + ": " +
         name_of(plan.runs) + ", " + std::to_string(plan.threads) + " threads, " +
         std::to_string(plan.outsiders) + " outside, " + std::to_string(plan.connections.size()) +
         " connections" + (plan.is_abandoned ? ", abandoned" : "") +
         (plan.budgets.empty() ? "" : ", budgets");
}

}  // namespace tls_async::threads
