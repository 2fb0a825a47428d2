# `make install`: libpjrt, the commands pjrt and pjrt-aot, headers, plugin, pkg-config file, CMake package, man page and
# completions.

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/pjrt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
if(TARGET plugin_cpu)
  install(TARGETS plugin_cpu LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/pjrt)
endif()
install(TARGETS cli aot RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
add_library(pjrt::pjrt ALIAS host)
set_target_properties(host PROPERTIES EXPORT_NAME pjrt)
install(TARGETS host EXPORT pjrt-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
add_library(pjrt::sdk ALIAS sdk)
set_target_properties(sdk PROPERTIES EXPORT_NAME sdk)
install(TARGETS sdk EXPORT pjrt-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_SOURCE_DIR}/cmake/plugin.map DESTINATION ${CMAKE_INSTALL_LIBDIR}/pjrt)
# A template to copy, three plugins to read, and the guide.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples/sdk/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/pjrt/sdk)
install(FILES ${CMAKE_SOURCE_DIR}/doc/new-device.md ${CMAKE_SOURCE_DIR}/doc/conformance.md
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/pjrt/sdk)
configure_file(${CMAKE_SOURCE_DIR}/cmake/pjrt-sdk.pc.in ${CMAKE_BINARY_DIR}/pjrt-sdk.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/pjrt-sdk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT pjrt-targets NAMESPACE pjrt:: FILE pjrt-config.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pjrt)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pjrt-config-version.cmake
                                 VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pjrt-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pjrt)
configure_file(${CMAKE_SOURCE_DIR}/cmake/pjrt.pc.in ${CMAKE_BINARY_DIR}/pjrt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/pjrt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The command writes its man page and the shells' completions itself, from its table of commands.
set(pages ${CMAKE_BINARY_DIR}/share)
add_custom_command(OUTPUT ${pages}/pjrt.1 ${pages}/pjrt.bash ${pages}/pjrt.zsh ${pages}/pjrt.fish
                   COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
                   COMMAND cli help --man > ${pages}/pjrt.1
                   COMMAND cli completion bash > ${pages}/pjrt.bash
                   COMMAND cli completion zsh > ${pages}/pjrt.zsh
                   COMMAND cli completion fish > ${pages}/pjrt.fish
                   DEPENDS cli COMMENT "Man page and completions")
add_custom_target(pages ALL DEPENDS ${pages}/pjrt.1)
add_dependencies(products pages)
install(FILES ${pages}/pjrt.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${pages}/pjrt.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pjrt)
install(FILES ${pages}/pjrt.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _pjrt)
install(FILES ${pages}/pjrt.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
