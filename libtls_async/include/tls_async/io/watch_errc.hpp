// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The limits of the system that a `file_watcher` meets. Owns their category.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tls_async {

/// What the system refuses a `file_watcher`. 0 is no error and has no name.
enum class watch_errc {
  too_many_watches = 1,  ///< ENOSPC: the user has as many watches as it may.
  too_many_watchers = 2  ///< EMFILE: the user has as many watchers as it may, or the process files.
};

/// The category of `watch_errc`; its name is "tls_async.watch".
boost::system::error_category const& watch_category() noexcept;

/// Found by boost::system::error_code's constructor from a `watch_errc`.
inline boost::system::error_code make_error_code(watch_errc code) noexcept {
  return {static_cast<int>(code), watch_category()};
}

}  // namespace tls_async

/// @cond
template <>
struct boost::system::is_error_code_enum<tls_async::watch_errc> : std::true_type {};
/// @endcond
