// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The thread that resolves. getaddrinfo(3) can't be ended from outside, so nobody joins it: it owns
// what it works on together with whoever is left.
#include "backend_addresses.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/system_error.hpp>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace tls_proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

endpoints resolve(backend_name const& name) {
  asio::io_context io;
  auto const found = tcp::resolver(io).resolve(name.host, name.port);
  return {found.begin(), found.end()};
}

namespace {

// What Asio throws has the place in its source, too, which tells a user nothing.
std::string reason_of(std::exception const& error) {
  auto const* failed = dynamic_cast<boost::system::system_error const*>(&error);
  return failed != nullptr ? failed->code().message() : error.what();
}

}  // namespace

struct backend_addresses::state {
  backend_name name;
  std::function<void(std::string_view)> report;
  settings how;
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<endpoints const> found;
  bool stopped = false;
};

backend_addresses::backend_addresses(backend_name const& name,
                                     std::function<void(std::string_view)> report,
                                     settings const& how)
    : state_(std::make_shared<state>()) {
  state_->name = name;
  state_->report = std::move(report);
  state_->how = how;
  try {
    state_->found = std::make_shared<endpoints const>(how.resolve(name));
  } catch (std::exception const& error) {
    throw std::runtime_error("cannot resolve " + text_of(name) + ": " + reason_of(error) +
                             "; give --connect a name that this machine can resolve, or an "
                             "address");
  }
  boost::system::error_code no_address;
  asio::ip::make_address(name.host, no_address);
  if (no_address) std::thread(keep_fresh, state_).detach();
}

backend_addresses::~backend_addresses() {
  std::lock_guard const lock{state_->mutex};
  state_->stopped = true;
  state_->changed.notify_all();
}

std::shared_ptr<endpoints const> backend_addresses::current() const {
  std::lock_guard const lock{state_->mutex};
  return state_->found;
}

void backend_addresses::keep_fresh(std::shared_ptr<state> const& shared) {
  bool was_found = true;
  std::unique_lock lock{shared->mutex};
  auto const is_over = [&] { return shared->stopped; };
  while (!shared->changed.wait_for(lock, shared->how.pause, is_over)) {
    lock.unlock();
    std::shared_ptr<endpoints const> found;
    std::string why;
    try {
      found = std::make_shared<endpoints const>(shared->how.resolve(shared->name));
    } catch (std::exception const& error) {
      why = reason_of(error);
    }
    lock.lock();
    if (shared->stopped) return;  // with whom to report to
    if (found)
      shared->found = found;
    else if (was_found)
      shared->report("cannot resolve " + text_of(shared->name) + " any more: " + why +
                     "; its last addresses stay in use");
    was_found = found != nullptr;
  }
}

}  // namespace tls_proxy
