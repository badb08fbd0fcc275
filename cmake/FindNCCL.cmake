# Finds CUDA headers and NCCL for GPU runs: sets NCCL_FOUND and the target bertha::nccl (NCCL, the
# CUDA runtime and LibTorch's CUDA part, all from the wheel's folders: two copies of a CUDA library
# in one process is a trap). Site installations: -DNCCL_INCLUDE_DIR, -DNCCL_LIBRARY.
set(NCCL_FOUND FALSE)
if(NOT BERTHA_CUDA STREQUAL "OFF")
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS "${BERTHA_SITE_PACKAGES}/nvidia/nccl/include")
  find_library(NCCL_LIBRARY NAMES libnccl.so.2 nccl HINTS "${BERTHA_SITE_PACKAGES}/nvidia/nccl/lib")
  # The wheel's CUDA headers lack crt/, which cuda_runtime.h includes: they come from a toolkit.
  find_path(BERTHA_CUDA_INCLUDE_DIR crt/host_config.h HINTS
    "$ENV{CUDA_HOME}/include" /usr/local/cuda/include "${BERTHA_SITE_PACKAGES}/nvidia/cu13/include")
  find_library(BERTHA_CUDART NAMES libcudart.so.13 cudart HINTS "${BERTHA_SITE_PACKAGES}/nvidia/cu13/lib")
  if(NCCL_INCLUDE_DIR AND NCCL_LIBRARY AND BERTHA_CUDA_INCLUDE_DIR AND BERTHA_CUDART
     AND EXISTS "${BERTHA_TORCH_DIR}/lib/libtorch_cuda.so"
     AND EXISTS "${BERTHA_SITE_PACKAGES}/nvidia/cudnn")
    set(NCCL_FOUND TRUE)
  endif()
endif()
if(NCCL_FOUND)
  bertha_import_shared(bertha_nccl_library "${NCCL_LIBRARY}")
  bertha_import_shared(bertha_cudart "${BERTHA_CUDART}")
  bertha_import_shared(bertha_c10_cuda "${BERTHA_TORCH_DIR}/lib/libc10_cuda.so")
  bertha_import_shared(bertha_torch_cuda_library "${BERTHA_TORCH_DIR}/lib/libtorch_cuda.so")
  add_library(bertha_nccl INTERFACE)
  add_library(bertha::nccl ALIAS bertha_nccl)
  target_include_directories(bertha_nccl SYSTEM INTERFACE "${NCCL_INCLUDE_DIR}" "${BERTHA_CUDA_INCLUDE_DIR}")
  target_compile_definitions(bertha_nccl INTERFACE BERTHA_HAVE_NCCL=1)
  # Nothing names libtorch_cuda directly; it registers its kernels when it is loaded.
  target_link_libraries(bertha_nccl INTERFACE bertha_nccl_library bertha_cudart bertha_c10_cuda
    -Wl,--push-state,--no-as-needed bertha_torch_cuda_library -Wl,--pop-state)
  message(STATUS "NCCL: ${NCCL_LIBRARY}")
elseif(BERTHA_CUDA STREQUAL "ON")
  message(FATAL_ERROR "BERTHA_CUDA=ON, but NCCL, the CUDA toolkit's headers or LibTorch's CUDA part is missing: launch/setup.sh --gpu, and set CUDA_HOME")
else()
  message(STATUS "NCCL: none, building for CPU")
endif()
