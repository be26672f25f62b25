// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is not asked of a version of OpenSSL.
#include <tls_async/core/openssl_version.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <ostream>

namespace tls_async::test {
namespace {

struct openssl_release {
  unsigned long number;  // as OPENSSL_VERSION_NUMBER(3) has it
  bool is_safe;
};
std::ostream& operator<<(std::ostream& out, openssl_release const& shown) {
  return out << std::hex << shown.number << std::dec;
}

// CVE-2024-4741 is fixed in 3.0.14, 3.1.6, 3.2.2 and 3.3.1.
openssl_release const releases[]{
    {0x1010'1190, false}, {0x3000'0000, false}, {0x3000'00d0, false}, {0x3000'00e0, true},
    {0x3000'0130, true},  {0x3010'0000, false}, {0x3010'0050, false}, {0x3010'0060, true},
    {0x3020'0000, false}, {0x3020'0010, false}, {0x3020'0020, true},  {0x3030'0000, false},
    {0x3030'0010, true},  {0x3040'0000, true},  {0x3050'0040, true},  {0x3060'0000, true},
    {0x3110'0000, true},  {0x4000'0000, true},  {0x4010'0000, true}};

BOOST_AUTO_TEST_SUITE(openssl_version)

BOOST_DATA_TEST_CASE(buffers_are_freed_only_where_that_is_safe,
                     boost::unit_test::data::make(releases), r) {
  BOOST_TEST(detail::frees_only_unused_buffers(r.number) == r.is_safe);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
