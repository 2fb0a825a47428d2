# libFuzzer targets: each fuzz/NAME.c defines LLVMFuzzerTestOneInput and becomes build-fuzz/fuzz-NAME. The target
# fuzzers is all of them: they need a third of what a whole build makes.

if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "PJ_FUZZ needs clang: make fuzz, or cmake -DCMAKE_C_COMPILER=clang -DPJ_FUZZ=ON")
endif()
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*.c)
add_custom_target(fuzzers)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz-${name} ${source})
  target_link_libraries(fuzz-${name} PRIVATE pj_cli pj_host pj_eval)
  target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers fuzz-${name})
endforeach()
