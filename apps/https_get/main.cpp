// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Fetches files over HTTPS: what it is told by the command line, and what it trusts. See
// download.hpp for all downloads, exchange.hpp for one request, destination.hpp for files.
#include "console.hpp"
#include "download.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "saved_sessions.hpp"
#include "serving/private_key.hpp"

#include <tls_async/context.hpp>

#include <clocale>
#include <exception>
#include <iostream>
#include <optional>
#include <string>

#include <unistd.h>

namespace {

using namespace https_get;

int exit_code(exit_status status) { return static_cast<int>(status); }

tls_async::context make_context(options const& chosen) {
  tls_async::context context{tls_async::context::role::client};
  context.set_alpn({"http/1.1"});
  if (chosen.insecure)
    context.insecure_skip_verification();
  else if (chosen.authority)
    context.trust_file(*chosen.authority);
  else
    context.trust_system();
  if (chosen.certificate) {
    context.use_certificate_chain_file(*chosen.certificate);
    serving::use_private_key(context, *chosen.key, chosen.key_password);
  }
  return context;
}

}  // namespace

int main(int argc, char* argv[]) {
  std::setlocale(LC_CTYPE, "");  // which characters the terminal knows
  console messages{0, false, false};
  std::optional<options> chosen;
  try {
    chosen = parse_options(argc, argv, std::cout);
  } catch (failure const& error) {
    messages.complain(std::string(error.what()) + "; see --help", error.advice());
    return exit_code(error.status());
  }
  if (!chosen) return exit_code(exit_status::all_whole);
  try {
    auto context = make_context(*chosen);
    // The bar would be mixed with a file that goes to the same screen.
    bool const has_bar = !chosen->silent && ::isatty(STDERR_FILENO) != 0 &&
                         !(chosen->targets.front().is_standard_output() && ::isatty(STDOUT_FILENO));
    console out{chosen->targets.size(), has_bar, chosen->silent && !chosen->show_error};
    if (chosen->insecure)
      out.complain(
          "WARNING: -k: NOBODY VERIFIES WHO ANSWERS. Anyone on the way can read and change "
          "what is sent.");
    std::optional<saved_sessions> sessions;
    if (chosen->sessions) sessions.emplace(*chosen->sessions, context, out);
    auto const result = download_all(*chosen, context, out);
    if (sessions) sessions->save();
    out.finish();
    return exit_code(result);
  } catch (std::exception const& error) {
    if (!chosen->silent || chosen->show_error) messages.complain(error.what());
    return exit_code(exit_status::local_file);
  }
}
