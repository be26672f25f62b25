// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The PROXY protocol's header: what is read from it, and all that is refused.
#include "proxy_header.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace tls_proxy {
namespace {

namespace ip = boost::asio::ip;
using ip::tcp;

std::string const signature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string number(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// A header as another program would make it.
std::string header(unsigned command, unsigned protocol, std::string const& rest) {
  return signature + static_cast<char>(command) + static_cast<char>(protocol) +
         number(rest.size()) + rest;
}

std::string const v4_block{"\xcb\0\x71\x07\x7f\0\0\x01\x12\x67\x01\xbb", 12};
std::string const v6_block =
    std::string(15, '\0') + '\1' + std::string(15, '\0') + '\2' + std::string("\0\x50\xff\xff", 4);
client_addresses const v4_client{{ip::make_address("203.0.113.7"), 4711},
                                 {ip::make_address("127.0.0.1"), 443}};
client_addresses const v6_client{{ip::make_address("::1"), 80}, {ip::make_address("::2"), 65535}};

std::string tlv(unsigned type, std::string const& value) {
  return static_cast<char>(type) + number(value.size()) + value;
}

BOOST_AUTO_TEST_SUITE(proxy_header)

BOOST_AUTO_TEST_CASE(tells_the_addresses_of_the_client) {
  BOOST_TEST((parse_header(header(0x21, 0x11, v4_block)) == v4_client));
  BOOST_TEST((parse_header(header(0x21, 0x21, v6_block)) == v6_client));
}

BOOST_AUTO_TEST_CASE(tells_nothing_if_its_sender_does_not) {
  BOOST_TEST(!parse_header(header(0x20, 0x00, "")));
  BOOST_TEST(!parse_header(header(0x20, 0x11, v4_block)));
  // What LOCAL says beside itself is to be ignored.
  BOOST_TEST(!parse_header(header(0x20, 0x11, "")));
  BOOST_TEST(!parse_header(header(0x20, 0xff, "anything")));
  BOOST_TEST(!parse_header(header(0x21, 0x00, "")));
  BOOST_TEST(!parse_header(header(0x21, 0x12, v4_block)));
  BOOST_TEST(!parse_header(header(0x21, 0x22, v6_block)));
  BOOST_TEST(!parse_header(header(0x21, 0x31, std::string(216, 'x'))));
  BOOST_TEST(!parse_header(header(0x21, 0x32, std::string(216, 'x'))));
}

BOOST_AUTO_TEST_CASE(may_carry_more_which_is_passed_over) {
  auto const more = tlv(0x01, "h2") + tlv(0x20, std::string(300, 'x')) + tlv(0xee, "");
  BOOST_TEST((parse_header(header(0x21, 0x11, v4_block + more)) == v4_client));
  BOOST_TEST((parse_header(header(0x21, 0x21, v6_block + more)) == v6_client));
  BOOST_TEST(!parse_header(header(0x20, 0x00, more)));
}

BOOST_AUTO_TEST_CASE(is_refused_wherever_it_is_cut_off) {
  for (auto const& whole :
       {header(0x21, 0x11, v4_block), header(0x21, 0x21, v6_block + tlv(1, "h2")),
        header(0x20, 0x00, ""), header(0x21, 0x31, std::string(216, 'x'))}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      BOOST_CHECK_THROW(parse_header(whole.substr(0, size)), malformed_header);
    BOOST_CHECK_THROW(parse_header(whole + 'x'), malformed_header);
  }
}

BOOST_AUTO_TEST_CASE(is_refused_when_its_length_leaves_something_cut_off) {
  auto const full = v4_block + tlv(0x20, "abc") + tlv(0x21, "");
  for (std::size_t size = 0; size <= full.size(); ++size) {
    bool const is_whole = size == 12 || size == 18 || size == 21;
    if (is_whole)
      BOOST_CHECK_NO_THROW(parse_header(header(0x21, 0x11, full.substr(0, size))));
    else
      BOOST_CHECK_THROW(parse_header(header(0x21, 0x11, full.substr(0, size))), malformed_header);
  }
  BOOST_CHECK_THROW(parse_header(header(0x21, 0x21, v6_block.substr(0, 35))), malformed_header);
  BOOST_CHECK_THROW(parse_header(header(0x21, 0x31, std::string(215, 'x'))), malformed_header);
  BOOST_CHECK_THROW(parse_header(header(0x21, 0x00, tlv(1, "h2").substr(0, 4))), malformed_header);
}

BOOST_AUTO_TEST_CASE(is_refused_when_it_is_something_else) {
  auto const whole = header(0x21, 0x11, v4_block);
  for (std::size_t at = 0; at < signature.size(); ++at) {
    auto other = whole;
    other[at] ^= 1;
    BOOST_CHECK_THROW(parse_header(other), malformed_header);
  }
  for (unsigned const command : {0x00u, 0x01u, 0x11u, 0x22u, 0x2fu, 0x31u, 0xa1u})
    BOOST_CHECK_THROW(parse_header(header(command, 0x11, v4_block)), malformed_header);
  for (unsigned const protocol : {0x01u, 0x10u, 0x13u, 0x23u, 0x33u, 0x41u, 0xffu})
    BOOST_CHECK_THROW(parse_header(header(0x21, protocol, std::string(216, 0))), malformed_header);
  BOOST_CHECK_THROW(parse_header("PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n"),
                    malformed_header);
}

BOOST_AUTO_TEST_CASE(has_a_length_that_its_start_tells) {
  auto const whole = header(0x21, 0x11, v4_block + tlv(0x20, "abc"));
  BOOST_TEST(rest_of_header(whole.substr(0, 16)) == 18u);
  BOOST_CHECK_THROW(rest_of_header(whole.substr(0, 15)), malformed_header);
}

BOOST_AUTO_TEST_CASE(is_refused_before_it_is_read_when_it_is_too_long) {
  auto const start = [](std::size_t rest) {
    return header(0x21, 0x11, std::string(rest, 0)).substr(0, 16);
  };
  BOOST_TEST(rest_of_header(start(most_header_bytes - 16)) == most_header_bytes - 16);
  BOOST_CHECK_THROW(rest_of_header(start(most_header_bytes - 15)), malformed_header);
  BOOST_CHECK_THROW(rest_of_header(start(65535)), malformed_header);
}

BOOST_AUTO_TEST_CASE(is_sent_as_the_protocol_wants_it) {
  BOOST_TEST(format_header(v4_client, "") == header(0x21, 0x11, v4_block));
  BOOST_TEST(format_header(v6_client, "") == header(0x21, 0x21, v6_block));
  BOOST_TEST(format_header(v4_client, "h2") == header(0x21, 0x11, v4_block + tlv(1, "h2")));
}

BOOST_AUTO_TEST_CASE(has_one_family_for_both_addresses) {
  client_addresses const mixed{v4_client.source, v6_client.destination};
  auto const read = parse_header(format_header(mixed, ""));
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST(read->source == tcp::endpoint(ip::make_address("::ffff:203.0.113.7"), 4711));
  BOOST_TEST(read->destination == v6_client.destination);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_proxy
