// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a verb may end with, and what that means for the life of its end.
#include "end.hpp"

#include <tls_async/error.hpp>

#include <boost/asio/error.hpp>

namespace tls_async::threads {
namespace {

// A timeout of the next layer's own closes it.
bool expires_soon(connection_plan const& plan) {
  for (end_plan const* const one : {&plan.client, &plan.server}) {
    if (one->expires_after && *one->expires_after < std::chrono::minutes(1)) return true;
  }
  return false;
}

}  // namespace

void end::ended(verb& done, error_code ec, std::size_t n) {
  --mine().in_progress[static_cast<std::size_t>(done.what)];
  bool const is_refusal = plan().reader.second_reads != 0 && ec == errc::second_read;
  if (is_refusal) {
    count("second read");
  } else if (done.given_as == form::throwing && ec == errc::buffer_threw) {
    count("threw");
  } else {
    judge(done.what, ec, n, may_expire(done.limit), done.is_cancelled);
  }
  if (done.what == verb_kind::write && n > done.message.size())
    complain(name() + " write: more was reported than was given");
  bool const is_partial = done.given_as == form::some;
  if (done.what == verb_kind::write && !ec && !is_partial && n != done.message.size())
    complain(name() + " write: success, and not all was written");
  if (done.what == verb_kind::read && n > done.room.size())
    complain(name() + " read: more came than there is room");
}

void end::judge(verb_kind what, error_code ec, std::size_t n, bool may_expire, bool is_cancelled) {
  count(name_of(what));
  namespace error = asio::error;
  bool const is_input = what == verb_kind::read;
  if (is_input && ec && n != 0) complain(name() + " read: bytes beside an error");
  if (is_input && !ec && n == 0) complain(name() + " read: success without a byte");

  bool const own = mine().is_broken || mine().is_gone || mine().is_abandoned;
  bool const any = own || peer().is_broken || peer().is_abandoned || expires_soon(*in_.connection);
  bool is_in_order = false;
  char const* how = "broken";
  if (!ec) {
    is_in_order = true;
    how = "done";
  } else if (ec == error::operation_aborted) {
    is_in_order = is_cancelled || own || mine().is_cancelled_below;
    how = "cancelled";
  } else if (ec == error::timed_out) {
    is_in_order = may_expire || any;
    how = "timed out";
  } else if (ec == error::eof) {
    is_in_order = any || (is_input && peer().closes);
    how = "ended";
  } else if (ec == errc::closed_for_writing) {
    is_in_order = mine().closes && (what == verb_kind::write || what == verb_kind::key_update);
    how = "refused";
  } else if (ec == errc::not_supported) {
    is_in_order = what == verb_kind::key_update && tls_1_2();
    how = "refused";
  } else {
    is_in_order = any;
  }
  count(how);
  if (!is_in_order) {
    complain(name() + " " + name_of(what) + ": " + ec.message() + " (" + ec.category().name() +
             " " + std::to_string(ec.value()) + "), with " + std::to_string(n) + " bytes" +
             (own ? ", broken here" : "") + (any ? ", broken there" : ""));
  }
}

void end::handler_was_destroyed(verb& of) {
  if (mine().is_abandoned) return;
  complain(name() + " " + name_of(of.what) + ": its handler was destroyed without a call");
  --mine().in_progress[static_cast<std::size_t>(of.what)];
}

bool end::reads_on(error_code ec) {
  namespace error = asio::error;
  if (!ec) return true;
  bool const may_go_on = !mine().is_broken && !mine().is_gone;
  if (ec == error::operation_aborted ||
      (ec == error::timed_out && !expires_soon(*in_.connection))) {
    return may_go_on;
  }
  if (ec == error::eof && peer().closes) {
    mine().has_ended = true;
  } else {
    fail("read", ec);
  }
  return false;
}

bool end::writes_on(error_code ec) const {
  namespace error = asio::error;
  if (!ec) return true;
  bool const is_of_one_verb =
      ec == error::operation_aborted || ec == error::timed_out || ec == errc::buffer_threw;
  return is_of_one_verb && !mine().is_broken && !mine().is_gone;
}

}  // namespace tls_async::threads
