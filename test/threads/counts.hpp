// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What has happened so far, counted by name from any thread, and the complaints. Of one process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tls_async::threads {

/// Counts one more of `name`, which has to be in the table of counts.cpp: what stays at zero there
/// is told.
void count(std::string_view name, std::uint64_t more = 1);
/// One line with all counts, and a second one with what never happened.
[[nodiscard]] std::string summary();

/// Where complaints belong to, from now on.
void set_scene(std::string scene);
/// Says where we are.
[[nodiscard]] std::string scene();
/// Something is wrong. Prints it with the scene; goes on, but the program will fail.
void complain(std::string const& what);
/// How often that was called.
[[nodiscard]] std::uint64_t complaints();

}  // namespace tls_async::threads
