# Generated code for other processors than this one's, run under an emulator; skipped where the tools are missing.

add_executable(cross-object ${CMAKE_SOURCE_DIR}/tests/cross/object.c ${CMAKE_SOURCE_DIR}/tests/cross/wire.c)
target_include_directories(cross-object PRIVATE ${CMAKE_SOURCE_DIR}/tests/cross)
target_link_libraries(cross-object PRIVATE pj_emit)
add_test(NAME jit_aarch64_slow COMMAND ${CMAKE_SOURCE_DIR}/tests/cross/aarch64.sh ${CMAKE_SOURCE_DIR}
                                       $<TARGET_FILE:cross-object> ${CMAKE_BINARY_DIR}/cross)
set_tests_properties(jit_aarch64_slow PROPERTIES LABELS slow TIMEOUT 900 SKIP_RETURN_CODE 77)

if(TARGET differential AND NOT PJ_SAN) # an emulator has no room for the sanitizers' shadow memory
  add_test(NAME older_x86_slow COMMAND ${CMAKE_SOURCE_DIR}/tests/cross/x86.sh ${CMAKE_BINARY_DIR})
  set_tests_properties(older_x86_slow PROPERTIES LABELS slow TIMEOUT 900 SKIP_RETURN_CODE 77)
endif()
