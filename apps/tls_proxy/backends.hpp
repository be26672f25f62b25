// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which backend a client is given: of all addresses the one with the fewest connections, but for
// those that have just failed. What these are asked, and when they count as failed, is up to the
// session.
#pragma once

#include "backend_addresses.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tls_proxy {

class backends {
public:
  using clock = std::chrono::steady_clock;

  struct settings {
    // For so long an address that has failed is passed over, if there is another; twice as long
    // each time that it fails again after that, up to 32 times as long.
    std::chrono::nanoseconds pause = std::chrono::seconds(10);
    backend_addresses::settings names;
    std::function<clock::time_point()> now = clock::now;
  };

  // `report` is told, on any thread, when an address begins to be passed over and when it answers
  // again. Throws std::runtime_error if a name can't be resolved.
  backends(std::vector<backend_name> const& names, std::function<void(std::string_view)> report,
           settings how);
  backends(backends const&) = delete;
  backends& operator=(backends const&) = delete;
  ~backends();

  // From any thread, as all of the following.
  class choice;
  // Nothing if all were tried. One that is passed over comes last; of one whose pause has ended,
  // one client finds out whether it answers, and if that ends without having found out, the next.
  std::optional<choice> choose(std::vector<choice> const& tried);

  // For Prometheus; the labels are the names as they were given.
  std::string metrics() const;

private:
  struct address;
  struct backend;

  void refresh();
  static std::string text_of_address(address const& one);
  clock::duration pause_of(address const& one) const;
  void answered(choice& of_it);
  void failed(choice& of_it, std::string_view why);
  static void end(choice& of_it) noexcept;  // under the lock

  std::function<void(std::string_view)> report_;
  settings how_;
  std::mutex mutable mutex_;
  std::vector<std::unique_ptr<backend>> backends_;
  std::vector<std::shared_ptr<address>> addresses_;  // of all of them
  std::size_t next_ = 0;
};

// Counts as a connection of its address for as long as it lives, or until it has failed.
class backends::choice {
public:
  choice(backends& of, std::shared_ptr<address> one, bool finds_out)
      : of_(&of), one_(std::move(one)), finds_out_(finds_out) {}
  choice(choice&& other) noexcept = default;
  choice& operator=(choice&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(one_, other.one_);
    std::swap(finds_out_, other.finds_out_);
    std::swap(counts_, other.counts_);
    return *this;
  }
  ~choice();

  boost::asio::ip::tcp::endpoint const& endpoint() const;
  backend_name const& name() const;
  // For people: the name, and which of its addresses.
  std::string text() const;

  void answered();
  // Not for a reason of ours, such as a lack of descriptors or of local ports.
  void failed(std::string_view why);

private:
  friend class backends;

  backends* of_;
  std::shared_ptr<address> one_;
  bool finds_out_;
  bool counts_ = true;
};

}  // namespace tls_proxy
