# One fmt in the whole program. LibTorch's include folder carries another version of fmt's headers,
# which would otherwise win in the files that use LibTorch and not match the library that is linked.
find_package(fmt REQUIRED)
get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
list(GET fmt_include 0 fmt_include)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${fmt_include}/fmt ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
add_library(bertha_fmt INTERFACE)
add_library(bertha::fmt ALIAS bertha_fmt)
target_include_directories(bertha_fmt SYSTEM BEFORE INTERFACE ${CMAKE_BINARY_DIR}/include)
target_link_libraries(bertha_fmt INTERFACE fmt::fmt)
