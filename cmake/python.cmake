# The host library for Python, build/_native.abi3.so, where Python's headers are: one file for every Python from 3.10 on.

find_package(Python3 3.10 QUIET COMPONENTS Interpreter Development.Module)
if(NOT Python3_Development.Module_FOUND)
  message(STATUS "Python.h not found: no Python extension, hence no backend for PyTorch (make setup installs it)")
  return()
endif()
file(GLOB python_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/python/native/*.c)
add_library(python_native MODULE ${python_sources})
target_include_directories(python_native PRIVATE ${CMAKE_SOURCE_DIR}/include)
target_include_directories(python_native SYSTEM PRIVATE ${Python3_INCLUDE_DIRS})
target_link_libraries(python_native PRIVATE pj_host)
target_link_options(python_native PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/python.map)
set_target_properties(python_native PROPERTIES PREFIX "" OUTPUT_NAME _native SUFFIX .abi3.so PJ_SHIPPED ON
                      LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/python.map)
add_dependencies(products python_native)
