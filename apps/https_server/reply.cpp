// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a request is answered: the decisions first, then the header that says so.
#include "reply.hpp"

#include "directory_page.hpp"
#include "http_date.hpp"
#include "media_type.hpp"
#include "own_page.hpp"
#include "preconditions.hpp"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace https_server {
namespace {

using response = http::response<http::empty_body>;

response begin(http::status status, unsigned version, bool keep_alive) {
  response header{status, version};
  header.set(http::field::server, "tls_async");
  header.set(http::field::date, http_date_now());
  header.set("X-Content-Type-Options", "nosniff");
  header.keep_alive(keep_alive);
  return header;
}

reply finish(response header) {
  reply done;
  done.status = header.result();
  done.keep_alive = header.keep_alive();
  done.header = std::move(header.base());
  return done;
}

// A response whose body is its own status in words. HEAD gets the length, but not the words.
reply finish_with_text(response header, bool body_wanted = true) {
  auto text = std::to_string(header.result_int()) + ' ' + std::string(header.reason()) + '\n';
  header.set(http::field::content_type, "text/plain; charset=utf-8");
  header.content_length(text.size());
  auto done = finish(std::move(header));
  if (body_wanted) done.text = std::move(text);
  return done;
}

reply finish_with_page(response header, std::string page, bool body_wanted) {
  header.set(http::field::content_type, "text/html; charset=utf-8");
  header.content_length(page.size());
  auto done = finish(std::move(header));
  if (body_wanted) done.text = std::move(page);
  return done;
}

range_choice range_for(http::request_header<> const& request, served_file const& file) {
  // RFC 9110 defines ranges for GET only.
  if (request.method() != http::verb::get || !allows_range(request, {file.tag(), file.modified()}))
    return {range_verdict::whole, {0, file.size()}};
  return choose_range(request[http::field::range], file.size());
}

// Only reading is possible here.
std::optional<reply> refuse_unless_read(http::request_header<> const& request, bool keep_alive) {
  if (!has_valid_host(request)) return refuse(http::status::bad_request);
  if (request.method() != http::verb::head && request.method() != http::verb::get) {
    auto header = begin(http::status::method_not_allowed, request.version(), keep_alive);
    header.set(http::field::allow, "GET, HEAD");
    return finish_with_text(std::move(header));
  }
  return std::nullopt;
}

// Nothing if a number is missing, no number, or too large.
std::optional<message_burst> parse_burst(boost::urls::url_view const& target) {
  auto const number = [&](char const* name, std::size_t most) -> std::size_t {
    auto const parameters = target.params();
    auto const found = parameters.find(name);
    if (found == parameters.end()) return 0;
    auto const text = std::string((*found).value);
    std::size_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool const is_whole = error == std::errc{} && end == text.data() + text.size();
    return is_whole && value <= most ? value : 0;
  };
  message_burst burst;
  burst.messages = static_cast<unsigned>(number("messages", most_burst_messages));
  burst.bytes = number("bytes", most_burst_bytes);
  if (burst.messages == 0 || burst.bytes == 0) return std::nullopt;
  return burst;
}

}  // namespace

bool has_valid_host(http::request_header<> const& request) {
  auto const count = request.count(http::field::host);
  if (count == 0) return request.version() < 11;
  if (count > 1) return false;
  auto const host = boost::urls::parse_authority(request[http::field::host]);
  // A port above 65 535 is read as 0.
  return host && !host->has_userinfo() &&
         (host->port().empty() || host->port_number() != 0 || host->port() == "0");
}

reply refuse(http::status status) { return finish_with_text(begin(status, 11, false)); }

std::string text_of(http::response_header<> const& header) {
  http::response_header<>::writer writer{header, header.version(), header.result_int()};
  return boost::beast::buffers_to_string(writer.get());
}

reply answer(http::request_header<> const& request, static_files const& files, bool keep_alive) {
  if (auto refused = refuse_unless_read(request, keep_alive)) return std::move(*refused);
  bool const is_head = request.method() == http::verb::head;
  auto found = files.find(request.target());
  auto header = begin(found.status, request.version(), keep_alive);
  if (found.status == http::status::moved_permanently)
    header.set(http::field::location, found.location);
  if (found.status != http::status::ok) return finish_with_text(std::move(header), !is_head);
  if (!found.file) {
    header.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    header.set(http::field::cache_control, "no-cache");
    return finish_with_page(std::move(header), directory_page(found.name, found.listing), !is_head);
  }

  header.set(http::field::etag, found.file->tag());
  auto const verdict = judge(request, {found.file->tag(), found.file->modified()});
  if (verdict == precondition::not_modified) {  // whose other fields the client has already
    header.result(http::status::not_modified);
    return finish(std::move(header));
  }
  if (verdict == precondition::failed) {
    header.result(http::status::precondition_failed);
    return finish_with_text(std::move(header), !is_head);
  }

  auto const size = found.file->size();
  auto const range = range_for(request, *found.file);
  header.set(http::field::accept_ranges, "bytes");
  if (range.verdict == range_verdict::unsatisfiable) {
    header.result(http::status::range_not_satisfiable);
    header.set(http::field::content_range, "bytes */" + std::to_string(size));
    return finish_with_text(std::move(header));
  }
  if (range.verdict == range_verdict::part) {
    header.result(http::status::partial_content);
    header.set(http::field::content_range,
               "bytes " + std::to_string(range.bytes.offset) + '-' +
                   std::to_string(range.bytes.offset + range.bytes.length - 1) + '/' +
                   std::to_string(size));
  }
  auto const type = media_type(found.name);
  header.set(http::field::content_type, {type.data(), type.size()});
  header.set(http::field::last_modified, found.file->last_modified());
  header.content_length(range.bytes.length);

  auto done = finish(std::move(header));
  if (!is_head) {
    done.file = std::move(found.file);
    done.part = range.bytes;
  }
  return done;
}

reply answer_about_itself(http::request_header<> const& request,
                          tls_async::session_info const& session, bool keep_alive) {
  if (auto refused = refuse_unless_read(request, keep_alive)) return std::move(*refused);
  bool const is_head = request.method() == http::verb::head;
  auto const text_only = [&](http::status status) {
    return finish_with_text(begin(status, request.version(), keep_alive), !is_head);
  };
  auto const target = boost::urls::parse_origin_form(request.target());
  if (!target) return text_only(http::status::bad_request);
  auto const path = target->encoded_path();
  auto header = begin(http::status::ok, request.version(), keep_alive);
  header.set(http::field::cache_control, "no-store");  // of this connection, at this moment

  if (path == "/burst") {
    auto const burst = parse_burst(*target);
    if (!burst) return text_only(http::status::bad_request);
    header.set(http::field::content_type, "text/plain; charset=utf-8");
    header.content_length(burst->messages * burst->bytes);
    auto done = finish(std::move(header));
    if (!is_head) done.burst = *burst;
    return done;
  }
  if (path != "/") return text_only(http::status::not_found);
  header.set("Content-Security-Policy",
             "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
             "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'");
  return finish_with_page(std::move(header), own_page(page_source, session), !is_head);
}

}  // namespace https_server
