// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The smallest program that tests a stream of its own with the installed suite.
#include <tls_async_test/suite.hpp>

#include <boost/asio/ssl/stream.hpp>

#include <iostream>

#ifdef BOOST_ASIO_SEPARATE_COMPILATION
#error "how Asio is compiled is the user's choice"
#endif

int main() {
  namespace test = tls_async::test;
  std::vector<test::fault_case> honest;
  for (test::fault_case const& one : test::all_cases()) {
    if (one.kind == "An honest peer") honest.push_back(one);
  }
  auto const report =
      test::test_stream<boost::asio::ssl::stream<test::hand_fed_stream>>("asio", honest);
  std::cout << report;
  return honest.size() == report.entries.size() && report.broken() == 0 ? 0 : 1;
}
