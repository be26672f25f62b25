// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The library's own error codes. Owns `errc` and its category, whose messages say what to do, and
// `condition` for what programs tell apart, whoever reports it.
// What OpenSSL and the next layer report keeps the category it has with Asio.
#pragma once

#include <tls_async/requirements.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/system_error.hpp>

#include <type_traits>

namespace tls_async {

using boost::system::error_code;

/// What this library itself refuses. 0 is no error and has no name. Functions that report by
/// exception throw boost::system::system_error with one of these.
enum class errc {
  no_role = 1,            ///< A session that is neither client nor server was used.
  empty_trust_store,      ///< A peer has to be verified, and there is nothing to verify it with.
  no_host_name,           ///< A client has to verify a host name, and none was given.
  second_read,            ///< A read was started while another one waits.
  operation_in_progress,  ///< A second handshake or shutdown, or a blocking call beside a verb.
  closed_for_writing,     ///< A write was started after close_notify was sent.
  bad_certificate,        ///< A certificate or chain cannot be used.
  bad_private_key,        ///< A private key cannot be read or used.
  key_mismatch,           ///< A private key does not belong to its certificate.
  bad_trust,              ///< A certificate or directory cannot be trusted.
  bad_option,             ///< A setting has a value that OpenSSL or this library does not accept.
  file_error,             ///< A file or directory cannot be read, or not be written.
  handshake_not_done,     ///< A session was to be closed that has not been negotiated yet.
  peer_limit_exceeded,    ///< The peer asked for more of something than `stream_options` allow.
  not_supported,          ///< The negotiated protocol has no such thing.
  unexpected_result,      ///< OpenSSL answered in a way that no stream can serve.
  queue_full,             ///< The bound on bytes that the stream keeps for later is reached.
  buffer_moved,           ///< A buffer moved, and accept_moving_write_buffer is off.
  buffer_changed,         ///< A relocatable buffer changed its size or its content.
  wrong_role,             ///< A setting or a role that this context is not for.
  file_ended,             ///< A file to be sent is shorter than what was asked for.
  ktls_fixed_keys,        ///< The keys of a session have to change that the kernel seals.
  closed_by_peer,  ///< The peer ended a handshake by close_notify. Streams say stream_truncated.
  bad_host_name,   ///< A host is neither a DNS name nor an IP address.
  not_verified,    ///< The session's certificate was not verified for the host asked for.
  buffer_threw,    ///< The callable of a relocatable buffer threw.
  bad_sessions,    ///< Sessions that were saved cannot be loaded.
  refused,         ///< A hook of the program refused the peer, or did not answer.
  bad_signature    ///< What a hook gave is no signature by the key of the certificate.
};

/// What a program may want to tell apart, whoever reports it: `ec == condition::not_tls`.
enum class condition {
  not_tls = 1  ///< Of a handshake: what came in the place of a TLS record was none, perhaps plain
               ///< HTTP.
};

/// The category of `errc`; its name is "tls_async".
boost::system::error_category const& errc_category() noexcept;

/// The category of `condition`; its name is "tls_async.condition".
boost::system::error_category const& condition_category() noexcept;

/// Found by boost::system::error_condition's constructor from a `condition`.
inline boost::system::error_condition make_error_condition(condition which) noexcept {
  return {static_cast<int>(which), condition_category()};
}

/// Found by boost::system::error_code's constructor from an `errc`.
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), errc_category()};
}

}  // namespace tls_async

/// @cond
template <>
struct boost::system::is_error_code_enum<tls_async::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<tls_async::condition> : std::true_type {};
/// @endcond
