// Programs for several devices: how their values are cut.
//
// A host hands over one program of whole arrays, with a few shardings stated. Propagation finds
// those of all other values; it gives what Shardy gives (tests/python/test_partition.py compares),
// because hosts ask how results and unspecified arguments lie, and go on with that.
//
// Such a program runs as that of each device, over its parts of all arrays, with the communication
// stated (partition/local.h); or, where that cannot be, once over whole arrays
// (runtime/partitioned.h).
#pragma once
#include "ir/ir.h"

typedef struct PjPartitionOptions {
  int num_devices;
  bool to_parameters, to_results; // those without a stated sharding get one
  // Called with a copy of the program in which every operation has the shardings of its results.
  // NULL: not wanted.
  void (*dump)(void *context, const PjModule *module);
  void *dump_context;
  // Called with each custom call of one array, and how that lies: an sdy.sharding, or NULL for a
  // whole one; |manual|: it is a part, in a manual computation. The call is that of a copy of the
  // program with functions inlined. NULL: not wanted.
  PjStatus (*look)(void *context, const PjOp *call, const PjAttr *sharding, bool manual);
  void *look_context;
  // Of how many devices the program of one is wanted, in |local|: in the module's arena, verified.
  // 0: it is not. |why_whole| is called where there is none. NULL: not wanted.
  int local_devices;
  void (*why_whole)(void *context, PjStatus why);
  void *why_context;
  PjModule *local; // out; NULL: none
  bool local_own;  // out: it has values that may be each device's own (partition/local.h)
} PjPartitionOptions;

// Gives the arguments and results of the entry function of |module| (verified) the shardings that
// propagation finds for them, as attributes sdy.sharding; those of whole arrays, and those on one
// device only, get none. Callbacks that ask for the parts of arrays get them (partition/calls.h),
// custom calls that the host partitions are replaced (partition/custom.h). Numbers of devices must
// not exceed PJ_MAX_DEVICES. Runs under the guard of the module's arena. Programs of dynamic shapes
// stay as they are. Near-linear in the program. Errors: INVALID_ARGUMENT for shardings that do not
// fit, RESOURCE_EXHAUSTED.
PjStatus pj_partition_propagate(PjModule *module, PjPartitionOptions *options);
