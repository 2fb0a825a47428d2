# Unit tests: each tests/unit/NAME_test.c is one cmocka program. Any other .c there is shared by all of them.
#
# They run in the source folder. Label `quick` is what every landing runs; name a file NAME_slow_test.c to keep it
# out of that (label `slow`, run by check-full).

enable_testing()

# Limits of time are for tests that hang. Under a sanitizer programs take 5 to 15 times as long; under ThreadSanitizer
# fewer random ones run.
set(quick_seconds 240)
set(slow_seconds 900)
set(random_seconds 1800)
set(fault_seconds 60)
set(fault_limit 1) # of a program
set(num_programs 10000)
if(PJ_SAN)
  set(quick_seconds 1200)
  set(slow_seconds 3600)
  set(random_seconds 3600)
  set(fault_seconds 300)
  set(fault_limit 10)
endif()
if(PJ_SAN STREQUAL "thread")
  set(num_programs 1000)
endif()
math(EXPR num_medium "${num_programs} / 5")
math(EXPR num_large "${num_programs} * 3 / 100")
math(EXPR num_aot "${num_programs} / 50")
find_path(PJ_CMOCKA_DIR cmocka.h)
find_library(PJ_CMOCKA_LIB cmocka)
mark_as_advanced(PJ_CMOCKA_DIR PJ_CMOCKA_LIB)
if(NOT PJ_CMOCKA_DIR OR NOT PJ_CMOCKA_LIB)
  message(STATUS "cmocka not found: unit tests are not built (make setup installs it)")
  return()
endif()

file(GLOB shared_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*.c)
set(test_sources ${shared_sources})
list(FILTER test_sources INCLUDE REGEX "_test\\.c$")
list(FILTER shared_sources EXCLUDE REGEX "_test\\.c$")

# Tests of the host library link it statically; the plugin's tests load the .so that users load.
if(pj_pjrt_SOURCES)
  set(test_libs pj_cli pj_host pj_plugin)
else()
  set(test_libs pj_cli pj_host pj_runtime)
endif()

add_library(pj_test_support STATIC ${shared_sources})
target_include_directories(pj_test_support SYSTEM PUBLIC ${PJ_CMOCKA_DIR})
target_include_directories(pj_test_support PUBLIC ${CMAKE_SOURCE_DIR}/tests/unit)
target_compile_definitions(pj_test_support PUBLIC PJ_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                           PJ_BINARY_DIR="${CMAKE_BINARY_DIR}")
target_link_libraries(pj_test_support PUBLIC ${test_libs} pj_aot ${PJ_CMOCKA_LIB} m)

foreach(source ${test_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  # The SDK's platform goes before the CPU plugin's. The test of .npz archives makes compressed ones.
  target_link_libraries(${name} PRIVATE $<$<STREQUAL:${name},sdk_test>:pj_sdk>
                        $<$<STREQUAL:${name},npz_test>:pj_zlib>
                        $<$<STREQUAL:${name},perturb_test>:pj_judge> pj_test_support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  foreach(product plugin_cpu host cli)
    if(TARGET ${product})
      add_dependencies(${name} ${product})
    endif()
  endforeach()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(name MATCHES "_slow_test$")
    set_tests_properties(${name} PROPERTIES LABELS slow TIMEOUT ${slow_seconds})
  else()
    set_tests_properties(${name} PROPERTIES LABELS quick TIMEOUT ${quick_seconds})
  endif()
endforeach()

# Products once more with a model of the instructions on tiles, which few processors have; the rest of these kernels is of AVX-512.
if("avx512" IN_LIST PJRT_ROUTINES)
  foreach(name routine_dot routine_conv routine_tiles)
    set(model ${name}_model_test)
    add_executable(${model} ${CMAKE_SOURCE_DIR}/tests/unit/${name}_test.c ${CMAKE_SOURCE_DIR}/src/routine/gemm_tiles.c)
    target_compile_definitions(${model} PRIVATE PJ_TILE_MODEL="${CMAKE_SOURCE_DIR}/tests/unit/tile_model.h")
    target_link_libraries(${model} PRIVATE pj_test_support)
    set_target_properties(${model} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${model} COMMAND ${model} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${model} PROPERTIES LABELS quick TIMEOUT ${quick_seconds})
  endforeach()
  foreach(fault refused wrong)
    add_test(NAME routine_tiles_${fault}_test COMMAND routine_tiles_model_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(routine_tiles_${fault}_test PROPERTIES LABELS quick TIMEOUT ${quick_seconds} ENVIRONMENT TILES=${fault})
  endforeach()
endif()

# What runs kernels, once more with LLVM's code: left to choose, x86 processors take our own.
if(PJRT_LLVM)
  foreach(name jit_cases jit_control jit_memory jit_ops kir_random division elem math_kernel)
    add_test(NAME ${name}_llvm_test COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name}_llvm_test PROPERTIES LABELS quick TIMEOUT ${quick_seconds} ENVIRONMENT PJRT_CODEGEN=llvm)
  endforeach()
  set_tests_properties(jit_cases_llvm_test PROPERTIES LABELS slow) # 45 seconds
endif()

include(cmake/cross_tests.cmake)

# Tools that the Python tests run: tests/tools/NAME.c is build/pj-NAME.
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/tools/*.c)
foreach(source ${tool_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(pj-${name} ${source})
  target_link_libraries(pj-${name} PRIVATE pj_import)
endforeach()
# Measures the functions of kernel IR as machine code.
target_sources(pj-ulp PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit/math_reference.c)
target_include_directories(pj-ulp PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
target_link_libraries(pj-ulp PRIVATE pj_emit)

# Random programs, compiler against evaluator: a short run with every landing, long ones with check-full. What finds
# faults is tested on planted ones.
if(TARGET differential)
  add_test(NAME differential COMMAND differential --count 80)
  add_test(NAME differential_passes COMMAND differential --compiler passes --count 800)
  add_test(NAME differential_memory COMMAND differential --count 12 --failures 16)
  # Results of all sizes written past the caches.
  add_test(NAME differential_past COMMAND differential --count 80 --seed 3000)
  add_test(NAME differential_medium_past COMMAND differential --size medium --count 15 --seed 3000)
  set_tests_properties(differential_past differential_medium_past PROPERTIES LABELS quick TIMEOUT ${quick_seconds}
                       ENVIRONMENT PJRT_WRITE_PAST_KB=1)
  # Programs that once failed.
  file(GLOB bugs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bugs/*.mlir)
  add_test(NAME bugs COMMAND differential ${bugs})
  add_test(NAME bugs_passes COMMAND differential --compiler passes ${bugs})
  # Programs as C, through the C compiler.
  add_test(NAME bugs_aot COMMAND differential --compiler aot --threads 1 ${bugs})
  add_test(NAME differential_medium COMMAND differential --size medium --count 15)
  add_test(NAME differential_large COMMAND differential --size large --count 4)
  add_test(NAME differential_recurrences COMMAND differential --filter recurrence --count 300)
  add_test(NAME differential_copies COMMAND differential --filter copies --count 200)
  add_test(NAME differential_forms COMMAND differential --filter forms --count 200)
  add_test(NAME differential_noise COMMAND differential --plant noise --count 300 --attempts 0)
  foreach(fault bit:differs last:differs loud:differs input:refused refuse:refused threads:threads shared:together crash:crashed hang:hung)
    string(REPLACE ":" ";" fault ${fault})
    list(GET fault 1 verdict)
    list(GET fault 0 fault)
    add_test(NAME differential_finds_${fault}
             COMMAND differential --plant ${fault} --seed 2 --count 40 --attempts 3 --limit ${fault_limit} --most 1)
    set_tests_properties(differential_finds_${fault} PROPERTIES LABELS quick TIMEOUT ${fault_seconds}
                         PASS_REGULAR_EXPRESSION "FAIL small-[0-9]+: ${verdict}: .*, 1 failed")
  endforeach()
  set_tests_properties(differential differential_passes differential_medium differential_large differential_recurrences differential_copies differential_forms differential_noise differential_memory bugs bugs_passes bugs_aot PROPERTIES LABELS quick TIMEOUT ${quick_seconds})
  add_test(NAME differential_slow COMMAND differential --count ${num_programs} --jobs 2)
  add_test(NAME differential_medium_slow COMMAND differential --size medium --count ${num_medium} --jobs 2)
  add_test(NAME differential_large_slow COMMAND differential --size large --seed 1000 --count ${num_large} --jobs 2)
  add_test(NAME differential_aot_slow COMMAND differential --compiler aot --threads 1 --seed 30000 --count ${num_aot} --jobs 2)
  set_tests_properties(differential_slow differential_medium_slow differential_large_slow differential_aot_slow PROPERTIES LABELS slow TIMEOUT ${random_seconds})
endif()

# The conformance kit on the CPU plugin. What it finds is tested by tests/python/test_check.py. With sanitizers, freed
# memory stays for a while, which looks like a leak from outside; the kit's tests leave things behind when they end; and
# time is short.
set(conformance_filters)
if(PJ_SAN)
  set(conformance_filters --filter !leak.* --filter !size.* --filter !type.* --filter !op.*)
endif()
add_test(NAME conformance COMMAND cli check --quiet --filter error.* --filter event.* --filter buffer.* --filter execute.*
         $<TARGET_FILE:plugin_cpu>)
add_test(NAME conformance_slow COMMAND cli check --quiet --limit 200 ${conformance_filters} $<TARGET_FILE:plugin_cpu>)
set_tests_properties(conformance PROPERTIES LABELS quick TIMEOUT ${quick_seconds})
set_tests_properties(conformance_slow PROPERTIES LABELS slow TIMEOUT ${slow_seconds})
set_tests_properties(conformance conformance_slow PROPERTIES ENVIRONMENT
                     "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1")
