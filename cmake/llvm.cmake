# pj_llvm: an interface library that carries LLVM's code generator where it is found, and nothing where it is not.
#
# Only the C API is used. What is shipped (targets with the property PJ_SHIPPED) links the static archives, hidden by the
# version script and without what is unreachable: a plugin must be one file, and two LLVMs whose symbols meet in one process
# abort it. Tests and tools link LLVM's shared library, since a static link takes seconds and half a gigabyte.
#
# The archives want a few functions of zlib and zstd for compressed debug sections, which are never asked for;
# llvm_static.c stands in for them.

option(PJRT_LLVM "Generate code with LLVM 19 where it can be found" ON)
option(PJRT_LLVM_AARCH64 "Let the plugin generate code for aarch64 on other machines too (tests always can)" OFF)

function(pj_llvm_config out)
  execute_process(COMMAND ${PJ_LLVM_CONFIG} ${ARGN} OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# The archives of COMPONENTS as linker arguments, empty if one is missing.
function(pj_llvm_static out)
  pj_llvm_config(archives --link-static --libfiles ${ARGN})
  separate_arguments(archives)
  foreach(archive ${archives})
    if(NOT EXISTS ${archive})
      set(archives "")
      break()
    endif()
  endforeach()
  # LLVM is C++, of whose library the driver of C knows nothing.
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE stdcxx
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(archives AND IS_ABSOLUTE "${stdcxx}")
    set(${out} ${archives} pj_llvm_static ${stdcxx} -static-libgcc PARENT_SCOPE)
  else()
    set(${out} "" PARENT_SCOPE)
  endif()
endfunction()

# Code on disk is of use only to a library that would make the same code of the same kernel: a hash of the sources that
# decide it goes into the name of each file.
function(pj_emitter_id out)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/emit/*.[ch] ${CMAKE_SOURCE_DIR}/src/emit/llvm/*.[ch]
       ${CMAKE_SOURCE_DIR}/src/kernel/kir*)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  set(hashes "")
  foreach(source ${sources})
    file(SHA256 ${source} hash)
    string(APPEND hashes ${hash})
  endforeach()
  string(SHA256 hash "${hashes}")
  string(SUBSTRING ${hash} 0 16 hash)
  set(${out} ${hash} PARENT_SCOPE)
endfunction()

add_library(pj_llvm INTERFACE)
add_library(pj_llvm_static STATIC EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/llvm_static.c)
if(PJRT_LLVM)
  find_program(PJ_LLVM_CONFIG NAMES llvm-config-19 PATHS /usr/lib/llvm-19/bin)
  mark_as_advanced(PJ_LLVM_CONFIG)
  if(PJ_LLVM_CONFIG)
    pj_llvm_config(llvm_include --includedir)
    pj_llvm_config(llvm_libdir --libdir)
    set(llvm_components core analysis)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      list(APPEND llvm_components x86codegen)
    endif()
    if(PJRT_LLVM_AARCH64 OR CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
      list(APPEND llvm_components aarch64codegen)
    endif()
    pj_llvm_static(static_llvm ${llvm_components})
    find_library(PJ_LLVM_SHARED NAMES LLVM-19 PATHS ${llvm_libdir} NO_DEFAULT_PATH)
    mark_as_advanced(PJ_LLVM_SHARED)
    if(NOT static_llvm AND PJ_LLVM_SHARED)
      set(static_llvm ${PJ_LLVM_SHARED})
    endif()
    set(shared_llvm ${static_llvm})
    if(PJ_LLVM_SHARED)
      set(shared_llvm ${PJ_LLVM_SHARED})
    endif()
  endif()
  if(static_llvm AND EXISTS ${llvm_include}/llvm-c/Core.h)
    pj_llvm_config(llvm_version --version)
    message(STATUS "LLVM: ${llvm_version} in ${llvm_libdir} (${llvm_components})")
    target_compile_definitions(pj_llvm INTERFACE PJ_HAVE_LLVM=1)
    pj_emitter_id(id)
    set_property(SOURCE ${CMAKE_SOURCE_DIR}/src/emit/llvm/codegen.c APPEND PROPERTY COMPILE_DEFINITIONS
                 PJ_EMITTER_ID="${id}")
    target_include_directories(pj_llvm SYSTEM INTERFACE ${llvm_include})
    target_link_libraries(pj_llvm INTERFACE "$<IF:$<BOOL:$<TARGET_PROPERTY:PJ_SHIPPED>>,${static_llvm},${shared_llvm}>"
                          Threads::Threads ${CMAKE_DL_LIBS} m)
    # Which targets the library at hand has shows at run time, by these weak symbols; archives give up only what is asked for.
    foreach(component ${llvm_components})
      if(component STREQUAL x86codegen)
        list(APPEND llvm_initialisers X86)
      elseif(component STREQUAL aarch64codegen)
        list(APPEND llvm_initialisers AArch64)
      endif()
    endforeach()
    foreach(target ${llvm_initialisers})
      foreach(part TargetInfo Target TargetMC AsmPrinter)
        target_link_options(pj_llvm INTERFACE "$<$<BOOL:$<TARGET_PROPERTY:PJ_SHIPPED>>:-Wl,--undefined=LLVMInitialize${target}${part}>")
      endforeach()
    endforeach()
  else()
    message(STATUS "LLVM: not found (llvm-19-dev); programs run without generated code")
  endif()
endif()
