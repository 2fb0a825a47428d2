# Benchmarks in C: bench/NAME.c is build/bench-NAME, made when asked for (`ninja bench-NAME`).
file(GLOB bench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
foreach(source ${bench_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(bench-${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(bench-${name} PRIVATE pj_pjrt pj_routine pj_host)
endforeach()
