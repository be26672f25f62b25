// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What an I/O object of Asio's does by itself, for ends of a memory link: when the io_context is
// destroyed, so are the operations on it. Make it after the streams, so that it is shut down before
// their timers.
#pragma once

#include <boost/asio/execution_context.hpp>

#include <set>

#include <tls_async_test/memory_link.hpp>

namespace tls_async::test {

class memory_service : public boost::asio::execution_context::service {
public:
  using key_type = memory_service;
  static inline boost::asio::execution_context::id id;

  explicit memory_service(boost::asio::execution_context& context) : service(context) {}

  /// `end` belongs to the service for as long as this lives.
  class watch {
  public:
    watch(memory_service& service, memory_stream& end) : service_(service), end_(end) {
      service_.ends_.insert(&end_);
    }
    ~watch() { service_.ends_.erase(&end_); }
    watch(watch const&) = delete;
    watch& operator=(watch const&) = delete;

  private:
    memory_service& service_;
    memory_stream& end_;
  };

private:
  // Their handlers go to the event loop, which destroys what it does not run any more.
  void shutdown() override {
    for (auto* const end : ends_)
      end->cancel();
  }

  std::set<memory_stream*> ends_;
};

}  // namespace tls_async::test
