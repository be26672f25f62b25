// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Everything but the Beast glue (tls_async/beast.hpp) and the name for other libraries
// (tls_async/asio_ssl.hpp).
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/context.hpp>
#include <tls_async/error.hpp>
#include <tls_async/identities.hpp>
#include <tls_async/io/watch_files.hpp>
#include <tls_async/mode.hpp>
#include <tls_async/options.hpp>
#include <tls_async/sessions/session_store.hpp>
#include <tls_async/sessions/ticket_keys.hpp>
#include <tls_async/stats.hpp>
#include <tls_async/stream.hpp>
#include <tls_async/time_limit.hpp>
#include <tls_async/version.hpp>
