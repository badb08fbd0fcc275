# LibTorch out of the PyPI wheel as own imported targets: bertha::torch (CPU) and, where the wheel
# has it and CUDA is wanted, bertha::torch_cuda. find_package(Torch) is not used because the CUDA
# wheel's configuration refuses to work without a CUDA toolkit.
if(NOT BERTHA_TORCH_DIR)
  set(deps "$ENV{BERTHA_DEPS}")
  if(NOT deps)
    set(deps "$ENV{HOME}/.cache/bertha")
  endif()
  file(GLOB candidates "${deps}/python/lib/python3*/site-packages/torch")
  if(NOT candidates)
    execute_process(
      COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE candidates OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  foreach(candidate IN LISTS candidates)
    if(EXISTS "${candidate}/lib/libtorch_cpu.so")
      set(BERTHA_TORCH_DIR "${candidate}" CACHE PATH "Folder of the torch wheel" FORCE)
    endif()
  endforeach()
endif()
if(NOT EXISTS "${BERTHA_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch not found. Run launch/setup.sh, or pass -DBERTHA_TORCH_DIR=.../site-packages/torch")
endif()
get_filename_component(BERTHA_SITE_PACKAGES "${BERTHA_TORCH_DIR}" DIRECTORY)
message(STATUS "LibTorch: ${BERTHA_TORCH_DIR}")

function(bertha_import_shared target file)
  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${file}")
endfunction()

bertha_import_shared(bertha_c10 "${BERTHA_TORCH_DIR}/lib/libc10.so")
bertha_import_shared(bertha_torch_cpu "${BERTHA_TORCH_DIR}/lib/libtorch_cpu.so")
# One OpenMP runtime per process: the wheel's, not the compiler's.
bertha_import_shared(bertha_gomp "${BERTHA_TORCH_DIR}/lib/libgomp.so.1")

add_library(bertha_torch INTERFACE)
add_library(bertha::torch ALIAS bertha_torch)
target_include_directories(bertha_torch SYSTEM INTERFACE
  "${BERTHA_TORCH_DIR}/include" "${BERTHA_TORCH_DIR}/include/torch/csrc/api/include")
target_compile_options(bertha_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_libraries(bertha_torch INTERFACE bertha::fmt bertha_torch_cpu bertha_c10 bertha_gomp)
