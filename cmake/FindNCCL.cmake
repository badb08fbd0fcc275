# Finds CUDA headers and NCCL for GPU runs: sets NCCL_FOUND, or NCCL_MISSING to why not, and the target
# bertha::nccl (NCCL, the CUDA runtime and LibTorch's CUDA part, all from the wheel's folders: two
# copies of a CUDA library in one process is a trap). Site installations: -DNCCL_INCLUDE_DIR, -DNCCL_LIBRARY.
set(NCCL_FOUND FALSE)
set(NCCL_MISSING "BERTHA_CUDA is OFF")
if(NOT BERTHA_CUDA STREQUAL "OFF")
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS "${BERTHA_SITE_PACKAGES}/nvidia/nccl/include")
  find_library(NCCL_LIBRARY NAMES libnccl.so.2 nccl HINTS "${BERTHA_SITE_PACKAGES}/nvidia/nccl/lib")
  # crt/, which cuda_runtime.h includes, is a wheel of its own, or comes from a toolkit.
  find_path(BERTHA_CUDA_INCLUDE_DIR crt/host_config.h HINTS
    "$ENV{CUDA_HOME}/include" /usr/local/cuda/include "${BERTHA_SITE_PACKAGES}/nvidia/cu13/include")
  # nv/target, which nccl.h's cuda_fp16.h includes, is another; toolkits have it in either place.
  find_path(BERTHA_CCCL_INCLUDE_DIR nv/target HINTS
    "${BERTHA_CUDA_INCLUDE_DIR}" "${BERTHA_CUDA_INCLUDE_DIR}/cccl")
  find_library(BERTHA_CUDART NAMES libcudart.so.13 cudart HINTS "${BERTHA_SITE_PACKAGES}/nvidia/cu13/lib")
  set(NCCL_MISSING)
  set(places NCCL_INCLUDE_DIR NCCL_LIBRARY BERTHA_CUDA_INCLUDE_DIR BERTHA_CCCL_INCLUDE_DIR BERTHA_CUDART)
  set(files nccl.h libnccl.so.2 crt/host_config.h nv/target libcudart.so.13)
  foreach(place file IN ZIP_LISTS places files)
    if(NOT ${place})
      list(APPEND NCCL_MISSING "${file} (${place})")
    endif()
  endforeach()
  foreach(file IN ITEMS "${BERTHA_TORCH_DIR}/lib/libtorch_cuda.so" "${BERTHA_SITE_PACKAGES}/nvidia/cudnn")
    if(NOT EXISTS "${file}")
      list(APPEND NCCL_MISSING "${file}")
    endif()
  endforeach()
  if(NCCL_MISSING)
    list(JOIN NCCL_MISSING ", " NCCL_MISSING)
    string(APPEND NCCL_MISSING " not found; launch/setup.sh --gpu or --tests brings what is missing")
  else()
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
  target_include_directories(bertha_nccl SYSTEM INTERFACE "${NCCL_INCLUDE_DIR}" "${BERTHA_CUDA_INCLUDE_DIR}"
    "${BERTHA_CCCL_INCLUDE_DIR}")
  target_compile_definitions(bertha_nccl INTERFACE BERTHA_HAVE_NCCL=1)
  # Nothing names libtorch_cuda directly; it registers its kernels when it is loaded.
  target_link_libraries(bertha_nccl INTERFACE bertha_nccl_library bertha_cudart bertha_c10_cuda
    -Wl,--push-state,--no-as-needed bertha_torch_cuda_library -Wl,--pop-state)
  message(STATUS "NCCL: ${NCCL_LIBRARY}")
elseif(BERTHA_CUDA STREQUAL "ON")
  message(FATAL_ERROR "BERTHA_CUDA=ON, but ${NCCL_MISSING}")
else()
  message(STATUS "NCCL: none, building for CPU: ${NCCL_MISSING}")
endif()
