// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// main() of every test program.
#include <boost/test/unit_test.hpp>

namespace {

bool nothing_to_set_up() { return true; }

}  // namespace

int main(int argc, char* argv[]) {
  return boost::unit_test::unit_test_main(&nothing_to_set_up, argc, argv);
}
