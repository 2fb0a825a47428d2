// Programs with GSPMD's annotations, brought into Shardy's form.
#pragma once
#include "ir/ir.h"

// Turns the textual shardings of |module| (mhlo.sharding of arguments and results, custom calls
// @Sharding) into those of one mesh, and calls between @SPMDFullToShardShape and
// @SPMDShardToFullShape into manual computations. Programs that have a mesh, or none of this, stay
// as they are. Runs under the guard of the module's arena; the module is verified again. Errors:
// INVALID_ARGUMENT for malformed texts, UNIMPLEMENTED for device orders that no one mesh has.
PjStatus pj_gspmd_import(PjModule *module, int num_partitions);
