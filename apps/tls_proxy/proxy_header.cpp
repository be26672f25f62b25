// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The bytes of the header; all numbers are big-endian.
#include "proxy_header.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tls_proxy {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr unsigned version = 0x20, local = 0, proxied = 1;  // of the 13th byte
constexpr unsigned tcp_over_v4 = 0x11, tcp_over_v6 = 0x21;  // of the 14th
constexpr std::size_t tlv_start_bytes = 3;
constexpr unsigned tlv_alpn = 1;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

std::string two_bytes(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

// Two addresses and two ports; a pair of names for a local socket.
std::size_t address_bytes(unsigned protocol) {
  switch (protocol) {
    case 0x00:
      return 0;
    case tcp_over_v4:
    case 0x12:
      return 12;
    case tcp_over_v6:
    case 0x22:
      return 36;
    case 0x31:
    case 0x32:
      return 216;
    default:
      throw malformed_header("a PROXY header with an unknown address family or protocol");
  }
}

template <class Address>
client_addresses addresses(std::string_view block) {
  typename Address::bytes_type source, destination;
  std::copy_n(block.begin(), source.size(), source.begin());
  std::copy_n(block.begin() + source.size(), source.size(), destination.begin());
  auto const ports = 2 * source.size();
  return {{Address(source), number_at(block, ports)},
          {Address(destination), number_at(block, ports + 2)}};
}

void check_tlvs(std::string_view tlvs) {
  while (!tlvs.empty()) {
    if (tlvs.size() < tlv_start_bytes || tlvs.size() - tlv_start_bytes < number_at(tlvs, 1))
      throw malformed_header("a PROXY header whose last field is cut off");
    tlvs.remove_prefix(tlv_start_bytes + number_at(tlvs, 1));
  }
}

template <class Address>
std::string format(Address const& source, Address const& destination) {
  auto const from = source.to_bytes(), to = destination.to_bytes();
  return std::string(from.begin(), from.end()) + std::string(to.begin(), to.end());
}

}  // namespace

std::size_t rest_of_header(std::string_view start) {
  if (start.size() < header_start_bytes || !start.starts_with(signature))
    throw malformed_header("what comes first is not a PROXY header, version 2");
  auto const command = byte_at(start, 12);
  if (command != (version | local) && command != (version | proxied))
    throw malformed_header("a PROXY header of another version or with an unknown command");
  std::size_t const rest = number_at(start, 14);
  if (command == (version | proxied) && rest < address_bytes(byte_at(start, 13)))
    throw malformed_header("a PROXY header without room for its addresses");
  if (header_start_bytes + rest > most_header_bytes)
    throw malformed_header("a PROXY header of more than " + std::to_string(most_header_bytes) +
                           " bytes");
  return rest;
}

std::optional<client_addresses> parse_header(std::string_view header) {
  if (header.size() != header_start_bytes + rest_of_header(header))
    throw malformed_header("a PROXY header that is cut off or goes on");
  // Of who checks whether we live. What else it says is not to be looked at.
  if (byte_at(header, 12) == (version | local)) return std::nullopt;
  auto const protocol = byte_at(header, 13);
  auto const block = header.substr(header_start_bytes);
  check_tlvs(block.substr(address_bytes(protocol)));
  if (protocol == tcp_over_v4) return addresses<ip::address_v4>(block);
  if (protocol == tcp_over_v6) return addresses<ip::address_v6>(block);
  return std::nullopt;
}

std::string format_header(client_addresses const& client, std::string_view alpn) {
  auto const source = client.source.address(), destination = client.destination.address();
  bool const both_v4 = source.is_v4() && destination.is_v4();
  // One family for both: an IPv4 address beside an IPv6 one is written as a mapped one.
  auto const v6 = [](ip::address const& address) {
    return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
  };
  auto rest =
      both_v4 ? format(source.to_v4(), destination.to_v4()) : format(v6(source), v6(destination));
  rest += two_bytes(client.source.port()) + two_bytes(client.destination.port());
  if (!alpn.empty()) {
    rest += static_cast<char>(tlv_alpn);
    rest += two_bytes(alpn.size());
    rest += alpn;
  }
  std::string header{signature};
  header += static_cast<char>(version | proxied);
  header += static_cast<char>(both_v4 ? tcp_over_v4 : tcp_over_v6);
  return header + two_bytes(rest.size()) + rest;
}

}  // namespace tls_proxy
