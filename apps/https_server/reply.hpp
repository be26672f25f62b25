// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the header of a request to all that is to be sent: the header of the response, and the text
// or the part of a file that follows it. Knows no connection, nor which version of HTTP it speaks.
#pragma once

#include "byte_range.hpp"
#include "static_files.hpp"

#include <tls_async/core/session_info.hpp>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace https_server {

// A body of many small messages, for whoever wants to see what the write engine makes of them.
struct message_burst {
  unsigned messages = 0;
  std::size_t bytes = 0;  // of each

  bool operator==(message_burst const&) const = default;
};
constexpr unsigned most_burst_messages = 1000;
constexpr std::size_t most_burst_bytes = 65536;

struct reply {
  http::status status = http::status::ok;
  bool keep_alive = false;
  http::response_header<> header;
  std::string text;                         // the body, if it is not a file
  std::shared_ptr<served_file const> file;  // if there, `part` of it is the body
  byte_range part;
  message_burst burst;  // if it has messages, it is the body
};

// What a GET or HEAD for a file gets, conditions and range considered; every other method gets 405.
reply answer(http::request_header<> const& request, static_files const& files, bool keep_alive);

// What a server without a directory answers: the page at "/", and at "/burst?messages=N&bytes=N" a
// body that is written in that many messages.
reply answer_about_itself(http::request_header<> const& request,
                          tls_async::session_info const& session, bool keep_alive);

// RFC 9112, section 3.2: a request of HTTP/1.1 has exactly one Host, an older one at most one, and
// it is a host with or without a port.
bool has_valid_host(http::request_header<> const& request);

// A refusal that ends the connection, for a request that could not even be read.
reply refuse(http::status status);

// As HTTP/1.1 writes it: status line and fields, with the empty line.
std::string text_of(http::response_header<> const& header);

}  // namespace https_server
