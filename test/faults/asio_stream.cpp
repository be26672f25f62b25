// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <boost/asio/ssl/stream.hpp>

#include <tls_async_test/subject_of.hpp>

#include "compared.hpp"

namespace tls_async::test {

subject_factory asio_streams() { return subjects_of<boost::asio::ssl::stream<hand_fed_stream>>(); }

}  // namespace tls_async::test
