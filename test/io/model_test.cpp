// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Random scripts compared with the model: 3 000 of them, or as many as TLS_ASYNC_MODEL_SEEDS says.
// A script that fails is told with its seed, and replayed alone by
//
//     TLS_ASYNC_MODEL_SEED=4711 io_cancel_test -t random_script -l message
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>

#include "model_script.hpp"

namespace {

using tls_async::test::memory_transport;
using tls_async::test::model_script;
using tls_async::test::socket_transport;

// A sanitizer takes many times as long for each.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 1'000;
#else
constexpr std::uint64_t usual_seeds = 3'000;
#endif

std::uint64_t number_from(char const* variable, std::uint64_t otherwise) {
  char const* const value = std::getenv(variable);
  return value != nullptr ? std::stoull(value) : otherwise;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_script)

using transports = std::tuple<memory_transport, socket_transport>;

BOOST_TEST_DECORATOR(*boost::unit_test::label("M5") * boost::unit_test::label("M6") *
                     boost::unit_test::label("W1") * boost::unit_test::label("W12"))
BOOST_AUTO_TEST_CASE_TEMPLATE(loses_repeats_substitutes_and_reorders_no_byte, Transport,
                              transports) {
  using script_type = model_script<Transport>;
  if (std::uint64_t const seed = number_from("TLS_ASYNC_MODEL_SEED", 0); seed != 0) {
    script_type script(seed);
    std::string const wrong = script.run();
    BOOST_TEST_MESSAGE(script.trace());
    BOOST_TEST(wrong == "");
    return;
  }
  std::size_t cancelled = 0;
  std::size_t timed_out = 0;
  std::size_t cut_short = 0;
  // Over the kernel's sockets each takes many times as long.
  std::uint64_t const seeds =
      number_from("TLS_ASYNC_MODEL_SEEDS", usual_seeds) / (Transport::has_descriptors ? 5 : 1);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    script_type script(seed);
    std::string const wrong = script.run();
    BOOST_TEST_REQUIRE(wrong == "", wrong << "\nTLS_ASYNC_MODEL_SEED=" << seed
                                          << " replays it, which does:\n"
                                          << script.trace());
    cancelled += script.cancelled();
    timed_out += script.timed_out();
    cut_short += script.cut_short();
  }
  BOOST_TEST_MESSAGE(seeds << " scripts, " << cancelled << " verbs cancelled, " << timed_out
                           << " timed out, " << cut_short << " writes ended in their middle");
  BOOST_TEST(cancelled > seeds);
  BOOST_TEST(timed_out > seeds / 10);
  BOOST_TEST(cut_short > seeds / 10);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_replayed_by_its_seed, Transport, transports) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    model_script<Transport> first(seed);
    first.run();
    std::string const trace = first.trace();
    model_script<Transport> second(seed);
    second.run();
    BOOST_TEST(trace == second.trace());
  }
}

BOOST_AUTO_TEST_SUITE_END()
