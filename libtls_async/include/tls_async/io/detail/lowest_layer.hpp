// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lowest layer of a next layer: what it says itself, or its socket, or the next layer if it has
// neither. boost::beast::tcp_stream has a socket that is public, and boost::beast::test::stream has
// nothing below it; their `lowest_layer` is for boost::asio::ssl::stream only.
#pragma once

namespace tls_async::detail {

template <class NextLayer>
concept tells_lowest_layer = requires(NextLayer& next_layer) {
  typename NextLayer::lowest_layer_type;
  next_layer.lowest_layer();
};
template <class NextLayer>
concept has_socket = !tells_lowest_layer<NextLayer> && requires(NextLayer & next_layer) {
  typename NextLayer::socket_type;
  next_layer.socket();
};

template <class NextLayer>
struct lowest_layer {
  using type = NextLayer;
  static auto& of(auto& next_layer) noexcept { return next_layer; }
};
template <has_socket NextLayer>
struct lowest_layer<NextLayer> {
  using type = typename NextLayer::socket_type;
  static auto& of(auto& next_layer) noexcept { return next_layer.socket(); }
};
template <tells_lowest_layer NextLayer>
struct lowest_layer<NextLayer> {
  using type = typename NextLayer::lowest_layer_type;
  static auto& of(auto& next_layer) noexcept { return next_layer.lowest_layer(); }
};

}  // namespace tls_async::detail
