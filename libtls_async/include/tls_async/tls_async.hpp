// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Everything but the Beast glue (tls_async/beast.hpp).
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/context.hpp>
#include <tls_async/error.hpp>
#include <tls_async/gates/options.hpp>
#include <tls_async/gates/time_limit.hpp>
#include <tls_async/io/handshake.hpp>
#include <tls_async/io/key_update.hpp>
#include <tls_async/io/read.hpp>
#include <tls_async/io/sendfile.hpp>
#include <tls_async/io/shutdown.hpp>
#include <tls_async/io/stream.hpp>
#include <tls_async/io/write.hpp>
#include <tls_async/version.hpp>
