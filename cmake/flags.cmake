# Compiler and linker flags of everything in the tree.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
# The sanitizer builds keep assertions: they are the builds that should complain.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g")

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# Evaluation is exact by definition: no fused multiply-add that the program did not ask for, no fast math.
add_compile_options(-fno-math-errno -ffp-contract=off -fno-strict-aliasing -fno-common
                    -ffunction-sections -fdata-sections)
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
 -Wvla -Wundef -Wno-unused-parameter -Wno-missing-field-initializers)
# Without optimisation, or under a sanitizer, clang cannot vectorise what the sources ask for: no fault of theirs.
add_compile_options($<$<C_COMPILER_ID:Clang>:-Wno-pass-failed>)
if(PJ_WERROR)
  add_compile_options(-Werror)
endif()
add_link_options(-Wl,--gc-sections)
add_compile_definitions(_GNU_SOURCE)

if(PJ_SAN)
  add_compile_options(-fsanitize=${PJ_SAN} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PJ_SAN})
  # Address Sanitizer's instrumentation confuses GCC's flow analysis; the plain build keeps these warnings.
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(PJ_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
