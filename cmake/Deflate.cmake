# libdeflate inflates the chunks of foreign shards about twice as fast as zlib, which stands in where it
# is missing. It ships a pkg-config file but no CMake package on Debian 12.
find_path(DEFLATE_INCLUDE_DIR libdeflate.h)
find_library(DEFLATE_LIBRARY deflate)
add_library(bertha_inflate INTERFACE)
if(DEFLATE_INCLUDE_DIR AND DEFLATE_LIBRARY)
  target_compile_definitions(bertha_inflate INTERFACE BERTHA_LIBDEFLATE=1)
  target_include_directories(bertha_inflate SYSTEM INTERFACE "${DEFLATE_INCLUDE_DIR}")
  target_link_libraries(bertha_inflate INTERFACE "${DEFLATE_LIBRARY}")
else()
  target_link_libraries(bertha_inflate INTERFACE ZLIB::ZLIB)
endif()
