// wants: tls_async/asio_ssl.hpp comes too late
// errors: 2
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <boost/asio/ssl.hpp>

#include <tls_async/asio_ssl.hpp>

int main() {}
