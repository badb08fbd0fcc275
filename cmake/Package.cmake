# `cmake --install` and `cpack -G TGZ`: a folder that runs wherever it is unpacked: the program behind
# a small launcher, the libraries beyond LibTorch, Open MPI, recipes, scripts, licences.
set(share share/bertha)
install(TARGETS bertha RUNTIME DESTINATION libexec/bertha)
install(PROGRAMS launch/package/bertha.sh DESTINATION bin RENAME bertha)
install(DIRECTORY configs/ DESTINATION ${share}/configs)
install(DIRECTORY launch/slurm/ DESTINATION ${share}/slurm USE_SOURCE_PERMISSIONS)
install(PROGRAMS launch/supervise.sh DESTINATION ${share})
install(FILES launch/package/modulefile DESTINATION ${share}/modulefiles/bertha RENAME ${PROJECT_VERSION})
install(CODE "set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/bash-completion/completions\")
  file(MAKE_DIRECTORY \"\${folder}\")
  execute_process(COMMAND \"$<TARGET_FILE:bertha>\" completion bash OUTPUT_FILE \"\${folder}/bertha\"
    COMMAND_ERROR_IS_FATAL ANY)")
install(FILES README.md LICENSE CHANGELOG.md DESTINATION share/doc/bertha)
install(DIRECTORY launch/guides DESTINATION share/doc/bertha OPTIONAL)
install(CODE "execute_process(COMMAND bash \"${CMAKE_SOURCE_DIR}/launch/package/bundle.sh\"
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\" \"${BERTHA_TORCH_DIR}\" COMMAND_ERROR_IS_FATAL ANY)")
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME bertha)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_FILE_NAME bertha-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
include(CPack)
