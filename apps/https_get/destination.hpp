// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where the bytes go: FILE.part until all of them are there, then FILE; or straight into standard
// output or a special file such as /dev/null. Throws failure with local_file.
#pragma once

#include "interruption.hpp"

#include <boost/beast/core/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace https_get {

class destination {
public:
  // With `resume`, the part that an earlier download of `url` has left is gone on with, if it is
  // known of which version it is. "-" is standard output.
  destination(std::filesystem::path const& file, std::string url, bool resume);

  // Bytes that are there already; the server is asked for those behind them.
  std::uint64_t present() const { return present_; }
  // Of the version those are of; see validator.hpp.
  std::string const& validator() const { return validator_; }
  // They are of no use: the next `start` begins with an empty file.
  void forget() { present_ = 0; }

  // Bytes of this version follow, behind those that are present. Without a validator what comes
  // can't be gone on with. `total` is of the whole file, where the server tells.
  void start(std::string const& validator, std::optional<std::uint64_t> total);
  void append(char const* bytes, std::size_t count);
  // It is whole: gives it its name.
  void finish();

  std::string const& url() const { return url_; }
  std::string name() const { return file_ == "-" ? where() : file_.filename().string(); }
  std::optional<std::uint64_t> total() const { return total_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t size() const { return present_ + received_; }
  bool is_whole() const { return is_whole_; }
  // "5 of 9 bytes are in FILE.part"
  std::string what_is_there() const;
  bool can_resume() const { return !is_direct_ && !validator_.empty(); }

private:
  void read_validator();
  void write_validator();
  void open();
  std::string where() const {
    return file_ == "-" ? "standard output" : is_direct_ ? file_.string() : part_.string();
  }

  std::filesystem::path file_;
  std::filesystem::path part_;            // FILE.part
  std::filesystem::path validator_file_;  // FILE.part.validator
  std::string url_;
  bool is_direct_ = false;
  bool is_whole_ = false;
  std::uint64_t present_ = 0;
  std::uint64_t received_ = 0;
  std::optional<std::uint64_t> total_;
  std::string validator_;
  std::optional<held_interruptions> held_;  // while FILE.part is to be told of
  boost::beast::file output_;
};

}  // namespace https_get
