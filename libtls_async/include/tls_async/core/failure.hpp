// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Why a session failed: a code for programs (`failure`) and the whole story for people
// (`error_info`).
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>

#include <optional>
#include <string>

namespace tls_async {

/// Why the engine answered `want::failed`. One of the two codes is set, whatever it was made from:
/// a failure that has no error would be read as success.
struct failure {
  /// It has not failed.
  failure() noexcept = default;
  /// By what OpenSSL says.
  explicit failure(unsigned long code) noexcept
      : openssl(code), own(code != 0 ? error_code() : error_code(errc::unexpected_result)) {}
  /// By a reason of ours, or of the transport.
  explicit failure(error_code why) noexcept
      : own(why.failed() ? why : error_code(errc::unexpected_result)) {}

  unsigned long openssl = 0;  ///< ERR_get_error(3)
  error_code own;             ///< Of errc.

  /// It has failed.
  explicit operator bool() const noexcept { return openssl != 0 || own.failed(); }
};

/// The story behind an error, for people. Every field may be empty, and each has a bound of at most
/// 2 KiB: what was longer ends with "...".
///
/// What stands in a certificate was chosen by whoever made it. It is UTF-8 here, whatever it was
/// there, and each byte of a control character, of a character that can't be seen or turns the
/// direction of text, of an apostrophe, and of what is no character at all is escaped as RFC 4514
/// does it: `\0A`, `\E2\80\AE`, `\27`. So it can be written to a terminal or a log, and can't pass
/// for words of ours.
struct error_info {
  /// An alert, of whichever side (RFC 8446 section 6).
  struct alert {
    bool sent = false;        ///< By us; otherwise the peer sent it.
    bool fatal = false;       ///< It ends the session.
    int number = 0;           ///< RFC 8446 section 6.
    std::string description;  ///< Its name, as "bad certificate".
  };
  /// The verdict on a certificate that was refused.
  struct verification {
    int code = 0;         ///< X509_V_ERR_..., X509_verify_cert_error_string(3).
    int depth = 0;        ///< 0 is the peer's own certificate.
    std::string reason;   ///< `code` in words.
    std::string subject;  ///< Of the certificate it is about.
    std::string issuer;   ///< Of that certificate.
    std::string names;    ///< Its first alternative names, if it is for another host.
  };

  std::string summary;              ///< One sentence: what went wrong.
  std::string openssl;              ///< OpenSSL's error stack in words, oldest first, one a line.
  std::optional<alert> last_alert;  ///< Sent or received.
  std::optional<verification> verify_error;  ///< The first certificate that was refused.
  std::string expected_host;                 ///< What the peer's certificate had to be for.
  /// The message that the handshake needed next or could not take (RFC 8446 section 4); empty once
  /// the handshake was done.
  std::string handshake_step;

  /// All of it as one paragraph; empty if nothing went wrong yet.
  [[nodiscard]] std::string text() const;
  /// Why a verb has ended with `ec`: `text()`, or the message of `ec` where there is no story, or
  /// where it is not of this verb: success, a cancellation, and what the stream has refused by
  /// itself and stays usable after.
  [[nodiscard]] std::string explain(error_code ec) const;
};

}  // namespace tls_async
