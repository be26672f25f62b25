// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// https_beast STACK CERTIFICATE KEY ROOT: a plain Beast server for files, the same code on both
// kinds of stream, to compare them under HTTP; as tls_write with one line changed, by which it
// answers. For measurements only: it trusts its clients. Says its port, and ends when standard
// input does.
#include <tls_async/beast.hpp>
#include <tls_async/tls_async.hpp>

#include <unistd.h>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr bool by_tls_write = true;

template <class Stream, bool ByTlsWrite = false>
asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context& context,
                            std::string const& root) {
  try {
    socket.set_option(tcp::no_delay(true));
    Stream stream(std::move(socket), context);
    co_await stream.async_handshake(asio::ssl::stream_base::server, use_awaitable);
    beast::flat_buffer received;
    for (bool more = true; more;) {
      http::request<http::empty_body> request;
      co_await http::async_read(stream, received, request, use_awaitable);
      http::response<http::file_body> response;
      beast::error_code missing;
      response.body().open((root + std::string(request.target())).c_str(), beast::file_mode::scan,
                           missing);
      if (missing) throw beast::system_error(missing);
      response.keep_alive(request.keep_alive());
      response.prepare_payload();
      more = response.keep_alive();
      if constexpr (ByTlsWrite) {
        co_await tls_write(stream, response, use_awaitable);
      } else {
        co_await http::async_write(stream, response, use_awaitable);
      }
    }
  } catch (std::exception const&) {
    co_return;  // The client has left.
  }
}

template <class Stream, bool ByTlsWrite = false>
asio::awaitable<void> listen(tcp::acceptor& acceptor, asio::ssl::context& context,
                             std::string root) {
  while (true) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    asio::co_spawn(acceptor.get_executor(),
                   serve<Stream, ByTlsWrite>(std::move(socket), context, root), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string_view const stack = argc == 5 ? argv[1] : "";
    if (stack != "tls_async" && stack != "tls_write" && stack != "asio_ssl") {
      std::cerr << "usage: https_beast tls_async|tls_write|asio_ssl CERTIFICATE KEY ROOT\n";
      return 1;
    }
    asio::io_context io(1);
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_chain_file(argv[2]);
    context.use_private_key_file(argv[3], asio::ssl::context::pem);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::cout << acceptor.local_endpoint().port() << std::endl;
    using ours = tls_async::stream<tcp::socket>;
    using asios = asio::ssl::stream<tcp::socket>;
    asio::co_spawn(io,
                   stack == "tls_write"   ? listen<ours, by_tls_write>(acceptor, context, argv[4])
                   : stack == "tls_async" ? listen<ours>(acceptor, context, argv[4])
                                          : listen<asios>(acceptor, context, argv[4]),
                   asio::detached);
    asio::posix::stream_descriptor input(io, dup(STDIN_FILENO));
    char byte = 0;
    input.async_read_some(asio::buffer(&byte, 1),
                          [&](beast::error_code, std::size_t) { io.stop(); });
    io.run();
    return 0;
  } catch (std::exception const& e) {
    std::cerr << "https_beast: " << e.what() << '\n';
    return 2;
  }
}
