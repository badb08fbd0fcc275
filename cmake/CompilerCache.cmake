# Uses ccache and the mold linker where they are installed; both only save time.
find_program(BERTHA_CCACHE ccache)
if(BERTHA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers need these two, or ccache passes every file by. By the compiler's own list of
  # dependencies, and with hashes of unchanged files kept, a file that is not in the cache costs no
  # second run of the preprocessor and no reading of the precompiled header's 400 MB.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_DEPEND=true CCACHE_INODECACHE=true
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${BERTHA_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
find_program(BERTHA_MOLD mold)
if(BERTHA_MOLD AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12.1)
  add_link_options(-fuse-ld=mold)
endif()
