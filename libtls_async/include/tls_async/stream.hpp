// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The stream and all its verbs.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/handshake.hpp>
#include <tls_async/io/key_update.hpp>
#include <tls_async/io/read.hpp>
#include <tls_async/io/sendfile.hpp>
#include <tls_async/io/shutdown.hpp>
#include <tls_async/io/stream.hpp>
#include <tls_async/io/wait.hpp>
#include <tls_async/io/write.hpp>
