# pj_blas: an interface library that carries OpenBLAS where it is found, and nothing where it is not.
#
# The static archive is preferred: a plugin must be one file that works from inside a wheel on a machine without
# OpenBLAS, and its symbols must not meet those of the OpenBLAS inside numpy. The version script of the plugin hides
# them. libgfortran is only pulled in by the LAPACK half of the archive.

add_library(pj_blas INTERFACE)
if(PJ_WITH_OPENBLAS)
  find_path(PJ_CBLAS_DIR cblas.h PATH_SUFFIXES openblas-pthread openblas
            PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
  find_library(PJ_OPENBLAS_LIB NAMES libopenblas.a openblas PATH_SUFFIXES openblas-pthread openblas)
  mark_as_advanced(PJ_CBLAS_DIR PJ_OPENBLAS_LIB)
  if(PJ_CBLAS_DIR AND PJ_OPENBLAS_LIB)
    message(STATUS "OpenBLAS: ${PJ_OPENBLAS_LIB}")
    target_include_directories(pj_blas SYSTEM INTERFACE ${PJ_CBLAS_DIR})
    target_compile_definitions(pj_blas INTERFACE PJ_HAVE_OPENBLAS=1)
    target_link_libraries(pj_blas INTERFACE ${PJ_OPENBLAS_LIB} Threads::Threads m)
    if(PJ_OPENBLAS_LIB MATCHES "\\.a$")
      foreach(archive libgfortran.a libquadmath.a)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${archive}
                        OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(IS_ABSOLUTE "${path}")
          target_link_libraries(pj_blas INTERFACE ${path})
        endif()
      endforeach()
    endif()
  else()
    message(STATUS "OpenBLAS: not found, contractions use the blocked loop of src/eval")
  endif()
endif()
