// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "download.hpp"

#include "advice.hpp"
#include "destination.hpp"
#include "exchange.hpp"
#include "interruption.hpp"
#include "printable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <sys/signalfd.h>

namespace https_get {
namespace {

namespace asio = boost::asio;

constexpr unsigned most_redirects = 5;

class shown {
public:
  shown(console& out, destination const& file) : console_(out), file_(file) { out.begin(file); }
  ~shown() { console_.end(file_); }
  shown(shown const&) = delete;
  shown& operator=(shown const&) = delete;

private:
  console& console_;
  destination const& file_;
};

class downloads {
public:
  downloads(options const& chosen, tls_async::context& context, console& out)
      : options_(chosen),
        context_(context),
        console_(out),
        results_(chosen.targets.size(), exit_status::all_whole) {}

  exit_status run() {
    auto const workers = std::min(options_.parallel, results_.size());
    for (std::size_t i = 0; i < workers; ++i)
      asio::co_spawn(io_, work(), asio::detached);
    if (console_.has_bar()) asio::co_spawn(io_, draw(), asio::detached);
    signals_.assign(::signalfd(-1, &interruptions(), SFD_NONBLOCK | SFD_CLOEXEC));
    signals_.async_read_some(asio::buffer(&signal_, sizeof signal_),
                             [this](boost::system::error_code stopped, std::size_t) {
                               if (!stopped) end_by(static_cast<int>(signal_.ssi_signo));
                             });
    io_.run();
    auto const failed = std::find_if(results_.begin(), results_.end(), [](exit_status result) {
      return result != exit_status::all_whole;
    });
    return failed == results_.end() ? exit_status::all_whole : *failed;
  }

private:
  asio::awaitable<void> work() {
    while (next_ < results_.size()) {
      auto const index = next_++;
      results_[index] = co_await attempt(options_.targets[index]);
      console_.end_file();
      if (++ended_ < results_.size()) continue;
      signals_.cancel();
      redraw_.cancel();
    }
  }

  asio::awaitable<void> draw() {
    while (ended_ < results_.size()) {
      redraw_.expires_after(std::chrono::milliseconds(100));
      co_await redraw_.async_wait(asio::as_tuple(asio::use_awaitable));
      console_.draw();
    }
  }

  // By the signal, as a shell wants it of who was interrupted.
  void end_by(int number) {
    std::raise(number);  // pending again, for when words would block
    failure const reason{exit_status::cut_short, "interrupted"};
    for (auto const* each : console_.running())
      if (!each->is_whole())
        report(each->url(), each->size() > 0 ? cut_off(reason, *each, options_) : reason);
    freed_interruptions const now;
  }

  void report(std::string_view url, failure const& why) {
    console_.complain(printable(url) + ": " + why.what(), why.advice());
  }

  asio::awaitable<exit_status> attempt(target const& wanted) {
    try {
      co_await download(wanted);
      co_return exit_status::all_whole;
    } catch (failure const& error) {
      report(wanted.url.buffer(), error);
      co_return error.status();
    } catch (std::exception const& error) {
      report(wanted.url.buffer(), {exit_status::local_file, error.what()});
      co_return exit_status::local_file;
    }
  }

  asio::awaitable<void> download(target const& wanted) {
    destination file{wanted.file, std::string(wanted.url.buffer()), options_.resume};
    shown const in_bar{console_, file};
    auto url = wanted.url;
    for (unsigned redirects = 0; redirects <= most_redirects; ++redirects) {
      exchange one{io_, context_, options_, url, console_};
      co_await one.connect();
      auto const next = co_await one.fetch(file);
      if (!next) co_return;
      url = *next;
    }
    throw failure(exit_status::refused,
                  "more than " + std::to_string(most_redirects) + " redirects");
  }

  asio::io_context io_{1};
  options const& options_;
  tls_async::context& context_;
  console& console_;
  std::vector<exit_status> results_;
  std::size_t next_ = 0;
  std::size_t ended_ = 0;
  asio::steady_timer redraw_{io_};
  asio::posix::stream_descriptor signals_{io_};
  ::signalfd_siginfo signal_{};
};

}  // namespace

exit_status download_all(options const& chosen, tls_async::context& context, console& out) {
  return downloads{chosen, context, out}.run();
}

}  // namespace https_get
