# Warnings in our own code (libraries' headers are included as SYSTEM). They are errors with the compiler that
# continuous integration uses; others find false positives in inlined library code (GCC 13 in LibTorch's).
add_library(bertha_warnings INTERFACE)
set(warnings -Wall -Wextra -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  list(APPEND warnings -Werror)
endif()
target_compile_options(bertha_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>"
  # GCC 12 reports string concatenation falsely (GCC bug 105651).
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>)
