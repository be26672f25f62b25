// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the errors of streams of Asio's kind mean.
#pragma once

#include <boost/system/error_code.hpp>

#include <string>

namespace tls_async::test {

bool is_end(boost::system::error_code ec);
bool is_truncation(boost::system::error_code ec);
bool is_cancellation(boost::system::error_code ec);
/// The session has failed, and not what it runs over.
bool is_failure_of_tls(boost::system::error_code ec);
/// In words, the same for all of a kind.
std::string kind_of(boost::system::error_code ec);

}  // namespace tls_async::test
