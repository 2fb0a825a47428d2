// Windows over spatial dimensions: what reduce_window, select_and_scatter and the convolutions have
// in common.
#pragma once
#include "ir/verify/check.h"

// Lists of |rank| elements; |padding| 2 * |rank|: low, high. An op without dilations, or whose
// padding is not known, says so; their lists are not looked at then.
typedef struct PjWindow {
  uint32_t rank;
  bool dilates, pads;
  PjInts sizes, strides, padding, base_dilations, window_dilations;
} PjWindow;

// Checks lengths and signs. Sizes may be PJ_DYN.
PjStatus pj__check_window(const PjOp *op, const PjWindow *window);
// The number of places of dimension |i|'s window in a base of |size| elements, PJ_DYN when a size
// is unknown. Errors: INVALID_ARGUMENT on overflow.
PjStatus pj__window_places(const PjOp *op, const PjWindow *window, uint32_t i, int64_t size,
                           int64_t *out);
