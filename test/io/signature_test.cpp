// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Handshakes whose private key is elsewhere: what is asked for, and what is no answer. How the hook
// is given and ended is for hooks_test.cpp.
#include <tls_async/io/hooks.hpp>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <openssl/async.h>
#include <openssl/ssl.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memory_session.hpp"
#include "support/keyless.hpp"

using namespace tls_async::test;
using tls_async::as_client;
using tls_async::as_server;
using tls_async::context;
using tls_async::errc;
using tls_async::hook_answer;
using tls_async::hooks;
using tls_async::signature_request;
using tls_async::verdict;

namespace {

context keyless_server_of(identity_kind kind, int minor) {
  context made(context::role::server);
  made.use_identities(keyless(kind));
  auto const only = minor == 2 ? context::version::tls1_2 : context::version::tls1_3;
  made.set_versions(only, only);
  return made;
}

context client_of(identity_kind trusted) {
  context made(context::role::client);
  made.trust(make_identity(trusted).authority);
  return made;
}

struct handshakes {
  ending client, server;
};

void begin_both(memory_session& s, handshakes& ends, hooks const& of_server) {
  tls_handshake(s.client, as_client{"localhost"}, ends.client.token());
  tls_handshake(s.server, as_server{of_server}, ends.server.token());
  s.settle();
}

bool carries_plaintext(memory_session& s) {
  ending written, read;
  std::string got(9, ' ');
  tls_write(s.client, std::string("as agreed"), written.token());
  tls_read_some(s.server, boost::asio::buffer(got), read.token());
  s.settle();
  return written.done && !written.ec && read.done && !read.ec && got == "as agreed";
}

struct algorithm {
  identity_kind kind;
  int minor;
  int scheme;  // as the client offers it
  char const* name;
};
constexpr std::array algorithms{algorithm{identity_kind::server, 2, 0x0403, "ECDSA+SHA256"},
                                algorithm{identity_kind::server, 2, 0x0503, "ECDSA+SHA384"},
                                algorithm{identity_kind::server, 3, 0x0403, "ECDSA+SHA256"},
                                algorithm{identity_kind::server_rsa, 2, 0x0401, "RSA+SHA256"},
                                algorithm{identity_kind::server_rsa, 2, 0x0601, "RSA+SHA512"},
                                algorithm{identity_kind::server_rsa, 2, 0x0804, "RSA-PSS+SHA256"},
                                algorithm{identity_kind::server_rsa, 3, 0x0804, "RSA-PSS+SHA256"},
                                algorithm{identity_kind::server_rsa, 3, 0x0806, "RSA-PSS+SHA512"},
                                algorithm{identity_kind::server_ed25519, 2, 0x0807, "ed25519"},
                                algorithm{identity_kind::server_ed25519, 3, 0x0807, "ed25519"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(signatures_by_a_key_elsewhere)

BOOST_AUTO_TEST_CASE(are_asked_for_by_the_number_that_tls_has_for_them) {
  for (auto const& each : algorithms) {
    BOOST_TEST_CONTEXT(each.name << " in TLS 1." << each.minor) {
      auto server = keyless_server_of(each.kind, each.minor);
      auto client = client_of(each.kind);
      // That of the certificates is ECDSA+SHA256.
      auto const offered = std::string(each.name) + (each.scheme == 0x0403 ? "" : ":ECDSA+SHA256");
      BOOST_REQUIRE_EQUAL(SSL_CTX_set1_sigalgs_list(client.native_handle(), offered.c_str()), 1);
      memory_session s({}, client, server);
      std::optional<signature_request> seen;
      hooks asking;
      asking.signature = [&](signature_request const& asked) {
        seen = asked;
        return signed_by_its_key(asked);
      };
      handshakes ends;
      begin_both(s, ends, asking);
      BOOST_REQUIRE((ends.client.done && ends.server.done));
      BOOST_TEST(ends.client.ec == tls_async::error_code());
      BOOST_TEST(ends.server.ec == tls_async::error_code());
      BOOST_REQUIRE(seen);
      BOOST_TEST(seen->scheme == each.scheme);
      bool const is_hashed = !seen->digest.empty();
      BOOST_TEST(is_hashed == (each.kind != identity_kind::server_ed25519));
      BOOST_TEST((seen->hashed().size() == seen->message.size()) == !is_hashed);
      BOOST_TEST(carries_plaintext(s));
    }
  }
}

BOOST_AUTO_TEST_CASE(that_are_none_have_an_error_of_their_own) {
  for (int const minor : {2, 3}) {
    for (auto const kind : {identity_kind::server, identity_kind::server_rsa}) {
      auto const check = [&](auto answer, char const* words) {
        auto server = keyless_server_of(kind, minor);
        auto client = client_of(kind);
        memory_session s({}, client, server);
        hooks asking;
        asking.signature = answer;
        handshakes ends;
        begin_both(s, ends, asking);
        BOOST_REQUIRE((ends.client.done && ends.server.done));
        BOOST_TEST(ends.server.ec == errc::bad_signature);
        BOOST_TEST(ends.client.ec.failed());
        BOOST_TEST(s.server.error_info().text().find(words) != std::string::npos);
        BOOST_REQUIRE(s.client.error_info().last_alert);
        BOOST_TEST(s.client.error_info().last_alert->fatal);
      };
      check([](signature_request const&) { return verdict(); }, "answered without one");
      check(
          [](signature_request const& asked) {
            auto bytes = signed_by_its_key(asked).signature;
            std::vector<std::byte> changed(bytes.begin(), bytes.end());
            changed.back() ^= std::byte{1};
            return verdict::sign(changed);
          },
          "is none by the key");
      check(
          [kind](signature_request const& asked) {
            if (kind == identity_kind::server_rsa)
              return verdict::sign(std::vector<std::byte>(256, std::byte{7}));
            auto const other = private_key_of(identity_kind::client);
            return verdict::sign(signature_by(other.get(), asked));
          },
          "is none by the key");
      check(
          [](signature_request const&) {
            return verdict::sign(std::vector<std::byte>(100'000, std::byte{7}));
          },
          "is none by the key");
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_hook_fail_with_words) {
  for (int const minor : {2, 3}) {
    auto server = keyless_server_of(identity_kind::server, minor);
    memory_session s({}, trusting_client(), server);
    handshakes ends;
    tls_handshake(s.client, as_client{"localhost"}, ends.client.token());
    tls_handshake(s.server, as_server{}, ends.server.token());
    s.settle();
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_TEST(ends.server.ec.failed());
    BOOST_TEST(s.server.error_info().text().find("no hook for signatures") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(are_not_asked_for_where_the_key_is_here) {
  memory_session s;
  hooks asking;
  asking.signature = [](signature_request const&) { return verdict::refuse("asked for nothing"); };
  handshakes ends;
  begin_both(s, ends, asking);
  BOOST_REQUIRE((ends.client.done && ends.server.done));
  BOOST_TEST(ends.server.ec == tls_async::error_code());
  BOOST_TEST(carries_plaintext(s));
}

BOOST_AUTO_TEST_CASE(of_several_streams_are_answered_in_any_order) {
  constexpr std::size_t count = 50;
  boost::asio::io_context io;
  auto server_context = keyless_server_of(identity_kind::server, 3);
  auto client_context = client_of(identity_kind::server);
  struct connection {
    connection(std::pair<memory_stream, memory_stream> link, context& c, context& s)
        : client(std::move(link.first), c), server(std::move(link.second), s) {}
    memory_tls client, server;
    handshakes ends;
  };
  std::vector<std::unique_ptr<connection>> all;
  using asked_of = std::pair<signature_request, hook_answer>;
  std::vector<std::unique_ptr<asked_of>> open;
  hooks asking;
  asking.signature = [&](signature_request const& asked, hook_answer answer) {
    open.push_back(std::make_unique<asked_of>(asked, std::move(answer)));
  };
  for (std::size_t i = 0; i != count; ++i) {
    all.push_back(std::make_unique<connection>(memory_stream::make(io.get_executor()),
                                               client_context, server_context));
    tls_handshake(all.back()->client, as_client{"localhost"}, all.back()->ends.client.token());
    tls_handshake(all.back()->server, as_server{asking}, all.back()->ends.server.token());
  }
  settle(io);
  BOOST_REQUIRE_EQUAL(open.size(), count);
  while (!open.empty()) {
    auto const which = open.begin() + static_cast<std::ptrdiff_t>(open.size() / 3);
    (*which)->second(signed_by_its_key((*which)->first));
    open.erase(which);
    settle(io);
  }
  for (auto const& each : all) {
    BOOST_TEST((each->ends.client.done && each->ends.server.done));
    BOOST_TEST(each->ends.server.ec == tls_async::error_code());
  }
}

// The job that OpenSSL has begun is of its thread, which ends it later.
BOOST_AUTO_TEST_CASE(that_come_on_another_thread_end_the_handshake_with_words) {
  auto server = keyless_server_of(identity_kind::server, 3);
  std::optional<memory_session> s(std::in_place, tls_async::stream_options(), trusting_client(),
                                  server);
  std::optional<signature_request> seen;
  std::optional<hook_answer> answer;
  hooks asking;
  asking.signature = [&](signature_request const& asked, hook_answer to) {
    seen = asked;
    answer.emplace(std::move(to));
  };
  handshakes ends;
  begin_both(*s, ends, asking);
  BOOST_REQUIRE(seen);
  std::thread other([&] {
    (*answer)(signed_by_its_key(*seen));
    s->settle();
  });
  other.join();
  BOOST_TEST(ends.server.done);
  BOOST_TEST(ends.server.ec == errc::bad_option);
  BOOST_TEST(s->server.error_info().text().find("an executor of one thread") != std::string::npos);
  answer.reset();
  std::thread last([&] { s.reset(); });
  last.join();
  // Which ends what was left to it.
  memory_session next({}, trusting_client(), server);
  asking.signature = &signed_by_its_key;
  handshakes of_next;
  begin_both(next, of_next, asking);
  BOOST_TEST(of_next.server.ec == tls_async::error_code());
  BOOST_TEST(carries_plaintext(next));
}

// What the hook has left with its answer may take the program's time, and other threads start verbs
// meanwhile.
BOOST_AUTO_TEST_CASE(are_used_before_another_thread_can_start_a_verb) {
  auto server = keyless_server_of(identity_kind::server, 3);
  memory_session s({}, trusting_client(), server);
  ending written;
  bool has_begun = false;
  struct at_its_end {
    std::function<void()> what;
    ~at_its_end() { what(); }
  };
  std::optional<signature_request> seen;
  std::optional<hook_answer> answer;
  hooks asking;
  asking.signature = [&](signature_request const& asked, hook_answer to) {
    seen = asked;
    std::shared_ptr<at_its_end> const left(new at_its_end{[&] {
      has_begun = true;
      std::thread([&] { tls_write(s.server, std::string("so far"), written.token()); }).join();
    }});
    to.get_cancellation_slot().assign([left](boost::asio::cancellation_type) {});
    answer.emplace(std::move(to));
  };
  handshakes ends;
  begin_both(s, ends, asking);
  BOOST_REQUIRE(seen);
  (*answer)(signed_by_its_key(*seen));
  answer.reset();
  BOOST_TEST(!has_begun);
  s.settle();
  BOOST_TEST(has_begun);
  BOOST_TEST(ends.server.done);
  BOOST_TEST(ends.server.ec == tls_async::error_code());
  BOOST_TEST(written.done);
  BOOST_TEST(carries_plaintext(s));
}

// An engine of its own, which waits for a signature.
struct waiting_engine {
  waiting_engine() {
    tls_async::questions wanted;
    wanted.signature = true;
    BOOST_REQUIRE(!engine.be_server());
    BOOST_REQUIRE(!client.be_client_of("localhost"));
    BOOST_REQUIRE(!engine.ask(wanted));
    (void)client.handshake();
    auto const hello = client.ring().readable();
    BOOST_REQUIRE(engine.ring().take(hello));
    BOOST_REQUIRE((engine.handshake().next == tls_async::want::decision));
  }

  context server_context = keyless_server_of(identity_kind::server, 3);
  tls_async::engine engine{server_context.native_handle(), {}};
  tls_async::engine client{trusting_client().native_handle(), {}};
};

BOOST_AUTO_TEST_CASE(that_are_given_up_end_the_session_in_words) {
  waiting_engine at;
  at.engine.give_up_signature();
  BOOST_TEST((at.engine.failure().own == errc::refused));
  auto const told = at.engine.error_info().text();
  BOOST_TEST(told.find("given up while it waited for a signature") != std::string::npos, told);
  BOOST_TEST(told.find("a hook refused") == std::string::npos, told);
}

BOOST_AUTO_TEST_CASE(that_are_given_up_leave_a_ring_that_takes_nothing) {
  waiting_engine at;
  at.engine.give_up_signature();
  at.engine.go_idle(true);
  BOOST_TEST(at.engine.ring().writable().empty());
  BOOST_TEST(at.engine.ring().readable().empty());
  BOOST_TEST((at.engine.handshake().next == tls_async::want::failed));
}

int told_steps = 0;

// What the program knows the session by may be gone by then.
BOOST_AUTO_TEST_CASE(that_nobody_waits_for_any_more_tell_the_program_nothing) {
  for (bool const on_another_thread : {false, true}) {
    auto server = keyless_server_of(identity_kind::server, 3);
    SSL_CTX_set_info_callback(server.native_handle(), [](SSL const*, int, int) { ++told_steps; });
    std::optional<memory_session> s(std::in_place, tls_async::stream_options(), trusting_client(),
                                    server);
    std::optional<hook_answer> answer;
    hooks asking;
    asking.signature = [&](signature_request const&, hook_answer to) {
      answer.emplace(std::move(to));
    };
    handshakes ends;
    begin_both(*s, ends, asking);
    BOOST_REQUIRE(answer);
    answer.reset();
    BOOST_TEST(told_steps > 0);
    told_steps = 0;
    if (on_another_thread) {
      std::thread([&s] { s.reset(); }).join();
      // Which ends what was left to this thread.
      memory_session next({}, trusting_client(), known_server());
      handshakes of_next;
      begin_both(next, of_next, asking);
      BOOST_TEST(of_next.server.ec == tls_async::error_code());
    } else {
      s.reset();
    }
    BOOST_TEST(told_steps == 0);
  }
}

BOOST_AUTO_TEST_CASE(that_are_waited_for_when_the_session_is_cleared_end_it) {
  auto server = keyless_server_of(identity_kind::server, 3);
  memory_session s({}, trusting_client(), server);
  std::optional<hook_answer> answer;
  hooks asking;
  asking.signature = [&](signature_request const&, hook_answer to) {
    answer.emplace(std::move(to));
  };
  handshakes ends;
  begin_both(s, ends, asking);
  BOOST_REQUIRE(answer);
  SSL_clear(s.server.native_handle());
  (*answer)(verdict());
  s.settle();
  BOOST_TEST(ends.server.done);
  BOOST_TEST(ends.server.ec == errc::bad_option);
}

// With kernel TLS asked for OpenSSL has the socket, whose number may be another file's by then.
BOOST_AUTO_TEST_CASE(that_nobody_waits_for_any_more_write_to_no_descriptor) {
  using local = boost::asio::local::stream_protocol;
  for (bool const on_another_thread : {false, true}) {
    auto server_context = keyless_server_of(identity_kind::server, 3);
    boost::asio::io_context io;
    local::socket near(io), far(io);
    boost::asio::local::connect_pair(near, far);
    int const number = near.native_handle();
    tls_async::stream_options options;
    options.ktls = tls_async::ktls::tx;
    tls_async::stream<local::socket> client(std::move(far), trusting_client());
    std::optional<tls_async::stream<local::socket>> server(std::in_place, std::move(near),
                                                           server_context, options);
    std::optional<hook_answer> answer;
    hooks asking;
    asking.signature = [&](signature_request const&, hook_answer to) {
      answer.emplace(std::move(to));
    };
    handshakes ends;
    tls_handshake(client, as_client{"localhost"}, ends.client.token());
    tls_handshake(*server, as_server{asking}, ends.server.token());
    while (!answer)
      io.run_one();
    if (on_another_thread) {
      std::thread([&server] { server.reset(); }).join();
    } else {
      server->next_layer().close();
    }
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), std::fclose);
    bool const is_it = fileno(file.get()) == number;
    if (!is_it) BOOST_REQUIRE_EQUAL(dup2(fileno(file.get()), number), number);
    server.reset();
    settle(io);
    BOOST_TEST(lseek(fileno(file.get()), 0, SEEK_END) == 0);
    if (!is_it) close(number);
  }
}

BOOST_AUTO_TEST_CASE(that_were_left_to_a_thread_are_ended_inside_of_another_handshake) {
  auto server = keyless_server_of(identity_kind::server, 3);
  std::optional<memory_session> left(std::in_place, tls_async::stream_options(), trusting_client(),
                                     server);
  std::optional<hook_answer> answer;
  hooks asking;
  asking.signature = [&](signature_request const&, hook_answer to) {
    answer.emplace(std::move(to));
  };
  handshakes ends;
  begin_both(*left, ends, asking);
  BOOST_REQUIRE(answer);
  answer.reset();
  std::thread([&left] { left.reset(); }).join();
  memory_session plain;
  memory_session inner({}, trusting_client(), server);
  handshakes of_plain, of_inner;
  bool begun = false;
  plain.client.set_verify_callback([&](bool is_good, auto&) {
    if (!std::exchange(begun, true))
      tls_handshake(inner.server, as_server{asking}, of_inner.server.token());
    return is_good;
  });
  begin_both(plain, of_plain, {});
  BOOST_TEST(of_plain.client.done);
  BOOST_TEST(of_plain.client.ec == tls_async::error_code());
}

int keep_from_waiting(SSL*, void*) { return ASYNC_block_pause(), 1; }

BOOST_AUTO_TEST_CASE(that_openssl_is_kept_from_waiting_for_end_the_handshake) {
  auto server = keyless_server_of(identity_kind::server, 3);
  SSL_CTX_set_cert_cb(server.native_handle(), &keep_from_waiting, nullptr);
  memory_session s({}, trusting_client(), server);
  hooks asking;
  asking.signature = &signed_by_its_key;
  handshakes ends;
  begin_both(s, ends, asking);
  BOOST_TEST(ends.server.done);
  BOOST_TEST(ends.server.ec.failed());
  BOOST_TEST(s.server.error_info().text().find("could not wait") != std::string::npos);
  ASYNC_unblock_pause();
}

BOOST_AUTO_TEST_CASE(are_not_asked_for_after_hooks_that_were_refused) {
  tls_async::engine engine(trusting_client().native_handle(), {});
  BOOST_REQUIRE(!engine.be_client_of("localhost"));
  tls_async::questions wanted;
  wanted.client_hello = wanted.signature = true;
  BOOST_TEST(engine.ask(wanted) == errc::bad_option);
  BOOST_TEST((SSL_get_mode(engine.native_handle()) & SSL_MODE_ASYNC) == 0);
}

BOOST_AUTO_TEST_CASE(are_for_three_types_of_keys) {
  tls_async::identities all;
  try {
    all.add_chain("no certificate");
    BOOST_ERROR("it was taken");
  } catch (boost::system::system_error const& refused) {
    BOOST_TEST(refused.code() == errc::bad_certificate);
  }
  all.add_chain(make_identity(identity_kind::server_rsa).certificate_chain);
  all.add_chain(make_identity(identity_kind::server).certificate_chain);
  BOOST_TEST(all.size() == 2);
  BOOST_TEST(all[0].key_type == "RSA");
  BOOST_TEST(all[1].key_type == "EC");
}

BOOST_AUTO_TEST_SUITE_END()
