// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "error_kind.hpp"

#include <cerrno>
#include <string_view>

namespace tls_async::test {
namespace {

using boost::system::error_code;

// By their names and values: the program's Asio may be compiled in another way than ours would be.
bool is_of(error_code ec, std::string_view category) { return ec.category().name() == category; }

}  // namespace

bool is_end(error_code ec) { return is_of(ec, "asio.misc") && ec.value() == 2; }
bool is_truncation(error_code ec) { return is_of(ec, "asio.ssl.stream") && ec.value() == 1; }
bool is_cancellation(error_code ec) { return is_of(ec, "system") && ec.value() == ECANCELED; }
bool is_failure_of_tls(error_code ec) {
  return !is_of(ec, "asio.misc") && !is_of(ec, "system") && !is_truncation(ec);
}

std::string kind_of(error_code ec) {
  if (!ec) return "success";
  if (is_end(ec)) return "eof";
  if (is_truncation(ec)) return "truncated";
  if (is_cancellation(ec)) return "aborted";
  if (is_of(ec, "system")) return ec.value() == ETIMEDOUT ? "timed out" : "error of the transport";
  bool const is_of_tls = is_of(ec, "asio.ssl") || is_of(ec, "asio.ssl.stream");
  return is_of_tls ? "TLS error" : "refusal of its own";
}

}  // namespace tls_async::test
