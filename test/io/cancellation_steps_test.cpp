// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A whole session, re-run once for every step of it, every verb that is outstanding there and every
// type of cancellation: the verb is cancelled before that step and started again, and no byte may
// be wrong. boost::asio::ssl::stream is driven by the same scripts, as far as its interface goes;
// that is a report (docs/asio-cancellation.md), not a test.
#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "session_pair.hpp"

namespace {

using namespace tls_async::test;
using boost::asio::cancellation_type;

// A sanitizer takes ten times as long for each.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t one_in = 5;
#else
constexpr std::size_t one_in = 1;
#endif

// A disturbance of a session that can be told in words.
struct disturbance {
  std::size_t step;
  bool is_client;
  lane_name lane;
  cancellation_type type;

  [[nodiscard]] std::string text() const {
    constexpr std::array lanes{"control verb", "read", "write", "second write"};
    return "type " + std::to_string(static_cast<unsigned>(type)) + " to the " +
           (is_client ? "client's " : "server's ") + lanes.at(static_cast<std::size_t>(lane)) +
           " before step " + std::to_string(step);
  }
};

// Every verb that is outstanding before a step of an undisturbed session.
template <class Pair>
std::vector<disturbance> all_of_type(session_plan const& plan, cancellation_type type) {
  std::vector<disturbance> points;
  std::size_t outstanding = 0;
  Pair session(plan);
  session.run([&](std::size_t i) {
    for (bool const is_client : {true, false}) {
      for (auto const lane : all_lanes) {
        if (session.side(is_client).is_outstanding(lane) && outstanding++ % one_in == 0)
          points.push_back({i, is_client, lane, type});
      }
    }
  });
  BOOST_TEST_REQUIRE(session.verdict() == "");
  return points;
}

// How many scripts ended in which way.
struct tally {
  std::size_t scripts = 0;
  std::size_t cancelled = 0;  // a verb ended with operation_aborted
  std::size_t wrong = 0;      // other bytes arrived than were reported as written
  std::size_t failed = 0;     // an error that nobody asked for
  std::size_t stuck = 0;      // nothing moves any more

  tally& operator+=(tally const& other) {
    scripts += other.scripts;
    cancelled += other.cancelled;
    wrong += other.wrong;
    failed += other.failed;
    stuck += other.stuck;
    return *this;
  }
};

// By the verb that was cancelled.
template <class Pair>
std::map<std::string, tally> survey(
    session_plan const& plan, cancellation_type type,
    std::function<void(disturbance const&, std::string const& verdict)> const& report) {
  std::map<std::string, tally> counts;
  for (auto const& point : all_of_type<Pair>(plan, type)) {
    Pair session(plan);
    std::string verb;
    session.run([&](std::size_t i) {
      if (i != point.step) return;
      verb = session.side(point.is_client).verb_of(point.lane);
      session.side(point.is_client).cancel(point.lane, point.type);
    });
    std::string const verdict = session.verdict();
    tally& count = counts[verb];
    ++count.scripts;
    if (session.client.aborted() + session.server.aborted() != 0) ++count.cancelled;
    if (!session.breach().empty()) {
      ++count.wrong;
    } else if (session.client.failure() || session.server.failure()) {
      ++count.failed;
    } else if (!verdict.empty()) {
      ++count.stuck;
    }
    report(point, verdict);
  }
  return counts;
}

session_plan narrow() {
  session_plan plan;
  plan.client_messages = {1, 3'000, 20'000};
  plan.server_messages = {100, 17'000, 2};
  plan.pipe.capacity = 1'000;
  return plan;
}
session_plan wide() {
  session_plan plan;
  plan.client_messages = {100, 20'000, 16'385, 150'000};
  plan.server_messages = {70'000, 1, 90'000, 16'384};
  plan.pipe.capacity = 40'000;
  return plan;
}

using pair_type = session_pair<owned_memory<tls_async::stream<memory_stream>>>;

void check(session_plan const& plan) {
  for (auto const type :
       {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total}) {
    tally count;
    for (auto const& [verb, of_verb] :
         survey<pair_type>(plan, type, [](auto const&point, std::string const&verdict) {
           BOOST_TEST(verdict == "", point.text());
         })) {
      count += of_verb;
    }
    // The others had their result already, and only waited for their turn to run the handler.
    if (type != cancellation_type::total) BOOST_TEST(count.cancelled * 10 > count.scripts * 9);
    BOOST_TEST_MESSAGE("type " << static_cast<unsigned>(type) << ": " << count.scripts
                               << " scripts, " << count.cancelled
                               << " with a verb that was cancelled");
  }
}

void check_lowest_layer(session_plan const& plan) {
  std::size_t const steps = pair_type(plan).run();
  for (std::size_t step = 0; step <= steps; step += one_in) {
    for (bool const is_client : {true, false}) {
      pair_type session(plan);
      session.run([&](std::size_t i) {
        if (i == step) session.side(is_client).cancel_lowest_layer();
      });
      BOOST_TEST(session.verdict() == "",
                 "before step " << step << " of the " << (is_client ? "client" : "server"));
    }
  }
}

// A memory_stream that takes a read of nothing beside another read, which boost::asio::ssl::stream
// uses in order to complete from the event loop.
class memory_stream_for_asio {
public:
  using executor_type = memory_stream::executor_type;
  using lowest_layer_type = memory_stream;

  explicit memory_stream_for_asio(memory_stream&& end) : end_(std::move(end)) {}
  [[nodiscard]] executor_type get_executor() { return end_.get_executor(); }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return end_; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return end_; }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& b) {
          if (boost::asio::buffer_size(b) != 0) return end_.async_read_some(b, std::move(handler));
          auto const executor = boost::asio::get_associated_executor(handler, get_executor());
          boost::asio::post(executor,
                            boost::asio::append(std::move(handler), error_code(), std::size_t{0}));
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    return end_.async_write_some(buffers, std::forward<Token>(token));
  }

private:
  memory_stream end_;
};

template <class Stream>
void report_beside_asio(std::ostream& table, std::string_view name) {
  using pair = session_pair<owned_memory<Stream>, asio_verbs>;
  for (auto const& [type, type_name] : {std::pair(cancellation_type::terminal, "terminal"),
                                        std::pair(cancellation_type::partial, "partial"),
                                        std::pair(cancellation_type::total, "total")}) {
    std::map<std::string, tally> by_verb;
    std::map<std::string, std::size_t> endings;
    for (auto const& plan : {narrow(), wide()}) {
      for (auto const& [verb, count] : survey<pair>(
               plan, type, [&](auto const&, std::string const& verdict) { ++endings[verdict]; })) {
        by_verb[verb] += count;
      }
    }
    for (auto const& [verb, count] : by_verb) {
      table << "| " << name << " | " << type_name << " | " << verb << " | " << count.scripts
            << " | " << count.cancelled << " | " << count.wrong << " | " << count.failed << " | "
            << count.stuck << " |\n";
    }
    for (auto const& [verdict, count] : endings) {
      if (!verdict.empty())
        BOOST_TEST_MESSAGE(name << ", " << type_name << ", " << count << " times: " << verdict);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cancellation_at_every_step)

BOOST_TEST_DECORATOR(*boost::unit_test::label("M5") * boost::unit_test::label("W12"))
BOOST_AUTO_TEST_CASE(session_is_byte_exact_over_a_link_narrower_than_a_record) { check(narrow()); }
BOOST_TEST_DECORATOR(*boost::unit_test::label("M5") * boost::unit_test::label("W12"))
BOOST_AUTO_TEST_CASE(session_is_byte_exact_over_a_link_of_two_records) { check(wide()); }
BOOST_AUTO_TEST_CASE(session_is_byte_exact_where_the_next_layer_is_cancelled) {
  check_lowest_layer(narrow());
  check_lowest_layer(wide());
}

// Run by its name.
BOOST_AUTO_TEST_CASE(asio_is_reported_beside_it, *boost::unit_test::disabled()) {
  std::ostringstream table;
  report_beside_asio<boost::asio::ssl::stream<memory_stream_for_asio>>(table,
                                                                       "boost::asio::ssl::stream");
  report_beside_asio<tls_async::stream<memory_stream>>(table, "tls_async::stream");
  BOOST_TEST_MESSAGE(
      "| Stream | Type | Cancelled verb | Scripts | Cancelled | Wrong bytes | Session failed | "
      "Stuck |\n"
      << table.str());
}

BOOST_AUTO_TEST_SUITE_END()
