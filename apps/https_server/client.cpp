// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <string>
#include <utility>

namespace https_server {
namespace {

using boost::asio::ip::tcp;

// A stall watch sets the limit, or Beast for a WebSocket.
constexpr auto no_limit = std::chrono::hours(24 * 365);

std::string text_of(tcp::endpoint const& endpoint) {
  auto const address = endpoint.address().to_string();
  auto const port = ':' + std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? '[' + address + ']' + port : address + port;
}

tls_async::stream_options stream_options_of(service const& server) {
  tls_async::stream_options made;
  made.write_stall_deadline = no_limit;
  if (server.ktls) made.ktls = tls_async::ktls::tx;
  return made;
}

}  // namespace

client::client(tcp::socket socket, tcp::endpoint const& from,
               std::shared_ptr<tls_async::context> context, service const& shared)
    : tls(std::move(context)),
      stream(std::move(socket), *tls, stream_options_of(shared)),
      server(shared),
      name(text_of(from)) {}

void client::abort() {
  boost::system::error_code ignored;
  stream.lowest_layer().close(ignored);
}

std::string client::why(boost::system::error_code error) const {
  if (stalled) {
    auto const limit = std::to_string(server.limits.stall.count());
    return "the client took nothing for " + limit + " s (see --stall-seconds)";
  }
  return stream.explain(error);
}

reply client::answer_to(http::request_header<> const& request, bool keep_alive) const {
  if (server.files != nullptr) return answer(request, *server.files, keep_alive);
  return answer_about_itself(request, stream.session_info(), keep_alive);
}

bool client::is_listing(std::string_view target) const {
  return server.files != nullptr && server.files->is_listing(target);
}

void client::record(request_record& done, std::chrono::steady_clock::time_point begun) const {
  done.peer = name;
  done.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begun);
  server.counted.responded(done.status);
  server.log.access(done);
}

}  // namespace https_server
