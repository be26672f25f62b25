// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream of ours on another one, which is on the script's network.
#include "carrier.hpp"
#include "ours_subject.hpp"

namespace tls_async::test::model {
class tls_layer {
public:
  /// It is the network itself.
  static constexpr bool is_network = false;
  using type = stream<wire_stream, virtual_clock>;

  explicit tls_layer(stage const& on) : on_(on) {}
  type take() {
    type made(wire_stream(on_.io.get_executor(), on_.over), carrier_context());
    made.handshake(type::client);
    return made;
  }
  static bool move() { return false; }
  static void cancel(auto& stream) { stream.lowest_layer().cancel(); }

private:
  stage on_;
};

std::unique_ptr<subject> make_ours_on_tls(stage const& on) {
  return std::make_unique<ours_subject<tls_layer>>(on);
}

}  // namespace tls_async::test::model
