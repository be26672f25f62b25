// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Handlers, executors and plaintext sources whose type wants more than malloc's alignment stand
// where that type says, in every verb.
#include <boost/asio/bind_executor.hpp>

#include <cstdint>
#include <cstdio>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "memory_session.hpp"
#include "support/openssl_version.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

struct placement {
  bool done = false;
  std::size_t misplaced = 0;
};

// Looks at each place that it comes to. By volatile, for a compiler may take the alignment of a
// type for granted.
template <std::size_t Alignment>
class alignas(Alignment) placed {
public:
  explicit placed(placement& to) : to_(&to) { look(); }
  placed(placed const& other) noexcept : to_(other.to_) { look(); }
  placed(placed&& other) noexcept : to_(other.to_) { look(); }
  placed& operator=(placed const&) = default;

  void look() const noexcept {
    auto const volatile place = reinterpret_cast<std::uintptr_t>(this);
    to_->misplaced += place % Alignment != 0;
  }
  [[nodiscard]] placement& to() const { return *to_; }

private:
  placement* to_;
};

template <std::size_t Alignment>
struct handler : placed<Alignment> {
  using placed<Alignment>::placed;
  void operator()(error_code, std::size_t = 0) const {
    this->look();
    this->to().done = true;
  }
};

// An allocator for which a place is as good as the type says.
template <class T>
struct own_allocator {
  using value_type = T;
  std::shared_ptr<std::size_t> allocations;

  explicit own_allocator(std::shared_ptr<std::size_t> counter) : allocations(std::move(counter)) {}
  template <class U>
  own_allocator(own_allocator<U> const& other) noexcept : allocations(other.allocations) {}
  T* allocate(std::size_t n) { return ++*allocations, std::allocator<T>().allocate(n); }
  void deallocate(T* place, std::size_t n) noexcept { std::allocator<T>().deallocate(place, n); }
  bool operator==(own_allocator const&) const = default;
};

template <std::size_t Alignment>
struct allocating_handler : handler<Alignment> {
  using allocator_type = own_allocator<void>;
  std::shared_ptr<std::size_t> allocations;

  allocating_handler(placement& to, std::shared_ptr<std::size_t> counter)
      : handler<Alignment>(to), allocations(std::move(counter)) {}
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(allocations);
  }
};

// The least that Asio takes for one.
struct alignas(64) own_executor {
  asio::io_context* io;
  placed<64> here;

  [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept {
    return *io;
  }
  template <class F>
  void execute(F f) const {
    here.look();
    asio::post(*io, std::move(f));
  }
  bool operator==(own_executor const& other) const noexcept { return io == other.io; }
  bool operator!=(own_executor const& other) const noexcept { return io != other.io; }
};

// Each verb that a session knows, with a handler of `make(placement)` each.
template <class Make>
void walk_all_verbs(Make make) {
  std::list<placement> all;
  auto const next = [&] { return make(all.emplace_back()); };
  std::string place(1'000, '\0');
  auto const message = asio::buffer("a message", 9);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), &std::fclose);
  std::fputs("from a file", file.get());
  std::fflush(file.get());
  for (bool const is_old : {false, true}) {
    memory_session s;
    if (is_old) {
      set_host(s.client.native_handle(), "localhost");
      s.client.async_handshake(memory_tls::client, next());
      s.server.async_handshake(memory_tls::server, asio::const_buffer(), next());
    } else {
      tls_handshake(s.client, as_client{"localhost"}, next());
      tls_handshake(s.server, as_server{}, next());
    }
    s.settle();
    tls_write(s.client, message, next());
    tls_write(s.client, std::string("a message"), 1h, next());
    tls_write(s.client, std::make_shared<std::string const>("a message"), next());
    tls_write(
        s.client,
        [message, here = placed<64>(all.emplace_back())] {
          here.look();
          here.to().done = true;
          return message;
        },
        next());
    s.client.async_write_some(message, next());
    tls_sendfile(s.client, ::fileno(file.get()), 0, to_the_end, next());
    tls_key_update(s.client, new_keys::both, next());
    tls_read_some(s.server, asio::buffer(place), next());
    s.server.async_read_some(asio::buffer(place), next());  // second_read: completes at once
    s.settle();
    s.server.async_read_some(asio::buffer(place), next());
    s.settle();
    tls_close_write(s.client, next());
    s.settle();
    if (is_old) {
      s.server.async_shutdown(next());
    } else {
      tls_shutdown(s.server, next());
    }
    tls_shutdown(s.client, next());
    s.settle();
  }
  // What was in progress when its stream went, and what was never run.
  {
    memory_session s;
    s.handshake();
    tls_read_some(s.server, asio::buffer(place), next());
  }
  all.back().done = true;
  for (auto const& each : all) {
    BOOST_TEST(each.done);
    BOOST_TEST(each.misplaced == 0U);
  }
}

BOOST_AUTO_TEST_SUITE(alignment)

BOOST_AUTO_TEST_CASE(over_aligned_handlers_stand_where_their_type_says) {
  // Several times, for a recycled place is another one.
  for (int round = 0; round != 3; ++round) {
    walk_all_verbs([](placement& to) { return handler<32>(to); });
    walk_all_verbs([](placement& to) { return handler<64>(to); });
    walk_all_verbs([](placement& to) { return handler<4096>(to); });
  }
}

BOOST_AUTO_TEST_CASE(so_do_those_that_bring_an_allocator) {
  auto const allocations = std::make_shared<std::size_t>(0);
  walk_all_verbs([&](placement& to) { return allocating_handler<64>(to, allocations); });
  walk_all_verbs([&](placement& to) { return allocating_handler<4096>(to, allocations); });
  BOOST_TEST(*allocations != 0U);
}

BOOST_AUTO_TEST_CASE(so_does_the_work_that_is_kept_for_an_executor) {
  memory_session s;
  s.handshake();
  placement where;
  ending written;
  tls_write(s.client, asio::buffer("x", 1),
            asio::bind_executor(own_executor{&s.io, placed<64>(where)}, written.token()));
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(where.misplaced == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
