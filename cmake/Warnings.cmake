# Warnings are errors in our own code (libraries' headers are included as SYSTEM).
add_library(bertha_warnings INTERFACE)
target_compile_options(bertha_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wconversion -Werror>
  # GCC 12 reports string concatenation falsely (GCC bug 105651).
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>)
