# What a build leaves in its top folder: pjrt_plugin_cpu.so, libpjrt.so, pjrt, pjrt-suite. `make` builds just these.

add_custom_target(products)

if(pj_pjrt_SOURCES)
  pj_shared(plugin_cpu pjrt_plugin_cpu pj_plugin ${CMAKE_SOURCE_DIR}/cmake/plugin.map)
  set_target_properties(plugin_cpu PROPERTIES PREFIX "" PJ_SHIPPED ON)
  # LLVM's tables hold 91,000 addresses: as a bitmap they take a twentieth of the bytes that loading has to read. Such a
  # library wants glibc 2.36, which the plugin's other symbols want anyway where it was linked to it.
  include(CheckLinkerFlag)
  check_linker_flag(C -Wl,-z,pack-relative-relocs PJ_HAVE_RELR)
  if(PJ_HAVE_RELR AND NOT PJ_SAN AND NOT PJ_FUZZ)
    target_link_options(plugin_cpu PRIVATE -Wl,-z,pack-relative-relocs)
  endif()
  add_dependencies(products plugin_cpu)
endif()

pj_shared(host pjrt pj_host ${CMAKE_SOURCE_DIR}/cmake/host.map)
set_target_properties(host PROPERTIES SOVERSION 0)
add_dependencies(products host)

# The command minus its main, so that the tests and fuzzers can link its parts. It links no host library of its own:
# the command takes the shared one, tests the static one.
file(GLOB cli_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cli/*.c)
list(REMOVE_ITEM cli_sources ${CMAKE_SOURCE_DIR}/cli/main.c)
add_library(pj_cli STATIC ${cli_sources})
target_compile_definitions(pj_cli PRIVATE PJ_VERSION="${PROJECT_VERSION}")
target_include_directories(pj_cli PUBLIC ${CMAKE_SOURCE_DIR}/cli ${CMAKE_SOURCE_DIR}/include)
target_include_directories(pj_cli PRIVATE ${CMAKE_SOURCE_DIR}/cts)
# zlib reads compressed .npz archives; without it only stored ones are read.
add_library(pj_zlib INTERFACE)
find_package(ZLIB)
if(ZLIB_FOUND)
  target_link_libraries(pj_zlib INTERFACE ZLIB::ZLIB)
  target_compile_definitions(pj_zlib INTERFACE PJ_HAVE_ZLIB=1)
endif()
target_link_libraries(pj_cli PUBLIC pj_import PRIVATE pj_zlib)
# The conformance kit knows the interface's headers and nothing of src/: what it tests is not what it is made of.
file(GLOB cts_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cts/*.c)
add_library(pj_cts STATIC ${cts_sources})
target_include_directories(pj_cts PRIVATE ${CMAKE_SOURCE_DIR}/include PUBLIC ${CMAKE_SOURCE_DIR}/cts)
# Its programs are files that the assembler takes in.
file(GLOB cts_programs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cts/programs/*.txt)
set_source_files_properties(${CMAKE_SOURCE_DIR}/cts/program.c PROPERTIES OBJECT_DEPENDS "${cts_programs}"
                            COMPILE_DEFINITIONS PJ_CTS_DIR="${CMAKE_SOURCE_DIR}/cts")
target_link_libraries(pj_cts PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)

# What the kit must catch: the CPU plugin with one deliberate fault.
file(GLOB broken_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cts/broken/*.c)
add_library(plugin_broken MODULE ${broken_sources})
target_include_directories(plugin_broken PRIVATE ${CMAKE_SOURCE_DIR}/include)
target_link_libraries(plugin_broken PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(plugin_broken PROPERTIES PREFIX "" OUTPUT_NAME pjrt_plugin_broken)

add_executable(cli ${CMAKE_SOURCE_DIR}/cli/main.c)
target_link_libraries(cli PRIVATE pj_cli host pj_cts)
set_target_properties(cli PROPERTIES OUTPUT_NAME pjrt BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN/../lib")
add_dependencies(products cli)

# Programs as C. It makes no machine code, so its own stand-ins take the place of LLVM, which is then not linked.
add_executable(aot ${CMAKE_SOURCE_DIR}/cli/aot/main.c ${CMAKE_SOURCE_DIR}/cli/aot/no_codegen.c)
target_link_libraries(aot PRIVATE pj_aot pj_cli)
target_compile_definitions(aot PRIVATE PJ_VERSION="${PROJECT_VERSION}")
target_link_options(aot PRIVATE -Wl,--as-needed)
set_target_properties(aot PROPERTIES OUTPUT_NAME pjrt-aot PJ_STATIC_BLAS ON)
add_dependencies(products aot)

# Judging compilers: random programs (pj-differential), and the files of suites (pjrt-suite).
file(GLOB judge_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/differential/*.c)
if(judge_sources)
  list(REMOVE_ITEM judge_sources ${CMAKE_SOURCE_DIR}/tests/differential/main.c)
  add_library(pj_judge STATIC ${judge_sources})
  target_include_directories(pj_judge PUBLIC ${CMAKE_SOURCE_DIR}/tests/differential)
  target_link_libraries(pj_judge PUBLIC pj_runtime pj_aot pj_cli pj_host m)
  add_executable(differential ${CMAKE_SOURCE_DIR}/tests/differential/main.c)
  target_link_libraries(differential PRIVATE pj_judge)
  set_target_properties(differential PROPERTIES OUTPUT_NAME pj-differential)

  file(GLOB suite_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/suite/*.c)
  add_executable(suite ${suite_sources})
  target_link_libraries(suite PRIVATE pj_judge)
  set_target_properties(suite PROPERTIES OUTPUT_NAME pjrt-suite)
  add_dependencies(products suite)
endif()
