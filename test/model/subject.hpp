// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a script is run on: a stream of ours, one of Asio's, or a bare session of OpenSSL's. And one
// verb of it, while it is in progress.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tls_async_test/virtual_clock.hpp>
#include "script.hpp"
#include "settings.hpp"
#include "wire.hpp"

namespace tls_async::test::model {

struct verb {
  event asked;
  std::size_t number = 0;            ///< Counted over the script.
  std::string_view bytes;            ///< Of a write.
  std::vector<char> place;           ///< Of a read.
  std::shared_ptr<void const> keep;  ///< What it needs until it has ended.
  std::size_t in_queue = 0;          ///< A write's number in the byte queue.
  bool has_begun = false;            ///< It was started; a coroutine may not have come so far.
  bool was_refused_here = false;     ///< The subject was gone before it could begin.
  bool has_ended = false;
  std::size_t taken = 0;     ///< By a read.
  bool had_rival = false;    ///< Another one of its kind was in progress when it began.
  bool had_session = false;  ///< The handshake was done when it began.
  bool layer_was_cancelled = false;
  bool has_to_abort = false;  ///< Nothing moved when its next layer was cancelled.
  boost::asio::cancellation_type cancelled = boost::asio::cancellation_type::none;
  boost::asio::cancellation_type cancelled_last = boost::asio::cancellation_type::none;
  virtual_clock::time_point started;
  boost::asio::cancellation_signal signal;

  [[nodiscard]] std::size_t size() const {
    return asked.what == act::write ? bytes.size() : place.size();
  }
};
using verb_ptr = std::shared_ptr<verb>;

/// Who is told of the verbs.
class listener {
public:
  virtual ~listener() = default;
  virtual void begun(verb& of) = 0;
  /// `elsewhere`: not on the executor that the handler belongs to.
  virtual void ended(verb_ptr const& of, error_code ec, std::size_t n, bool elsewhere) = 0;
};

/// What handlers and callables throw where the script says so.
struct thrown {};

/// What all subjects are made of.
struct stage {
  script const& of;
  ends& with;
  boost::asio::io_context& io;
  std::shared_ptr<wire> over;
  listener& told;
};

class subject {
public:
  virtual ~subject() = default;

  /// As its documents allow: any number of verbs at once, in any state.
  [[nodiscard]] virtual bool takes_all() const = 0;
  /// There is such a verb.
  [[nodiscard]] virtual bool has(event const& what) const = 0;
  virtual void start(verb_ptr const& which) = 0;
  /// What does not go by handlers. True if anything moved.
  virtual bool step() { return false; }
  /// Null when the stream is gone.
  [[nodiscard]] virtual SSL* ssl() = 0;
  virtual void cancel_layer() {}
  virtual void move() {}
  virtual void destroy() = 0;
  /// Why it failed, in words.
  [[nodiscard]] virtual std::string story() { return {}; }
};

enum class kind { ours, asio, bare, blocking };

std::unique_ptr<subject> make_ours(stage const& on);
std::unique_ptr<subject> make_ours_on_socket(stage const& on);
std::unique_ptr<subject> make_ours_on_tls(stage const& on);
std::unique_ptr<subject> make_asio(stage const& on);
std::unique_ptr<subject> make_bare(stage const& on);
std::unique_ptr<subject> make_blocking(stage const& on);

}  // namespace tls_async::test::model
