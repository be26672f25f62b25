// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The writers of an end: inside, where its handlers run, and outside, on threads that have nothing
// to do with it.
#include "end.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace tls_async::threads {
namespace {

// A file that has no name.
int make_file(std::string_view content) {
  int const file = ::memfd_create("threads_model", MFD_CLOEXEC);
  if (file == -1 ||
      ::write(file, content.data(), content.size()) != static_cast<::ssize_t>(content.size())) {
    complain("no file to send could be made");
  }
  return file;
}

}  // namespace

transcript::entry& end::start_entry(std::size_t writer, std::size_t index) {
  auto& entry = mine().sent->at(writer, index);
  entry.is_open = true;
  return entry;
}

void end::start_writer(std::size_t w) {
  using style = writer_plan::style;
  auto const self = shared_from_this();
  switch (plan().writers[w].how) {
    case style::chain:
      return write_chain(w, 0);
    case style::burst:
      return write_burst(w, false);
    case style::coroutine:
      count("coroutines");
      return write_in_coroutine(w);
    case style::outside_future:
      return in_.with->give([self, w] { self->write_futures(w); });
    case style::outside_direct:
      return in_.with->give([self, w] { self->write_burst(w, false); });
    case style::outside_posted:
      return in_.with->give([self, w] { self->write_burst(w, true); });
  }
}

// `then` is called once, also if the write could not be started.
void end::write(std::size_t writer, std::size_t index, std::function<void(error_code)> then) {
  message_plan const& planned_as = planned(writer, index);
  auto& entry = start_entry(writer, index);
  count(name_of(planned_as.given_as));
  count("bytes", entry.bytes.size());
  if (entry.bytes.empty()) count("empty");
  if (planned_as.given_as == form::try_write) {
    std::shared_lock<std::shared_mutex> keeps_the_stream(calls(), std::defer_lock);
    if (is_shared()) keeps_the_stream.lock();
    bool const is_kept = has_stream() && try_write(entry.bytes);
    entry.is_open = false;
    entry.reported = is_kept ? entry.bytes.size() : 0;
    if (is_shared()) keeps_the_stream.unlock();
    return then({});
  }
  if (planned_as.given_as == form::detached) {
    std::shared_lock<std::shared_mutex> keeps_the_stream(calls(), std::defer_lock);
    if (is_shared()) keeps_the_stream.lock();
    bool const is_started = has_stream() && !mine().closes;
    if (is_started) write_detached(entry.bytes);
    entry.is_open = false;
    entry.reported = is_started ? entry.bytes.size() : 0;
    if (is_shared()) keeps_the_stream.unlock();
    return then({});
  }
  auto const one =
      make(verb_kind::write, planned_as.limit, planned_as.binds || planned_as.is_cancelled);
  one->given_as = planned_as.given_as;
  one->message = entry.bytes;
  one->throws_at = planned_as.throws_at;
  one->holds_mutex = planned_as.holds_mutex;
  one->has_slot = planned_as.is_cancelled;
  if (one->given_as == form::file) one->file = make_file(entry.bytes);
  one->then = [then, &entry](verb&, error_code ec, std::size_t n) {
    entry.reported = n;
    entry.is_open = false;
    then(ec);
  };
  if (!start(one)) {
    one->then = nullptr;
    entry.is_open = false;
    return then(asio::error::operation_aborted);
  }
  if (planned_as.is_cancelled) cancel_some_time(one);
}

// A message that nobody waits for is followed in place, not by recursion.
void end::write_chain(std::size_t writer, std::size_t index) {
  auto const& messages = plan().writers[writer].messages;
  for (; index != messages.size(); ++index) {
    if (messages[index].given_as == form::try_write || messages[index].given_as == form::detached) {
      write(writer, index, [](error_code) {});
      continue;
    }
    return write(writer, index, [this, writer, index](error_code ec) {
      if (!writes_on(ec)) return writer_has_ended();
      write_chain(writer, index + 1);
    });
  }
  writer_has_ended();
}

void end::write_burst(std::size_t writer, bool posts) {
  std::size_t const messages = plan().writers[writer].messages.size();
  auto const left = std::make_shared<std::atomic<std::size_t>>(messages);
  for (std::size_t i = 0; i != messages; ++i) {
    auto const go = [self = shared_from_this(), writer, i, left] {
      self->write(writer, i, [self, left](error_code) {
        if (--*left == 0) self->writer_has_ended();
      });
    };
    if (posts) {
      count("from outside posted");
      asio::post(home().executor, go);
    } else {
      if (plan().writers[writer].is_outside()) count("from outside direct");
      go();
    }
  }
}

void end::write_futures(std::size_t writer) {
  std::size_t const messages = plan().writers[writer].messages.size();
  for (std::size_t i = 0; i != messages; ++i) {
    auto const& planned_as = planned(writer, i);
    auto& entry = start_entry(writer, i);
    error_code ec;
    std::size_t n = 0;
    bool const was_there = write_as_future(entry.bytes, planned_as.limit, ec, n);
    entry.is_open = false;
    if (!was_there) break;
    entry.reported = n;
    count("futures");
    judge(verb_kind::write, ec, n, may_expire(planned_as.limit), false);
    if (!writes_on(ec)) break;
  }
  writer_has_ended();
}

}  // namespace tls_async::threads
