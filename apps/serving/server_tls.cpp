// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "server_tls.hpp"

#include "client_trust.hpp"
#include "private_key.hpp"

#include <tls_async/identities.hpp>

#include <boost/program_options.hpp>

namespace serving {
namespace {

namespace po = boost::program_options;
using tls_async::ticket_key_format;

tls_async::identities read_identities(server_tls const& chosen) {
  tls_async::identities read;
  key_password const password{chosen.key_password};
  for (auto const& pair : chosen.identities)
    add_identity(read, pair.certificate, pair.key, password);
  if (chosen.sites) add_identities(read, *chosen.sites, password);
  return read;
}

// Where identities::add_directory has found the key of a chain.
std::filesystem::path key_beside(std::filesystem::path const& chain) {
  return chain.filename() == "fullchain.pem" ? chain.parent_path() / "privkey.pem" : chain;
}

}  // namespace

void add_tls_options(po::options_description& options) {
  auto add = options.add_options();
  add("sites", po::value<std::string>()->value_name("DIR"),
      "more certificates, as certbot's live/");
  add("ticket-keys", po::value<std::vector<std::string>>()->value_name("FORMAT:FILE"),
      "nginx:FILE, newest first; haproxy:FILE");
}

std::optional<ticket_files> ticket_files_of(po::variables_map const& values) {
  if (values.count("ticket-keys") == 0) return std::nullopt;
  std::optional<ticket_files> made;
  for (auto const& text : values["ticket-keys"].as<std::vector<std::string>>()) {
    auto const colon = text.find(':');
    auto const format = text.substr(0, colon);
    if (colon == text.npos || colon + 1 == text.size() ||
        (format != "nginx" && format != "haproxy"))
      throw usage_error("--ticket-keys \"" + text +
                        "\" is not FORMAT:FILE; write nginx:FILE for 48 or 80 random bytes, "
                        "haproxy:FILE for lines in base64");
    auto const is = format == "nginx" ? ticket_key_format::nginx : ticket_key_format::haproxy;
    if (made && (is == ticket_key_format::haproxy || made->format != is))
      throw usage_error("--ticket-keys \"" + text +
                        "\": only nginx:FILE may be repeated, the one that encrypts first; a file "
                        "of haproxy has all its keys");
    if (!made) made = ticket_files{is, {}};
    made->files.emplace_back(text.substr(colon + 1));
  }
  return made;
}

chosen_files files_of(server_tls const& chosen) {
  chosen_files files{chosen.sites, chosen.key_password, chosen.client_authority};
  for (auto const& pair : chosen.identities)
    files.insert(files.end(), {pair.certificate, pair.key});
  if (chosen.tickets)
    files.insert(files.end(), chosen.tickets->files.begin(), chosen.tickets->files.end());
  return files;
}

std::shared_ptr<tls_async::ticket_keys> make_ticket_keys(server_tls const& chosen) {
  return chosen.tickets
             ? tls_async::ticket_keys::from_files(chosen.tickets->format, chosen.tickets->files)
             : tls_async::ticket_keys::random();
}

made_context make_context(server_tls const& chosen,
                          std::shared_ptr<tls_async::ticket_keys> const& tickets) {
  made_context made{std::make_shared<tls_async::context>(tls_async::context::role::server), {}, {}};
  auto& context = *made.context;
  auto const all = read_identities(chosen);
  context.use_identities(all);
  for (auto const& each : all.info())
    made.ends.push_back({each.file, each.not_after});
  for (auto const& pair : chosen.identities)
    made.keys.push_back(pair.key);
  for (auto i = chosen.identities.size(); i < all.size(); ++i)
    made.keys.push_back(key_beside(all[i].file));
  if (!chosen.alpn.empty()) context.set_alpn(chosen.alpn);
  if (chosen.client_authority)
    ask_for_certificates(context, *chosen.client_authority, chosen.clients);
  if (chosen.key_log) context.log_keys(*chosen.key_log);
  if (chosen.tickets) tickets->read_again();
  context.use_ticket_keys(tickets);
  return made;
}

}  // namespace serving
