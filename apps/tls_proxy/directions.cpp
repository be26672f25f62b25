// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The two directions of a session. Chains of handlers and no coroutines, for most connections wait
// most of the time: then each direction holds one operation, and neither a frame nor a buffer.
#include "session.hpp"

#include "serving/as_values.hpp"
#include "serving/last_bytes.hpp"
#include "serving/tcp_info.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ssl.h>

#include <exception>
#include <memory>
#include <utility>

namespace tls_proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

using serving::as_values;

// What a step throws, for want of memory, ends the connection, and no other.
template <class... Results>
auto session::then(void (session::*step)(Results...)) {
  return [self = shared_from_this(), step](Results... results) {
    try {
      (self.get()->*step)(results...);
    } catch (std::exception const& failure) {
      self->fail(failure.what());
      self->cut();
      self->end_direction();
    }
  };
}

void session::relay() {
  relaying_ = true;
  watched_ = idleness_.begin(weak_from_this());
  open_directions_ = 2;
  then (&session::wait_for_tls)();
  then (&session::wait_for_plain)();
}

void session::end_direction() {
  if (--open_directions_ == 0) end({});
}

// What goes on for a while, as few do, has a frame.
void session::end_behind(asio::awaitable<void> last) {
  asio::co_spawn(secured_.get_executor(), std::move(last),
                 [self = shared_from_this()](std::exception_ptr const& thrown) {
                   if (thrown) self->cut();
                   self->end_direction();
                 });
}

// From TLS to TCP.

void session::wait_for_tls() { tls_wait_read(secured_, then(&session::read_tls)); }

void session::read_tls(error_code end) {
  if (end) return end_of_tls(end);
  opened_.borrow();
  tls_read_some(secured_, opened_.all(), then(&session::send_plain));
}

void session::send_plain(error_code end, std::size_t count) {
  if (end) return end_of_tls(end);
  error_code error;
  auto const plaintext = asio::buffer(opened_.all(), count);
  std::size_t const written = plain_.write_some(plaintext, error);
  if (error == asio::error::would_block) error = {};
  to_plain() += written;
  if (error || written == count) return sent_plain(error, 0);
  writing_plain_ = true;
  asio::async_write(plain_, plaintext + written, then(&session::sent_plain));
}

void session::sent_plain(error_code error, std::size_t count) {
  writing_plain_ = false;
  to_plain() += count;
  opened_.give_back();
  if (!error) return wait_for_tls();
  // A pipe is broken where an end had come before; all else is a reset.
  if (error != asio::error::broken_pipe) plain_reset_ = true;
  fail((is_server() ? "the backend: " : "the client: ") + error.message());
  end_behind(deliver_last());
}

void session::end_of_tls(error_code end) {
  opened_.give_back();
  tls_ended_ = end == asio::error::eof;
  tls_failed_ = end.category() == tls_async::errc_category() ||
                end.category() == asio::error::get_ssl_category();
  error_code ignored;
  if (tls_ended_) {
    // The other direction has ended: to close the socket says so too.
    if (open_directions_ > 1) plain_.shutdown(tcp::socket::shutdown_send, ignored);
    return end_direction();
  }
  // A client that has been told the end of the backend often leaves without a word.
  bool const has_been_told = is_server() && plain_ended_ &&
                             serving::unsent_bytes(secured_.next_layer().native_handle()) == 0;
  if (!has_been_told) fail_tls(end);
  // What came before is the other side's, and may still be with the kernel.
  end_behind(cut_at_arrival(plain_));
}

// What was said before a failed write is still on its way. Nobody takes what the peer of TLS sends,
// so it is passed over, after a reset until cut_at_arrival() cuts.
asio::awaitable<void> session::deliver_last() {
  opened_.borrow();
  while (!plain_ended_) {
    auto const [end, count] =
        co_await tls_read_some(secured_, opened_.all(), serving::between_looks, as_values);
    tls_ended_ = end == asio::error::eof;
    if (tls_ended_)
      co_return opened_.give_back();  // nothing is left to refuse, and the other direction goes on
    // Our own deadline. TCP's, behind which nothing comes any more, has the same code.
    bool const goes_on = !end || (end == asio::error::timed_out &&
                                  !serving::is_over(secured_.next_layer().native_handle()));
    if (!goes_on) {
      opened_.give_back();
      co_return cut();
    }
  }
  opened_.give_back();
  allow_close_notify();
  co_await serving::deliver(secured_);
  co_await tls_shutdown(secured_, as_values);
  cut();
}

// From TCP to TLS.

void session::wait_for_plain() {
  plain_.async_wait(tcp::socket::wait_read, then(&session::read_plain));
}

// Where no pipe is to be had the bytes go through the process.
void session::read_plain(error_code end) {
  std::size_t count = 0;
  if (!end && kernel_seals_ && piped_.borrow()) {
    piped_at_once_ = piped_.fill(plain_.native_handle(), end);
    if (!end) return splice_tls({});
  } else if (!end) {
    sealed_.borrow();
    count = plain_.read_some(sealed_.all(), end);
  }
  if (!end)
    return tls_write(secured_, asio::buffer(sealed_.all(), count), then(&session::sent_tls));
  sealed_.give_back();
  piped_.give_back();
  if (end == asio::error::would_block) return wait_for_plain();
  if (end != asio::error::eof) {
    plain_reset_ = true;
    fail((is_server() ? "the backend: " : "the client: ") + end.message());
  }
  end_of_plain();
}

void session::sent_tls(error_code error, std::size_t count) {
  to_tls() += count;
  if (error) return lose_tls(error);
  if (count == lent_buffer::bytes) return read_plain({});  // there is probably more
  sealed_.give_back();
  wait_for_plain();
}

// What its peer had said before is the other side's. Until all of that has been read and has
// arrived, what that side says is passed over: to send it fails again.
void session::lose_tls(error_code error) {
  sealed_.give_back();
  piped_.give_back();
  fail_tls(error);
  if (!tls_ended_ || !serving::has_arrived(plain_)) return wait_for_plain();
  cut();
  end_direction();
}

void session::read_more_plain() { read_plain({}); }

// The kernel seals what its socket gets, and what OpenSSL sends by it stands in order with that:
// nothing but alerts, since this direction is ours.
void session::splice_tls(error_code error) {
  if (!error && tls_failed_) error = asio::error::operation_aborted;
  if (!error && piped_records_.are_all_that_are_safe()) error = tls_async::errc::ktls_fixed_keys;
  if (!error) {
    std::size_t const count = piped_.drain(secured_.next_layer().native_handle(), error);
    piped_records_.add(count);
    piped_bytes_ += count;
    to_tls() += count;
  }
  if (error == asio::error::would_block)
    return secured_.next_layer().async_wait(socket::wait_write, then(&session::splice_tls));
  if (error == tls_async::errc::ktls_fixed_keys) {  // its peer doesn't know of an end
    piped_.give_back();
    fail_tls(error);
    return end_behind(cut_at_arrival(plain_));
  }
  if (error) return lose_tls(error);
  // There is probably more; others come to their turn in between.
  if (piped_at_once_ >= tls_async::max_record_plaintext)
    return asio::post(secured_.get_executor(), then(&session::read_more_plain));
  piped_.give_back();
  wait_for_plain();
}

void session::end_of_plain() {
  // The kernel tells a reset once. If it has told the write of the other direction, this one reads
  // an end; that write is done, so its handler is about to say so.
  if (writing_plain_ && serving::is_over(plain_.native_handle()))
    return asio::post(secured_.get_executor(), then(&session::end_of_plain));
  if (plain_reset_) return end_behind(cut_at_arrival(secured_.next_layer()));
  plain_ended_ = true;
  allow_close_notify();
  tls_close_write(secured_, no_limit, then(&session::closed_tls));
}

// Behind what came before, which may still be with the kernel.
asio::awaitable<void> session::cut_at_arrival(socket& last) {
  asio::steady_timer next_look(secured_.get_executor());
  while (!serving::has_arrived(last)) {
    next_look.expires_after(serving::between_looks);
    co_await next_look.async_wait(as_values);
  }
  cut();
}

void session::allow_close_notify() {
  if (kernel_seals_) SSL_set_quiet_shutdown(secured_.native_handle(), 0);
}

void session::closed_tls(error_code error) {
  // A peer that has said its last may be gone without waiting for ours. The other direction meets
  // the same, behind all that came before.
  if (error && !tls_ended_) fail_tls(error);
  end_direction();
}

}  // namespace tls_proxy
