# What the plugin is made for: speed (full) or few bytes (small). A build with -DPJRT_LLVM=OFF is small unless told otherwise.
#
# A small build does the same, and generates the same code for the processor at hand. What is ready-made differs:
#   - LAPACK is the reference one in double precision, used for f32 and c64 too, instead of OpenBLAS for three kinds of processor;
#   - routines and the evaluator's products are built for the instruction sets in PJRT_ROUTINES alone;
#   - all is compiled for size, and there are no tables for unwinding the stack.

set(default_size full)
if(NOT PJRT_LLVM)
  set(default_size small)
endif()
set(PJRT_SIZE ${default_size} CACHE STRING "full: for speed; small: for few bytes")
set_property(CACHE PJRT_SIZE PROPERTY STRINGS full small)
if(NOT PJRT_SIZE MATCHES "^(full|small)$")
  message(FATAL_ERROR "PJRT_SIZE is full or small, not ${PJRT_SIZE}")
endif()
set(default_routines "sse;avx2;avx512")
if(PJRT_SIZE STREQUAL "small")
  set(default_routines sse)
  set(CMAKE_C_FLAGS_RELEASE "-Os -g1 -DNDEBUG")
  add_compile_options(-fno-asynchronous-unwind-tables -fno-unwind-tables)
endif()
set(PJRT_ROUTINES ${default_routines} CACHE STRING "Instruction sets that ready code is built for: sse, always; avx2; avx512")

# What hides the other sets from ready code.
set(routine_options)
if(NOT "avx512" IN_LIST PJRT_ROUTINES)
  set(built 0)
  if("avx2" IN_LIST PJRT_ROUTINES)
    set(built "PJ_CPU_AVX2|PJ_CPU_F16C")
  endif()
  set(routine_options "-DPJ_CPU_BUILT=${built}" "SHELL:-include ${CMAKE_SOURCE_DIR}/src/base/cpu_built.h")
endif()
