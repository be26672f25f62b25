// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "certificate_text.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <vector>

#include "error_queue.hpp"
#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

constexpr std::string_view continued = "...";

struct range {
  char32_t first, last;
};
// Unicode's controls, marks of direction, spaces of unusual width, and what shows nothing at all;
// apart from ASCII's.
constexpr range unseen[] = {
    {0x80, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},      {0x115f, 0x1160},
    {0x1680, 0x1680}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},    {0x2028, 0x202f},
    {0x205f, 0x206f}, {0x2800, 0x2800},   {0x3000, 0x3000},   {0x3164, 0x3164},    {0xd800, 0xf8ff},
    {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},    {0xfff0, 0xfffc},
    {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
};

bool is_unseen(char32_t c) {
  return c < ' ' || c == 0x7f || c == '\'' || std::ranges::any_of(unseen, [c](range const& each) {
           return each.first <= c && c <= each.last;
         });
}

// How many bytes of UTF-8 the first character has (RFC 3629 section 3), and which it is; 0 if there
// is none.
std::size_t length_of_first(std::string_view text, char32_t& c) {
  auto const byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  c = byte(0);
  if (c < 0x80) return 1;
  std::size_t const length = c >= 0xf0 && c < 0xf5   ? 4
                             : c >= 0xe0 && c < 0xf0 ? 3
                             : c >= 0xc2 && c < 0xe0 ? 2
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  c &= 0xffU >> (length + 1);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    c = c << 6 | (byte(i) & 0x3fU);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool const is_surrogate = c >= 0xd800 && c < 0xe000;
  return c < least[length] || is_surrogate || c > 0x10ffff ? 0 : length;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (char const each : bytes) {
    auto const byte = static_cast<unsigned char>(each);
    out += '\\';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

// False, and `out` ends with "...", if there was no room for all of it.
bool append(std::string& out, std::string_view text, std::size_t most,
            std::string_view escaped_too = {}) {
  while (!text.empty()) {
    char32_t c = 0;
    auto const length = length_of_first(text, c);
    auto const first = text.substr(0, std::max<std::size_t>(length, 1));
    std::string piece;
    if (length == 0 || is_unseen(c)) {
      append_escaped(piece, first);
    } else {
      if (c < 0x80 && escaped_too.find(first[0]) != std::string_view::npos) piece = '\\';
      piece += first;
    }
    bool const is_last = first.size() == text.size();
    if (out.size() + piece.size() + (is_last ? 0 : continued.size()) > most) {
      out += continued;
      return false;
    }
    out += piece;
    text.remove_prefix(first.size());
  }
  return true;
}

std::string to_utf8(char32_t c) {
  auto const tail = [c](int shift) { return static_cast<char>(0x80U | (c >> shift & 0x3fU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0U | c >> 6), tail(0)};
  // A lone surrogate too, which is then escaped.
  if (c < 0x10000) return {static_cast<char>(0xe0U | c >> 12), tail(6), tail(0)};
  if (c < 0x110000) return {static_cast<char>(0xf0U | c >> 18), tail(12), tail(6), tail(0)};
  return "\xff";
}

// What can't be longer than this when it is escaped need not be looked at further.
constexpr std::size_t longest_value = 4'096;

// In UTF-8, if it is text of a kind that there is; whatever can't be right is left to `append`.
std::string text_of(ASN1_STRING const* value) {
  auto const* const bytes = ASN1_STRING_get0_data(value);
  auto const length =
      std::min(static_cast<std::size_t>(std::max(ASN1_STRING_length(value), 0)), longest_value);
  std::string text;
  std::size_t width = 1;
  switch (ASN1_STRING_type(value)) {
    case V_ASN1_UNIVERSALSTRING:
      width = 4;
      break;
    case V_ASN1_BMPSTRING:
      width = 2;
      break;
    case V_ASN1_T61STRING:  // taken for Latin-1, as everywhere
      break;
    default:
      return {reinterpret_cast<char const*>(bytes), length};
  }
  for (std::size_t i = 0; i + width <= length; i += width) {
    char32_t c = 0;
    for (std::size_t k = 0; k < width; ++k)
      c = c << 8 | bytes[i + k];
    text += to_utf8(c);
  }
  if (length % width != 0) text += '\xff';  // half a character
  return text;
}

std::string type_of(X509_NAME_ENTRY const* entry) {
  auto const* const object = X509_NAME_ENTRY_get_object(entry);
  if (int const nid = OBJ_obj2nid(object); nid != NID_undef) return OBJ_nid2sn(nid);
  std::array<char, 80> digits{};
  OBJ_obj2txt(digits.data(), static_cast<int>(digits.size()), object, 1);
  return digits.data();
}

bool append_entry(std::string& out, X509_NAME_ENTRY const* entry, std::size_t most) {
  auto const value = text_of(X509_NAME_ENTRY_get_data(entry));
  if (!append(out, type_of(entry) + '=', most)) return false;
  // RFC 4514 section 2.4: these too, and at the beginning a '#' and a blank.
  bool const has_mark = value.starts_with('#') || value.starts_with(' ');
  if (has_mark && !append(out, value.substr(0, 1), most, "# ")) return false;
  return append(out, std::string_view(value).substr(has_mark ? 1 : 0), most, "\"+,;<>\\");
}

std::string address_text(GENERAL_NAME* name) {
  bio_ptr const out(BIO_new(BIO_s_mem()));
  if (!out || GENERAL_NAME_print(out.get(), name) != 1) return "IP Address";
  char* text = nullptr;
  long const length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::max(length, 0L))};
}

bool append_alternative(std::string& out, GENERAL_NAME* name, std::size_t most) {
  auto const text = [&](char const* kind) {
    // A comma in a name must not make two of it.
    return append(out, kind, most) &&
           append(out, text_of(static_cast<ASN1_STRING*>(GENERAL_NAME_get0_value(name, nullptr))),
                  most, ", \"\\");
  };
  int type = 0;
  auto* const value = GENERAL_NAME_get0_value(name, &type);
  switch (type) {
    case GEN_DNS:
      return text("DNS:");
    case GEN_EMAIL:
      return text("email:");
    case GEN_URI:
      return text("URI:");
    case GEN_IPADD:
      return append(out, address_text(name), most);
    case GEN_DIRNAME:
      return append(out, "DirName:" + name_text(static_cast<X509_NAME*>(value)), most);
    default:
      return append(out, "another kind of name", most);
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  append(out, text, most - continued.size());
  return out;
}

std::string refusal_words(char const* by, std::string_view why) {
  return why.empty() ? std::string(by) : std::string(by) + ": " + printable(why, 1'024);
}

std::string name_text(X509_NAME const* name) {
  constexpr std::size_t most = 256 - continued.size();
  std::string out;
  // Last first, as RFC 4514 has it. Those of one set are joined by '+'.
  for (int i = X509_NAME_entry_count(name) - 1; i >= 0; --i) {
    auto const* const entry = X509_NAME_get_entry(name, i);
    if (!append_entry(out, entry, most)) break;
    if (i == 0) break;
    bool const same_set =
        X509_NAME_ENTRY_set(X509_NAME_get_entry(name, i - 1)) == X509_NAME_ENTRY_set(entry);
    if (!append(out, same_set ? "+" : ",", most)) break;
  }
  return out;
}

std::string alternative_names_text(X509 const* certificate) {
  constexpr int most_names = 5;
  constexpr std::size_t most = 512 - continued.size();
  error_mark const mark;
  openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  int const count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  bool has_room = true;
  for (int i = 0; i < std::min(count, most_names) && has_room; ++i) {
    has_room = (i == 0 || append(out, ", ", most)) &&
               append_alternative(out, sk_GENERAL_NAME_value(names.get(), i), most);
  }
  if (count > most_names && has_room) append(out, " and more", most);
  return out;
}

}  // namespace tls_async::detail
