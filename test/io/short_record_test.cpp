// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions whose records are shorter than 16 384 bytes, since the peer negotiates that
// (max_fragment_length, RFC 6066 section 4) or the session's owner sets it: a call then seals less
// than it was given, and every verb has to say and send the same bytes all the same.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

enum class limited_by { peer, send_fragment, split_fragment };

struct limit {
  limited_by way;
  unsigned bytes;
};
std::ostream& operator<<(std::ostream& out, limit const& shown) {
  constexpr std::array names{"max_fragment_length", "max_send_fragment", "split_send_fragment"};
  return out << names.at(static_cast<std::size_t>(shown.way)) << ' ' << shown.bytes;
}

constexpr std::array limits{limit{limited_by::peer, 512},
                            limit{limited_by::peer, 1'024},
                            limit{limited_by::peer, 2'048},
                            limit{limited_by::peer, 4'096},
                            limit{limited_by::send_fragment, 512},
                            limit{limited_by::send_fragment, 777},
                            limit{limited_by::send_fragment, 5'000},
                            limit{limited_by::send_fragment, 16'383},
                            limit{limited_by::send_fragment, 16'384},
                            limit{limited_by::split_fragment, 512},
                            limit{limited_by::split_fragment, 10'001}};

struct protocol {
  char const* name;
  asio::ssl::context::method method;
  char const* suites;
};
std::ostream& operator<<(std::ostream& out, protocol const& shown) { return out << shown.name; }

constexpr std::array protocols{
    protocol{"TLS 1.3", asio::ssl::context::tlsv13, nullptr},
    protocol{"TLS 1.2 GCM", asio::ssl::context::tlsv12, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    protocol{"TLS 1.2 CBC", asio::ssl::context::tlsv12, "ECDHE-ECDSA-AES256-SHA384"}};

asio::ssl::context& context_of(protocol const& p, bool is_client) {
  static std::deque<std::pair<std::string, asio::ssl::context>> made;
  std::string const name = p.name + std::string(is_client ? " client" : " server");
  for (auto& [known, context] : made)
    if (known == name) return context;
  asio::ssl::context context(p.method);
  auto const& id = server_identity();
  if (is_client) {
    context.add_certificate_authority(asio::buffer(id.authority));
  } else {
    context.use_certificate_chain(asio::buffer(id.certificate_chain));
    context.use_private_key(asio::buffer(id.private_key), asio::ssl::context::pem);
  }
  if (p.suites != nullptr)
    BOOST_REQUIRE_EQUAL(SSL_CTX_set_cipher_list(context.native_handle(), p.suites), 1);
  return made.emplace_back(name, std::move(context)).second;
}

// A client and a server, and who of them sends.
struct short_session {
  short_session(protocol const& p, limit const& l, bool by_client,
                stream_options const& options = {})
      : link(memory_stream::make(io.get_executor())),
        client(std::move(link.first), context_of(p, true), options),
        server(std::move(link.second), context_of(p, false), options),
        sender(by_client ? client : server),
        receiver(by_client ? server : client) {
    SSL* const limited =
        l.way == limited_by::peer ? client.native_handle() : sender.native_handle();
    switch (l.way) {
      case limited_by::peer: {
        unsigned char code = TLSEXT_max_fragment_length_512;
        for (unsigned size = 512; size != l.bytes; size *= 2)
          ++code;
        BOOST_REQUIRE_EQUAL(SSL_set_tlsext_max_fragment_length(limited, code), 1);
        break;
      }
      case limited_by::send_fragment:
        BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(limited, l.bytes), 1);
        break;
      case limited_by::split_fragment:
        BOOST_REQUIRE_EQUAL(SSL_set_split_send_fragment(limited, l.bytes), 1);
        break;
    }
    ending of_client, of_server;
    tls_handshake(client, as_client{"localhost"}, of_client.token());
    tls_handshake(server, as_server{}, of_server.token());
    settle(io);
    BOOST_REQUIRE_EQUAL(of_client.ec, error_code());
    BOOST_REQUIRE_EQUAL(of_server.ec, error_code());
    BOOST_REQUIRE(of_client.done);
    BOOST_REQUIRE(of_server.done);
    keep_reading(receiver, received);
    settle(io);
  }

  void arrives(std::string const& expected) {
    settle(io);
    BOOST_TEST(received.plaintext.size() == expected.size());
    BOOST_REQUIRE((received.plaintext == expected));
    received.plaintext.clear();
    BOOST_REQUIRE(!received.ended);
  }

  asio::io_context io{1};
  std::pair<memory_stream, memory_stream> link;
  memory_tls client, server;
  memory_tls& sender;
  memory_tls& receiver;
  sink received;
};

// Without a name, gone with the test.
std::FILE* file_of(std::string const& content) {
  std::FILE* const file = std::tmpfile();
  BOOST_REQUIRE(file != nullptr);
  BOOST_REQUIRE_EQUAL(std::fwrite(content.data(), 1, content.size(), file), content.size());
  BOOST_REQUIRE_EQUAL(std::fflush(file), 0);
  return file;
}

constexpr std::array verbs{"tls_write",     "async_write",  "owned",  "relocatable",
                           "tls_try_write", "tls_sendfile", "pieces", "group"};

// Sends `message` by one of the verbs; `bytes` is what they said.
std::size_t send(short_session& s, std::string_view verb, std::string const& message,
                 std::mt19937& random) {
  std::size_t const size = message.size();
  ending written;
  std::deque<ending> all;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
  std::unique_ptr<char[]> place;
  std::vector<asio::const_buffer> pieces;
  auto const piece_at = [&](std::size_t at) {
    std::size_t const most = random() % 3 == 0 ? 20'000 : 700;
    return asio::buffer(asio::buffer(message) + at, random() % most + 1);
  };
  if (verb == "tls_write") {
    tls_write(s.sender, asio::buffer(message), written.token());
  } else if (verb == "async_write") {
    asio::async_write(s.sender, asio::buffer(message), written.token());
  } else if (verb == "owned") {
    tls_write(s.sender, std::string(message), written.token());
  } else if (verb == "relocatable") {
    tls_write(
        s.sender,
        [&] {
          auto next = std::make_unique<char[]>(size + 1);
          std::memcpy(next.get(), message.data(), size);
          if (place) std::memset(place.get(), '#', size);
          place = std::move(next);
          return asio::const_buffer(place.get(), size);
        },
        written.token());
  } else if (verb == "tls_try_write") {
    written.ec = tls_try_write(s.sender, asio::buffer(message));
    written.done = true;
    written.bytes = size;
  } else if (verb == "tls_sendfile") {
    file.reset(file_of(message));
    bool const to_its_end = random() % 2 == 0;
    tls_sendfile(s.sender, fileno(file.get()), 0, to_its_end ? to_the_end : size, written.token());
  } else if (verb == "pieces") {
    for (std::size_t at = 0; at < size; at += pieces.back().size())
      pieces.push_back(piece_at(at));
    tls_write(s.sender, pieces, written.token());
  } else {
    for (std::size_t at = 0; at < size;) {
      auto const piece = piece_at(at);
      at += piece.size();
      tls_write(s.sender, piece, all.emplace_back().token());
    }
    written.done = true;
  }
  settle(s.io);
  for (ending const& one : all) {
    BOOST_REQUIRE(one.done);
    BOOST_REQUIRE_EQUAL(one.ec, error_code());
    written.bytes += one.bytes;
  }
  BOOST_REQUIRE(written.done);
  BOOST_REQUIRE_EQUAL(written.ec, error_code());
  return written.bytes;
}

BOOST_AUTO_TEST_SUITE(short_record)

BOOST_TEST_DECORATOR(*boost::unit_test::label("M3") * boost::unit_test::label("W11"))
BOOST_DATA_TEST_CASE(loses_no_byte_by_any_verb,
                     data::make(protocols) * data::make(limits) * data::make({true, false}), p, l,
                     by_client) {
  short_session s(p, l, by_client);
  std::mt19937 random(l.bytes);
  std::vector<std::size_t> sizes{0,           1,
                                 l.bytes - 1, l.bytes,
                                 l.bytes + 1, 2 * l.bytes - 1,
                                 2 * l.bytes, 2 * l.bytes + 1,
                                 16'383,      16'384,
                                 16'385,      100'000};
  auto const check = [&](std::string_view verb, std::size_t size) {
    BOOST_TEST_CONTEXT(verb << " of " << size) {
      auto const message = numbered_plaintext(size, random() % 1'000);
      auto const sealed = s.sender.stats().plaintext_sealed;
      BOOST_TEST(send(s, verb, message, random) == size);
      s.arrives(message);
      BOOST_TEST(s.sender.stats().plaintext_sealed - sealed == size);
    }
  };
  for (auto const* verb : verbs)
    for (std::size_t const size : sizes)
      check(verb, size);
  // Little leaves at once from here on.
  auto& sent = s.sender.next_layer().outgoing();
  sent.capacity = 3'000;
  sent.largest_transfer = 700;
  for (int nth = 0; nth != 200; ++nth)
    check(verbs.at(random() % verbs.size()), random() % (nth % 10 == 0 ? 40'000 : 2'000));
}

// New keys come where only a part of what was gathered is sealed.
BOOST_DATA_TEST_CASE(loses_no_byte_where_keys_change, data::make({512U, 5'000U, 16'384U}), bytes) {
  stream_options options;
  options.rekey_after_records = 5;
  options.most_key_updates_in_a_row = 10'000;  // of the receiver
  short_session s(protocols.front(), {limited_by::send_fragment, bytes}, true, options);
  std::mt19937 random(bytes);
  for (auto const* verb : verbs) {
    BOOST_TEST_CONTEXT(verb) {
      auto const message = numbered_plaintext(100'000);
      BOOST_TEST(send(s, verb, message, random) == message.size());
      s.arrives(message);
    }
  }
  BOOST_TEST(s.sender.stats().records_sealed >= 8 * 100'000U / bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
