// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How the story of a failure is told.
#include <tls_async/core/failure.hpp>

#include <boost/system/errc.hpp>

#include <string>

namespace tls_async {
namespace {

// What ends a verb without an end of the session, which may have a story of its own.
bool is_of_the_verb_alone(error_code ec) {
  if (!ec || ec == boost::system::errc::operation_canceled) return true;
  if (ec.category() != errc_category()) return false;
  switch (static_cast<errc>(ec.value())) {
    case errc::no_role:
    case errc::second_read:
    case errc::operation_in_progress:
    case errc::closed_for_writing:
    case errc::handshake_not_done:
    case errc::not_supported:
    case errc::queue_full:
    case errc::buffer_moved:
    case errc::buffer_changed:
    case errc::file_ended:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string error_info::text() const {
  std::string text = summary;
  auto const add = [&text](std::string const& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!expected_host.empty() && verify_error) add("the host is '" + expected_host + "'");
  if (verify_error && !verify_error->subject.empty()) {
    add((verify_error->depth == 0
             ? "its certificate is for '"
             : "certificate " + std::to_string(verify_error->depth) + " above its own is for '") +
        verify_error->subject + "', issued by '" + verify_error->issuer + "'");
  }
  if (verify_error && !verify_error->names.empty()) add("its names are " + verify_error->names);
  if (last_alert) {
    add(std::string(last_alert->sent ? "we sent" : "the peer sent") + " the alert '" +
        last_alert->description + "' (" + std::to_string(last_alert->number) + ")");
  }
  if (!handshake_step.empty() && !text.ends_with(handshake_step))
    add("handshake step: " + handshake_step);
  if (!openssl.empty()) add("OpenSSL: " + openssl);
  return text;
}

std::string error_info::explain(error_code ec) const {
  auto story = is_of_the_verb_alone(ec) ? std::string() : text();
  return story.empty() ? ec.message() : story;
}

}  // namespace tls_async
