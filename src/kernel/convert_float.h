// Float formats of fewer bits than f32, in registers: inside of src/kernel/convert*.c.
#pragma once
#include "ir/types.h"
#include "kernel/kir.h"

static inline bool pj_conv_is_narrow(PjDtype dtype) {
  return pj_dtype_is_float(dtype) && dtype != PJ_DT_F32 && dtype != PJ_DT_F64;
}

// The element of memory as f32; f32 rounded to an element of memory.
PjKirVal pj_conv_decode(PjKir *k, PjDtype dtype, PjKirVal code);
PjKirVal pj_conv_encode(PjKir *k, PjDtype dtype, PjKirVal v);
// f32 rounded to a value of |dtype|: |v| any number and any NaN; or a NaN only from operations on
// values of |dtype|, whose payload then has no bits below the format's.
PjKirVal pj_conv_round_any(PjKir *k, PjDtype dtype, PjKirVal v);
PjKirVal pj_conv_round_narrow(PjKir *k, PjDtype dtype, PjKirVal v);
// An f64 as f32 rounded to odd: what is rounded from there is rounded as if from the f64.
PjKirVal pj_conv_round_odd(PjKir *k, PjKirVal v);
