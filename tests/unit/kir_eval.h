// An interpreter of kernel IR that shares nothing with the emitters: one lane at a time, straight
// from kir.def.
#pragma once
#include "kernel/kir.h"

typedef struct KirLanes {
  uint64_t lane[PJ_KIR_MAX_LANES]; // bits, zero above the element's width
} KirLanes;

// An operation that touches no memory and no control: the value of |op| for operands of |types|.
KirLanes kir_eval_op(PjKirOp op, PjKirType result, uint64_t imm, const uint8_t *pattern,
                     const PjKirType *types, const KirLanes *args);

// Runs a finished function.
void kir_eval(const PjKir *k, void *const *buffers, const uint64_t *params, int64_t begin,
              int64_t end, void *scratch);
