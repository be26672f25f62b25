// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Between the fields and bodies of HTTP/2 and those of reply.hpp.
#include "http2.hpp"

#include "body.hpp"
#include "open_files.hpp"

#include "http2/connection.hpp"

#include <boost/beast/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace https_server {
namespace {

namespace asio = boost::asio;

// Places of a connection for answers that hold something: an open file, or a text that is not
// short. More requests wait for their turn; those for small files, which are in memory, and for
// what isn't there go on. Directories are listed one at a time: that is the most work, and the
// longest text.
constexpr std::size_t most_places = most_open_files;
constexpr std::size_t short_text = 1024;

// As HTTP/1.1 has it, where Host is what ":authority" is here. If a request has both and they
// differ, it has two, and so is refused (RFC 9113, section 8.3.1).
http::request_header<> request_of(http2::exchange const& x) {
  http::request_header<> made;
  made.method_string(x.method);
  made.target(x.path);
  for (auto const& [name, value] : x.header) {
    bool const is_authority = name == ":authority";
    if (!is_authority && name.starts_with(':')) continue;
    if (!is_authority && name != "host")
      made.insert(name, value);
    else if (made[http::field::host] != value || made.count(http::field::host) == 0)
      made.insert(http::field::host, value);
  }
  return made;
}

bool takes_place(reply const& response) {
  return response.text.size() > short_text || (response.file && !response.file->content());
}

class http2_requests final : public http2::connection {
public:
  explicit http2_requests(client& of)
      : connection(of.stream, role::server,
                   {.header = of.server.limits.header,
                    .idle = of.server.limits.idle,
                    .stall = of.server.limits.stall,
                    .header_bytes = of.server.limits.header_bytes}),
        client_(of) {}

  // Once the connection has ended.
  void tell_rest(std::string const& why) {
    bool is_told = false;
    for (auto const& [id, x] : left()) {
      tell(x, has_left(x) ? std::string() : why);
      is_told = is_told || !has_left(x);
    }
    if (client_.stalled && !is_told)
      client_.server.log.event(serving::log_level::debug, client_.name, why);
  }

private:
  void requested(std::int32_t id, http2::exchange& x) override {
    x.passes_over = true;
    new_.push_back(id);
  }

  // Not in requested(): of one read there may be a hundred requests, and others are to be served
  // between their answers.
  void answer_waiting() override {
    for (auto const id : std::exchange(new_, {}))
      decide(id);
    for (std::size_t i = 0; i < waiting_.size() && places_.size() < most_places;) {
      auto const next = waiting_[i];
      if (next.is_listing && listing_ != 0) {
        ++i;
        continue;
      }
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      decide(next.id);
    }
  }

  void refused(std::int32_t id, http2::exchange& x) override {
    send(id, x, refuse(http::status::request_header_fields_too_large));
  }

  void decide(std::int32_t id) {
    auto* const x = find(id);
    if (x == nullptr) return;
    try {
      bool const is_full = places_.size() == most_places;
      bool const is_listing = client_.is_listing(x->path);
      if (is_listing && (is_full || listing_ != 0)) return waiting_.push_back({id, true});
      auto response = client_.answer_to(request_of(*x), true);
      if (takes_place(response) && is_full) return waiting_.push_back({id, false});
      if (is_listing) listing_ = id;
      send(id, *x, std::move(response));
    } catch (std::exception const&) {  // out of memory
      reset(id, NGHTTP2_INTERNAL_ERROR);
    }
  }

  void send(std::int32_t id, http2::exchange& x, reply response) {
    client_.server.complete(response);
    auto const status = std::to_string(static_cast<unsigned>(response.status));
    auto const sent = std::make_shared<reply const>(std::move(response));
    http2::fields fields{{":status", status}};
    for (auto const& field : sent->header)
      if (field.name() != http::field::connection)  // RFC 9113, section 8.2.2
        fields.emplace_back(field.name_string(), field.value());
    if (takes_place(*sent)) places_.insert(id);
    if (body whole{*sent}; whole.left() != 0) {
      x.more = [sent, whole](char* to, std::size_t most) mutable {
        auto const size = whole.read(to, most);
        return http2::piece{size, whole.left() == 0};
      };
    }
    respond(id, x, fields);
  }

  void closed(std::int32_t id, http2::exchange const& x, bool, std::uint32_t error) override {
    std::string why;
    if (x.failure) {
      try {
        std::rethrow_exception(x.failure);
      } catch (std::exception const& failure) {
        why = failure.what();
      }
    } else if (!x.sent) {
      why = std::string("the stream was closed with ") + nghttp2_http2_strerror(error);
    }
    tell(x, why);
    places_.erase(id);
    if (listing_ == id) listing_ = 0;
    std::erase(new_, id);
    std::erase_if(waiting_, [&](auto const& one) { return one.id == id; });
  }

  void tell(http2::exchange const& x, std::string const& why) const {
    if (x.status.empty()) {
      client_.server.log.event(serving::log_level::debug, client_.name,
                               "a request was not answered: " + why);
      return;
    }
    request_record record;
    record.method = x.method;
    record.target = x.path;
    record.status = static_cast<unsigned>(std::stoi(x.status));
    record.body_bytes = x.given;
    record.incident = why;
    client_.record(record, x.begun);
  }

  client& client_;
  struct waiting_request {
    std::int32_t id;
    bool is_listing;
  };
  std::vector<std::int32_t> new_;         // not looked at yet
  std::vector<waiting_request> waiting_;  // for a place, or the end of a listing
  std::set<std::int32_t> places_;
  std::int32_t listing_ = 0;  // the stream that gets one; 0 if there is none
};

}  // namespace

asio::awaitable<void> serve_http2(client& of) {
  http2_requests requests{of};
  of.finish_signal.slot().assign([&](asio::cancellation_type) { requests.finish(); });
  if (of.finishing) requests.finish();
  std::string why = "the client ended the connection";
  try {
    co_await requests.run();
  } catch (boost::system::system_error const& error) {
    of.stalled = requests.stalled();
    why = of.why(error.code());
  } catch (std::exception const& error) {
    why = error.what();
    of.server.log.event(serving::log_level::debug, of.name, "HTTP/2: " + why);
  }
  of.finish_signal.slot().clear();
  requests.tell_rest(why);
}

}  // namespace https_server
