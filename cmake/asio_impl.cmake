# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The compiled half of Asio and Beast, once for all our programs. tls_async itself stays header-only
# towards Asio, so that its users choose for themselves.

add_library(asio_impl STATIC ${CMAKE_CURRENT_LIST_DIR}/asio_impl.cpp)
target_compile_features(asio_impl PUBLIC cxx_std_20)
target_compile_definitions(asio_impl PUBLIC BOOST_ASIO_SEPARATE_COMPILATION
                                            BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(asio_impl PUBLIC tls_async_developer Boost::headers OpenSSL::SSL
                                       OpenSSL::Crypto Threads::Threads)

option(TLS_ASYNC_IO_URING "Build our programs and tests with Asio's io_uring backend" OFF)
if(TLS_ASYNC_IO_URING)
  find_library(TLS_ASYNC_LIBURING uring REQUIRED)
  # Without the second one Asio would use io_uring for files only.
  target_compile_definitions(asio_impl PUBLIC BOOST_ASIO_HAS_IO_URING BOOST_ASIO_DISABLE_EPOLL)
  target_link_libraries(asio_impl PUBLIC ${TLS_ASYNC_LIBURING})
endif()
