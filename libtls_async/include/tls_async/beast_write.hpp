// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_write of a message of Beast's HTTP: one write, whose plaintext is what Beast's serializer
// says, asked for a record at a time; a file as the body is sent as tls_sendfile does. Does not
// decide what is serialized: the bytes are those of boost::beast::http::async_write.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>
#include <tls_async/io/detail/file_write.hpp>
#include <tls_async/io/detail/initiate.hpp>
#include <tls_async/io/stream.hpp>
#include <tls_async/time_limit.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/file_posix.hpp>
#include <boost/beast/http/basic_file_body.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace tls_async {

namespace detail {

namespace http = boost::beast::http;

/// What serializes a T: one of its own for a message, by reference one of the program's.
template <class T>
struct serializer_of {};
template <bool IsRequest, class Body, class Fields>
struct serializer_of<http::message<IsRequest, Body, Fields>> {
  using type = http::serializer<IsRequest, Body, Fields>;
};
template <bool IsRequest, class Body, class Fields>
struct serializer_of<http::serializer<IsRequest, Body, Fields>> {
  using type = http::serializer<IsRequest, Body, Fields>&;
};

/// A message of HTTP or a serializer of one.
template <class T>
concept serializable = requires {
  typename serializer_of<std::remove_const_t<T>>::type;
};

template <class T>
inline constexpr bool has_file = false;
template <bool IsRequest, class Allocator>
inline constexpr bool has_file<http::message<
    IsRequest, http::basic_file_body<boost::beast::file_posix>, http::basic_fields<Allocator>>> =
    true;

/// A write that asks a serializer for more before each of its records.
///
/// What is small is copied together, to a little more than a record; a piece that fills a record is
/// sealed where it stands. There is always something left to be sealed until the serializer is
/// done: else the gate would take the write for ended. Whether it is done shows only when it has
/// back all that it has lent.
template <class Serializer>
class serializer_write : public write_verb {
public:
  void locate() noexcept override {
    try {
      gather();
    } catch (...) {
      failure_ = code_of_exception();
      is_whole_ = true;
    }
    if (left() == 0) located_with = failure_;
  }
  [[nodiscard]] std::span<std::byte const> piece() override {
    if (result) return {};
    return copied().empty() ? in_place_ : copied();
  }
  [[nodiscard]] bool copy_behind(std::span<std::byte>& room, std::size_t limit) const override {
    if (!copied().empty() && !in_place_.empty()) {
      if (in_place_.size() >= limit) return false;
      std::size_t const n = std::min(in_place_.size(), room.size());
      std::copy_n(in_place_.begin(), n, room.begin());
      room = room.subspan(n);
      if (n != in_place_.size()) return false;
    }
    return true;  // there is room for all that is left only if nothing comes behind it
  }
  void advance(std::size_t n) override {
    bytes += n;
    std::size_t const of_copied = std::min(n, copied().size());
    sealed_ += of_copied;
    in_place_ = in_place_.subspan(n - of_copied);
    if (left() != 0) return;
    result = failure_;
    goes_on = failure_ == boost::beast::http::error::need_buffer ||
              failure_ == boost::beast::http::error::need_more;
  }

protected:
  template <class Message>
  explicit serializer_write(Message& message) : write_verb(false), serializer_(message) {
    serializer_.split(false);
    copied_.reserve(2'048);
    moves = true;
  }
  ~serializer_write() = default;

private:
  [[nodiscard]] std::span<std::byte const> copied() const noexcept {
    return std::as_bytes(std::span(copied_)).subspan(sealed_);
  }
  [[nodiscard]] std::size_t left() const noexcept { return copied().size() + in_place_.size(); }

  void gather() {
    while (!is_whole_ && left() <= max_record_plaintext) {
      if (has_lent_) {
        take_back();
      } else if (serializer_.is_done()) {
        is_whole_ = true;
      } else {
        error_code ec;
        serializer_.next(ec, [this](error_code& visited, auto const& buffers) {
          // need_more, of the body behind this header: else the serializer would be done with it.
          if (std::exchange(visited, {})) serializer_.split(true);
          take(buffers);
        });
        if (!ec) continue;
        failure_ = ec;
        is_whole_ = true;
      }
    }
  }
  template <class Buffers>
  void take(Buffers const& buffers) {
    has_lent_ = true;
    copied_.erase(0, std::exchange(sealed_, 0));
    auto const end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
      boost::asio::const_buffer const each = *at;
      lent_ += each.size();
      if (each.size() >= max_record_plaintext) {
        in_place_ = bytes_of(each);
        return;
      }
      copied_.append(static_cast<char const*>(each.data()), each.size());
      if (left() > max_record_plaintext) return;
    }
  }
  void take_back() {
    copied_.erase(0, std::exchange(sealed_, 0));
    copied_.append(reinterpret_cast<char const*>(in_place_.data()), in_place_.size());
    in_place_ = {};
    has_lent_ = false;
    serializer_.consume(std::exchange(lent_, 0));
  }

  Serializer serializer_;
  std::string copied_;
  std::size_t sealed_ = 0;  // of copied_
  std::span<std::byte const> in_place_;
  std::size_t lent_ = 0;
  bool has_lent_ = false;  // also no bytes
  bool is_whole_ = false;  // nothing comes behind what is left, but failure_
  error_code failure_;
};

// What a position in a file can be.
inline constexpr std::uint64_t most_of_file = std::numeric_limits<std::int64_t>::max();

/// A message whose body is a file, ready to be sent.
struct file_message {
  std::string text;          ///< The header, and the body if it fits into the same record.
  file_part part{-1, 0, 0};  ///< Else the body.
  error_code refused;
};

// From where the file stands, as many bytes as the header says, or else all; then it stands behind
// them. What fits a record is read at once: so nothing at all is sent of a file that is too short.
template <class Message>
file_message prepare_file_message(Message& message) {
  file_message made;
  auto& [text, part, refused] = made;
  text.reserve(2'048);
  using fields_writer = typename Message::fields_type::writer;
  auto writer = [&message] {
    if constexpr (Message::is_request::value) {
      return fields_writer(message, message.version(), message.method());
    } else {
      return fields_writer(message, message.version(), message.result_int());
    }
  }();
  auto const header = writer.get();
  for (boost::asio::const_buffer const each : boost::beast::buffers_range_ref(header))
    text.append(static_cast<char const*>(each.data()), each.size());

  auto& file = message.body().file();
  std::uint64_t length = 0;
  auto const said = message[http::field::content_length];
  auto const end = said.data() + said.size();
  auto const [last, wrong] = std::from_chars(said.data(), end, length);
  if (wrong == std::errc::result_out_of_range) length = most_of_file;  // which ends before that
  if (said.empty() || last != end) {
    std::uint64_t const size = file.size(refused);
    std::uint64_t const position = refused ? size : file.pos(refused);
    length = size - std::min(size, position);
  }
  if (refused) return made;
  std::size_t const header_size = text.size();
  if (length <= max_record_plaintext - std::min(max_record_plaintext, header_size)) {
    auto const size = static_cast<std::size_t>(length);
    text.resize(header_size + size);
    std::size_t const read = file.read(text.data() + header_size, size, refused);
    if (!refused && read != size) refused = errc::file_ended;
  } else {
    part = {file.native_handle(), file.pos(refused), 0};
    part.length = std::min(length, most_of_file - part.offset);
    if (!refused) file.seek(part.offset + part.length, refused);
  }
  return made;
}

/// Text, then a part of a file. It is prepared when it is to be sealed, once: until then the file
/// stands where it stood.
template <class Message>
class file_message_write : public file_write {
public:
  void locate() noexcept override {
    try {
      auto made = prepare_file_message(message_);
      located_with = made.refused;
      text_ = std::move(made.text);
      set_part(made.part);
    } catch (...) {
      located_with = code_of_exception();
    }
  }
  [[nodiscard]] file_part const* file() const noexcept override {
    return text().empty() ? file_write::file() : nullptr;
  }
  [[nodiscard]] std::span<std::byte const> piece() override {
    return result || text().empty() ? file_write::piece() : text();
  }
  void advance(std::size_t n) override {
    if (text().empty()) return file_write::advance(n);
    bytes += n;
    sealed_ += n;
  }

protected:
  explicit file_message_write(Message& message) : file_write(-1, 0, 0), message_(message) {
    moves = stays_located = true;
  }
  ~file_message_write() = default;

private:
  [[nodiscard]] std::span<std::byte const> text() const noexcept {
    return std::as_bytes(std::span(text_)).subspan(sealed_);
  }

  Message& message_;
  std::string text_;
  std::size_t sealed_ = 0;
};

template <class Message>
struct start_message_write {
  using signature = void(error_code, std::size_t);
  Message* message;
  verb_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    using serializer = typename serializer_of<std::remove_const_t<Message>>::type;
    if constexpr (has_file<std::remove_const_t<Message>>) {
      if (!message->chunked()) {
        auto& node =
            make_verb<file_message_write<Message>, signature>(state, std::move(handler), *message);
        limit(node, state.session(), allowed);
        return state.start(node, admit);
      }
    }
    auto& node =
        make_verb<serializer_write<serializer>, signature>(state, std::move(handler), *message);
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

template <class Message>
start_message_write<Message> message_write_of(Message& message, verb_limit const& allowed) {
  using serializer = typename serializer_of<std::remove_const_t<Message>>::type;
  static_assert(std::is_constructible_v<serializer, Message&>,
                "the body of this message is serialized by changing it, as that of http::file_body "
                "is: it can't be const");
  return {&message, allowed};
}

}  // namespace detail

/// Writes a message of Beast's HTTP, as `boost::beast::http::async_write` does: a
/// `boost::beast::http::message`, or what a `boost::beast::http::serializer` still has of one.
///
/// It is one write. What is small shares a record: header and body, where they fit, and the pieces
/// of a body that comes in many. A `boost::beast::http::file_body` of a message that is not chunked
/// is sent as by `tls_sendfile`: from the position of the file on, as many bytes as Content-Length
/// says, and then it stands behind them. So a part of a file is sent after
/// `response.body().file().seek()` and `response.content_length()`.
///
/// Completes when the next layer has accepted the last ciphertext byte. Whether the connection may
/// be used on is for the caller to see (`keep_alive()`), as with `http::async_write`.
///
/// Parameters: `message`, an lvalue, which must stay valid and unchanged until the handler runs;
/// not a const one with a file as its body, and no `http::message_generator`. A body's writer is
/// called until then, on any thread that runs the stream, but only once at a time; it may use no
/// verb of this stream. `deadline` as for `tls_write`.
///
/// Returns the number of bytes written, header and chunk headers included. Beside an error: those
/// that have been or will be delivered.
///
/// Errors: as for `tls_write`, and what is refused with no_role or closed_for_writing has taken
/// nothing of the message; those of the body's writer, when what it gave before is sent;
/// file_ended, a file is shorter than Content-Length says; buffer_threw, the body's writer threw.
/// After `boost::beast::http::error::need_buffer` of a `buffer_body`, or need_more, the same
/// serializer goes on with the next buffer. Behind any other error the peer has a part of a message
/// if bytes were written, and the connection has to be cut off.
///
/// Concurrency and cancellation: as for `tls_write`, in one queue with it. A serializer whose write
/// was cancelled can't be used on.
///
/// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/beast.hpp>`.
///
/// @snippet verbs.cpp tls_write_message
template <
    class NextLayer, class Clock, detail::serializable Message,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, Message& message,
                             Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::message_write_of(message, std::nullopt), token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock, detail::serializable Message,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, Message& message, time_limit deadline,
                             Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::message_write_of(message, deadline), token);
}

}  // namespace tls_async
