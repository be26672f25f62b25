# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# Read by ctest, not by CMake: makes one ctest entry of each top-level suite or case of a program.

function(add_boost_tests name program labels timeout)
  execute_process(COMMAND ${program} --list_content OUTPUT_VARIABLE content ERROR_VARIABLE content)
  # "unit*" at the start of a line; what belongs to a suite is indented. A case made for several
  # types is listed as "unit<type>*", once for each.
  string(REGEX MATCHALL "(^|\n)[^ \n*][^\n*]*[*]" units "${content}")
  list(TRANSFORM units REPLACE "[\n*]" "")
  list(TRANSFORM units REPLACE "<.*" "<*")
  list(REMOVE_DUPLICATES units)
  if(NOT units)
    add_test(${name} ${program})  # not built or broken: to run it shows which
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout})
  endif()
  foreach(unit IN LISTS units)
    string(REPLACE "<*" "" title "${unit}")
    add_test(${name}/${title} ${program} --run_test=${unit})
    set_tests_properties(${name}/${title} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout})
  endforeach()
endfunction()
