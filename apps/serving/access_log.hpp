// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One line for each thing that was served and one for each incident, whole lines only, from any
// thread. What a client sent is escaped, so that no client can write lines of its own.
#pragma once

#include <mutex>
#include <ostream>
#include <string>
#include <string_view>

namespace serving {

// Backslashes, control characters and all that is not ASCII as \xNN.
std::string escaped(std::string_view text);

class access_log {
public:
  enum class accesses { logged, quiet };

  access_log(std::ostream& out, accesses which) : out_(out), accesses_(which) {}

  // `line(record)`, found beside the record's type, says what happened.
  template <class Record>
  void access(Record const& record) {
    if (accesses_ == accesses::logged) write(line(record));
  }
  // Also when accesses are not wanted.
  void incident(std::string_view who, std::string_view what);

private:
  void write(std::string_view text);

  std::ostream& out_;
  accesses accesses_;
  std::mutex mutex_;
};

}  // namespace serving
