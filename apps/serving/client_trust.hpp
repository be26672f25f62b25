// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Clients that have to show who they are.
#pragma once

#include "command_line.hpp"

#include <tls_async/context.hpp>

#include <filesystem>

namespace serving {

// Throws std::runtime_error with what is wrong with the file and what to give instead.
void ask_for_certificates(tls_async::context& context, std::filesystem::path const& authority,
                          client_certificates wanted);

}  // namespace serving
