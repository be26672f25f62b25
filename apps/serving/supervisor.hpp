// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What systemd is told of a service of Type=notify: sd_notify(3), whose protocol is one datagram.
#pragma once

#include <string_view>

namespace serving {

// "READY=1" or "STOPPING=1". Nothing happens if nobody asked for it ($NOTIFY_SOCKET), or if it
// can't be told.
void tell_supervisor(std::string_view state);

}  // namespace serving
