// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream of ours on the script's network itself.
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "ours_subject.hpp"

namespace tls_async::test::model {

class wire_layer {
public:
  /// It is the network itself.
  static constexpr bool is_network = true;
  using type = wire_stream;

  explicit wire_layer(stage const& on) : on_(on) {}
  type take() { return {on_.io.get_executor(), on_.over}; }
  static bool move() { return false; }
  static void cancel(auto& stream) { stream.lowest_layer().cancel(); }

private:
  stage on_;
};

std::shared_ptr<int const> file_of(std::string_view bytes, std::size_t offset) {
  int const made = ::memfd_create("plaintext", MFD_CLOEXEC);
  std::string const all = std::string(offset, '?').append(bytes);
  if (made < 0 || ::write(made, all.data(), all.size()) != static_cast<ssize_t>(all.size()))
    throw std::runtime_error{"no file in memory"};
  return {new int(made), [](int const* descriptor) {
            ::close(*descriptor);
            delete descriptor;
          }};
}

std::vector<boost::asio::const_buffer> pieces_of(std::string_view bytes) {
  std::vector<boost::asio::const_buffer> pieces{boost::asio::const_buffer()};
  for (std::size_t next = 1; !bytes.empty(); next = next * 3 % 20'011) {
    auto const piece = bytes.substr(0, next);
    bytes.remove_prefix(piece.size());
    pieces.push_back(boost::asio::buffer(piece.data(), piece.size()));
  }
  return pieces;
}

std::unique_ptr<subject> make_ours(stage const& on) {
  if (is_chosen(on.of, "next_layer", "tls")) return make_ours_on_tls(on);
  if (!is_chosen(on.of, "next_layer", "wire")) return make_ours_on_socket(on);
  return std::make_unique<ours_subject<wire_layer>>(on);
}

}  // namespace tls_async::test::model
