// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/tls_async.hpp>

#include <tls_async_test/subject_of.hpp>
#include <tls_async_test/virtual_clock.hpp>

#include "compared.hpp"

namespace tls_async::test {
namespace {

using our_stream = stream<hand_fed_stream, virtual_clock>;

struct our_traits : stream_traits<our_stream> {
  static void let_time_pass(boost::asio::io_context& io) { pass(io, std::chrono::hours(1)); }
};

}  // namespace

subject_factory our_streams() { return subjects_of<our_stream, our_traits>(); }

}  // namespace tls_async::test
