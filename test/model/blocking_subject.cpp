// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Bare OpenSSL on a blocking descriptor: each verb is its function, called once. It runs on a
// thread of its own, and always just one of both threads runs: where OpenSSL would sleep in the
// kernel the other one goes on, which moves the script's network.
#include <boost/asio/error.hpp>

#include <openssl/bio.h>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <utility>

#include "bare_session.hpp"
#include "socket_pump.hpp"

namespace tls_async::test::model {
namespace {

struct descriptor_pair {
  std::array<int, 2> of{};

  descriptor_pair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, of.data()) != 0)
      throw std::runtime_error{"no pair of sockets"};
  }
  descriptor_pair(descriptor_pair const&) = delete;
  ~descriptor_pair() {
    for (int const each : of)
      ::close(each);
  }
};

class blocking_subject final : public subject {
public:
  explicit blocking_subject(stage const& on)
      : on_(on), pump_(on, far()), session_(on, socket_bio()), worker_([this] { work(); }) {}
  ~blocking_subject() override {
    destroy();
    is_over_ = true;
    run_worker();
    worker_.join();
  }

  [[nodiscard]] bool takes_all() const override { return false; }
  [[nodiscard]] bool has(event const& what) const override { return what.is_verb(); }
  void start(verb_ptr const& which) override {
    on_.told.begun(*which);
    called_ = {which, 0};
    step();
  }
  bool step() override {
    bool moved = pump_.move();
    if (!called_.which || !may_go_on()) return moved;
    run_worker();
    pump_.move();
    if (result_) tell();
    return true;
  }
  [[nodiscard]] SSL* ssl() override { return session_.ssl(); }
  void destroy() override {
    if (called_.which) {
      is_destroyed_ = true;
      run_worker();
      result_ = boost::asio::error::operation_aborted;
      tell();
    }
    session_.destroy();
    ::shutdown(near(), SHUT_RDWR);
  }

private:
  enum class waits_for { nothing, input, room };

  [[nodiscard]] int near() const { return pair_.of[0]; }
  [[nodiscard]] int far() const { return pair_.of[1]; }

  BIO* socket_bio() {
    BIO* const made = BIO_new_socket(near(), BIO_NOCLOSE);
    BIO_set_callback_ex(made, &before_the_kernel);
    BIO_set_callback_arg(made, reinterpret_cast<char*>(this));
    return made;
  }
  // What it returns is the result if it is not 1, and the kernel is not called.
  static long before_the_kernel(BIO* bio, int operation, char const*, std::size_t, int, long,
                                int result, std::size_t*) {
    auto& self = *reinterpret_cast<blocking_subject*>(BIO_get_callback_arg(bio));
    if (operation == BIO_CB_READ) return self.wait(waits_for::input);
    return operation == BIO_CB_WRITE ? self.wait(waits_for::room) : result;
  }

  // Of the worker.
  void work() {
    for (;;) {
      to_worker_.acquire();
      if (is_over_) return;
      error_code ec;
      do {
        ec = session_.advance(called_);  // without SSL_MODE_AUTO_RETRY more than once
      } while (ec == boost::asio::error::would_block);
      result_ = ec;
      to_script_.release();
    }
  }
  long wait(waits_for what) {
    waits_for_ = what;
    while (!is_destroyed_ && !may_go_on()) {
      to_script_.release();
      to_worker_.acquire();
    }
    waits_for_ = waits_for::nothing;
    return is_destroyed_ ? -1 : 1;
  }

  // Of the script.
  void run_worker() {
    to_worker_.release();
    if (!is_over_) to_script_.acquire();
  }
  // As little is on its way as can be: then the kernel always has room for a record.
  [[nodiscard]] bool may_go_on() const {
    int unread = 0;
    std::array<char, 1> one{};
    switch (waits_for_) {
      case waits_for::input:
        return ::recv(near(), one.data(), one.size(), MSG_PEEK | MSG_DONTWAIT) >= 0;
      case waits_for::room:
        return ::ioctl(far(), FIONREAD, &unread) == 0 && unread == 0;
      default:
        return true;
    }
  }
  void tell() {
    auto const done = std::exchange(called_, {});
    on_.told.ended(done.which, *std::exchange(result_, {}), done.done, false);
  }

  stage on_;
  descriptor_pair pair_;
  socket_pump pump_;
  bare_session session_;
  bare_session::progress called_;
  std::optional<error_code> result_;
  waits_for waits_for_ = waits_for::nothing;
  bool is_destroyed_ = false;
  bool is_over_ = false;
  std::binary_semaphore to_worker_{0}, to_script_{0};
  std::thread worker_;
};

}  // namespace

std::unique_ptr<subject> make_blocking(stage const& on) {
  return std::make_unique<blocking_subject>(on);
}

}  // namespace tls_async::test::model
