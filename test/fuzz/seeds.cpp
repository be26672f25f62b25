// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// seeds FOLDER: writes the first inputs of each target below FOLDER/TARGET_seed_corpus. They have
// each event in a place where it can do something.
#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <tls_async_test/certificates.hpp>
#include "events.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

class corpus {
public:
  corpus(std::filesystem::path const& below, std::string const& target)
      : folder_(below / (target + "_seed_corpus")) {
    std::filesystem::create_directories(folder_);
  }
  void add(std::string_view input) {
    std::ofstream file;
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file.open(folder_ / std::to_string(number_++), std::ios::binary);
    file << input;
  }
  void add(script_writer const& input) { add(std::string_view(input.str())); }

private:
  std::filesystem::path folder_;
  std::size_t number_ = 0;
};

script_writer& exchange(script_writer& to) {
  to.byte(peer_all).byte(deliver).byte(0).size(0).byte(go_on).byte(flush).size(0);
  return to.byte(open_all).byte(seal).size(300).byte(flush).size(0);
}

void write_act(script_writer& to, std::size_t act) {
  to.byte(act);
  switch (act) {
    case peer_says:
      to.size(500).byte(3);
      break;
    case record_due:
    case record_plain:
    case record_wrong:
      to.byte(23).text("what it says beside");
      break;
    case raw_bytes:
      to.text(std::string_view("\x17\x03\x03\0\x02xy", 7));
      break;
    case key_update:
      to.byte(1);
      break;
    case alert:
      to.byte(1).byte(0);
      break;
    case message:
      to.byte(4).byte(1).text(
          std::string_view("\0\0\x1c\x20\x12\x34\x56\x78\x01\x07\0\x08tickettt\0\0", 22));
      break;
    case flip:
      to.size(8);
      break;
    case split:
      to.byte(3);
      break;
    case own_verb:
      to.size(2);
      break;
    default:
      break;
  }
}

// Each act of a peer, before its Finished and behind it, and then verbs of ours.
void engine_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "engine_fuzzer");
  for (std::size_t setting = 0; setting != 64; ++setting) {
    if ((setting >> 2 & 3) == 3 || setting >> 4 == 3) continue;
    script_writer honest;
    honest.byte(setting).byte(setting % 4 * 0x41).byte(255).size(0);
    exchange(honest).byte(peer_says).size(2'000).byte(0);
    exchange(honest).byte(update_keys).byte(1).byte(close_session).byte(own_verb).size(0);
    seeds.add(exchange(honest));
  }
  for (std::size_t act = 0; act != peer_acts; ++act) {
    for (std::size_t const setting : {0U, 1U, 2U, 3U}) {
      for (std::size_t const honest_records : {1U, 255U}) {
        script_writer made;
        made.byte(setting).byte(act % 2 == 0 ? 0x1c : 0xdc).byte(honest_records).size(600);
        write_act(made, act);
        exchange(made).byte(peer_says).size(20).byte(0).byte(own_verb).size(700);
        write_act(made, act);
        exchange(made).byte(rest).byte(1).byte(allow_key_updates).byte(2).byte(open).size(7);
        seeds.add(exchange(made).byte(close_session));
      }
    }
  }
  // A record whose type is padding, and whose plaintext ends with the type that counts.
  for (std::size_t const setting : {0U, 1U}) {
    script_writer made;
    made.byte(setting).byte(0).byte(255).size(0);
    exchange(made).byte(record_due).byte(0).text("said before its type\x17");
    seeds.add(exchange(made));
  }
}

void two_engines_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "two_engines_fuzzer");
  auto const of = [](std::size_t event, bool client) { return event << 1 | (client ? 0U : 1U); };
  for (std::size_t setting = 0; setting != 128; ++setting) {
    if ((setting & 3) == 3 || (setting >> 2 & 3) == 3 || (setting >> 4 & 3) == 3) continue;
    script_writer made;
    made.byte(setting).byte(setting % 5 * 16).byte(setting % 3 << 2);
    made.byte(setting % 4)
        .byte(setting % 5)
        .size(setting % 7 * 100)
        .byte(setting % 3)
        .byte(setting / 4);
    made.byte(setting % 2 == 0 ? 15 : 0);
    for (bool const client : {true, false}) {
      made.byte(of(pair_move_all, client)).byte(of(pair_go_on, client));
      made.byte(of(pair_seal, client)).size(20'000).byte(of(pair_seal, client)).size(3);
      made.byte(of(pair_update_keys, client)).byte(client ? 1 : 0);
      made.byte(of(pair_move, client)).byte(setting % 3).size(1'000);
      made.byte(of(pair_open, !client)).size(100).byte(of(pair_rest, client)).byte(1);
      made.byte(of(pair_open_all, !client)).byte(of(pair_close, client));
    }
    if (setting % 8 == 7) made.byte(of(pair_corrupt, true)).size(5).byte(1);
    seeds.add(made);
  }
}

void ring_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "ring_fuzzer");
  std::string const record(
      "\x17\x03\x03\0\x05"
      "12345",
      10);
  for (std::size_t const room : {0U, 4U, 16U, 300U, 20'000U}) {
    script_writer made;
    made.size(room).byte(ring_attach).byte(ring_write).size(room).byte(ring_flush).size(3);
    made.byte(ring_write).size(7).byte(ring_flush).size(2 * room).byte(ring_flush).size(room);
    made.byte(ring_commit).text(record).byte(ring_read).size(4).byte(ring_take).text(record);
    made.byte(ring_read).size(100).byte(ring_begin_fill).byte(ring_read).size(1);
    made.byte(ring_end_fill).text(record.substr(0, 7)).byte(ring_read).size(40);
    made.byte(ring_detach).byte(ring_take).text(record.substr(7)).byte(ring_detach);
    seeds.add(made);
  }
}

void pem_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "pem_fuzzer");
  auto const add = [&](std::size_t event, std::size_t bits, std::string_view text) {
    script_writer made;
    made.byte(pem_chain).byte(2).size(0).byte(0).byte(event).byte(bits).text(text);
    seeds.add(made.byte(3).bytes("abc").byte(pem_key).byte(4).size(0).byte(0));
  };
  constexpr std::array texts{
      std::string_view(""), std::string_view("-----BEGIN CERTIFICATE-----\n"),
      std::string_view("-----BEGIN X-----\nAAAA\n-----END X-----\n"),
      std::string_view("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                       "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                       "-----END RSA PRIVATE KEY-----\n"),
      std::string_view(" -----BEGIN CERTIFICATE-----\n\xef\xbb\xbf\x30\x82")};
  for (std::size_t event = 0; event != pem_events; ++event) {
    for (std::size_t bits = 0; bits < 64; bits += 7) {
      for (auto const text : texts)
        add(event, bits, text);
    }
  }
  auto const& own = make_identity(identity_kind::server_intermediate);
  for (auto const& text : {own.certificate_chain, own.private_key, own.authority})
    add(pem_identity, 0, text);
}

void proxy_header_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "proxy_header_fuzzer");
  std::string const start("\r\n\r\n\0\r\nQUIT\n", 12);
  auto const add = [&](char command, char protocol, std::string const& rest) {
    seeds.add(start + command + protocol + '\0' + static_cast<char>(rest.size()) + rest);
  };
  std::string const v4("\x7f\0\0\1\x0a\0\0\2\x1f\x90\x01\xbb", 12);
  std::string const field("\x01\0\x02h2", 5);
  add(0x21, 0x11, v4);
  add(0x21, 0x11, v4 + field + field);
  add(0x21, 0x21, std::string(36, 'a') + field);
  add(0x21, 0x12, v4);
  add(0x21, 0x31, std::string(216, 'u'));
  add(0x21, 0x00, {});
  add(0x20, 0x00, field);
}

void text_seeds(std::filesystem::path const& below) {
  corpus targets(below, "request_target_fuzzer");
  for (auto const text :
       {"/", "/a%20b", "/dir", "/dir/", "//dir/../a", "/%2e%2e/secret", "/link", "/up/secret",
        "/a?b=/../", "https://localhost:8443/dir", "https://user:word@example.test/",
        "//example.test:443/file#part", "../up?x", "https://[::1]:99999/", "/%5c..%2f", "?q"})
    targets.add(text);
  corpus ranges(below, "range_fuzzer");
  for (auto const text :
       {"bytes=0-0", "bytes=5-", "bytes=-5", "Bytes= 2-9 ", "bytes=0-18446744073709551615",
        "bytes=-0", "bytes=9-2", "bytes=1-2,4-5", "bytes 5-9/10", "bytes */10", "bytes 5-9/*"}) {
    for (std::size_t const size : {0U, 10U})
      ranges.add(script_writer().byte(1).byte(size).bytes(text));
  }
}

void http2_seeds(std::filesystem::path const& below) {
  corpus seeds(below, "http2_fuzzer");
  auto const request = [](script_writer& to, std::size_t bits, std::string_view path) {
    to.byte(http2_request).byte(bits).byte(path.size()).bytes(path);
  };
  script_writer plain;
  request(plain, 0, "file");
  request(plain, 1, "");
  plain.byte(http2_poll).byte(http2_data).byte(3).byte(0).size(3'000).byte(http2_send).size(70);
  plain.byte(http2_data).byte(3).byte(1).size(5).byte(http2_poll);
  request(plain, 0, "large");
  seeds.add(plain.byte(http2_poll));
  // RFC 9113 section 6: each type of frame, and one that there is not.
  constexpr std::array<std::string_view, 11> payloads{"data",
                                                      std::string_view("\x82\x87\x84", 3),
                                                      std::string_view("\0\0\0\0\x10", 5),
                                                      std::string_view("\0\0\0\x08", 4),
                                                      std::string_view("\0\4\0\0\0\1", 6),
                                                      "promise",
                                                      "12345678",
                                                      std::string_view("\0\0\0\1\0\0\0\0", 8),
                                                      std::string_view("\0\0\x10\0", 4),
                                                      "header",
                                                      "what"};
  for (std::size_t type = 0; type != payloads.size(); ++type) {
    for (std::size_t const flags : {0U, 1U, 4U, 5U, 8U}) {
      for (std::size_t const stream : {0U, 1U}) {
        script_writer made;
        request(made, 1, "echo");
        made.byte(http2_frame).byte(type).byte(flags).byte(stream).text(payloads[type]);
        made.byte(http2_poll).byte(http2_data).byte(1).byte(1).size(100);
        seeds.add(made.byte(http2_raw).text(std::string_view("\0\0\0\4\1\0\0\0\0", 9)));
      }
    }
  }
}

}  // namespace
}  // namespace tls_async::test

int main(int argc, char* argv[]) try {
  using namespace tls_async::test;
  if (argc != 2) throw std::runtime_error("usage: fuzz_seeds FOLDER");
  for (auto* const write : {engine_seeds, two_engines_seeds, ring_seeds, pem_seeds,
                            proxy_header_seeds, text_seeds, http2_seeds})
    write(argv[1]);
} catch (std::exception const& error) {
  std::cerr << "fuzz_seeds: " << error.what() << '\n';
  return 1;
}
