// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The parts of the table of settings.
#pragma once

#include "settings.hpp"

namespace tls_async::test::model {

/// What can be set on either end, each by itself.
std::vector<row> of_either_end(char const* name, char const* name_of_peer, fits version,
                               std::vector<value> values);

std::vector<row> protocol_rows();
std::vector<row> option_rows();
std::vector<row> verify_rows();
std::vector<row> callback_rows();
std::vector<row> session_rows();
std::vector<row> rows_of_ours();

}  // namespace tls_async::test::model
