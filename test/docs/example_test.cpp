// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Runs the README's example as it stands there, against a server of ours on loopback.
#include <tls_async/tls_async.hpp>

#include <tls_async_test/certificates.hpp>
#include "apps/temporary_directory.hpp"

#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::string const answer = "HTTP/1.0 200 OK\r\n\r\n" + std::string(100'000, 'x');

asio::awaitable<void> answer_one(tcp::acceptor& acceptor, tls_async::context& context,
                                 std::string& request) {
  tls_async::stream<tcp::socket> stream{co_await acceptor.async_accept(asio::deferred), context};
  co_await tls_handshake(stream, tls_async::as_server{});
  co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n",
                                  asio::deferred);
  co_await tls_write(stream, asio::buffer(answer));
  co_await tls_shutdown(stream);
}

/// Serves one connection while the example runs.
class server {
public:
  explicit server(tls_async::test::identity const& identity) {
    context_.use_certificate_chain(identity.certificate_chain);
    context_.use_private_key(identity.private_key);
    served_ = asio::co_spawn(io_, answer_one(acceptor_, context_, request_), asio::use_future);
    running_ = std::async(std::launch::async, [this] { io_.run(); });
  }
  server(server const&) = delete;
  server& operator=(server const&) = delete;
  ~server() { stop(); }

  std::string const& port() const { return port_; }
  /// The request it was sent; throws what went wrong. The client has ended, so nobody else comes.
  std::string request() {
    stop();
    served_.get();
    return request_;
  }

private:
  void stop() {
    asio::post(io_, [this] { acceptor_.close(); });
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::string const port_ = std::to_string(acceptor_.local_endpoint().port());
  tls_async::context context_{tls_async::context::role::server};
  std::string request_;
  std::future<void> served_;
  std::future<void> running_;
};

/// Makes `pem` the authorities of this system, as trust_system() finds them.
class system_authorities {
public:
  explicit system_authorities(std::string const& pem)
      : file_(directory_.write("authorities.pem", pem)) {
    ::setenv("SSL_CERT_FILE", file_.c_str(), 1);
    ::setenv("SSL_CERT_DIR", directory_.path().c_str(), 1);
  }
  system_authorities(system_authorities const&) = delete;
  system_authorities& operator=(system_authorities const&) = delete;
  ~system_authorities() {
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
  }

private:
  https_server::temporary_directory const directory_;
  std::filesystem::path const file_;
};

/// The exit status and all that the example printed.
std::pair<int, std::string> run_example(std::string const& port) {
  std::string const command = "'" README_EXAMPLE "' 127.0.0.1 " + port + " 2>&1";
  std::FILE* const out = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(out != nullptr);
  std::string printed;
  std::array<char, 4096> bytes;
  while (auto const n = std::fread(bytes.data(), 1, bytes.size(), out))
    printed.append(bytes.data(), n);
  return {::pclose(out), printed};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(example)

BOOST_AUTO_TEST_CASE(sends_a_request_and_prints_the_whole_answer) {
  auto const& identity = tls_async::test::server_identity();
  system_authorities const trusted{identity.authority};
  server peer{identity};
  auto const [status, printed] = run_example(peer.port());
  BOOST_TEST(status == 0, printed);
  BOOST_TEST(peer.request() == "GET / HTTP/1.0\r\n\r\n");
  BOOST_TEST((printed == answer));
}

BOOST_AUTO_TEST_CASE(says_why_it_does_not_trust_the_server) {
  auto const& identity = tls_async::test::make_identity(tls_async::test::identity_kind::wrong_host);
  system_authorities const trusted{identity.authority};
  server peer{identity};
  auto const [status, printed] = run_example(peer.port());
  BOOST_TEST(status != 0);
  BOOST_CHECK_THROW(peer.request(), boost::system::system_error);
  BOOST_TEST(printed.find("IP address mismatch; the host is '127.0.0.1'") != std::string::npos,
             printed);
}

BOOST_AUTO_TEST_SUITE_END()
