// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The actions of a random script.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "model_script.hpp"

namespace tls_async::test {

namespace asio = boost::asio;
using asio::cancellation_type;
using namespace std::chrono_literals;

namespace {

constexpr virtual_clock::duration no_limit = virtual_clock::duration::max();
constexpr std::chrono::nanoseconds for_ever = 24h * 365;

// Plaintext that lies elsewhere each time it is asked for; the old place is overwritten and freed.
class moving_buffer {
public:
  explicit moving_buffer(std::string_view bytes)
      : place_(
            std::make_shared<std::unique_ptr<std::string>>(std::make_unique<std::string>(bytes))) {}

  asio::const_buffer operator()() const {
    auto next = std::make_unique<std::string>(**place_);
    std::fill((*place_)->begin(), (*place_)->end(), '!');
    *place_ = std::move(next);
    return asio::buffer(**place_);
  }

private:
  std::shared_ptr<std::unique_ptr<std::string>> place_;
};

}  // namespace

template <class Transport>
void model_script<Transport>::act() {
  std::size_t const what = pick(100);
  if (what < 45) {
    act_on_verbs(either());
  } else if (what < 65) {
    act_on_link(either());
  } else if (what < 90) {
    step(1 + pick(8));
  } else if (what < 96) {
    settle();
  } else {
    advance_clock();
  }
}

template <class Transport>
void model_script<Transport>::act_on_verbs(endpoint& e) {
  std::size_t const what = pick(50);
  if (what < 18) {
    start_write(e);
  } else if (what < 30) {
    start_read(e);
  } else if (what < 39) {
    cancel_one(e);
  } else if (what < 43) {
    try_write(e);
  } else if (what < 45) {
    start_key_update(e);
  } else if (what < 47) {
    move(e);
  } else if (what < 48) {
    cancel_lowest_layer(e);
  } else if (what < 49) {
    start_handshake(e);
  } else if (negotiated_ && one_in(3)) {
    start_end(e, kind::close_write);
  }
}

// How its ciphertext gets to the peer. Sizes in bytes only for records, whose length does not
// depend on signatures and tickets.
template <class Transport>
void model_script<Transport>::act_on_link(endpoint& e) {
  auto& link = this->link(e);
  std::size_t const waiting = link.undelivered();
  std::size_t const what = pick(16);
  if (!negotiated_ || what < 6) {
    std::size_t const n = waiting / (1 + pick(3));
    note(e, "delivers a part of what waits");
    return link.deliver(n);
  }
  if (what < 10) {
    std::size_t const n = pick(20'000);
    note(e, "delivers " + std::to_string(n));
    return link.deliver(n);
  }
  if (what < 13) {
    constexpr std::array<std::size_t, 5> capacities{100, 5'000, 16'406, 40'000, unbounded};
    link.outgoing().capacity = capacities.at(pick(capacities.size()));
    note(e, "link holds " + std::to_string(link.outgoing().capacity));
    link.settle();
    return;
  }
  if (what < 15) {
    constexpr std::array<std::size_t, 4> transfers{1'000, 16'384, 30'000, unbounded};
    link.outgoing().largest_transfer = transfers.at(pick(transfers.size()));
    note(e, "link moves " + std::to_string(link.outgoing().largest_transfer));
    link.settle();
    return;
  }
  note(e, "link is released");
  link.outgoing().held = false;
  link.settle();
}

template <class Transport>
void model_script<Transport>::open(endpoint& e) {
  link(e).outgoing() = {};
  link(e).settle();
}

template <class Transport>
std::size_t model_script<Transport>::message_size() {
  switch (pick(8)) {
    case 0:
      return 0;
    case 1:
    case 2:
      return 1 + pick(200);
    case 3:
    case 4:
      return 16'382 + pick(5);
    case 5:
    case 6:
      return pick(40'000);
    default:
      return pick(102'400);
  }
}

template <class Transport>
auto model_script<Transport>::make(endpoint& e, kind what) -> verb_ptr {
  auto v = std::make_shared<verb>();
  v->what = what;
  v->number = verbs_++;
  v->started = clock::now();
  e.outstanding.push_back(v);
  return v;
}

template <class Transport>
void model_script<Transport>::limit_some(verb& v) {
  constexpr std::array<clock::duration, 3> limits{50ms, 3s, 20s};
  if (!is_left_alone_ && one_in(5)) v.limit = limits.at(pick(limits.size()));
}

template <class Transport>
template <class Initiate>
void model_script<Transport>::launch(endpoint& e, verb_ptr const& v, Initiate initiate) {
  // The handler keeps the end, which owns the stream: as a coroutine frame does.
  auto const keep =
      *std::find_if(ends_.begin(), ends_.end(), [&](auto const& p) { return p.get() == &e; });
  call([&] {
    initiate(asio::bind_cancellation_slot(
        v->signal.slot(),
        [this, keep, v](error_code ec, std::size_t n = 0) { finish(*keep, v, ec, n); }));
  });
}

template <class Transport>
void model_script<Transport>::start_handshake(endpoint& e) {
  if (e.find(kind::handshake)) return;
  auto const v = make(e, kind::handshake);
  v->limit = 10s;
  note(e, "verb " + std::to_string(v->number) + ": handshake");
  launch(e, v, [&](auto token) {
    if (e.is_client) {
      tls_handshake(*e.stream, as_client{"localhost"}, std::move(token));
    } else {
      tls_handshake(*e.stream, as_server{}, std::move(token));
    }
  });
}

template <class Transport>
void model_script<Transport>::start_read(endpoint& e) {
  // A second read is refused while the first waits. Once that has its result, it depends on whether
  // its handler ran, which a script can't know.
  // On a descriptor any verb may find input that no step of the event loop has told of.
  if (Transport::has_descriptors && !inside_handler_ && e.find(kind::read)) settle();
  auto const first = e.find(kind::read);
  bool const is_waiting = first && first->is_parked && !inside_handler_ &&
                          first->cancelled == cancellation_type::none && !e.lowest_layer_cancelled;
  if (first && !is_waiting) return;
  auto const v = make(e, kind::read);
  if (first) v->refusal = errc::second_read;
  v->size = 1 + (one_in(3) ? pick(100) : pick(70'000));
  v->place.resize(v->size);
  limit_some(*v);
  note(e, "verb " + std::to_string(v->number) + ": read of " + std::to_string(v->size));
  asio::mutable_buffer const whole(v->place.data(), v->size);
  std::size_t const cut = pick(v->size);
  std::array<asio::mutable_buffer, 2> const halves{asio::buffer(whole, cut), whole + cut};
  launch(e, v, [&](auto token) {
    if (v->limit != no_limit) {
      tls_read_some(*e.stream, halves, v->limit, std::move(token));
    } else if (v->number % 2 == 0) {
      tls_read_some(*e.stream, halves, std::move(token));
    } else {
      e.stream->async_read_some(whole, std::move(token));
    }
  });
}

template <class Transport>
void model_script<Transport>::start_write(endpoint& e) {
  if (e.outstanding.size() > 6) return;
  auto const v = make(e, one_in(8) ? kind::write_some : kind::write);
  auto const bytes = message(verbs_ * 2 + (e.is_client ? 1 : 0), message_size());
  v->size = bytes.size();
  v->write = e.sent.begin_write(bytes);
  v->is_last = v->what == kind::write && negotiated_ && one_in(32);
  e.is_closing = e.is_closing || v->is_last;
  if (v->what == kind::write) limit_some(*v);
  note(e, "verb " + std::to_string(v->number) + ": write of " + std::to_string(v->size) +
              (v->what == kind::write_some ? ", some" : "") + (v->is_last ? ", the last" : ""));
  launch(e, v, [&](auto token) {
    if (v->what == kind::write_some) {
      e.stream->async_write_some(asio::buffer(bytes.data(), bytes.size()), std::move(token));
    } else {
      if (v->limit == no_limit) {
        v->limit = 30s;
        v->stalls = true;
      }
      write_from_anywhere(*e.stream, bytes, *v, std::move(token));
    }
  });
}

template <class Transport>
template <class Token>
void model_script<Transport>::write_from_anywhere(stream_type& s, std::string_view bytes,
                                                  verb const& v, Token token) {
  auto const start = [&](auto&& plaintext) {
    using type = decltype(plaintext);
    if (v.is_last && v.stalls) {
      tls_write_last(s, std::forward<type>(plaintext), std::move(token));
    } else if (v.is_last) {
      tls_write_last(s, std::forward<type>(plaintext), v.limit, std::move(token));
    } else if (v.stalls) {
      tls_write(s, std::forward<type>(plaintext), std::move(token));
    } else {
      tls_write(s, std::forward<type>(plaintext), v.limit, std::move(token));
    }
  };
  auto const whole = asio::buffer(bytes.data(), bytes.size());
  switch (pick(5)) {
    case 0:
      return start(std::string(bytes));
    case 1:
      return start(moving_buffer(bytes));
    case 2: {
      // Some of them empty.
      std::vector<asio::const_buffer> pieces;
      for (std::size_t at = 0; at != bytes.size();) {
        std::size_t const n = std::min(pick(20'000), bytes.size() - at);
        pieces.push_back(asio::buffer(whole + at, n));
        at += n;
      }
      return start(pieces);
    }
    default:
      return start(whole);
  }
}

template <class Transport>
void model_script<Transport>::try_write(endpoint& e) {
  auto const bytes = message(++verbs_ * 2 + (e.is_client ? 1 : 0), message_size());
  std::size_t const number = e.sent.begin_write(bytes);
  error_code ec;
  call([&] { ec = tls_try_write(*e.stream, asio::buffer(bytes.data(), bytes.size())); });
  note(e, "try_write of " + std::to_string(bytes.size()) + ": " + ec.message());
  e.sent.end_write(number, ec ? 0 : bytes.size());
  if (ec && ec != errc::queue_full && !(ec == errc::closed_for_writing && e.is_closing))
    complain(ec.message());
}

template <class Transport>
void model_script<Transport>::start_key_update(endpoint& e) {
  if (!negotiated_) return;
  auto const v = make(e, kind::key_update);
  if (!is_tls13_) v->refusal = errc::not_supported;
  v->limit = 30s;
  v->stalls = true;
  note(e, "verb " + std::to_string(v->number) + ": key update");
  // On a descriptor a read that has to answer a second request while a record is blocked makes
  // OpenSSL fail (SSL_R_BAD_LENGTH). Kernel TLS ends the session at the first.
  bool const asks = one_in(2) && !Transport::has_descriptors;
  auto const whose = asks ? new_keys::both : new_keys::ours;
  launch(e, v, [&](auto token) { tls_key_update(*e.stream, whose, std::move(token)); });
}

template <class Transport>
void model_script<Transport>::start_end(endpoint& e, kind what) {
  auto const v = make(e, what);
  e.is_closing = true;
  v->limit = is_left_alone_ ? clock::duration(for_ever) : clock::duration(2s);
  note(e, "verb " + std::to_string(v->number) +
              (what == kind::shutdown ? ": shutdown" : ": close_write"));
  launch(e, v, [&](auto token) {
    if (what == kind::shutdown) {
      tls_shutdown(*e.stream, v->limit, std::move(token));
    } else {
      tls_close_write(*e.stream, v->limit, std::move(token));
    }
  });
}

template <class Transport>
void model_script<Transport>::cancel_one(endpoint& e) {
  if (e.outstanding.empty()) return;
  constexpr std::array types{cancellation_type::terminal, cancellation_type::partial,
                             cancellation_type::total, cancellation_type::total,
                             cancellation_type::all};
  auto const v = e.outstanding.at(pick(e.outstanding.size()));
  auto const type = types.at(pick(types.size()));
  v->cancelled = v->cancelled | type;
  note(e, "cancels verb " + std::to_string(v->number) + ", type " +
              std::to_string(static_cast<unsigned>(type)));
  call([&] { v->signal.emit(type); });
}

template <class Transport>
void model_script<Transport>::cancel_lowest_layer(endpoint& e) {
  if (!cancels_lowest_layer_) return;
  note(e, "cancels its lowest layer");
  e.lowest_layer_cancelled = true;
  call([&] { e.stream->lowest_layer().cancel(); });
}

template <class Transport>
void model_script<Transport>::move(endpoint& e) {
  note(e, "stream moves");
  call([&] { e.stream = std::make_unique<stream_type>(std::move(*e.stream)); });
}

template <class Transport>
void model_script<Transport>::destroy(endpoint& e) {
  note(e, "stream is destroyed");
  e.was_destroyed = true;
  e.watch.reset();
  call([&] { e.stream.reset(); });
}

template class model_script<memory_transport>;
template class model_script<socket_transport>;

}  // namespace tls_async::test
