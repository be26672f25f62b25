// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/record.hpp>
#include <tls_async/gates/record_sizer.hpp>

namespace tls_async::detail {

std::size_t record_sizer::limit(stream_options const& options, std::uint64_t sealed,
                                clock_function now) noexcept {
  if (options.small_record_bytes == 0) return max_record_plaintext;
  time_point const moment = now();
  if (options.small_records_after.after(last_sealed_) <= moment) small_from_ = sealed;
  last_sealed_ = moment;
  return sealed - small_from_ < options.small_records_until ? options.small_record_bytes
                                                            : max_record_plaintext;
}

}  // namespace tls_async::detail
