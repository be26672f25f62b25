// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where the bytes go: FILE.part until all of them are there, then FILE; or straight into standard
// output or a special file such as /dev/null. Throws failure with local_file.
#pragma once

#include <boost/beast/core/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace https_get {

class destination {
public:
  // With `resume`, what an earlier download has left is gone on with. "-" is standard output.
  destination(std::filesystem::path const& file, bool resume);

  // Bytes that are there already; the server is asked for those behind them.
  std::uint64_t present() const { return present_; }
  // The version of the file those are of (RFC 9110, section 8.8.3); empty if not known.
  std::string const& version() const { return version_; }
  // They are of no use: the next `start` begins with an empty file.
  void forget() { present_ = 0; }

  // Bytes of this version follow, behind those that are present.
  void start(std::string const& version);
  void append(char const* bytes, std::size_t count);
  // It is whole: gives it its name.
  void finish();

  std::string where() const {
    return file_ == "-" ? "standard output" : is_direct_ ? file_.string() : part_.string();
  }
  bool keeps_part() const { return !is_direct_; }

private:
  void open();

  std::filesystem::path file_;
  std::filesystem::path part_;          // FILE.part
  std::filesystem::path version_file_;  // FILE.part.etag
  bool is_direct_ = false;
  std::uint64_t present_ = 0;
  std::string version_;
  boost::beast::file output_;
};

}  // namespace https_get
