# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# Debian packages by `cpack`, preset package: the shared library, what programs are built with, and the programs that
# are more than examples.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR tls_async)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "tls_async <tls_async@localhost>" CACHE STRING
    "Whom the packages name as their maintainer")

# Its name has the SOVERSION, so that two that don't replace each other can be installed together.
get_target_property(soversion tls_async SOVERSION)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libtls-async${soversion})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "The shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtls-async-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# The Boost it was built with: see docs/abi.md.
string(JOIN ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${PROJECT_VERSION})"
  "libssl-dev (>= 3.0)"
  "libboost${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers, and the package files of CMake and pkg-config.")

# The programs, where they are built for the system itself: the unit and its defaults file name these paths.
set(tools)
set(programs)
if(TLS_ASYNC_BUILD_APPS AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(tools TOOLS)
  list(APPEND CPACK_COMPONENTS_ALL tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME tls-async-tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
  # dpkg-shlibdeps finds the library of this build there, and the dependency on it is this.
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/libtls_async)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${PROJECT_VERSION})")
  set(CPACK_COMPONENT_TOOLS_DESCRIPTION
      "An HTTPS server for files, a client that downloads them, and a proxy that\nputs TLS in front of a service.")

  # In the package only: `cmake --install` with another prefix would still write to this machine's /etc.
  set(deploy ${PROJECT_SOURCE_DIR}/deploy)
  install(CODE "if(\"\$ENV{DESTDIR}\" STREQUAL \"\")
    message(FATAL_ERROR \"The component tools has files in /etc, so it is for cpack, or for a folder in DESTDIR. \"
      \"To install the programs elsewhere, configure with another CMAKE_INSTALL_PREFIX.\")
  endif()" COMPONENT tools EXCLUDE_FROM_ALL)
  install(FILES ${deploy}/https_server.service DESTINATION lib/systemd/system COMPONENT tools EXCLUDE_FROM_ALL)
  install(FILES ${deploy}/https_server.default RENAME https_server DESTINATION /etc/default
          COMPONENT tools EXCLUDE_FROM_ALL)
  install(DIRECTORY DESTINATION /etc/https_server COMPONENT tools EXCLUDE_FROM_ALL)
  file(WRITE ${PROJECT_BINARY_DIR}/conffiles "/etc/default/https_server\n")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_EXTRA
      ${deploy}/debian/postinst ${deploy}/debian/prerm ${deploy}/debian/postrm ${PROJECT_BINARY_DIR}/conffiles)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_STRICT_PERMISSION ON)

  # What an operator reads. Not compressed: the pages lead to each other.
  set(docs ${PROJECT_SOURCE_DIR}/docs)
  install(FILES ${docs}/https_get.md ${docs}/https_server.md ${docs}/tls_proxy.md
          DESTINATION share/doc/tls-async-tools COMPONENT tools)
  install(FILES ${docs}/guide/operate.md DESTINATION share/doc/tls-async-tools/guide COMPONENT tools)

  # Debian's policy wants these compressed.
  install(FILES ${PROJECT_SOURCE_DIR}/CHANGELOG.md RENAME changelog DESTINATION share/doc/tls-async-tools COMPONENT tools)
  get_property(programs GLOBAL PROPERTY TLS_ASYNC_INSTALLED_PROGRAMS)
  get_property(manuals GLOBAL PROPERTY TLS_ASYNC_INSTALLED_MANUALS)
  foreach(file IN LISTS manuals ITEMS doc/tls-async-tools/changelog)
    install(CODE "execute_process(COMMAND gzip -9nf \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/${file}
                                  COMMAND_ERROR_IS_FATAL ANY)" COMPONENT tools)
  endforeach()
endif()

# All that the packages hold, without the examples.
add_custom_target(packaged DEPENDS tls_async tls_async_test ${programs})

foreach(component IN ITEMS RUNTIME DEVELOPMENT ${tools})
  string(TOLOWER ${component} name)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright COMPONENT ${name}
          DESTINATION share/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME})
endforeach()

include(CPack)
