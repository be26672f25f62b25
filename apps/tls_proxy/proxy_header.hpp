// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The header of the PROXY protocol, version 2, by which a proxy tells the next server who the
// client is. Pure. Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt,
// section 2.2.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tls_proxy {

struct malformed_header : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct client_addresses {
  boost::asio::ip::tcp::endpoint source;       // the client
  boost::asio::ip::tcp::endpoint destination;  // where it connected to

  bool operator==(client_addresses const&) const = default;
};

constexpr std::size_t header_start_bytes = 16;   // tell how long all of it is
constexpr std::size_t most_header_bytes = 4096;  // we accept no longer one

// How many bytes come behind the first header_start_bytes. Throws malformed_header.
std::size_t rest_of_header(std::string_view start);

// Nothing if the sender does not say (the command LOCAL, or another protocol than TCP): then the
// addresses are those of the connection. What else a header carries (TLVs) is passed over. Throws
// malformed_header, unless `header` is exactly one header.
std::optional<client_addresses> parse_header(std::string_view header);

// `alpn` is what was negotiated with the client (PP2_TYPE_ALPN), empty for nothing.
std::string format_header(client_addresses const& client, std::string_view alpn);

}  // namespace tls_proxy
