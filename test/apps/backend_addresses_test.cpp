// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The backend's addresses: at hand at once, whatever the resolver does meanwhile.
#include "backend_addresses.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tls_proxy {
namespace {

using boost::asio::ip::tcp;

endpoints at(std::uint16_t port) {
  return {tcp::endpoint(boost::asio::ip::address_v4::loopback(), port)};
}

std::uint16_t port_of(backend_addresses const& known) { return known.current()->front().port(); }

// A resolver that answers when it is told to, from another thread.
class resolver : public std::enable_shared_from_this<resolver> {
public:
  backend_addresses::settings settings() {
    return {std::chrono::nanoseconds(0), [self = shared_from_this()](backend_name const&) {
              return self->first_done_ ? self->later() : self->first();
            }};
  }

  // Until the resolver is asked again.
  void wait_until_asked() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return asked_; });
  }
  void answer(std::uint16_t port) {
    std::lock_guard const lock{mutex_};
    asked_ = false;
    port_ = port;
    answered_ = true;
    changed_.notify_all();
  }

private:
  endpoints first() {
    first_done_ = true;
    return at(1);
  }
  endpoints later() {
    std::unique_lock lock{mutex_};
    asked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return answered_; });
    answered_ = false;
    if (port_ == 0) throw boost::system::system_error(boost::asio::error::host_not_found);
    return at(port_);
  }

  bool first_done_ = false;  // by the thread that starts the other one
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false, answered_ = false;
  std::uint16_t port_ = 0;
};

struct backend {
  std::shared_ptr<resolver> slow = std::make_shared<resolver>();
  std::mutex mutex;
  std::string reported;
  std::function<void(std::string_view)> report = [this](std::string_view what) {
    std::lock_guard const lock{mutex};
    reported += std::string(what) + '\n';
  };
};

BOOST_FIXTURE_TEST_SUITE(addresses_of_the_backend, backend)

BOOST_AUTO_TEST_CASE(are_at_hand_while_the_resolver_is_busy) {
  backend_addresses const known{{"name", "1"}, report, slow->settings()};
  slow->wait_until_asked();
  BOOST_TEST(port_of(known) == 1);
  slow->answer(2);
  slow->wait_until_asked();  // once more, so the answer has been taken
  BOOST_TEST(port_of(known) == 2);
}

BOOST_AUTO_TEST_CASE(stay_in_use_when_the_name_is_not_found_any_more) {
  {
    backend_addresses const known{{"name", "1"}, report, slow->settings()};
    for (int i = 0; i < 3; ++i) {
      slow->wait_until_asked();
      slow->answer(0);
    }
    slow->wait_until_asked();
    BOOST_TEST(port_of(known) == 1);
    slow->answer(3);
    slow->wait_until_asked();
    BOOST_TEST(port_of(known) == 3);
  }
  // Told once, not each time.
  BOOST_TEST(reported.find("cannot resolve name:1 any more: ") == 0u, reported);
  BOOST_TEST(reported.find('\n') == reported.size() - 1, reported);
}

BOOST_AUTO_TEST_CASE(hold_up_no_end) {
  {
    backend_addresses const known{{"name", "1"}, report, slow->settings()};
    slow->wait_until_asked();
  }
  slow->answer(0);  // which comes too late, and is reported to nobody
  std::lock_guard const lock{mutex};
  BOOST_TEST(reported == "");
}

BOOST_AUTO_TEST_CASE(are_needed_at_the_start) {
  auto how = slow->settings();
  how.resolve = [](backend_name const&) -> endpoints {
    throw boost::system::system_error(boost::asio::error::host_not_found);
  };
  BOOST_CHECK_EXCEPTION(
      (backend_addresses{{"nowhere", "1"}, report, how}), std::runtime_error,
      [](auto const& error) {
        std::string const text = error.what();
        return text.find("cannot resolve nowhere:1: Host not found (authoritative); ") == 0 &&
               text.find("--connect") != text.npos;
      });
}

BOOST_AUTO_TEST_CASE(of_a_number_need_no_resolver) {
  backend_addresses const known{{"127.0.0.1", "7"}, report, {}};
  BOOST_TEST((*known.current() == at(7)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_proxy
