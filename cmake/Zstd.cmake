# zstd ships a pkg-config file but no CMake package on Debian 12.
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
add_library(bertha_zstd INTERFACE)
target_include_directories(bertha_zstd SYSTEM INTERFACE "${ZSTD_INCLUDE_DIR}")
target_link_libraries(bertha_zstd INTERFACE "${ZSTD_LIBRARY}")
