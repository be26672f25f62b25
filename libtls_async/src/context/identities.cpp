// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The value that a server's identities are: how they come into it, from memory, files and folders.
// A set that others look at is never changed, but copied first.
#include <tls_async/identities.hpp>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "../core/remote_key.hpp"
#include "../pem/pem.hpp"
#include "../pem/refusal.hpp"
#include "identity_set.hpp"
#include "state.hpp"

namespace tls_async {
namespace {

namespace fs = std::filesystem;
using detail::identity_set;
using detail::named_pair_ptr;

named_pair_ptr pair_of(std::string_view chain_pem, std::string chain_origin,
                       std::string_view key_pem, std::string key_origin, std::string_view password,
                       fs::path const& file = {}) {
  auto given = detail::parse_chain(chain_pem, std::move(chain_origin));
  auto key = detail::parse_private_key(key_pem, password, key_origin);
  return detail::make_named_pair(std::move(given), {std::move(key), std::move(key_origin)}, file);
}

named_pair_ptr pair_from(fs::path const& chain_file, fs::path const& key_file,
                         std::string_view password) {
  auto const chain_origin = detail::file_origin(detail::chain_what, chain_file);
  auto const key_origin = detail::file_origin(detail::key_what, key_file);
  auto const chain_pem = detail::read_file(chain_file, chain_origin);
  // A pipe can be read only once.
  if (chain_file == key_file)
    return pair_of(chain_pem.text(), chain_origin, chain_pem.text(), key_origin, password,
                   chain_file);
  auto const key_pem = detail::read_file(key_file, key_origin);
  return pair_of(chain_pem.text(), chain_origin, key_pem.text(), key_origin, password, chain_file);
}

named_pair_ptr pair_without_key(std::string_view chain_pem, std::string origin,
                                fs::path const& file = {}) {
  auto given = detail::parse_chain(chain_pem, origin);
  auto* const key = X509_get0_pubkey(detail::leaf(given));
  auto remote = key != nullptr ? detail::make_remote_key(key) : nullptr;
  if (remote == nullptr) {
    detail::refuse(errc::bad_certificate,
                   origin + ": only RSA, EC and Ed25519 keys can be elsewhere, and its key, " +
                       (key != nullptr ? EVP_PKEY_get0_type_name(key) : "of no known type") +
                       ", is none or damaged");
  }
  return detail::make_named_pair(std::move(given), {std::move(remote), std::move(origin)}, file);
}

std::string folder_origin(fs::path const& directory) {
  return "the identities folder '" + directory.string() + "'";
}

std::vector<fs::path> entries_of(fs::path const& directory) {
  std::error_code failed;
  std::vector<fs::path> entries;
  fs::directory_iterator each{directory, failed};
  for (; !failed && each != fs::directory_iterator{}; each.increment(failed)) {
    if (!each->path().filename().string().starts_with('.')) entries.push_back(each->path());
  }
  if (failed) {
    detail::refuse(errc::file_error,
                   "cannot read " + folder_origin(directory) + ": " + failed.message());
  }
  std::ranges::sort(entries);
  return entries;
}

bool is_there(fs::path const& file) {
  std::error_code failed;
  // What may not be looked at is there: reading it says why.
  return fs::symlink_status(file, failed).type() != fs::file_type::not_found;
}

// A pipe would keep the program waiting for a writer. What can't be looked at is left to reading,
// which says why.
void require_file(fs::path const& file) {
  std::error_code failed;
  auto const type = fs::status(file, failed).type();
  bool const may_be_read = failed || type == fs::file_type::regular ||
                           type == fs::file_type::directory || type == fs::file_type::not_found;
  if (may_be_read) return;
  detail::refuse(errc::file_error, "'" + file.string() +
                                       "' is neither a file nor a link to one: remove it, or give "
                                       "it another name");
}

named_pair_ptr pair_in_folder(fs::path const& folder, std::string_view password) {
  auto const chain_file = folder / "fullchain.pem";
  auto const key_file = folder / "privkey.pem";
  if (!is_there(chain_file) && !is_there(key_file)) return nullptr;
  require_file(chain_file);
  require_file(key_file);
  return pair_from(chain_file, key_file, password);
}

// Null if the entry is none of those that add_directory is for.
named_pair_ptr pair_in(fs::path const& entry, std::string_view password) {
  std::error_code failed;
  if (fs::is_directory(entry, failed)) return pair_in_folder(entry, password);
  if (entry.extension() != ".pem") return nullptr;
  require_file(entry);
  return pair_from(entry, entry, password);
}

}  // namespace

identities::identities() noexcept = default;

identities::identities(identities const& other) noexcept : set_(other.set_) {
  if (set_ != nullptr) set_->share();
}

identities::identities(identities&& other) noexcept = default;

identities& identities::operator=(identities other) noexcept {
  set_.swap(other.set_);
  return *this;
}

identities::~identities() = default;

// To be changed: nobody else looks at it.
identity_set& identities::own() {
  if (set_ == nullptr) {
    set_ = std::make_shared<identity_set>();
  } else if (set_->is_shared()) {
    set_ = std::make_shared<identity_set>(*set_);
  }
  return *set_;
}

void identities::add_files(fs::path const& chain_file, fs::path const& key_file,
                           std::string_view password) {
  detail::error_queue_scope const scope;
  own().add(pair_from(chain_file, key_file, password));
}

void identities::add(std::string_view chain_pem, std::string_view key_pem,
                     std::string_view password) {
  detail::error_queue_scope const scope;
  own().add(pair_of(chain_pem, detail::memory_origin(detail::chain_what), key_pem,
                    detail::memory_origin(detail::key_what), password));
}

void identities::add_chain(std::string_view chain_pem) {
  detail::error_queue_scope const scope;
  own().add(pair_without_key(chain_pem, detail::memory_origin(detail::chain_what)));
}

void identities::add_chain_file(fs::path const& chain_file) {
  detail::error_queue_scope const scope;
  auto origin = detail::file_origin(detail::chain_what, chain_file);
  auto const pem = detail::read_file(chain_file, origin);
  own().add(pair_without_key(pem.text(), std::move(origin), chain_file));
}

void identities::add_directory(fs::path const& directory, std::string_view password) {
  detail::error_queue_scope const scope;
  auto all =
      set_ != nullptr ? std::make_shared<identity_set>(*set_) : std::make_shared<identity_set>();
  auto const before = all->pairs().size();
  for (auto const& entry : entries_of(directory)) {
    if (auto pair = pair_in(entry, password)) all->add(std::move(pair));
  }
  if (all->pairs().size() == before) {
    detail::refuse(errc::file_error, folder_origin(directory) +
                                         " has neither NAME/fullchain.pem with NAME/privkey.pem "
                                         "nor NAME.pem with a chain and its key");
  }
  set_ = std::move(all);
}

void identities::set_default(std::string_view name) {
  detail::error_queue_scope const scope;
  if (own().set_default(name)) return;
  detail::refuse(errc::bad_option, "set_default(): there is no identity for '" +
                                       detail::shown(name) +
                                       "': pass a name as a certificate has it");
}

void identities::refuse_others() { own().refuse_others(); }

std::size_t identities::size() const noexcept { return set_ == nullptr ? 0 : set_->pairs().size(); }

identity_info const& identities::operator[](std::size_t index) const noexcept {
  return set_->pairs()[index]->info;
}

}  // namespace tls_async
