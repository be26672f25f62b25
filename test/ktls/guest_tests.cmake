# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# Read by ctest, not by CMake: makes one ctest entry of each case of a program, all run in one guest.

# `programs`: that program, and behind commas those that it runs.
function(add_guest_tests name programs script python directory labels)
  string(REGEX REPLACE ",.*" "" program "${programs}")
  execute_process(COMMAND ${program} --list_content OUTPUT_VARIABLE content ERROR_VARIABLE content)
  # Suites are at the start of a line, and their cases indented once. What is indented more belongs to
  # a case made for several values. A case outside of a suite is one of its own.
  string(REGEX MATCHALL "[^\n]+" lines "${content}")
  set(cases)
  set(suite)
  set(suites)
  foreach(line IN LISTS lines)
    if(line MATCHES "^    ([^ *<]+)")
      list(APPEND cases ${suite}/${CMAKE_MATCH_1})
      list(APPEND suites ${suite})
    elseif(line MATCHES "^([^ *<]+)")
      set(suite ${CMAKE_MATCH_1})
      list(APPEND cases ${suite})
    endif()
  endforeach()
  if(suites)
    list(REMOVE_ITEM cases ${suites})
  endif()
  list(REMOVE_DUPLICATES cases)

  set(common LABELS "${labels}" SKIP_RETURN_CODE 77)
  add_test(${name}/boot ${python} -B ${script} boot ${directory} ${programs} ${cases})
  set_tests_properties(${name}/boot PROPERTIES FIXTURES_SETUP ${name} TIMEOUT 480 ${common}
                       RUN_SERIAL ON)  # an emulated machine needs all of a real one
  foreach(case IN LISTS cases)
    add_test(${name}/${case} ${python} -B ${script} result ${directory} ${case})
    set_tests_properties(${name}/${case} PROPERTIES FIXTURES_REQUIRED ${name} TIMEOUT 20 ${common})
  endforeach()
endfunction()
