// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "proxied.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

[[noreturn]] void fail(char const* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

// For as long as the process lives; it ends with the guest.
std::string file_with(std::string const& content) {
  std::string name = "/tmp/tls_proxy_XXXXXX";
  int const file = ::mkstemp(name.data());
  if (file < 0) fail("mkstemp");
  auto const written = ::write(file, content.data(), content.size());
  ::close(file);
  if (written != static_cast<ssize_t>(content.size())) fail("write");
  return name;
}

}  // namespace

running_program::running_program(std::vector<std::string> command, int told) {
  std::vector<char*> words;
  for (auto& word : command)
    words.push_back(word.data());
  words.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  id_ = ::fork();
  if (id_ < 0) fail("fork");
  if (id_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    if (told != -1) ::dup2(told, 3);
    ::execv(words.front(), words.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
}

running_program::~running_program() {
  stop();
  ::close(output_);
}

std::string running_program::wait_for(std::string const& text) {
  for (;;) {
    auto const at = printed_.find(text);
    auto const end = at == printed_.npos ? at : printed_.find('\n', at);
    if (end != printed_.npos) return printed_.substr(0, end);
    pollfd asked{output_, POLLIN, 0};
    char some[4096];
    auto const count = ::poll(&asked, 1, 50'000) == 1 ? ::read(output_, some, sizeof some) : 0;
    if (count <= 0) throw std::runtime_error{"no \"" + text + "\" in\n" + printed_};
    printed_.append(some, static_cast<std::size_t>(count));
  }
}

void running_program::stop() {
  if (id_ == -1) return;
  ::kill(id_, SIGTERM);
  ::waitpid(std::exchange(id_, -1), nullptr, 0);
}

std::string tls_proxy_path() {
  auto const* const told = std::getenv("TLS_PROXY");
  return told != nullptr ? told : TLS_PROXY_PATH;
}

void plain_sink::keep_reading(tcp::socket& from) {
  from.async_read_some(asio::buffer(place), [this, &from](error_code ec, std::size_t n) {
    plaintext.append(place.data(), n);
    ended = ec.failed();
    end = ec;
    if (!ec) keep_reading(from);
  });
}

proxied::proxied(kernel_suite const& suite, on side, std::vector<std::string> before, int told,
                 bool by_kernel)
    : suite_(suite),
      side_(side),
      backend_(io, {asio::ip::address_v4::loopback(), 0}),
      proxy(command(std::move(before), by_kernel), told),
      plain(io) {
  std::string const listening = "listening on 127.0.0.1:";
  auto const line = proxy.wait_for(listening);
  auto const port = std::stoul(line.substr(line.find(listening) + listening.size()));
  proxy_ = {asio::ip::address_v4::loopback(), static_cast<unsigned short>(port)};
  connect();
}

std::vector<std::string> proxied::command(std::vector<std::string> before, bool by_kernel) const {
  auto const& known = server_identity();
  auto all = std::move(before);
  all.insert(all.end(),
             {tls_proxy_path(), "--listen=127.0.0.1:0", "--stop-seconds=1",
              "--connect=127.0.0.1:" + std::to_string(backend_.local_endpoint().port())});
  if (by_kernel) all.emplace_back("--ktls");
  if (side_ == on::clients) {
    all.push_back("--cert=" + file_with(known.certificate_chain));
    all.push_back("--key=" + file_with(known.private_key));
  } else {
    all.insert(all.end(), {"--mode=client", "--server-name=localhost",
                           "--cacert=" + file_with(known.authority)});
  }
  return all;
}

void proxied::connect(int receive_room) {
  secured.reset();
  plain = tcp::socket(io);
  bool const is_client = side_ == on::clients;
  tcp::socket near(io, tcp::v4()), far(io);
  if (is_client && receive_room != 0)
    near.set_option(asio::socket_base::receive_buffer_size(receive_room));
  near.connect(proxy_);
  bool accepted = false;
  backend_.async_accept(far, [&](error_code ec) {
    BOOST_TEST(!ec);
    accepted = true;
  });
  if (!is_client) run_until([&] { return accepted; });
  secured.emplace(std::move(is_client ? near : far), is_client ? trusting_client() : known_server(),
                  patient_options());
  SSL* const ssl = secured->native_handle();
  SSL_set_min_proto_version(ssl, suite_.version);
  SSL_set_max_proto_version(ssl, suite_.version);
  if (suite_.version == TLS1_3_VERSION) {
    SSL_set_ciphersuites(ssl, suite_.cipher);
  } else {
    SSL_set_cipher_list(ssl, suite_.cipher);
  }
  ending shaken;
  if (is_client) {
    tls_handshake(*secured, as_client{"localhost"}, shaken.token());
  } else {
    tls_handshake(*secured, as_server{}, shaken.token());
  }
  run_until([&] { return shaken.done && accepted; });
  BOOST_REQUIRE_EQUAL(shaken.ec, error_code());
  plain = std::move(is_client ? far : near);
  for (sink* const each : {&at_tls, static_cast<sink*>(&at_plain)}) {
    each->plaintext.clear();
    each->ended = false;
  }
}

void proxied::read() {
  keep_reading(*secured, at_tls);
  at_plain.keep_reading(plain);
}

}  // namespace tls_async::test
