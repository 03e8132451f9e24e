# Checks over the sources themselves: layers, length, layout, the scripts that people run.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(BASH_EXECUTABLE bash REQUIRED)

# darkshelf_check(NAME command…)
function(darkshelf_check name)
  add_test(NAME "check: ${name}" COMMAND ${ARGN})
  set_tests_properties("check: ${name}" PROPERTIES LABELS check TIMEOUT 120 SKIP_RETURN_CODE 4)
endfunction()

set(checks ${CMAKE_CURRENT_SOURCE_DIR}/layers)
darkshelf_check("every folder includes only what stands below it" ${Python3_EXECUTABLE} ${checks}/check_layers.py ${CMAKE_SOURCE_DIR})
darkshelf_check("the layer check sees upward, sideways and foreign includes" ${Python3_EXECUTABLE} ${checks}/test_check_layers.py)
darkshelf_check("no file is longer than 400 lines" ${Python3_EXECUTABLE} ${checks}/check_lengths.py ${CMAKE_SOURCE_DIR})
darkshelf_check("every C++ file is formatted" ${BASH_EXECUTABLE} ${checks}/check_format.sh ${CMAKE_SOURCE_DIR})
darkshelf_check("the kernels of 64-bit Arm are right, under emulation" ${BASH_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/emulated_arm.sh)
set_tests_properties("check: the kernels of 64-bit Arm are right, under emulation" PROPERTIES TIMEOUT 900)

# The walk-throughs that people are told to run, with the program of this build. Exit code 77: the photos cannot be had here.
if(TARGET darkshelf)
  add_test(NAME "example: the first archive, on mounted images where possible"
           COMMAND ${CMAKE_SOURCE_DIR}/examples/first-archive.sh --binary $<TARGET_FILE:darkshelf>)
  add_test(NAME "example: the first archive, on folders"
           COMMAND ${CMAKE_SOURCE_DIR}/examples/first-archive.sh --folders --binary $<TARGET_FILE:darkshelf>)
  set_tests_properties("example: the first archive, on mounted images where possible" "example: the first archive, on folders"
                       PROPERTIES LABELS example TIMEOUT 900 SKIP_RETURN_CODE 77)
endif()
