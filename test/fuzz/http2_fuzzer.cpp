// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// HTTP/2 frames over TLS to a server as http2_server is one, over a pair of local sockets. Judged:
// the connection ends when the client does, what comes back is frames, for streams that were
// opened, and to whole requests the answers that belong to them.
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tls_async_test/tls_pair.hpp>
#include "connection.hpp"
#include "events.hpp"
#include "repeatable_random.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using http2::exchange;

constexpr std::size_t frame_header = 9;  // RFC 9113 section 4.1
enum frame_type : std::size_t { data_frame = 0, headers_frame = 1, settings_frame = 4 };

std::string frame(std::size_t type, std::size_t flags, std::uint32_t stream,
                  std::string_view payload) {
  std::string made;
  for (int const shift : {16, 8, 0})
    made += static_cast<char>(payload.size() >> shift & 0xff);
  made += static_cast<char>(type);
  made += static_cast<char>(flags);
  for (int const shift : {24, 16, 8, 0})
    made += static_cast<char>(stream >> shift & 0xff);
  return made += payload;
}

constexpr std::chrono::hours long_enough{1};
constexpr http2::peer_limits limits{long_enough, long_enough, long_enough};

// As that of http2_server.
class server final : public http2::connection {
public:
  explicit server(http2::tls_stream& over) : http2::connection(over, role::server, limits) {}

private:
  void requested(std::int32_t id, exchange& x) noexcept override {
    if (!x.received) {
      x.echoes = true;
    } else if (x.path == "/large") {
      x.more = [at = std::size_t{0}](char* to, std::size_t most) mutable {
        std::size_t const size = std::min(most, (std::size_t{1} << 20) - at);
        std::fill_n(to, size, 'l');
        at += size;
        return http2::piece{size, at == std::size_t{1} << 20};
      };
    } else {
      x.out = "You asked for " + x.path + '\n';
    }
    respond(id, x, {{":status", "200"}, {"content-type", "text/plain"}});
  }
};

class trial {
public:
  explicit trial(script& with)
      : script_(with),
        stream_(server_end(), our_context()),
        server_(stream_),
        client_(SSL_new(client_context())) {
    SSL_set_fd(client_.get(), ends_[1]);
    SSL_set_connect_state(client_.get());
    asio::co_spawn(io_, converse(), [this](std::exception_ptr const& thrown) {
      ended_ = true;
      judge_end(thrown);
    });
  }
  ~trial() { ::close(ends_[1]); }
  trial(trial const&) = delete;
  trial& operator=(trial const&) = delete;

  void run() {
    for (int i = 0; i != 20 && SSL_is_init_finished(client_.get()) == 0; ++i) {
      SSL_do_handshake(client_.get());
      io_.poll();
    }
    must(SSL_is_init_finished(client_.get()) != 0, "the handshake has come to a standstill");
    out_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(settings_frame, 0, 0, {});
    for (std::size_t i = 0; i != 200 && !script_.ended(); ++i)
      perform(script_.below(http2_events));
    finish();
  }

private:
  asio::awaitable<void> converse() {
    co_await tls_handshake(stream_, as_server{});
    co_await server_.run();
  }

  static context& our_context() {
    static context made = [] {
      context server(context::role::server);
      server.use_certificate_chain(server_identity().certificate_chain);
      server.use_private_key(server_identity().private_key);
      server.set_alpn({"h2"});
      return server;
    }();
    return made;
  }
  static SSL_CTX* client_context() {
    static context_ptr const made = [] {
      auto client = make_context(role::client);
      constexpr std::array<unsigned char, 3> h2{2, 'h', '2'};
      SSL_CTX_set_alpn_protos(client.get(), h2.data(), h2.size());
      return client;
    }();
    return made.get();
  }

  // Local sockets serve as well, and need no port.
  asio::ip::tcp::socket server_end() {
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) == 0,
         "no sockets");
    asio::ip::tcp::socket socket(io_);
    socket.assign(asio::ip::tcp::v4(), ends_[0]);
    return socket;
  }

  void perform(std::size_t which) {
    switch (which) {
      case http2_request: {
        std::size_t const bits = script_.byte();
        return request((bits & 1) != 0, bits >> 1, script_.bytes(script_.below(120)));
      }
      case http2_data: {
        auto const stream = static_cast<std::uint32_t>(script_.byte());
        bool const is_last = script_.flag();
        auto const body = numbered_plaintext(std::min<std::size_t>(script_.size(), 16'384));
        auto const found = expected_.find(stream);
        if (found == expected_.end() || has_ended_[stream]) {
          is_plain_ = false;
        } else {
          found->second += body;
          has_ended_[stream] = is_last;
        }
        out_ += frame(data_frame, is_last ? 1 : 0, stream, body);
        return;
      }
      case http2_frame: {
        std::size_t const type = script_.byte(), flags = script_.byte(), stream = script_.byte();
        out_ += frame(type, flags, static_cast<std::uint32_t>(stream), script_.text());
        is_plain_ = false;
        return;
      }
      case http2_raw:
        out_ += script_.text();
        is_plain_ = false;
        return;
      case http2_send:
        return send(script_.size());
      default:
        send(everything);
        turn();
    }
  }

  // RFC 7541: of the static table, and a path that is not indexed.
  void request(bool has_body, std::size_t stream_bits, std::string const& path) {
    auto const stream = static_cast<std::uint32_t>(stream_bits % 16 == 15 ? 0 : next_stream_);
    next_stream_ += 2;
    std::string header{
        static_cast<char>(has_body ? 0x83 : 0x82), '\x87', '\x01', '\x01', 'a', '\x04'};
    auto const asked = '/' + path;
    header += static_cast<char>(asked.size());
    header += asked;
    bool const is_printable = asked.find_first_not_of(letters) == asked.npos;
    is_plain_ = is_plain_ && stream != 0 && is_printable && stream < 200;
    out_ += frame(headers_frame, has_body ? 4 : 5, stream, header);
    if (asked == "/large") {
      expected_[stream] = std::string(std::size_t{1} << 20, 'l');
    } else {
      expected_[stream] = has_body ? std::string() : "You asked for " + asked + '\n';
    }
    has_ended_[stream] = !has_body;
  }

  void send(std::size_t most) {
    most = std::min(most, out_.size());
    for (int waits = 0; most != 0 && waits != 50 && !ended_;) {
      std::size_t written = 0;
      auto const record = std::string_view(out_).substr(0, std::min(most, max_record_plaintext));
      if (SSL_write_ex(client_.get(), record.data(), record.size(), &written) != 1) ++waits;
      out_.erase(0, written);
      most -= written;
      turn();
    }
  }

  void turn() {
    io_.poll();
    std::array<char, 16'384> place{};
    for (std::size_t n = 0; SSL_read_ex(client_.get(), place.data(), place.size(), &n) == 1;)
      in_.append(place.data(), n);
    judge_frames();
  }

  void judge_frames() {
    auto const byte = [this](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(in_[at]));
    };
    while (in_.size() >= frame_header) {
      std::size_t const size = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (in_.size() < frame_header + size) break;
      std::size_t const type = byte(3);
      auto const stream =
          static_cast<std::uint32_t>(byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8));
      must(frames_++ != 0 || type == settings_frame, "the first frame is none of settings");
      must(type < 10, "a frame of no type that a server sends");
      if (type == data_frame || type == headers_frame)
        must(stream % 2 == 1, "an answer on a stream that no client opens");
      if (type == data_frame && is_plain_) {
        auto& answered = answered_[stream];
        answered.append(in_, frame_header, size);
        must(expected_[stream].compare(0, answered.size(), answered) == 0, "another answer");
      }
      in_.erase(0, frame_header + size);
    }
  }

  // All of each, where the windows have room for all (RFC 9113 section 6.9.2).
  void judge_answers() {
    std::size_t sum = 0;
    for (auto const& [stream, answer] : expected_)
      sum += answer.size();
    if (!is_plain_ || sum > 60'000 || expected_.size() > 90) return;
    for (auto const& [stream, answer] : expected_)
      must(answered_[stream] == answer, "not all of an answer came");
  }

  void finish() {
    send(everything);
    for (int i = 0; i != 20; ++i)
      turn();
    judge_answers();
    SSL_shutdown(client_.get());
    ::shutdown(ends_[1], SHUT_WR);
    for (int i = 0; i != 2'000 && !ended_; ++i)
      turn();
    must(ended_, "the connection doesn't end");
    if (is_plain_) must(in_.empty(), "a frame was cut");
  }

  static void judge_end(std::exception_ptr const& thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (std::runtime_error const&) {  // those of Boost and of nghttp2 are such
    }
  }

  static constexpr std::string_view letters = "/abcdefghijklmnopqrstuvwxyz0123456789-._~";

  script& script_;
  std::array<int, 2> ends_{-1, -1};
  asio::io_context io_{1};
  http2::tls_stream stream_;
  server server_;
  session_ptr client_;
  std::string out_, in_;
  std::map<std::uint32_t, std::string> expected_, answered_;
  std::map<std::uint32_t, bool> has_ended_;
  std::uint32_t next_stream_ = 1;
  std::size_t frames_ = 0;
  bool is_plain_ = true;  // whole requests only, and their bodies
  bool ended_ = false;
};

}  // namespace
}  // namespace tls_async::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::signal(SIGPIPE, SIG_IGN);
  tls_async::test::use_repeatable_random();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  tls_async::test::restart_random();
  tls_async::test::script input(data, size);
  tls_async::test::trial(input).run();
  return 0;
}
