// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session that another one goes through, where the subject stands on a stream of ours: what is on
// the network is TLS in TLS.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>

#include "wire.hpp"

namespace tls_async::test::model {

/// The peer's end: opens what comes for `inside`, and seals what that has to send.
std::unique_ptr<far_side> make_carrier(far_side& inside);
/// The subject's end is a client of this.
boost::asio::ssl::context& carrier_context();

}  // namespace tls_async::test::model
