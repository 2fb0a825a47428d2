// Goes before every file of ready code in a build whose variants leave out some sets of
// instructions (PJRT_ROUTINES, cmake/size.cmake): those in PJ_CPU_BUILT are there. To such a file
// the machine has no others. What it would choose for them is unreachable, and the compiler leaves
// that out.
#pragma once
#include "base/cpu.h"

#define pj_cpu_has(set) (((set) & ~(uint32_t)(PJ_CPU_BUILT)) == 0 && pj_cpu_has(set))
