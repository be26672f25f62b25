// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One session of a stream under test with its peer, and the verdict on it: negotiates, writes and
// reads to the end, does again what was cancelled or has failed, and shuts down; looks at each
// result.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include <tls_async_test/hostile_peer.hpp>
#include <tls_async_test/report.hpp>

namespace tls_async::test {

class session {
public:
  using error_code = boost::system::error_code;

  session(fault_case const& which, subject_factory const& make);
  case_result run();

private:
  struct over {};  // there is nothing more to do

  struct ending {
    int times = 0;
    error_code ec;
    std::size_t bytes = 0;
  };

  void play();
  void after_end();
  void after_failure(verb of, error_code ec);

  error_code shake_hands();
  error_code read();
  error_code write();
  error_code shut_down();

  ending use(verb of, std::string_view bytes = {});
  void await(verb of, ending const& is_done);
  bool cancel_now(verb of);
  /// The verb was cancelled as it should be, and is to be used again.
  bool goes_on(error_code ec);
  void settle() { must(subject_->settle(), rule::completes); }
  void arm(verb of);

  void judge_read(ending const& done);
  void judge_write(ending const& done, std::string_view asked);
  void judge_success(bool of_handshake);
  void judge_what_has_left(bool all);
  [[nodiscard]] bool is_only_cut() const;
  [[nodiscard]] bool was_reached();

  void say(verb of, std::string const& did, error_code ec = {});
  void say_whole() { result_.did = "a whole session"; }
  void note(rule broken) {
    if (!result_.broken) result_.broken = {broken, now_};
  }
  void must(bool holds, rule which) {
    if (holds) return;
    note(which);
    throw over();
  }

  fault_case const& case_;
  case_result result_;
  hostile_peer peer_;
  verb now_ = verb::handshake;
  bool inside_call_ = false;
  bool is_armed_ = false, was_cancelled_ = false, went_on_ = false;
  std::size_t waited_ = 0;  // how often, for the verb that is to be cancelled
  std::array<char, 20'000> inbox_{};
  std::size_t writes_ = 0;
  std::string message_, told_, heard_;
  std::deque<ending> endings_;
  std::unique_ptr<subject> subject_;  // goes before all that its handlers refer to
};

}  // namespace tls_async::test
