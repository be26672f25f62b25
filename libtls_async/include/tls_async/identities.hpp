// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Owns what a server with many names has: for each name its certificate chains and keys. A value,
// which a context takes as a whole (context::use_identities). Knows no session.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/identity_info.hpp>
#include <tls_async/core/question.hpp>
#include <tls_async/error.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace tls_async {

namespace detail {
class identity_set;
}

/// Certificate chains and their keys, found by the name that a client asks for (SNI, RFC 6066
/// section 3).
///
/// The names of an identity are those of its certificate's subjectAltName: DNS names and IP
/// addresses. Its common name is none (RFC 9525), and only the first of all may have no name. What
/// is no DNS name that a client could ask for, such as a wildcard that is only a part of a label,
/// is left out. A name may have one identity for each type of key, RSA and EC, say: the handshake
/// picks the one that suits the client.
///
/// A client gets the identities of exactly its name, else those of the wildcard that stands for its
/// first label: "*.example.org" is for www.example.org, and neither for example.org nor for
/// a.www.example.org (RFC 9525 section 6.3). Letters are compared without case, and without a final
/// dot. A client that asks for another name, or for none, gets the default: the identities of the
/// first name of what was added first, unless `set_default()` or `refuse_others()` say otherwise.
///
/// Errors: as those of `context`: every function that adds or sets throws
/// boost::system::system_error with a text that names the file, the block or the word, and what to
/// do; a function that threw has changed nothing. Running out of memory is std::bad_alloc. The
/// thread's OpenSSL error queue is empty when a function returns or throws.
///
/// Concurrency: distinct objects: safe, copies of each other too. One object: as a std::string.
///
/// Lifetime: nothing passed to a function has to outlive the call. A copy is cheap: what is in it
/// is shared, until one of the two is changed. What was moved from is empty.
class identities {
public:
  /// There are none.
  identities() noexcept;
  /// Of the same content, which a later change of either does not change for the other.
  identities(identities const& other) noexcept;
  /// Leaves the other one empty.
  identities(identities&& other) noexcept;
  /// Gives up what was here.
  identities& operator=(identities other) noexcept;
  ~identities();

  /// Adds a chain and its key from PEM files: the certificate of its own first, then each
  /// intermediate. Other blocks are skipped. A file that has both may be passed twice, and is read
  /// once, so it may be a pipe, which is read to its end.
  ///
  /// `password` is for a key that is encrypted, and is not kept. At most 1 023 bytes.
  /// Throws `file_error` if a file cannot be read, `bad_certificate` and `bad_private_key` if it
  /// has no certificate, no key or a damaged one, or a certificate that has no usable name;
  /// `key_mismatch` if they don't belong together; `bad_option` if one of its DNS names has an
  /// identity with a key of this type, and names both. An address, for which no client asks by
  /// name, stays with the identity that had it first. Security levels are the context's, which
  /// looks when it takes them.
  void add_files(std::filesystem::path const& chain_file, std::filesystem::path const& key_file,
                 std::string_view password = {});

  /// Adds a chain and its key from memory, as `add_files` does from files.
  void add(std::string_view chain_pem, std::string_view key_pem, std::string_view password = {});

  /// Adds a chain whose private key is elsewhere, in a module for keys or on another machine, say:
  /// `hooks::signature` is asked for what it has to sign, and handshakes without that hook fail.
  /// The key may be RSA, EC or Ed25519. Suites of TLS 1.2 without forward secrecy, which decrypt by
  /// it, fail. A certificate's own first, then each intermediate, from memory.
  ///
  /// Throws what `add` throws of a chain, and `bad_certificate` for another type of key.
  void add_chain(std::string_view chain_pem);

  /// The same from a file. Throws `file_error`, too.
  void add_chain_file(std::filesystem::path const& chain_file);

  /// Adds all that is in a folder, in the order of the entries' names: NAME/fullchain.pem with
  /// NAME/privkey.pem, as certbot has them, and NAME.pem, which has a chain and its key. Links are
  /// followed. Entries whose name begins with a dot are left out, and folders that have neither of
  /// the two files, and files that don't end with ".pem". What NAME is doesn't matter.
  ///
  /// `password` is for all keys that are encrypted.
  /// Throws what `add_files` throws, and `file_error` if the folder cannot be read, if it has none
  /// of those, or if a NAME.pem is neither a file nor a link to one. Then nothing is added.
  void add_directory(std::filesystem::path const& directory, std::string_view password = {});

  /// Makes the identities of this name the default, for clients that ask for no name or for one
  /// that is not here. The name as it is in a certificate, so a wildcard is "*.example.org"; an
  /// address is a name too.
  ///
  /// Throws `bad_option` if there is no such name.
  void set_default(std::string_view name);

  /// Has clients that ask for another name, or for none, refused with the alert unrecognized_name,
  /// also those that resume a session. Until `set_default()`.
  /// Source: RFC 6066 section 3.
  void refuse_others();

  /// How many chains there are.
  [[nodiscard]] std::size_t size() const noexcept;

  /// There is none.
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// What one of them is, in the order in which they were added. Valid until this object is changed
  /// or gone. `index` has to be less than `size()`.
  [[nodiscard]] identity_info const& operator[](std::size_t index) const noexcept;

  /// What all of them are, in the order in which they were added: to see which ends first, say.
  [[nodiscard]] std::vector<identity_info> info() const {
    std::vector<identity_info> all;
    for (std::size_t i = 0; i < size(); ++i)
      all.push_back((*this)[i]);
    return all;
  }

  /// What a hook answers that has chosen these: a server's session gets those of the name that its
  /// client asks for, as in `context::use_identities`, and is refused if there are none for it; a
  /// client's gets the default ones. Without any identity the session shows no certificate.
  [[nodiscard]] verdict chosen() const;

private:
  friend class context;

  detail::identity_set& own();

  std::shared_ptr<detail::identity_set> set_;
};

}  // namespace tls_async
