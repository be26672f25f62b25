// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream did in each case, and which rule it broke.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tls_async_test/fault_case.hpp>

namespace tls_async::test {

/// What no stream may do, whatever happens to it.
enum class rule {
  completes,              ///< A verb that could go on or fail never completes.
  completes_once,         ///< A handler runs twice, or inside the call that it was given to.
  makes_progress,         ///< Success and no bytes, though there are some.
  finished_handshake,     ///< Success, and the peer has not seen or not sent a Finished.
  verified_peer,          ///< Success with a peer that is not to be trusted.
  reads_what_was_said,    ///< Bytes that the peer has not said, or not in this order.
  reads_all_that_came,    ///< The end, or the transport's error, and bytes before it are missing.
  end_is_the_peers,       ///< An orderly end that the peer has not declared.
  failed_read_is_empty,   ///< A read that failed has consumed something.
  written_has_left,       ///< Reported as written, and not in a record that the peer can open.
  writes_what_was_given,  ///< Other bytes have left.
  reports_what_has_left,  ///< More has left than was reported.
  failure_is_final,       ///< Success after the session has failed.
  says_close_notify,      ///< A shutdown that went well without close_notify.
  throws_nothing          ///< An exception out of a verb that has a handler.
};
std::string_view describe(rule which);

struct broken_rule {
  rule which;
  verb by;
};

struct case_result {
  bool reached = false;               ///< It came to what was to go wrong.
  std::string did;                    ///< In few words, the same for all errors of a kind.
  std::string error;                  ///< The verb, and that error's own words.
  std::optional<broken_rule> broken;  ///< By what it did, or when it was used again after that.
};
/// What it did, and which rule it broke.
std::string describe(case_result const& shown);

class report {
public:
  struct entry {
    fault_case const* of;
    case_result result;
  };
  std::string stream;  ///< Its name.
  std::vector<entry> entries;

  /// Cases in which a rule was broken.
  [[nodiscard]] std::size_t broken() const;
};
/// A line of counts, then one for each thing that broke a rule.
std::ostream& operator<<(std::ostream& out, report const& shown);

/// One case.
case_result run_case(fault_case const& which, subject_factory const& make);
/// All of them. The report refers to them.
report run_cases(std::vector<fault_case> const& cases, std::string stream,
                 subject_factory const& make);

}  // namespace tls_async::test
