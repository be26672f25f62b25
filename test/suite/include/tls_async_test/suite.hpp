// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The fault suite, against a TLS stream of Asio's kind:
//
//   auto const report = test_stream<boost::asio::ssl::stream<hand_fed_stream>>("asio");
//   std::cout << report;
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tls_async_test/report.hpp>
#include <tls_async_test/subject_of.hpp>

namespace tls_async::test {

/// `Stream` is over hand_fed_stream. The report refers to the cases.
template <class Stream, class Traits = stream_traits<Stream>>
report test_stream(std::string name, std::vector<fault_case> const& cases = all_cases()) {
  return run_cases(cases, std::move(name), subjects_of<Stream, Traits>());
}

}  // namespace tls_async::test
