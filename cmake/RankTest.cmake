# bertha_rank_program(NAME SOURCE LIBRARY): one GoogleTest program for several ranks.
file(GLOB support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/support/rank_*.cpp)
add_library(bertha_rank_support OBJECT ${support})
target_link_libraries(bertha_rank_support PUBLIC bertha_parallel bertha_warnings MPI::MPI_C GTest::gmock GTest::gtest)
target_precompile_headers(bertha_rank_support REUSE_FROM bertha_torch_test_headers)
function(bertha_rank_program name source library)
  add_executable(${name} ${source})
  # The library first: fake_nccl has to come before what it stands in for.
  target_link_libraries(${name} PRIVATE ${library} bertha_rank_support)
  target_precompile_headers(${name} REUSE_FROM bertha_torch_test_headers)
endfunction()

# Open MPI's own one-time allocations are not our leaks.
set(rank_environment OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0)
if(BERTHA_SANITIZE STREQUAL "thread")
  # What MPI does to our memory is ordered by what the sanitizer does not see.
  list(APPEND rank_environment "TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=${CMAKE_CURRENT_SOURCE_DIR}/support/tsan.suppressions")
endif()

# bertha_rank_test(SOURCE LIBRARY): runs such a program at 1, 2, 3, 4 and 7 ranks.
function(bertha_rank_test source library)
  get_filename_component(name ${source} NAME_WE)
  bertha_rank_program(${name} ${source} ${library})
  foreach(ranks IN ITEMS 1 2 3 4 7)
    set(test ranks.${name}.${ranks})
    add_test(NAME ${test} COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe -n ${ranks} $<TARGET_FILE:${name}>)
    bertha_test_settings(${test} ranks 240)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT BERTHA_EXPECTED_RANKS=${ranks} ${rank_environment})
  endforeach()
endfunction()

# bertha_rank_failure(NAME PROGRAM TEST CODE MESSAGE): two ranks run a test that goes wrong on
# purpose; passes when mpirun ends with CODE ("any": not 0) within a minute and MESSAGE was said.
function(bertha_rank_failure name program test code message)
  add_test(NAME ranks.failure.${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/support/expect_failure.sh
    ${code} "${message}" ${MPIEXEC_EXECUTABLE} --oversubscribe -n 2 $<TARGET_FILE:${program}> --gtest_filter=${test})
  bertha_test_settings(ranks.failure.${name} ranks 90)
  set_property(TEST ranks.failure.${name} APPEND PROPERTY ENVIRONMENT BERTHA_EXPECTED_RANKS=2
    BERTHA_RANK_TIMEOUT_SECONDS=45 ${rank_environment} ${ARGN})
endfunction()
