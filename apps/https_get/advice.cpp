// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "advice.hpp"

#include "printable.hpp"

#include <openssl/x509_vfy.h>

#include <string>
#include <vector>

namespace https_get {
namespace {

// As a shell takes it for one word, even if that has to be shown in another way than it is.
std::string quoted(std::string const& word) {
  // What bash, zsh and ksh know, and POSIX of 2024.
  if (printable(word, std::string::npos) != word) {
    std::string result = "$'";
    for (char const c : word) {
      if (c < ' ' || c > '~') {  // all that is not ASCII, too
        result += escaped(c);
      } else {
        if (c == '\'' || c == '\\') result += '\\';
        result += c;
      }
    }
    return result + '\'';
  }
  constexpr char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string result = "'";
  for (char const c : word)
    result += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
  return result + '\'';
}

}  // namespace

failure certificate_refused(tls_async::error_info const& info, options const& chosen) {
  auto const& verdict = *info.verify_error;
  std::vector<std::string> lines;
  switch (verdict.code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      lines.push_back(chosen.authority
                          ? "Its authority is not in " + chosen.authority->string() +
                                "; --cacert FILE wants that one's certificate, PEM."
                          : "If you trust its authority, name that one's certificate, PEM, with "
                            "--cacert FILE.");
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      // They are looked at before any signature is.
      lines.push_back(verdict.names.empty()
                          ? "It has no names."
                          : "It says, and nobody has verified, that it is for \"" +
                                printable(verdict.names) +
                                "\"; if it is the server you mean, write such a name in the URL.");
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      lines.push_back(
          "Look whether the clock of this machine is right; if so, only the server's "
          "owner can renew it.");
      break;
    default:
      break;
  }
  lines.push_back(
      "-k does not verify it: anyone on the way can then read and change what is sent.");
  auto const what = chosen.verbose ? info.text()
                                   : info.summary + "; it is for '" + verdict.subject +
                                         "', issued by '" + verdict.issuer + '\'';
  return {exit_status::certificate_refused, what, lines};
}

failure cut_off(failure const& reason, destination const& file, options const& chosen) {
  std::vector<std::string> lines;
  if (file.can_resume()) {
    auto command = "Go on with: " + quoted(chosen.words.front());
    if (!chosen.resume) command += " -C -";
    for (std::size_t i = 1; i < chosen.words.size(); ++i)
      command += ' ' + quoted(chosen.words[i]);
    lines.push_back(command + ' ' + quoted(file.url()));
  }
  return {reason.status(), std::string(reason.what()) + "; " + file.what_is_there(), lines};
}

}  // namespace https_get
