// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "pem.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "../core/certificate_text.hpp"

namespace tls_async::detail {
namespace {

// 16 MiB. A system's list of authorities has less than 1.
constexpr std::size_t most_text = 16'777'216;

using pkey_context_ptr = openssl_ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

struct block {
  struct clear {
    std::size_t length = 0;
    void operator()(unsigned char* bytes) const noexcept { OPENSSL_clear_free(bytes, length); }
  };
  std::string label;
  bool is_encrypted = false;
  std::unique_ptr<unsigned char, clear> der;

  bool is_certificate() const {
    return label == PEM_STRING_X509 || label == PEM_STRING_X509_OLD ||
           label == PEM_STRING_X509_TRUSTED;
  }
  bool is_private_key() const { return label.ends_with("PRIVATE KEY"); }
};

bio_ptr open_memory(std::string_view text) {
  // The length that OpenSSL takes is an int; no list of authorities comes near.
  bio_ptr memory{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  require_memory(memory != nullptr);
  return memory;
}

std::string in_brackets(std::string const& reason) {
  return reason.empty() ? reason : " (" + reason + ")";
}

// How many blocks begin, on a line of their own, however far that is indented.
std::size_t count_beginnings(std::string_view pem) {
  constexpr std::string_view mark = "-BEGIN ";
  // Dashes, blanks, and what editors put there unseen: a byte order mark, a non-breaking space.
  constexpr std::string_view no_text = "- \t\v\f\xc2\xa0\xef\xbb\xbf";
  std::size_t count = 0;
  for (auto at = pem.find(mark); at != std::string_view::npos; at = pem.find(mark, at + 1)) {
    auto const before = pem.substr(0, at).find_last_not_of(no_text);
    if (before == std::string_view::npos || pem[before] == '\n' || pem[before] == '\r') ++count;
  }
  return count;
}

// What Windows editors put at the front of UTF-8, and OpenSSL takes for a part of the first line.
std::string_view without_mark(std::string_view pem) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  if (pem.starts_with(mark)) pem.remove_prefix(mark.size());
  return pem;
}

// With its mark, in either order, or with a dash first. PowerShell's ">" writes it.
bool is_utf16(std::string_view pem) {
  using namespace std::string_view_literals;
  return pem.starts_with("\xff\xfe") || pem.starts_with("\xfe\xff") ||
         pem.starts_with("-\0-\0"sv) || pem.starts_with("\0-\0-"sv);
}

[[noreturn]] void refuse_other_format(std::string_view pem, std::string const& origin, errc code) {
  if (is_utf16(pem)) {
    refuse(code, origin +
                     " is UTF-16 text, as Windows tools write it; convert it with 'iconv -f UTF-16 "
                     "-t ASCII'");
  }
  // 0x30 begins every DER file of ours: an ASN.1 SEQUENCE.
  refuse(code, origin + (pem.front() == '\x30'
                             ? " is not PEM but seems to be DER or PKCS #12; convert it with "
                               "'openssl x509', 'openssl pkey' or 'openssl pkcs12'"
                             : " is not PEM: it has no line that starts with -----BEGIN"));
}

std::vector<block> split(std::string_view pem, std::string const& origin, errc code) {
  if (pem.empty()) {
    refuse(code, origin + " is empty");
  }
  if (pem.size() > most_text) {
    refuse(code, origin + " is longer than 16 MiB");
  }
  auto const memory = open_memory(without_mark(pem));
  std::vector<block> blocks;
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* bytes = nullptr;
    long length = 0;
    if (PEM_read_bio(memory.get(), &label, &header, &bytes, &length) != 1) {
      auto const error = ERR_peek_last_error();
      if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
        break;
      }
      refuse(code, "PEM block " + std::to_string(blocks.size() + 1) + " of " + origin +
                       " is damaged" + in_brackets(openssl_reason()));
    }
    text_ptr const owned_label{label}, owned_header{header};
    decltype(block::der) der{bytes, {static_cast<std::size_t>(length)}};
    // RFC 1421 section 4.6.1.1 marks an encrypted key of the older form.
    bool const is_encrypted =
        std::strcmp(label, PEM_STRING_PKCS8) == 0 || std::strstr(header, "ENCRYPTED") != nullptr;
    blocks.push_back({label, is_encrypted, std::move(der)});
  }
  // OpenSSL looks for them at the beginning of a line only, and passes over others without a word.
  if (auto const begun = count_beginnings(pem); begun > blocks.size()) {
    refuse(code, origin + " has " + std::to_string(begun) + " PEM blocks, and " +
                     std::to_string(begun - blocks.size()) +
                     " would be left out: each line -----BEGIN has to be at the beginning of its "
                     "line, with a line -----END of the same name after it");
  }
  if (blocks.empty()) {
    refuse_other_format(pem, origin, code);
  }
  return blocks;
}

// What to do where there is something else, or nothing.
std::string cure_of(std::vector<block> const& blocks) {
  auto const has = [&](char const* label) {
    return std::ranges::any_of(blocks, [&](block const& each) { return each.label == label; });
  };
  if (has(PEM_STRING_PKCS7)) return "; convert it with 'openssl pkcs7 -print_certs'";
  if (has(PEM_STRING_X509_REQ) || has(PEM_STRING_X509_REQ_OLD))
    return "; that is a request: pass the certificate that was issued for it";
  return "";
}

std::string labels(std::vector<block> const& blocks) {
  std::string text;
  for (auto const& each : blocks) {
    if (text.find(shown(each.label)) == std::string::npos) {
      text += (text.empty() ? "" : ", ") + shown(each.label);
    }
  }
  return text;
}

certificate_ptr decode_once(block const& from) {
  auto const* position = static_cast<unsigned char const*>(from.der.get());
  auto const length = static_cast<long>(from.der.get_deleter().length);
  auto const* const end = position + length;
  certificate_ptr certificate{from.label == PEM_STRING_X509_TRUSTED
                                  ? d2i_X509_AUX(nullptr, &position, length)
                                  : d2i_X509(nullptr, &position, length)};
  return position == end ? std::move(certificate) : nullptr;
}

// OpenSSL makes a certificate without its key, too: if the key is of an unknown kind, and without a
// word also if memory was short, and then nothing could ever be verified with it. The second time
// tells.
certificate_ptr decode(block const& from) {
  auto certificate = decode_once(from);
  if (certificate == nullptr || X509_get0_pubkey(certificate.get()) != nullptr) return certificate;
  ERR_clear_error();
  return decode_once(from);
}

// Without a callback of ours OpenSSL would ask the terminal.
int give_password(char* buffer, int size, int /*for_writing*/, void* argument) noexcept {
  auto const& password = *static_cast<std::string_view const*>(argument);
  if (password.size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::copy(password.begin(), password.end(), buffer);
  return static_cast<int>(password.size());
}

}  // namespace

std::string file_origin(char const* what, std::filesystem::path const& file) {
  return std::string{"the "} + what + " file '" + file.string() + "'";
}

std::string memory_origin(char const* what) {
  return std::string{"the "} + what + " given in memory";
}

secret_text::~secret_text() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

char* secret_text::room(std::size_t more) {
  if (bytes_.size() - size_ < more) {
    std::vector<char> larger(2 * bytes_.size() + more);
    std::copy_n(bytes_.data(), size_, larger.data());
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
    bytes_.swap(larger);
  }
  return bytes_.data() + size_;
}

secret_text read_file(std::filesystem::path const& file, std::string const& origin) {
  auto const refuse_file = [&](std::string const& why) {
    std::error_code unknown;
    refuse(errc::file_error,
           "cannot read " + origin + ": " + why +
               (file.is_relative() ? "; the working directory is " +
                                         std::filesystem::current_path(unknown).string()
                                   : ""));
  };
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) {
    refuse_file("it is a directory");
  }
  std::unique_ptr<std::FILE, decltype([](std::FILE* open) { std::fclose(open); })> const open{
      std::fopen(file.string().c_str(), "rbe")};
  if (open == nullptr) {
    refuse_file(std::generic_category().message(errno));
  }
  // No second copy of a private key in a buffer that nobody clears, and none from growing either.
  std::setvbuf(open.get(), nullptr, _IONBF, 0);
  secret_text read;
  for (;;) {
    constexpr std::size_t piece = 16'384;
    auto const got = std::fread(read.room(piece), 1, piece, open.get());
    read.grow_by(got);
    if (std::ferror(open.get()) != 0) {
      refuse_file(std::generic_category().message(errno));
    }
    if (read.size() > most_text) {
      refuse_file("it is longer than 16 MiB");
    }
    if (got < piece) {
      return read;
    }
  }
}

std::vector<certificate_ptr> parse_certificates(std::string_view pem, std::string const& origin,
                                                other_blocks others, errc code) {
  auto const blocks = split(pem, origin, code);
  std::vector<certificate_ptr> certificates;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    auto const position = "PEM block " + std::to_string(i + 1) + " of " + origin;
    if (blocks[i].is_certificate()) {
      certificates.push_back(decode(blocks[i]));
      if (certificates.back() == nullptr) {
        refuse(code, position + " is a damaged certificate" + in_brackets(openssl_reason()));
      }
    } else if (others == other_blocks::refuse) {
      refuse(code, position + " is '" + shown(blocks[i].label) + "', not a certificate");
    }
  }
  if (certificates.empty()) {
    refuse(code,
           origin + " has no certificate; it contains only: " + labels(blocks) + cure_of(blocks));
  }
  return certificates;
}

key_ptr nobodys_key(EVP_PKEY* like) {
  key_ptr made;
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_is_a(like, "RSA") == 1 || EVP_PKEY_is_a(like, "RSA-PSS") == 1) {
    // The modulus with another exponent. A key of its own would take a search for primes.
    BIGNUM* modulus = nullptr;
    BIGNUM* old_exponent = nullptr;
    EVP_PKEY_get_bn_param(like, OSSL_PKEY_PARAM_RSA_N, &modulus);
    EVP_PKEY_get_bn_param(like, OSSL_PKEY_PARAM_RSA_E, &old_exponent);
    openssl_ptr<BIGNUM, BN_free> const owned{modulus}, owned_too{old_exponent};
    openssl_ptr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> const list{OSSL_PARAM_BLD_new()};
    if (modulus == nullptr || old_exponent == nullptr || list == nullptr) return nullptr;
    unsigned long const exponent = BN_is_word(old_exponent, 65'537) == 1 ? 257 : 65'537;
    if (OSSL_PARAM_BLD_push_BN(list.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_ulong(list.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
      return nullptr;
    }
    openssl_ptr<OSSL_PARAM, OSSL_PARAM_free> const parameters{OSSL_PARAM_BLD_to_param(list.get())};
    pkey_context_ptr const maker{
        EVP_PKEY_CTX_new_from_name(nullptr, EVP_PKEY_get0_type_name(like), nullptr)};
    if (parameters != nullptr && maker != nullptr && EVP_PKEY_fromdata_init(maker.get()) == 1) {
      EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get());
    }
  } else {
    pkey_context_ptr const maker{EVP_PKEY_CTX_new_from_pkey(nullptr, like, nullptr)};
    if (maker != nullptr && EVP_PKEY_keygen_init(maker.get()) == 1) {
      EVP_PKEY_generate(maker.get(), &key);
    }
  }
  made.reset(key);
  return made;
}

key_ptr parse_private_key(std::string_view pem, std::string_view password,
                          std::string const& origin) {
  constexpr auto code = errc::bad_private_key;
  auto const blocks = split(pem, origin, code);
  auto const is_key = [](block const& each) { return each.is_private_key(); };
  auto const count = std::count_if(blocks.begin(), blocks.end(), is_key);
  if (count == 0) {
    refuse(code, origin + " has no private key; it contains only: " + labels(blocks));
  }
  if (count > 1) {
    refuse(code, origin + " has " + std::to_string(count) + " private keys; keep the one to use");
  }
  if (std::find_if(blocks.begin(), blocks.end(), is_key)->label == "OPENSSH PRIVATE KEY") {
    refuse(code, origin +
                     " is a key of OpenSSH, in its own format; convert a copy of it with "
                     "'ssh-keygen -p -m PEM -f COPY', or use the key the certificate was "
                     "requested with");
  }
  bool const is_encrypted = std::find_if(blocks.begin(), blocks.end(), is_key)->is_encrypted;
  if (is_encrypted && password.empty()) {
    refuse(code, origin + " is encrypted; pass its password");
  }
  if (password.size() >= PEM_BUFSIZE) {
    refuse(code, "the password for " + origin + " is longer than 1023 bytes");
  }
  key_ptr key{PEM_read_bio_PrivateKey(open_memory(without_mark(pem)).get(), nullptr, give_password,
                                      &password)};
  if (key == nullptr) {
    auto const reason = in_brackets(openssl_reason());
    refuse(code, origin +
                     (is_encrypted ? " cannot be decrypted: the password is wrong, or the "
                                     "key is damaged"
                                   : " has a damaged private key") +
                     reason);
  }
  return key;
}

std::string shown(std::string_view word) { return printable(word, 80); }

std::string subject_of(X509* certificate) { return name_text(X509_get_subject_name(certificate)); }

}  // namespace tls_async::detail
