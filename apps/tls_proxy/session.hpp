// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One connection of a client and the one to the backend that belongs to it. One of the two is TLS;
// what comes from either is written to the other before more is read, so a slow reader holds its
// writer back. Ends of either direction are carried over, close_notify as FIN and FIN as
// close_notify, and so are ends that are none: a connection that was cut is cut on the other side.
#pragma once

#include "backends.hpp"
#include "connection_record.hpp"
#include "lent_buffer.hpp"
#include "options.hpp"
#include "proxy_header.hpp"
#include "splice.hpp"

#include "serving/admission.hpp"
#include "serving/connection.hpp"
#include "serving/metrics.hpp"
#include "serving/server_log.hpp"
#include "serving/stall_watch.hpp"

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace tls_proxy {

class session : public serving::connection, public std::enable_shared_from_this<session> {
public:
  // All that is referred to has to outlive this.
  session(boost::asio::ip::tcp::socket client, boost::asio::ip::tcp::endpoint const& address,
          std::shared_ptr<serving::arrival> as, std::shared_ptr<tls_async::context> context,
          options const& chosen, backends& known, serving::server_log& log);

  void start(end_handler ended) override;
  void finish() override;
  void abort() override;
  void make_room() override;
  tls_async::stats stats() const noexcept override;

  // The watch over the two directions sets the limit.
  static constexpr auto no_limit = std::chrono::hours(24 * 365);

private:
  using error_code = boost::system::error_code;
  using clock = std::chrono::steady_clock;
  using socket = boost::asio::ip::tcp::socket;

  // Each of these is false once there is an incident.
  boost::asio::awaitable<bool> prepare();
  boost::asio::awaitable<bool> receive_header();
  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<error_code> handshake_of_server();
  void look_at_kernel();
  boost::asio::awaitable<bool> connect();
  boost::asio::awaitable<bool> send_header();

  // Begins both directions; the last that is over ends it all.
  void relay();
  template <class... Results>
  auto then(void (session::*step)(Results...));
  void end_direction();
  void end_behind(boost::asio::awaitable<void> last);
  // From TLS to TCP.
  void wait_for_tls();
  void read_tls(error_code end);
  void send_plain(error_code end, std::size_t count);
  void sent_plain(error_code error, std::size_t count);
  void end_of_tls(error_code end);
  boost::asio::awaitable<void> deliver_last();
  // From TCP to TLS.
  void wait_for_plain();
  void read_plain(error_code end);
  void read_more_plain();
  void splice_tls(error_code error);
  void sent_tls(error_code error, std::size_t count);
  void lose_tls(error_code error);
  void end_of_plain();
  boost::asio::awaitable<void> cut_at_arrival(socket& last);
  void closed_tls(error_code error);
  void allow_close_notify();

  void expire_after(std::chrono::seconds limit, socket& waits);
  std::uint64_t progress();
  bool fail(std::string incident);
  void fail_tls(error_code error);
  void cut();
  void end(std::exception_ptr failure);
  std::string why(error_code error) const;

  bool is_server() const noexcept { return options_.mode == mode::server; }
  socket& client() noexcept { return is_server() ? secured_.next_layer() : plain_; }
  socket& backend() noexcept { return is_server() ? plain_ : secured_.next_layer(); }
  std::uint64_t& to_plain() noexcept {
    return is_server() ? record_.to_backend : record_.to_client;
  }
  std::uint64_t& to_tls() noexcept { return is_server() ? record_.to_client : record_.to_backend; }

  options const& options_;
  backends& backends_;
  serving::server_log& log_;
  std::shared_ptr<serving::arrival> arrival_;
  std::shared_ptr<tls_async::context> context_;  // whoever counts sees that the stream has gone
  tls_async::stream<socket> secured_;
  socket plain_;
  boost::asio::steady_timer timer_;  // of the step under way
  serving::stall_watch idleness_;    // of the two directions
  std::unique_ptr<serving::stall_watch, serving::stall_watch::ended_by> watched_;
  lent_buffer opened_;  // while its bytes are under way
  lent_buffer sealed_;
  lent_pipe piped_;  // in the place of sealed_, where the kernel seals
  std::size_t piped_at_once_ = 0;
  std::uint64_t piped_bytes_ = 0;
  sealed_records piped_records_;
  bool kernel_seals_ = false;
  int open_directions_ = 0;
  bool relaying_ = false;
  bool expired_ = false;  // the last step that had a limit
  bool writing_plain_ = false;
  bool tls_ended_ = false;    // by the peer's close_notify
  bool tls_failed_ = false;   // the session, which a write to the socket alone would not notice
  bool plain_ended_ = false;  // by the peer's FIN
  bool plain_reset_ = false;  // which a read may take for an end
  std::optional<backends::choice> chosen_;
  clock::time_point const started_ = clock::now();
  end_handler ended_;
  client_addresses addresses_;
  connection_record record_;
};

}  // namespace tls_proxy
