// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The words of `errc`: one sentence each that says what is wrong and what to do.
#include <tls_async/error.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <string>
#include <string_view>

namespace tls_async {
namespace {

class category final : public boost::system::error_category {
public:
  char const* name() const noexcept override { return "tls_async"; }

  std::string message(int value) const override { return words(static_cast<errc>(value)); }

  char const* message(int value, char*, std::size_t) const noexcept override {
    return words(static_cast<errc>(value));
  }

private:
  static char const* words(errc code) noexcept {
    switch (code) {
      case errc::no_role:
        return "The stream is neither client nor server yet: perform the handshake first.";
      case errc::empty_trust_store:
        return "The peer cannot be verified because nothing is trusted: call trust_system(), "
               "trust_file(), trust_directory() or trust() on the context first.";
      case errc::no_host_name:
        return "The server cannot be verified without its name: pass as_client{\"host name\"} "
               "to the handshake.";
      case errc::second_read:
        return "A read is already waiting on this stream: wait for it or cancel it before "
               "starting another.";
      case errc::operation_in_progress:
        return "Another operation is in progress on this stream, and this one cannot run beside "
               "it: wait for that one or cancel it first.";
      case errc::closed_for_writing:
        return "The stream has sent close_notify: nothing more can be written on this session.";
      case errc::bad_certificate:
        return "The certificate cannot be used: pass a PEM file or text with the certificate "
               "itself first and its intermediates after it.";
      case errc::bad_private_key:
        return "The private key cannot be used: pass a PEM file or text with one private key, "
               "and its password if it is encrypted.";
      case errc::key_mismatch:
        return "The private key and the certificate do not belong together: pass the key that "
               "the certificate was issued for.";
      case errc::bad_trust:
        return "This cannot be trusted: pass the PEM certificates of the authorities to trust, "
               "or a directory of them prepared with 'openssl rehash'.";
      case errc::bad_option:
        return "The setting was refused and nothing was changed: do as the words behind this say, "
               "or pass a value that OpenSSL knows and that does not weaken the context.";
      case errc::file_error:
        return "The file cannot be read or written: check its path and that this process may do "
               "so.";
      case errc::handshake_not_done:
        return "There is no session yet: perform the handshake first, or close the socket.";
      case errc::peer_limit_exceeded:
        return "The peer sent too many control messages and was cut off: see error_info(), and "
               "raise the limit in the stream's options if this peer may do so.";
      case errc::not_supported:
        return "The negotiated protocol version cannot do this: KeyUpdate needs TLS 1.3.";
      case errc::unexpected_result:
        return "OpenSSL failed without giving a reason, or waits for a callback that a stream "
               "cannot serve: see error_info(), and let callbacks decide without waiting.";
      case errc::queue_full:
        return "The stream already holds as many unsent bytes as its options allow: use "
               "tls_write, which waits.";
      case errc::buffer_moved:
        return "The buffer of a write moved while mode::accept_moving_write_buffer is off: "
               "leave it where it is, or set the mode.";
      case errc::buffer_changed:
        return "The buffer of a write changed: until the write completes its buffer may move, "
               "but its size and its bytes must stay the same.";
      case errc::wrong_role:
        return "The context is for the other role: make one with the role you need.";
      case errc::file_ended:
        return "The file ended before everything asked for was sent: pass an offset and a "
               "length within it, or to_the_end, and do not shorten it until the write is done.";
      case errc::closed_by_peer:
        return "The peer ended the session before the handshake was done: see error_info(), and "
               "connect again.";
      case errc::ktls_fixed_keys:
        return "Kernel TLS cannot change the keys of a session, and a change was asked for or "
               "is due: connect again, and leave stream_options::ktls off for long sessions and "
               "for peers that ask for new keys.";
      case errc::bad_host_name:
        return "The host is neither a DNS name nor an IP address: pass one of them alone, without "
               "scheme, port, brackets or zone, and an international name in its ASCII form.";
      case errc::not_verified:
        return "The session was not verified for this host, and can't be any more: connect anew, "
               "and pass as_client{\"host name\"} to the first handshake of the new stream.";
      case errc::buffer_threw:
        return "The callable of a relocatable buffer threw, or the body of a message while it was "
               "serialized: let neither throw. The stream can be used on.";
      case errc::bad_sessions:
        return "The saved sessions cannot be used and none was loaded: remove them and go on, "
               "since "
               "without them handshakes are full ones; keep them in a file of mode 600.";
      case errc::refused:
        return "A hook of this program refused, or was given up: see error_info() for which, and "
               "why.";
      case errc::bad_signature:
        return "The signature that a hook gave is not one by the key of our certificate: sign with "
               "the private key that it was issued for, by the scheme asked for.";
    }
    return "This error code is unknown to this version of tls_async: build the program with the "
           "headers that match its library.";
  }
};

class conditions final : public boost::system::error_category {
public:
  char const* name() const noexcept override { return "tls_async.condition"; }
  std::string message(int) const override { return "The peer does not speak TLS"; }

  // By its name: a shared library may have another object of Asio's category than its user.
  bool equivalent(error_code const& code, int value) const noexcept override {
    if (value != static_cast<int>(condition::not_tls) ||
        std::string_view(code.category().name()) != "asio.ssl") {
      return false;
    }
    auto const packed = static_cast<unsigned long>(code.value());
    auto const reason = ERR_GET_REASON(packed);
    if (ERR_GET_LIB(packed) != ERR_LIB_SSL) return false;  // a certificate may be too long, too
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG;
  }
};

}  // namespace

boost::system::error_category const& condition_category() noexcept {
  static conditions const only;
  return only;
}

boost::system::error_category const& errc_category() noexcept {
  static category const only;
  return only;
}

}  // namespace tls_async
