// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/deeds.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace tls_async::test {
namespace {

using manner = deed::manner;

// RFC 8446 section 4: type and length before the message itself.
std::string message(unsigned char type, std::string const& body) {
  return std::string{static_cast<char>(type), 0, static_cast<char>(body.size() >> 8),
                     static_cast<char>(body.size() & 0xff)} +
         body;
}

// RFC 8446 section 4.6.1: lifetime, age_add, nonce, ticket, no extensions.
std::string ticket() {
  return message(4, std::string("\0\0\x1c\x20", 4) + std::string("\x12\x34\x56\x78", 4) +
                        std::string("\x01\x07", 2) + std::string("\0\x40", 2) +
                        std::string(64, 't') + std::string("\0\0", 2));
}

// RFC 5246 section 7.4.1.4: lifetime, ticket.
std::string ticket_of_tls1_2() {
  return message(4, std::string("\0\0\x1c\x20\0\x40", 6) + std::string(64, 't'));
}

std::string key_update(char request) { return message(24, std::string(1, request)); }

std::vector<deed> make_deeds() {
  std::vector<deed> made;
  auto const add = [&made](std::string name, manner how, unsigned char type = 0,
                           std::string bytes = {}, std::string rest = {}) {
    made.push_back({std::move(name), how, type, std::move(bytes), std::move(rest)});
  };
  auto const sends = [&add](std::string name, unsigned char type, std::string bytes,
                            std::string rest = {}) {
    add(std::move(name), manner::sends_record, type, std::move(bytes), std::move(rest));
  };
  add("nothing", manner::does_nothing);
  sends("close_notify", content::alert, {1, 0});
  sends("close_notify as a fatal alert", content::alert, {2, 0});
  sends("close_notify in two records", content::alert, {1}, {0});
  sends("close_notify twice in one record", content::alert, {1, 0, 1, 0});
  sends("close_notify with a byte more", content::alert, {1, 0, 0});
  sends("half an alert", content::alert, {1});
  sends("an alert of no level", content::alert, {0, 0});
  sends("user_canceled", content::alert, {1, 90});
  sends("no_renegotiation", content::alert, {1, 100});
  sends("handshake_failure", content::alert, {2, 40});

  sends("an empty ChangeCipherSpec", content::change_cipher_spec, {});
  sends("an empty alert", content::alert, {});
  sends("an empty handshake record", content::handshake, {});
  sends("empty application data", content::application_data, {});
  sends("an empty heartbeat", 24, {});
  sends("an empty record of type 0", 0, {});
  sends("an empty record of type 255", 255, {});
  sends("a heartbeat", 24, "\x01");
  sends("a record of type 0", 0, "x");
  sends("a record of type 99", 99, "x");

  sends("ChangeCipherSpec", content::change_cipher_spec, {1});
  sends("ChangeCipherSpec of 2", content::change_cipher_spec, {2});
  sends("ChangeCipherSpec twice in one record", content::change_cipher_spec, {1, 1});
  sends("application data", content::application_data, "what it says too early or beside");
  sends("a record that is too long", content::application_data, std::string(16'385, 'x'));
  sends("a record as long as can be", content::application_data, std::string(16'384, 'x'));

  sends("HelloRequest", content::handshake, message(0, {}));
  sends("half a HelloRequest", content::handshake, std::string(2, '\0'));
  sends("ServerHelloDone", content::handshake, message(14, {}));
  sends("a ticket", content::handshake, ticket());
  sends("a ticket of TLS 1.2", content::handshake, ticket_of_tls1_2());
  sends("a ticket in two records", content::handshake, ticket().substr(0, 20), ticket().substr(20));
  sends("half a ticket", content::handshake, ticket().substr(0, 20));
  sends("KeyUpdate", content::handshake, key_update(0));
  sends("KeyUpdate with a request", content::handshake, key_update(1));
  sends("KeyUpdate of no kind", content::handshake, key_update(2));
  sends("KeyUpdate in two records", content::handshake, key_update(0).substr(0, 3),
        key_update(0).substr(3));
  sends("half a KeyUpdate", content::handshake, key_update(1).substr(0, 4));
  sends("KeyUpdate before a ticket", content::handshake, key_update(0) + ticket());
  sends("two KeyUpdates in one record", content::handshake, key_update(0) + key_update(1));
  sends("Finished of zeros", content::handshake, message(20, std::string(32, '\0')));
  sends("Finished of TLS 1.2", content::handshake, message(20, std::string(12, '\0')));
  sends("an empty certificate", content::handshake, message(11, std::string(4, '\0')));
  sends("CertificateRequest", content::handshake,
        message(13, std::string("\0\0\x08\0\x0d\0\x04\0\x02\x04\x03", 11)));
  sends("EndOfEarlyData", content::handshake, message(5, {}));
  sends("a message of type 99", content::handshake, message(99, "x"));
  sends("a message of 16 MiB", content::handshake, "\x0b\xff\xff\xff");
  sends("two bytes of a message", content::handshake, std::string("\x0b\0", 2));

  add("a header of 65 535 bytes", manner::sends_bytes, 0, std::string("\x17\x03\x03\xff\xff", 5));
  add("an empty record's header", manner::sends_bytes, 0, std::string("\x17\x03\x03\0\0", 5));
  add("half a header", manner::sends_bytes, 0, "\x17\x03");
  add("an unknown version", manner::sends_bytes, 0, std::string("\x15\x09\x09\0\x02\x01\0", 7));
  add("SSLv2", manner::sends_bytes, 0, std::string("\x80\x2e\x01\0\x02\0\x15\0\0\0\x10", 11));
  add("HTTP", manner::sends_bytes, 0, "HTTP/1.1 400 Bad Request\r\n\r\n");
  add("zeros", manner::sends_bytes, 0, std::string(100, '\0'));

  add("the next", manner::sends_next);
  add("a bit flipped in the next", manner::flips_next);
  add("a wrong length of the next", manner::lies_of_next);
  add("the last again", manner::repeats_last);
  add("two records swapped", manner::swaps_next);
  add("records of one byte", manner::splits_next);
  add("padding", manner::pads_next);
  add("several messages in one record", manner::merges_next);
  return made;
}

}  // namespace

std::vector<deed> const& all_deeds() {
  static std::vector<deed> const made = make_deeds();
  return made;
}

deed const& deed_of(std::string_view name) {
  for (deed const& one : all_deeds()) {
    if (one.name == name) return one;
  }
  throw std::runtime_error{"no such deed: " + std::string(name)};
}

deed alert_of(int level, int number) {
  return {"alert " + std::to_string(number) + (level == 1 ? " as a warning" : " as fatal"),
          manner::sends_record,
          content::alert,
          std::string{static_cast<char>(level), static_cast<char>(number)},
          {}};
}

}  // namespace tls_async::test
