// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Carries bytes between the script's network and the far end of a pair of sockets, whose near end
// the subject has.
#pragma once

#include "subject.hpp"

namespace tls_async::test::model {

class socket_pump {
public:
  socket_pump(stage const& on, int far) : on_(on), far_(far) {}

  /// True if anything moved.
  bool move();

private:
  bool move_out();
  bool move_in();

  stage on_;
  int far_;
  std::string leaving_, coming_;
  bool told_end_ = false;
};

}  // namespace tls_async::test::model
