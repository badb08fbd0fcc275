# bertha_library(NAME [TORCH] LINK ... PRIVATE ...): the static library of one folder. Every .cpp
# beside the calling CMakeLists.txt belongs to it (or of DIRS below it); TORCH adds LibTorch and the
# shared precompiled header.
function(bertha_library name)
  cmake_parse_arguments(arg "TORCH" "" "LINK;PRIVATE;DIRS" ${ARGN})
  if(NOT arg_DIRS)
    set(arg_DIRS .)
  endif()
  set(sources)
  foreach(dir IN LISTS arg_DIRS)
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "(/nccl_[a-z_]*|/main)\\.cpp$")
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE bertha_warnings ${arg_PRIVATE})
  if(arg_TORCH)
    target_link_libraries(${name} PUBLIC bertha::torch)
    bertha_use_torch_headers(${name})
  endif()
endfunction()

# One precompiled LibTorch header, compiled once, for every target that uses LibTorch. What few files
# include (autograd's custom functions) is not in it: every file instantiates again what its headers use.
file(WRITE ${CMAKE_BINARY_DIR}/torch_headers.cpp "// Carries the precompiled LibTorch header.\n")
add_library(bertha_torch_headers STATIC ${CMAKE_BINARY_DIR}/torch_headers.cpp)
target_link_libraries(bertha_torch_headers PRIVATE bertha::fmt bertha::torch bertha_warnings)
target_precompile_headers(bertha_torch_headers PRIVATE
  <ATen/ATen.h> <string> <vector> <span> <memory> <functional>)
function(bertha_use_torch_headers name)
  target_precompile_headers(${name} REUSE_FROM bertha_torch_headers)
endfunction()
