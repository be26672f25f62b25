// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The suite itself: streams that break one rule each are found out, by that rule. Each is Asio's
// stream with one lie in front of it.
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tls_async_test/report.hpp>

#include "compared.hpp"

namespace tls_async::test {
namespace {

using error_code = boost::system::error_code;
constexpr auto truncated = boost::asio::ssl::error::stream_truncated;

class liar : public subject {
public:
  explicit liar(std::unique_ptr<subject> real) : real_(std::move(real)) {}

  void start_handshake(handler done) override { real_->start_handshake(std::move(done)); }
  void start_read(char* into, std::size_t size, handler done) override {
    real_->start_read(into, size, std::move(done));
  }
  void start_write(std::string_view from, handler done) override {
    real_->start_write(from, std::move(done));
  }
  void start_shutdown(handler done) override { real_->start_shutdown(std::move(done)); }
  void cancel(verb which) override { real_->cancel(which); }
  bool settle() override {
    for (; !later_.empty(); later_.pop_front())
      later_.front()();
    return real_->settle();
  }
  bool let_time_pass() override { return real_->let_time_pass(); }
  SSL* native_handle() override { return real_->native_handle(); }
  bool deliver() override { return real_->deliver(); }
  bool holds_write() override { return real_->holds_write(); }
  void release_write() override { real_->release_write(); }
  void cancel_next_layer() override { real_->cancel_next_layer(); }
  layer_faults& faults() override { return real_->faults(); }
  std::size_t reads() override { return real_->reads(); }
  std::size_t writes() override { return real_->writes(); }
  std::size_t undelivered() override { return real_->undelivered(); }

protected:
  std::unique_ptr<subject> real_;
  std::deque<std::function<void()>> later_;
};

// The verdict on the first case of a kind, behind whose plan a word is.
case_result meet(std::string_view kind, std::string_view where, subject_factory const& make) {
  for (fault_case const& one : all_cases()) {
    if (one.kind == kind && one.where.find(where) != std::string::npos) return run_case(one, make);
  }
  throw std::runtime_error("no such case");
}

template <class Lie>
void check_found(rule expected, std::string_view kind = "An honest peer",
                 std::string_view where = "client of TLS 1.3") {
  auto const honest = asio_streams();
  auto const met = meet(kind, where, [&honest](stream_settings const& with, far_end& peer) {
    return std::make_unique<Lie>(honest(with, peer));
  });
  BOOST_REQUIRE_MESSAGE(met.broken, "nothing was found: " << describe(met));
  BOOST_TEST((met.broken->which == expected), describe(met));
  auto const truth = meet(kind, where, honest);
  BOOST_TEST((!truth.broken || truth.broken->which != expected), describe(truth));
}

// Lies of reads: what becomes of an error and a number of bytes.
struct reads_otherwise : liar {
  using liar::liar;
  virtual void change(char* into, error_code& ec, std::size_t& n) = 0;
  void start_read(char* into, std::size_t size, handler done) override {
    real_->start_read(into, size, [this, into, done](error_code ec, std::size_t n) {
      change(into, ec, n);
      done(ec, n);
    });
  }
};

struct reads_no_bytes : reads_otherwise {
  using reads_otherwise::reads_otherwise;
  void change(char*, error_code&, std::size_t& n) override { n = 0; }
};

constexpr std::string_view cut = "Where the transport ends";
constexpr std::string_view behind_handshake = "client of TLS 1.3, nothing before record 10";

BOOST_AUTO_TEST_SUITE(fault_suite)

BOOST_AUTO_TEST_CASE(a_stream_that_never_completes_is_found) {
  struct lie : liar {
    using liar::liar;
    void start_read(char*, std::size_t, handler) override {}
  };
  check_found<lie>(rule::completes);
}

BOOST_AUTO_TEST_CASE(a_stream_that_completes_twice_is_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view from, handler done) override {
      real_->start_write(from, [done](error_code ec, std::size_t n) { done(ec, n), done(ec, n); });
    }
  };
  check_found<lie>(rule::completes_once);
}

BOOST_AUTO_TEST_CASE(a_stream_that_completes_inside_the_call_is_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view from, handler done) override {
      real_->start_write(from, [](error_code, std::size_t) {});
      done({}, from.size());
    }
  };
  check_found<lie>(rule::completes_once);
}

BOOST_AUTO_TEST_CASE(a_success_without_bytes_is_found) {
  check_found<reads_no_bytes>(rule::makes_progress);
}

struct shakes_hands_with_anybody : liar {
  using liar::liar;
  void start_handshake(handler done) override {
    real_->start_handshake([done](error_code, std::size_t n) { done({}, n); });
  }
};

BOOST_AUTO_TEST_CASE(a_success_without_a_handshake_is_found) {
  check_found<shakes_hands_with_anybody>(rule::finished_handshake, cut,
                                         "client of TLS 1.3, nothing before record 2");
}

BOOST_AUTO_TEST_CASE(a_success_with_anybody_is_found) {
  check_found<shakes_hands_with_anybody>(rule::verified_peer, "A peer that is not to be trusted");
}

BOOST_AUTO_TEST_CASE(a_changed_byte_is_found) {
  struct lie : reads_otherwise {
    using reads_otherwise::reads_otherwise;
    void change(char* into, error_code&, std::size_t&) override { ++*into; }
  };
  check_found<lie>(rule::reads_what_was_said);
}

BOOST_AUTO_TEST_CASE(lost_bytes_before_a_cut_are_found) {
  struct lie : reads_otherwise {
    using reads_otherwise::reads_otherwise;
    void change(char*, error_code& ec, std::size_t& n) override {
      ec = truncated;
      n = 0;
    }
  };
  check_found<lie>(rule::reads_all_that_came, cut, behind_handshake);
}

BOOST_AUTO_TEST_CASE(a_cut_as_a_clean_end_is_found) {
  struct lie : reads_otherwise {
    using reads_otherwise::reads_otherwise;
    void change(char*, error_code& ec, std::size_t&) override {
      if (ec == truncated) ec = boost::asio::error::eof;
    }
  };
  check_found<lie>(rule::end_is_the_peers, cut, behind_handshake);
}

BOOST_AUTO_TEST_CASE(a_failed_read_that_has_taken_something_is_found) {
  struct lie : reads_otherwise {
    using reads_otherwise::reads_otherwise;
    void change(char*, error_code& ec, std::size_t& n) override {
      if (ec == truncated) n = 1;
    }
  };
  check_found<lie>(rule::failed_read_is_empty, cut, behind_handshake);
}

BOOST_AUTO_TEST_CASE(bytes_that_never_left_are_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view from, handler done) override {
      later_.emplace_back([done, n = from.size()] { done({}, n); });
    }
  };
  check_found<lie>(rule::written_has_left);
}

BOOST_AUTO_TEST_CASE(other_bytes_than_were_given_are_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view from, handler done) override {
      changed_ = from;
      ++changed_.back();
      real_->start_write(changed_, std::move(done));
    }
    std::string changed_;
  };
  check_found<lie>(rule::writes_what_was_given);
}

BOOST_AUTO_TEST_CASE(bytes_that_left_unreported_are_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view from, handler done) override {
      real_->start_write(from, [done](error_code ec, std::size_t n) { done(ec, n / 2); });
    }
  };
  check_found<lie>(rule::reports_what_has_left);
}

BOOST_AUTO_TEST_CASE(plaintext_after_an_error_is_found) {
  // Keeps the first message back, and gives it when the session has failed.
  struct lie : liar {
    using liar::liar;
    void start_read(char* into, std::size_t size, handler done) override {
      if (held_ == 0 || is_told_) return real_->start_read(into, size, keep(into, size, done));
      is_told_ = true;
      later_.emplace_back([this, done] { done({}, held_); });
    }
    handler keep(char* into, std::size_t size, handler done) {
      return [this, into, size, done](error_code ec, std::size_t n) {
        if (ec || held_ != 0) return done(ec, n);
        held_ = n;
        real_->start_read(into + n, size - n, done);
      };
    }
    std::size_t held_ = 0;
    bool is_told_ = false;
  };
  check_found<lie>(rule::failure_is_final, "What the peer sends",
                   "client of TLS 1.3, a record of type 0 before record 9");
}

BOOST_AUTO_TEST_CASE(a_shutdown_without_close_notify_is_found) {
  struct lie : liar {
    using liar::liar;
    void start_shutdown(handler done) override {
      later_.emplace_back([done] { done({}, 0); });
    }
  };
  check_found<lie>(rule::says_close_notify);
}

BOOST_AUTO_TEST_CASE(an_exception_is_found) {
  struct lie : liar {
    using liar::liar;
    void start_write(std::string_view, handler) override { throw std::runtime_error("a lie"); }
  };
  check_found<lie>(rule::throws_nothing);
}

BOOST_AUTO_TEST_CASE(a_report_says_what_broke_which_rule) {
  auto const honest = asio_streams();
  std::vector<fault_case> const one(1, all_cases().front());
  auto const kept = run_cases(one, "honest", honest);
  BOOST_TEST(kept.broken() == 0U);
  auto const broken = run_cases(one, "a liar", [&](stream_settings const& with, far_end& peer) {
    return std::make_unique<reads_no_bytes>(honest(with, peer));
  });
  std::ostringstream out;
  out << kept << broken;
  BOOST_TEST(out.str() ==
             "honest: 1 cases, 1 came to their point, 0 broke a rule\n"
             "a liar: 1 cases, 1 came to their point, 1 broke a rule\n"
             "  An honest peer: a whole session: read succeeds without any bytes, 1 times; first: "
             "client of TLS 1.2\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
