# pj_blas: an interface library that carries OpenBLAS where it is found, and nothing where it is not. PJ_HAVE_LAPACK says that
# LAPACK is there, PJ_HAVE_OPENBLAS that the products of BLAS are worth calling.
#
# A small build (size.cmake) takes the reference LAPACK and BLAS where their archives are found, of them double precision alone
# (PJ_LAPACK_DOUBLE): 0.8 MB instead of 6.7. They are small enough for tests to link them, too.
#
# Debian's serial build comes first: the library's own threads would start when the plugin is loaded, one per processor, and
# products are called from one thread per device already.
#
# What is shipped (targets with the property PJ_SHIPPED or PJ_STATIC_BLAS) links the static archive: a plugin must be one file that works from
# inside a wheel on a machine without OpenBLAS, and its symbols must not meet those of the OpenBLAS inside numpy; the version
# script hides them. libgfortran is only pulled in by the LAPACK half of the archive. Tests and tools link the shared library,
# since each static link takes seconds and half a gigabyte.

add_library(pj_blas INTERFACE)
if(PJ_WITH_OPENBLAS AND PJRT_SIZE STREQUAL "small")
  # Debian's names for the reference ones; the plain names may be links to OpenBLAS.
  find_library(PJ_LAPACK_STATIC NAMES liblapack_pic.a)
  find_library(PJ_BLAS_STATIC NAMES libblas.a PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/blas NO_DEFAULT_PATH)
  mark_as_advanced(PJ_LAPACK_STATIC PJ_BLAS_STATIC)
endif()
if(PJ_LAPACK_STATIC AND PJ_BLAS_STATIC)
  message(STATUS "LAPACK: ${PJ_LAPACK_STATIC} ${PJ_BLAS_STATIC}, double precision")
  # Their tables for unwinding are a tenth of what is linked.
  set(small_lapack)
  foreach(archive ${PJ_LAPACK_STATIC} ${PJ_BLAS_STATIC})
    get_filename_component(name ${archive} NAME)
    execute_process(COMMAND ${CMAKE_OBJCOPY} --remove-section=.eh_frame --remove-section=.rela.eh_frame ${archive}
                            ${CMAKE_BINARY_DIR}/small_${name} COMMAND_ERROR_IS_FATAL ANY)
    list(APPEND small_lapack ${CMAKE_BINARY_DIR}/small_${name})
  endforeach()
  target_compile_definitions(pj_blas INTERFACE PJ_HAVE_LAPACK=1 PJ_LAPACK_DOUBLE=1)
  target_link_libraries(pj_blas INTERFACE ${small_lapack} m)
elseif(PJ_WITH_OPENBLAS)
  find_path(PJ_CBLAS_DIR cblas.h PATH_SUFFIXES openblas-serial openblas-pthread openblas
            PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
  find_library(PJ_OPENBLAS_STATIC NAMES libopenblas.a PATH_SUFFIXES openblas-serial openblas-pthread openblas)
  find_library(PJ_OPENBLAS_SHARED NAMES openblas PATH_SUFFIXES openblas-serial openblas-pthread openblas)
  mark_as_advanced(PJ_CBLAS_DIR PJ_OPENBLAS_STATIC PJ_OPENBLAS_SHARED)
  if(PJ_CBLAS_DIR AND (PJ_OPENBLAS_STATIC OR PJ_OPENBLAS_SHARED))
    set(static_blas ${PJ_OPENBLAS_STATIC})
    if(static_blas)
      foreach(archive libgfortran.a libquadmath.a)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${archive}
                        OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(IS_ABSOLUTE "${path}")
          list(APPEND static_blas ${path})
        endif()
      endforeach()
    else()
      set(static_blas ${PJ_OPENBLAS_SHARED})
    endif()
    set(shared_blas ${PJ_OPENBLAS_SHARED})
    if(NOT shared_blas)
      set(shared_blas ${static_blas})
    endif()
    # Debian's archive holds the kernels of twenty processors, a megabyte each. Three are kept, for the instructions that our own
    # kernels tell apart: what every processor has, AVX2, AVX-512. The table of every other processor is the best of these that
    # it can run, so nothing draws its kernels from the archive.
    set(blas_tables)
    execute_process(COMMAND ${CMAKE_NM} -A ${PJ_OPENBLAS_STATIC} OUTPUT_VARIABLE symbols ERROR_QUIET)
    if(symbols MATCHES " gotoblas_PRESCOTT\n" AND symbols MATCHES " gotoblas_COOPERLAKE\n")
      foreach(pair ATOM=PRESCOTT NANO=PRESCOTT CORE2=PRESCOTT PENRYN=PRESCOTT DUNNINGTON=PRESCOTT OPTERON=PRESCOTT
                   OPTERON_SSE3=PRESCOTT BARCELONA=PRESCOTT BOBCAT=PRESCOTT NEHALEM=PRESCOTT SANDYBRIDGE=PRESCOTT
                   BULLDOZER=PRESCOTT PILEDRIVER=PRESCOTT STEAMROLLER=PRESCOTT EXCAVATOR=PRESCOTT ZEN=HASWELL
                   COOPERLAKE=SKYLAKEX)
        string(REPLACE "=" "=gotoblas_" pair ${pair})
        list(APPEND blas_tables "-Wl,--defsym=gotoblas_${pair}")
      endforeach()
    endif()
    unset(symbols)
    message(STATUS "OpenBLAS: ${static_blas}; tests: ${shared_blas}")
    target_include_directories(pj_blas SYSTEM INTERFACE ${PJ_CBLAS_DIR})
    target_compile_definitions(pj_blas INTERFACE PJ_HAVE_OPENBLAS=1 PJ_HAVE_LAPACK=1)
    set(static "$<TARGET_PROPERTY:PJ_SHIPPED>$<TARGET_PROPERTY:PJ_STATIC_BLAS>")
    target_link_options(pj_blas INTERFACE "$<$<BOOL:${static}>:${blas_tables}>")
    target_link_libraries(pj_blas INTERFACE
                          "$<IF:$<BOOL:${static}>,${static_blas},${shared_blas}>"
                          Threads::Threads m)
  else()
    message(STATUS "OpenBLAS: not found, contractions use the blocked loop of src/eval")
  endif()
endif()
