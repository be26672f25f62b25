// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The TLS side of a server's command line: who we are, by which names, who may come, and who
// resumes.
#pragma once

#include "command_line.hpp"
#include "live_context.hpp"

#include <tls_async/sessions/ticket_keys.hpp>

#include <boost/program_options/variables_map.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace serving {

// A certificate chain and the key that belongs to it, both PEM.
struct identity_files {
  std::filesystem::path certificate;
  std::filesystem::path key;

  bool operator==(identity_files const&) const = default;
};

// Keys of tickets that other servers have too.
struct ticket_files {
  tls_async::ticket_key_format format;
  std::vector<std::filesystem::path> files;  // one of haproxy's; the first of nginx's encrypts

  bool operator==(ticket_files const&) const = default;
};

struct server_tls {
  std::vector<identity_files> identities;      // the first is for all names that there are not
  std::optional<std::filesystem::path> sites;  // a folder with more of them
  std::optional<std::filesystem::path> key_password;      // of those keys that are encrypted
  std::optional<std::filesystem::path> client_authority;  // without it no client is asked
  client_certificates clients = client_certificates::required;
  std::optional<ticket_files> tickets;  // none: random ones of this process
  std::optional<std::filesystem::path> key_log;
  std::vector<std::string> alpn;
};

// --sites and --ticket-keys; the rest has other words in each program.
void add_tls_options(boost::program_options::options_description& options);
// Of --ticket-keys, each as "nginx:FILE". Throws usage_error.
std::optional<ticket_files> ticket_files_of(boost::program_options::variables_map const& values);

// All files that such a context is made of.
chosen_files files_of(server_tls const& chosen);

// The keys of tickets, for all contexts that are made: a client resumes with the next one too.
// Throws std::exception with what is wrong with which file.
std::shared_ptr<tls_async::ticket_keys> make_ticket_keys(server_tls const& chosen);

// Reads all files, those of `tickets` again. Throws std::exception with what is wrong with which.
made_context make_context(server_tls const& chosen,
                          std::shared_ptr<tls_async::ticket_keys> const& tickets);

}  // namespace serving
