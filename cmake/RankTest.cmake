# bertha_rank_test(SOURCE): builds one GoogleTest program and runs it at 1, 2, 3 and 4 ranks.
function(bertha_rank_test source)
  get_filename_component(name ${source} NAME_WE)
  file(GLOB support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/support/rank_*.cpp)
  add_executable(${name} ${source} ${support})
  target_link_libraries(${name} PRIVATE bertha_trainer bertha_warnings MPI::MPI_C GTest::gmock GTest::gtest)
  foreach(ranks IN ITEMS 1 2 3 4)
    set(test ranks.${name}.${ranks})
    add_test(NAME ${test} COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe -n ${ranks} $<TARGET_FILE:${name}>)
    bertha_test_settings(${test} ranks 120)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT BERTHA_EXPECTED_RANKS=${ranks}
      OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=^openib OMP_NUM_THREADS=1)
  endforeach()
endfunction()
