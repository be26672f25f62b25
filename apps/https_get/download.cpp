// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "download.hpp"

#include "destination.hpp"
#include "exchange.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace https_get {
namespace {

namespace asio = boost::asio;

constexpr unsigned most_redirects = 5;

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
    }
  }

  asio::awaitable<exit_status> attempt(target const& wanted) {
    auto const report = [&](std::exception const& error) {
      console_.complain(std::string(wanted.url.buffer()) + ": " + error.what());
    };
    try {
      co_await download(wanted);
      co_return exit_status::all_whole;
    } catch (failure const& error) {
      report(error);
      co_return error.status();
    } catch (std::exception const& error) {
      report(error);
      co_return exit_status::local_file;
    }
  }

  asio::awaitable<void> download(target const& wanted) {
    destination file{wanted.file, std::string(wanted.url.buffer()), options_.resume};
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
};

}  // namespace

exit_status download_all(options const& chosen, tls_async::context& context, console& out) {
  return downloads{chosen, context, out}.run();
}

}  // namespace https_get
