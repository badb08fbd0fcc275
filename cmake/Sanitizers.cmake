# -DBERTHA_SANITIZE=address|thread instruments all of our code (presets asan and tsan).
set(BERTHA_SANITIZE "" CACHE STRING "address (with undefined behaviour) or thread; empty: none")
if(BERTHA_SANITIZE STREQUAL "address")
  # Undefined behaviour ends the program, or a test would pass with it.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(BERTHA_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(BERTHA_SANITIZE)
  message(FATAL_ERROR "BERTHA_SANITIZE=${BERTHA_SANITIZE}: expected address or thread")
endif()
