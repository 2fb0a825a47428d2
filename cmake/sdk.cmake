# libpjrt_sdk.a: all that a vendor's plugin needs of libpjrt, in one archive that asks for nothing but the C library.
#
# So it is built without LLVM (our own generator makes the code; where it does not know the processor, programs run on the
# evaluator) and without OpenBLAS (our own products): a vendor's link line is one flag, and no symbols can meet. The
# folders that know of either are compiled again here.

set(objects)
foreach(part emit eval routine)
  add_library(pj_sdk_${part} OBJECT ${pj_${part}_SOURCES})
  target_include_directories(pj_sdk_${part} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  if(NOT part STREQUAL "emit")
    target_compile_options(pj_sdk_${part} PRIVATE ${routine_options})
  endif()
  list(APPEND objects $<TARGET_OBJECTS:pj_sdk_${part}>)
endforeach()
foreach(part pj_base pj_ir pj_import pj_kernel pj_pass pj_partition pj_sched pj_device pj_runtime pj_pjrt pj_sdk)
  list(APPEND objects $<TARGET_OBJECTS:${part}>)
endforeach()
add_library(sdk STATIC ${objects})
set_target_properties(sdk PROPERTIES OUTPUT_NAME pjrt_sdk LINKER_LANGUAGE C ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_dependencies(products sdk)

# What links it: the one symbol of the interface stays, and what nothing reaches goes.
set(PJ_SDK_MAP ${CMAKE_INSTALL_LIBDIR}/pjrt/plugin.map)
target_include_directories(sdk INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_options(sdk INTERFACE
                    $<BUILD_INTERFACE:-Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/plugin.map>
                    "$<INSTALL_INTERFACE:-Wl,--version-script=$<INSTALL_PREFIX>/${PJ_SDK_MAP}>"
                    -Wl,--gc-sections -Wl,--no-undefined)
target_link_libraries(sdk INTERFACE -pthread ${CMAKE_DL_LIBS} m)
