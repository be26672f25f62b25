// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Who may read such a file, and whether it is whole, is the library's: session_store.
#include "saved_sessions.hpp"

#include <tls_async/sessions/session_store.hpp>

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace https_get {
namespace {

std::shared_ptr<tls_async::session_store> take_from(std::filesystem::path const& file) {
  auto const folder = file.has_parent_path() ? file.parent_path() : ".";
  if (::access(folder.c_str(), W_OK) != 0) {
    std::error_code const why{errno, std::generic_category()};
    throw std::system_error(why, "cannot write to " + folder.string());
  }
  auto store = std::make_shared<tls_async::session_store>();
  auto const status = std::filesystem::symlink_status(file);
  if (!std::filesystem::exists(status)) return store;
  if (std::filesystem::is_symlink(status))
    throw std::runtime_error(file.string() + " is a link; name the file that it leads to");
  store->load_file(file);
  // Each is used once: another run that has taken the file away has these too.
  return std::filesystem::remove(file) ? store : std::make_shared<tls_async::session_store>();
}

}  // namespace

saved_sessions::saved_sessions(std::filesystem::path file, tls_async::context& context,
                               console& out)
    : file_(std::move(file)), console_(out) {
  try {
    store_ = take_from(file_);
    context.use_session_store(store_);
  } catch (std::exception const& error) {
    console_.complain("--ssl-sessions: " + std::string(error.what()) + "; no session is kept");
  }
}

void saved_sessions::save() const {
  try {
    if (store_) store_->save_file(file_);
  } catch (std::exception const& error) {
    console_.complain("--ssl-sessions: " + std::string(error.what()));
  }
}

}  // namespace https_get
