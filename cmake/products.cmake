# What a build leaves in its top folder: pjrt_plugin_cpu.so, libpjrt.so, pjrt, pjrt-suite. `make` builds just these.

add_custom_target(products)

if(pj_pjrt_SOURCES)
  pj_shared(plugin_cpu pjrt_plugin_cpu pj_pjrt ${CMAKE_SOURCE_DIR}/cmake/plugin.map)
  set_target_properties(plugin_cpu PROPERTIES PREFIX "")
  add_dependencies(products plugin_cpu)
endif()

if(pj_host_SOURCES)
  pj_shared(host pjrt pj_host ${CMAKE_SOURCE_DIR}/cmake/host.map)
  set_target_properties(host PROPERTIES SOVERSION 0)
  add_dependencies(products host)
endif()

file(GLOB cli_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cli/*.c)
if(cli_sources AND TARGET host)
  add_executable(cli ${cli_sources})
  target_compile_definitions(cli PRIVATE PJ_VERSION="${PROJECT_VERSION}")
  target_link_libraries(cli PRIVATE host pj_base)
  set_target_properties(cli PROPERTIES OUTPUT_NAME pjrt BUILD_RPATH "$ORIGIN"
                        INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  add_dependencies(products cli)
endif()

file(GLOB suite_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/suite/*.c)
if(suite_sources)
  add_executable(suite ${suite_sources})
  target_link_libraries(suite PRIVATE pj_runtime)
  set_target_properties(suite PROPERTIES OUTPUT_NAME pjrt-suite)
  add_dependencies(products suite)
endif()
