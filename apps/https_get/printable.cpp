// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "printable.hpp"

#include <cstdio>
#include <cwchar>

#include <wchar.h>

namespace https_get {

std::string escaped(char byte) {
  char text[5];
  std::snprintf(text, sizeof text, "\\x%02X",
                static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return text;
}

std::string printable(std::string_view text, std::size_t most) {
  constexpr std::string_view cut = "...";
  std::string all;
  std::size_t columns = 0;
  std::size_t before_cut = 0;  // bytes behind which it can be cut
  std::mbstate_t state{};
  while (!text.empty()) {
    wchar_t character = 0;
    auto length = std::mbrtowc(&character, text.data(), text.size(), &state);
    if (length == 0 || length > text.size()) {  // no character
      length = 1;
      character = 0;
      state = {};
    }
    std::string piece(text.substr(0, length));
    int const width = ::wcwidth(character);
    if (width <= 0) {
      piece.clear();
      for (char const byte : text.substr(0, length))
        piece += escaped(byte);
    }
    columns += width > 0 ? static_cast<std::size_t>(width) : piece.size();
    if (columns > most) {
      all.resize(before_cut);
      return all.append(cut.substr(0, most));
    }
    all += piece;
    if (columns + cut.size() <= most) before_cut = all.size();
    text.remove_prefix(length);
  }
  return all;
}

}  // namespace https_get
