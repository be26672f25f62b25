// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Two parties of a session script, joined over a next layer of choice, with the event loop that a
// test steps by hand. Every run of one configuration takes the same steps where the next layer is
// in memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/memory_link.hpp>
#include "session_script.hpp"
#include "support/model.hpp"

namespace tls_async::test {

/// Asio's contexts, so that both libraries get the same.
inline boost::asio::ssl::context& script_context(bool is_client) {
  auto const make = [](bool client) {
    using boost::asio::ssl::context;
    context made(client ? context::tls_client : context::tls_server);
    auto const& id = server_identity();
    if (client) {
      made.add_certificate_authority(boost::asio::buffer(id.authority));
      made.set_verify_mode(boost::asio::ssl::verify_peer);
    } else {
      made.use_certificate_chain(boost::asio::buffer(id.certificate_chain));
      made.use_private_key(boost::asio::buffer(id.private_key), context::pem);
    }
    return made;
  };
  static boost::asio::ssl::context client = make(true);
  static boost::asio::ssl::context server = make(false);
  return is_client ? client : server;
}

/// A stream that owns its end of a memory link.
template <class Stream>
struct owned_memory {
  using stream_type = Stream;
  static constexpr bool waits_for_the_kernel = false;

  owned_memory(boost::asio::io_context& io, pipe_options const& pipe) {
    auto ends = memory_stream::make(io.get_executor());
    ends.first.outgoing() = ends.second.outgoing() = pipe;
    using end = typename Stream::next_layer_type;
    client = std::make_unique<Stream>(end(std::move(ends.first)), script_context(true));
    server = std::make_unique<Stream>(end(std::move(ends.second)), script_context(false));
  }
  static std::string drop(bool) { return {}; }

  std::unique_ptr<Stream> client, server;
};

/// A stream that refers to its end, which may go as soon as the stream has.
template <class Stream>
struct referenced_memory {
  using stream_type = Stream;
  static constexpr bool waits_for_the_kernel = false;

  referenced_memory(boost::asio::io_context& io, pipe_options const& pipe) {
    auto ends = memory_stream::make(io.get_executor());
    ends.first.outgoing() = ends.second.outgoing() = pipe;
    client_end = std::make_unique<memory_stream>(std::move(ends.first));
    server_end = std::make_unique<memory_stream>(std::move(ends.second));
    client = std::make_unique<Stream>(*client_end, script_context(true));
    server = std::make_unique<Stream>(*server_end, script_context(false));
  }
  /// Destroys the end, and says what is wrong with that.
  std::string drop(bool is_client) {
    auto const end = std::move(is_client ? client_end : server_end);
    return end->is_reading() || end->is_writing() ? "the stream goes on using its next layer" : "";
  }

  std::unique_ptr<memory_stream> client_end, server_end;
  std::unique_ptr<Stream> client, server;
};

template <class Stream>
struct loopback_tcp {
  using stream_type = Stream;
  static constexpr bool waits_for_the_kernel = true;

  loopback_tcp(boost::asio::io_context& io, pipe_options const&) {
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
    tcp::socket client_end(io);
    tcp::socket server_end(io);
    client_end.connect(acceptor.local_endpoint());
    acceptor.accept(server_end);
    client = std::make_unique<Stream>(std::move(client_end), script_context(true));
    server = std::make_unique<Stream>(std::move(server_end), script_context(false));
  }
  static std::string drop(bool) { return {}; }

  std::unique_ptr<Stream> client, server;
};

struct session_plan {
  std::vector<std::size_t> client_messages{1, 20'000, 16'384, 70'000};
  std::vector<std::size_t> server_messages{100, 16'385, 1, 50'000};
  pipe_options pipe;
};

template <class Link, class Verbs = tls_verbs>
class session_pair {
public:
  using link_type = Link;
  using party_type = party<typename Link::stream_type, Verbs>;

  explicit session_pair(session_plan const& plan)
      : link_(io, plan.pipe),
        client(std::move(link_.client),
               {true, plan.client_messages, sum(plan.server_messages), 65'536}, up, down),
        server(std::move(link_.server),
               {false, plan.server_messages, sum(plan.client_messages), 10'000}, down, up) {
    client.start();
    server.start();
  }

  [[nodiscard]] party_type& side(bool is_client) { return is_client ? client : server; }

  /// Runs one handler; false when there is none to run.
  bool step() {
    if (io.stopped()) io.restart();
    return (Link::waits_for_the_kernel ? io.run_one() : io.poll_one()) != 0;
  }
  /// Runs to the end, with `before_step(i)` before the i-th handler. Returns how many there were.
  template <class BeforeStep>
  std::size_t run(BeforeStep before_step) {
    for (std::size_t i = 0;; ++i) {
      before_step(i);
      if (!step()) return i;
    }
  }
  std::size_t run() {
    return run([](std::size_t) {});
  }

  void destroy(bool is_client) {
    side(is_client).destroy();
    if (auto wrong = link_.drop(is_client); !wrong.empty()) wrong_drop_ = wrong;
  }

  /// What is wrong with a session that had to come to its end; empty if nothing.
  [[nodiscard]] std::string verdict() const {
    if (std::string wrong = breach(); !wrong.empty()) return wrong;
    for (auto const* p : {&client, &server}) {
      std::string const who = p == &client ? "client" : "server";
      if (p->failure()) return who + " failed: " + p->failure().message();
    }
    if (auto wrong = up.difference(true); !wrong.empty()) return "client to server: " + wrong;
    if (auto wrong = down.difference(true); !wrong.empty()) return "server to client: " + wrong;
    if (!client.is_done()) return "the client did not come to its end";
    if (!server.is_done()) return "the server did not come to its end";
    return {};
  }
  /// What is wrong with a session that was cut short: only promises that hold in any case.
  [[nodiscard]] std::string breach() const {
    if (!wrong_drop_.empty()) return wrong_drop_;
    if (!client.complaint().empty()) return "client: " + client.complaint();
    if (!server.complaint().empty()) return "server: " + server.complaint();
    if (auto wrong = up.difference(false); !wrong.empty()) return "client to server: " + wrong;
    if (auto wrong = down.difference(false); !wrong.empty()) return "server to client: " + wrong;
    return {};
  }

  boost::asio::io_context io;
  byte_queue up, down;

private:
  static std::size_t sum(std::vector<std::size_t> const& sizes) {
    std::size_t total = 0;
    for (auto const size : sizes)
      total += size;
    return total;
  }

  std::string wrong_drop_;
  Link link_;

public:
  party_type client, server;
};

}  // namespace tls_async::test
