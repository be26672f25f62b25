// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// boost::asio::ssl::stream as a class of ours, in the place of Asio's header, for libraries that
// have it inside, by name. Comes before all else, in every source file of a program or in none.
#pragma once

#include <tls_async/requirements.hpp>

#ifdef BOOST_ASIO_SSL_STREAM_HPP
#error "tls_async/asio_ssl.hpp comes too late: boost/asio/ssl/stream.hpp was included before it"
#include <tls_async_asio_ssl_hpp_comes_first>
#endif
// The include guard of the header whose place this one takes, as Boost.Asio calls it.
#define BOOST_ASIO_SSL_STREAM_HPP

#include <tls_async/io/stream.hpp>

#include <boost/asio/write.hpp>  // some rely on Asio's header for it

namespace boost::asio::ssl {

/// tls_async::stream, for libraries that have `boost::asio::ssl::stream` inside, by name, such as
/// Boost.Redis and Boost.MySQL: what they connect with is then ours, and their code stays as it is.
/// All that is said of tls_async::stream holds for it, and all verbs take it.
///
/// ALL SOURCE FILES OF A PROGRAM, OR NONE, the libraries that it links included. Where two files
/// differ, a class that has such a stream inside has two definitions: neither compiler nor linker
/// tells, and the program crashes (one definition rule). So don't write the #include into source
/// files, but give it to the compiler, for all of them: by the option
/// `--include=tls_async/asio_ssl.hpp`, in CMake
/// `target_compile_options(program PRIVATE --include=tls_async/asio_ssl.hpp)`.
// The tag gives it other symbols than those of Asio's class: where the stream is a part of a
// function's own type, files that differ don't link. A class that only contains one has no such
// protection. It has to stand at the first declaration, so Beast's, which has one, comes later.
template <class NextLayer>
class [[gnu::abi_tag("tls_async")]] stream : public tls_async::stream<NextLayer> {
public:
  using tls_async::stream<NextLayer>::stream;

  /// Of Asio's deprecated members the one that Beast's ssl_stream names.
  struct impl_struct {
    SSL* ssl;
  };
};

}  // namespace boost::asio::ssl
