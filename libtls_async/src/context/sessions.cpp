// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's settings for sessions that are resumed. What they do is in the room `sessions`.
#include "state.hpp"

#include <string>
#include <utility>

namespace tls_async {

using detail::refuse;
using std::chrono::seconds;

void context::require_server(char const* setter) const {
  if (!is_server()) refuse(errc::wrong_role, std::string{setter} + " is for servers");
}

void context::use_ticket_keys(std::shared_ptr<ticket_keys> keys) {
  detail::error_queue_scope const scope;
  require_server("use_ticket_keys()");
  if (keys == nullptr) refuse(errc::bad_option, "use_ticket_keys() was given no keys");
  auto& sessions = *detail::state_of(handle_.get()).served;
  if (detail::has_keys_of_program(handle_.get(), sessions)) {
    refuse(errc::bad_option,
           "this SSL_CTX has ticket keys of SSL_CTX_set_tlsext_ticket_keys(); leave out that call "
           "or use_ticket_keys()");
  }
  sessions.use(std::move(keys));
}

void context::set_session_lifetime(seconds total) {
  detail::error_queue_scope const scope;
  require_server("set_session_lifetime()");
  if (total < seconds(1) || total > detail::most_session_lifetime) {
    refuse(errc::bad_option, "a session lives for one second at least and for 7 days at most");
  }
  detail::require_unused(handle_.get(), "set_session_lifetime()");
  detail::state_of(handle_.get()).served->lifetime = total;
  SSL_CTX_set_timeout(handle_.get(), static_cast<long>(total.count()));
}

void context::set_tickets(unsigned number, ticket_moment moment) {
  detail::error_queue_scope const scope;
  require_server("set_tickets()");
  constexpr unsigned most = 16;
  if (number > most) refuse(errc::bad_option, "a client gets 16 tickets at most");
  detail::require_unused(handle_.get(), "set_tickets()");
  SSL_CTX_set_num_tickets(handle_.get(), number);
  detail::state_of(handle_.get()).policy.tickets_with_first_write =
      moment == ticket_moment::with_first_write;
  // Without this, TLS 1.2 has tickets still.
  number == 0 ? SSL_CTX_set_options(handle_.get(), SSL_OP_NO_TICKET)
              : SSL_CTX_clear_options(handle_.get(), SSL_OP_NO_TICKET);
}

void context::set_session_cache(std::size_t sessions) {
  detail::error_queue_scope const scope;
  require_server("set_session_cache()");
  detail::state_of(handle_.get()).served->cache.set_most(sessions);
}

}  // namespace tls_async
