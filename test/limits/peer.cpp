// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A peer that floods a session with records that no implementation would send, under the session's
// own keys. As a client it meets a server a few times and prints one line of JSON: how much it sent
// and how it was ended. As a server it meets those who connect: it echoes to who begins with
// "honest", and floods all others. Started by limits.py; no test by itself.
#include <tls_async_test/record_peer.hpp>

#include <boost/program_options.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace {

namespace po = boost::program_options;
using namespace std::literals;
using namespace tls_async::test;

constexpr int patience_ms = 60'000;
constexpr std::size_t batch = 16'384;  // what is sealed ahead of the socket

[[noreturn]] void fail(char const* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class descriptor {
public:
  explicit descriptor(int number) : number_(number) {
    if (number < 0) fail("socket");
  }
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int operator*() const { return number_; }

private:
  int number_;
};

sockaddr_in loopback(unsigned short port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct flood {
  std::function<record(std::size_t)> message;  // the number it has
  bool renews_keys = false;
};

record under_keys(unsigned char type, std::string_view plaintext) {
  return {type, std::string(plaintext), epoch::application};
}

/// `text` is what one-byte records carry, one after the other.
flood flood_of(std::string const& name, std::string const& text) {
  auto const always = [](unsigned char type, std::string_view plaintext) {
    return [made = under_keys(type, plaintext)](std::size_t) { return made; };
  };
  // RFC 8446: sections 4.6.3 (KeyUpdate) and 4.6.1 (NewSessionTicket), 5.1 (empty records), 6.1.
  if (name == "key_updates") return {always(content::handshake, "\x18\0\0\1\0"sv), true};
  if (name == "key_updates_with_requests")
    return {always(content::handshake, "\x18\0\0\1\1"sv), true};
  if (name == "tickets")
    return {always(content::handshake, "\4\0\0\x12\0\0\x1c\x20\0\0\0\0\1\0\0\4tick\0\0"sv)};
  if (name == "empty_records") return {always(content::application_data, "")};
  if (name == "user_canceled") return {always(content::alert, "\1\x5a"sv)};
  if (name == "hello_requests") return {always(content::handshake, "\0\0\0\0"sv)};
  if (name == "one_byte_records")
    return {[&text](std::size_t i) {
      return under_keys(content::application_data,
                        std::string_view{text}.substr(i % text.size(), 1));
    }};
  throw std::runtime_error("no such flood: " + name);
}

/// One connection, until it is ended.
class visit {
public:
  visit(descriptor socket, SSL_CTX* context, role side)
      : socket_(std::move(socket)), peer_(context, side, std::size_t{1} << 20) {
    int const on = 1;
    ::setsockopt(*socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  record_peer& peer() { return peer_; }
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  [[nodiscard]] std::string const& hello() const { return hello_; }

  void handshake() {
    while (!is_over_ && !(peer_.handshake_done() && peer_.finished_sent() && peer_.made.empty())) {
      while (!peer_.made.empty()) {
        if (hello_.empty()) hello_ = peer_.made.front().plaintext;
        to_send_ += peer_.seal_made();
      }
      step();
    }
  }
  void send(record const& which) { to_send_ += peer_.seal(which); }
  void step() {
    pollfd there{*socket_, static_cast<short>(POLLIN | (to_send_.empty() ? 0 : POLLOUT)), 0};
    auto const ready = ::poll(&there, 1, patience_ms);
    if (ready < 0) fail("poll");
    if (ready == 0) throw std::runtime_error("the other side neither takes nor sends anything");
    if ((there.revents & POLLOUT) != 0) flush();
    if ((there.revents & (POLLIN | POLLHUP | POLLERR)) != 0) fill();
    read_alerts();
  }
  void attack(flood const& with, std::size_t messages) {
    while (!is_over_ && sent_ < messages) {
      while (to_send_.size() < batch && sent_ < messages) {
        send(with.message(sent_++));
        if (with.renews_keys) peer_.renew_keys();
      }
      step();
    }
    if (!is_over_) send(under_keys(content::alert, "\1\0"sv));  // close_notify
    while (!is_over_)
      step();
  }
  [[nodiscard]] std::string how_it_ended() const { return alert_.empty() ? "cut off" : alert_; }

private:
  void flush() {
    auto const n = ::send(*socket_, to_send_.data(), to_send_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      to_send_.erase(0, static_cast<std::size_t>(n));
    } else if (errno != EAGAIN) {
      to_send_.clear();  // what it has said is still to be read
      is_deaf_ = true;
    }
  }
  void fill() {
    char bytes[16'384];
    auto const n = ::recv(*socket_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) return peer_.receive({bytes, static_cast<std::size_t>(n)});
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0 && is_deaf_ && errno == EPIPE) return;
    is_over_ = true;  // and a reset is the same, where something was not read any more
  }
  void read_alerts() {
    auto const& all = peer_.received();
    for (; seen_ != all.size(); ++seen_) {
      auto const& next = all[seen_];
      if (next.type != content::alert || next.plaintext.size() != 2) continue;
      auto const number = static_cast<unsigned char>(next.plaintext[1]);
      if (number == 0) {
        alert_ = "close_notify";
        if (to_send_.empty()) ::shutdown(*socket_, SHUT_WR);
      } else if (next.plaintext[0] == 2) {
        alert_ = "alert " + std::to_string(number);
      }
    }
  }

  descriptor socket_;
  record_peer peer_;
  std::string to_send_, hello_, alert_;
  std::size_t sent_ = 0, seen_ = 0;
  bool is_over_ = false, is_deaf_ = false;
};

context_ptr context_for(role side, po::variables_map const& given) {
  tls_settings settings;
  settings.version = given["tls"].as<std::string>() == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
  settings.client_certificate = given["chain"].as<int>() != 0;
  settings.cipher = settings.version == TLS1_2_VERSION ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                       : "TLS_AES_128_GCM_SHA256";
  auto made = make_context(side, settings);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);  // who it is doesn't matter here
  for (auto left = given["chain"].as<int>(); left != 0; --left)
    SSL_CTX_add1_chain_cert(made.get(), SSL_CTX_get0_certificate(made.get()));
  auto const groups = given["groups"].as<std::string>();
  if (!groups.empty() && SSL_CTX_set1_groups_list(made.get(), groups.c_str()) != 1)
    throw std::runtime_error("groups");
  auto const alpn = given["alpn"].as<std::string>();
  if (!alpn.empty()) {
    auto const list = static_cast<char>(alpn.size()) + alpn;
    SSL_CTX_set_alpn_protos(made.get(), reinterpret_cast<unsigned char const*>(list.data()),
                            static_cast<unsigned>(list.size()));
  }
  return made;
}

void as_client(po::variables_map const& given, std::string const& text) {
  auto const context = context_for(role::client, given);
  auto const name = given["flood"].as<std::string>();
  auto const messages = name == "none" ? 0 : given["messages"].as<std::size_t>();
  auto const address = loopback(given["connect"].as<unsigned short>());
  std::map<std::string, std::size_t> ended;
  std::size_t sent = 0;
  for (auto left = given["times"].as<std::size_t>(); left != 0; --left) {
    descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(*socket, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
      fail("connect");
    visit one{std::move(socket), context.get(), role::client};
    one.handshake();
    if (name == "none" || one.is_over()) {
      one.attack({}, 0);
    } else if (name == "renegotiations") {
      // The message that it began with, once more: a server looks no further.
      auto const again = under_keys(content::handshake, one.hello());
      one.attack({[&](std::size_t) { return again; }}, messages);
    } else {
      one.attack(flood_of(name, text), messages);
    }
    sent += one.sent();
    ++ended[one.how_it_ended()];
  }
  std::cout << R"({"sent": )" << sent << R"(, "ended": {)";
  char const* between = "";
  for (auto const& [how, times] : ended)
    std::cout << std::exchange(between, ", ") << '"' << how << "\": " << times;
  std::cout << "}}" << std::endl;
}

void meet(descriptor socket, SSL_CTX* context, flood const& with, std::size_t messages) try {
  visit one{std::move(socket), context, role::server};
  one.handshake();
  while (!one.is_over() && one.peer().plaintext().size() < "honest"sv.size())
    one.step();
  if (!one.peer().plaintext().starts_with("honest")) {
    one.attack(with, messages);
    static std::mutex printing;
    std::lock_guard const lock{printing};
    std::cout << R"({"sent": )" << one.sent() << R"(, "ended": {")" << one.how_it_ended()
              << "\": 1}}" << std::endl;
    return;
  }
  for (std::size_t echoed = 0; !one.is_over(); one.step()) {
    auto const& all = one.peer().plaintext();
    if (echoed == all.size()) continue;
    one.send(under_keys(content::application_data, std::string_view{all}.substr(echoed)));
    echoed = all.size();
  }
} catch (std::exception const& error) {
  std::cerr << "limits_peer: " << error.what() << std::endl;
}

[[noreturn]] void as_server(po::variables_map const& given, std::string const& text) {
  auto const context = context_for(role::server, given);
  auto const with = flood_of(given["flood"].as<std::string>(), text);
  descriptor const listening{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(*listening, any, size) != 0 || ::listen(*listening, 128) != 0) fail("listen");
  if (::getsockname(*listening, any, &size) != 0) fail("getsockname");
  std::cout << "listening on 127.0.0.1:" << ntohs(address.sin_port) << std::endl;
  for (;;) {
    std::thread([&, socket = descriptor{
                        ::accept4(*listening, nullptr, nullptr, SOCK_CLOEXEC)}]() mutable {
      meet(std::move(socket), context.get(), with, given["messages"].as<std::size_t>());
    }).detach();
  }
}

}  // namespace

int main(int argc, char* argv[]) try {
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("connect", po::value<unsigned short>(), "a port of 127.0.0.1");
  add("listen", po::value<std::string>(), "127.0.0.1:0, any free port, in place of --connect");
  add("chain", po::value<int>()->default_value(0), "certificates that follow its own");
  add("flood", po::value<std::string>()->default_value("none"), "none: a handshake only");
  add("messages", po::value<std::size_t>()->default_value(1000), "at most, for each connection");
  add("times", po::value<std::size_t>()->default_value(1), "connections, one after the other");
  add("tls", po::value<std::string>()->default_value("1.3"), "or 1.2");
  add("alpn", po::value<std::string>()->default_value(""), "one protocol");
  add("groups", po::value<std::string>()->default_value(""), "of the key exchange");
  add("text", po::value<std::string>(), "a file, for one_byte_records");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  po::notify(given);
  std::string text = "x";
  if (given.count("text") != 0) {
    std::ifstream file{given["text"].as<std::string>(), std::ios::binary};
    text.assign(std::istreambuf_iterator<char>{file}, {});
    if (text.empty()) throw std::runtime_error("--text: no such file, or an empty one");
  }
  if (given.count("connect") == 0) as_server(given, text);
  as_client(given, text);
} catch (std::exception const& error) {
  std::cerr << "limits_peer: " << error.what() << '\n';
  return 1;
}
