// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/hand_fed_stream.hpp>
#include "trial_of.hpp"

namespace tls_async::test {
namespace {

class memory_link {
public:
  using stream_type = tls_async::stream<hand_fed_stream, virtual_clock>;

  memory_link(boost::asio::io_context& io, far_end& peer, scene const& where)
      : stream_(make_stream<stream_type>(where, hand_fed_stream(io.get_executor(), peer))) {}

  stream_type& stream() { return stream_; }
  bool deliver() { return stream_.next_layer().deliver(); }
  void collect() {}
  [[nodiscard]] bool is_reset() const { return false; }

private:
  stream_type stream_;
};

}  // namespace

outcome meet_in_memory(scene const& where, std::vector<placed_deed> const& plan) {
  return trial<memory_link>(where, plan).run();
}

}  // namespace tls_async::test
