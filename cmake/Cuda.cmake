# Finds nvcc for our own kernels: sets BERTHA_NVCC where it, NCCL and the wheel's cuBLAS are there.
# nvcc runs as a custom command and not as CMake's CUDA language, which would link the toolkit's
# runtime beside the wheel's.
set(BERTHA_NVCC "")
if(NCCL_FOUND)
  find_program(BERTHA_NVCC_PROGRAM nvcc HINTS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
  find_library(BERTHA_CUBLAS NAMES libcublas.so.13 cublas HINTS "${BERTHA_SITE_PACKAGES}/nvidia/cu13/lib")
  if(BERTHA_NVCC_PROGRAM AND BERTHA_CUBLAS)
    set(BERTHA_NVCC ${BERTHA_NVCC_PROGRAM})
    bertha_import_shared(bertha_cublas "${BERTHA_CUBLAS}")
    message(STATUS "nvcc: ${BERTHA_NVCC}")
  else()
    message(STATUS "nvcc: none, CUDA runs the reference path only")
  endif()
endif()
set(BERTHA_CUDA_CODE "-gencode=arch=compute_80,code=sm_80;-gencode=arch=compute_90a,code=sm_90a;-gencode=arch=compute_90,code=compute_90"
    CACHE STRING "nvcc's -gencode options: A100, H100, and PTX for what comes after")

# bertha_cuda_sources(TARGET FILE.cu...): compiles them into a target.
function(bertha_cuda_sources target)
  foreach(file IN LISTS ARGN)
    get_filename_component(name ${file} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.cu.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${BERTHA_NVCC} -std=c++20 -O3 --expt-relaxed-constexpr -lineinfo
        ${BERTHA_CUDA_CODE} -I${CMAKE_SOURCE_DIR}
        -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${file} -o ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} DEPFILE ${object}.d VERBATIM
      COMMENT "nvcc ${file}")
    target_sources(${target} PRIVATE ${object})
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  endforeach()
endfunction()
