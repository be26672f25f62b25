// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Asks fstat(2).
#include "own_file.hpp"

#include <cerrno>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace serving {

std::string fault_of_own_file(int descriptor, readers who) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return std::generic_category().message(errno);
  if (!S_ISREG(status.st_mode)) return "it is not a regular file; give another name";
  if (status.st_uid != ::geteuid())
    return "it belongs to user " + std::to_string(status.st_uid) + ", not to user " +
           std::to_string(::geteuid()) +
           " who runs this; remove it, or give a name in a directory of your own";
  if (who == readers::owner && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return "others may read it or write to it; remove it, or chmod it to 600";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "others may write to it; remove it, or chmod it to 644";
  return {};
}

}  // namespace serving
