# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0

include(GNUInstallDirs)

# install_program(TARGET): the program, and what it writes of itself once it is built: its manual page and the
# completions of three shells. Component tools.
function(install_program program)
  # Nobody installs a program with a sanitizer, and one of ThreadSanitizer's may not start here.
  if(NOT TLS_ASYNC_INSTALL OR TLS_ASYNC_SANITIZE)
    return()
  endif()
  set(zsh ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
    set(zsh ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)  # where Debian's zsh looks for those of packages
  endif()
  set_property(GLOBAL APPEND PROPERTY TLS_ASYNC_INSTALLED_PROGRAMS ${program})
  install(TARGETS ${program} RUNTIME COMPONENT tools)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    return()  # it can't be run here to write the rest
  endif()
  set_property(GLOBAL APPEND PROPERTY TLS_ASYNC_INSTALLED_MANUALS man/man1/${program}.1)
  foreach(kind IN ITEMS
      "man ${program}.1 ${CMAKE_INSTALL_MANDIR}/man1"
      "bash ${program}.bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions ${program}"
      "zsh _${program} ${zsh}"
      "fish ${program}.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
    string(REPLACE " " ";" kind "${kind}")
    list(GET kind 0 what)
    list(GET kind 1 file)
    list(GET kind 2 folder)
    list(GET kind -1 name)
    if(name STREQUAL folder)
      set(name ${file})
    endif()
    add_custom_command(TARGET ${program} POST_BUILD VERBATIM
      COMMAND ${program} --generate ${what} > ${CMAKE_CURRENT_BINARY_DIR}/${file})
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file} DESTINATION ${folder} RENAME ${name} COMPONENT tools)
  endforeach()
endfunction()
