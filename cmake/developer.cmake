# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# Flags for our own code: warnings, the sanitizer, the compiler cache. Nothing of it is installed.
# Warnings become errors by CMAKE_COMPILE_WARNING_AS_ERROR, which the presets set: a user's newer
# compiler must not stop the user's build.

set(TLS_ASYNC_SANITIZE "" CACHE STRING "Sanitizer: address (and undefined), fuzzer (those and libFuzzer's), thread, or none")
set_property(CACHE TLS_ASYNC_SANITIZE PROPERTY STRINGS "" address fuzzer thread)

add_library(tls_async_developer INTERFACE)
# GCC 15 and later take what BOOST_TEST(what, message) expands to for a conversion gone wrong.
set(boost_test_converts $<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,15>,$<BOOL:$<TARGET_PROPERTY:TLS_ASYNC_HAS_BOOST_TEST>>>)
# Once GCC has inlined how Asio allocates coroutine frames, it warns that new and delete differ; in a unity build it takes
# each source for a header, whose coroutines should hold nothing of an unnamed namespace.
target_compile_options(tls_async_developer INTERFACE
  -Wall -Wextra -Wshadow $<$<NOT:${boost_test_converts}>:-Wconversion>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>)

if(TLS_ASYNC_SANITIZE STREQUAL "address")
  set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(TLS_ASYNC_SANITIZE STREQUAL "fuzzer")
  set(sanitizer_flags -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
elseif(TLS_ASYNC_SANITIZE STREQUAL "thread")
  set(sanitizer_flags -fsanitize=thread)
  # Asio's fences, which ThreadSanitizer can't see, stand beside mutexes, which it can.
  target_compile_options(tls_async_developer INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
elseif(TLS_ASYNC_SANITIZE)
  message(FATAL_ERROR "TLS_ASYNC_SANITIZE is '${TLS_ASYNC_SANITIZE}': use 'address', 'fuzzer' or 'thread'")
endif()
if(TLS_ASYNC_SANITIZE)
  # What GCC says of itself, and Clang from 21 on: tests that would take too long do less.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 21)
    string(TOUPPER "${TLS_ASYNC_SANITIZE}" sanitizer)
    string(REPLACE FUZZER ADDRESS sanitizer "${sanitizer}")
    target_compile_definitions(tls_async_developer INTERFACE __SANITIZE_${sanitizer}__)
  endif()
  target_compile_options(tls_async_developer INTERFACE ${sanitizer_flags} -fno-omit-frame-pointer)
  target_link_options(tls_async_developer INTERFACE ${sanitizer_flags})
endif()

find_program(TLS_ASYNC_CCACHE ccache)
if(TLS_ASYNC_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this ccache refuses every file that uses a precompiled header.
  set(sloppiness pch_defines,time_macros,include_file_mtime,include_file_ctime)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=${sloppiness} ${TLS_ASYNC_CCACHE})
endif()
