// The geometry of a convolution over operands as they lie, and its ways to compute.
#pragma once
#include "routine/gemm.h"

enum { PJ_CONV_SPATIAL = 8 }; // more spatial dimensions are left to the evaluator

// Strides are in elements. A group is a part of the features (and, with batch groups, of the batch)
// that does not mix with the others.
typedef struct PjConvShape {
  PjComp comp;
  PjDtype lhs_dtype, rhs_dtype, out_dtype;
  int32_t spatial;
  int64_t groups, batch, features, out_features; // of the output; in and out of one group
  int64_t in[PJ_CONV_SPATIAL], window[PJ_CONV_SPATIAL], out[PJ_CONV_SPATIAL];
  int64_t stride[PJ_CONV_SPATIAL], low[PJ_CONV_SPATIAL], in_dilation[PJ_CONV_SPATIAL],
      window_dilation[PJ_CONV_SPATIAL];
  int64_t lhs_spatial[PJ_CONV_SPATIAL], rhs_spatial[PJ_CONV_SPATIAL], out_spatial[PJ_CONV_SPATIAL];
  int64_t rhs_start; // of the window's first element: not 0 where the window is reversed (then
                     // strides are negative)
  int64_t lhs_batch, lhs_feature, lhs_group;
  int64_t rhs_in, rhs_out, rhs_group;
  int64_t out_batch, out_feature, out_group;
  int64_t window_size; // product
  bool skip_outside;   // groups of one feature: what lies outside the input is not multiplied by 0
} PjConvShape;

// A dimension of the positions where windows stand.
typedef struct PjConvDim {
  int64_t size;
  int32_t spatial;    // which, or -1: batch
  int64_t lhs_stride; // batch
  int64_t out_stride;
} PjConvDim;

// Windows as a panel: outer indices are positions, the sum goes over the window's places and the
// features within.
typedef struct PjPatches {
  const PjConvShape *shape;
  int32_t num;
  PjConvDim dims[PJ_CONV_SPATIAL + 1];
} PjPatches;
// Completes |panel|, whose types are set, over |patches|.
void pj__patches_panel(PjPanel *panel, const PjPatches *patches);

// Convolution whose groups have one feature in and out: vectors of groups, or of neighbouring
// windows. NULL if it is none, or of other types. What lies outside the input is left out: without
// |skip_outside| for windows of finite numbers only.
const PjRoutine *pj__depthwise_select(PjArena *arena, const PjConvShape *shape);

// The same with features first, from planes; NULL for what is not like that. With |skip_outside|
// for windows of finite numbers only.
const PjRoutine *pj__conv_rows(PjArena *arena, const PjConvShape *shape);

// |fast| for windows of finite numbers, |exact| for others; |exact| if there is no |fast|.
const PjRoutine *pj__conv_guarded(PjArena *arena, const PjType *rhs, const PjRoutine *fast,
                                  const PjRoutine *exact);
// The same, where |fast| leaves out zeros only: then what is not finite shows in the result, which
// is looked at where it is smaller than the window.
const PjRoutine *pj__conv_guarded_late(PjArena *arena, const PjConvShape *shape, const PjType *rhs,
                                       const PjRoutine *fast, const PjRoutine *exact);
// Whether all of |count| elements are finite; integers are.
bool pj__conv_is_finite(PjThreads *threads, PjDtype dtype, int64_t count, const void *data);

// Any convolution, as it is defined; for operands of types |lhs| and |rhs|. With |skip_outside|
// what lies outside the input is left out, not multiplied by zero.
const PjRoutine *pj__conv_direct(PjArena *arena, const PjConvShape *shape, const PjType *lhs,
                                 const PjType *rhs, bool skip_outside);

// As a product of patches and window, or NULL for element types that none serves.
const PjRoutine *pj__conv_product(PjArena *arena, const PjConvShape *shape);

// The window as the right operand of a product: |panel|, whose types are set.
void pj__conv_kernel_panel(PjArena *arena, const PjConvShape *shape, PjPanel *panel);

// Features last (NHWC), of f32 or f64, by windows that are not too large for the second cache: from
// rows that are copied with zeros around. NULL for what is not like that.
const PjRoutine *pj__conv_lines(PjArena *arena, const PjConvShape *shape);
// Whether |routine| is one, and of the last vectors of output features nearly all lanes are used.
bool pj__conv_lines_fill(const PjRoutine *routine);

// As a product of all places of the window, whose columns are added where they belong: for few
// output features, or an input with many holes. NULL for what is not like that. For windows of
// finite numbers only.
const PjRoutine *pj__conv_spread(PjArena *arena, const PjConvShape *shape);
// Whether a convolution is like that, but for its types.
bool pj__conv_spreads(const PjConvShape *shape);

// Groups of a few features each, features last (NHWC), of f32. NULL for what is not like that.
const PjRoutine *pj__conv_groups(PjArena *arena, const PjConvShape *shape);

// Over positions that lie next to each other in input and output (NCHW), from planes: of f32 or f64
// numbers and what is computed in them. NULL if they do not, or for an input with holes.
const PjRoutine *pj__conv_planes(PjArena *arena, const PjConvShape *shape, const PjType *rhs);

// With few positions and a window of long rows (the gradient by the window, features first): sums
// of products of rows. NULL for what is not like that.
const PjRoutine *pj__conv_dots(PjArena *arena, const PjConvShape *shape);

// With few positions and a large window otherwise (the gradient by the window), of f32 or f64:
// tiles of neighbouring positions and batches, whose input is copied once for all positions. NULL
// for what is not like that.
const PjRoutine *pj__conv_window(PjArena *arena, const PjConvShape *shape);

// The same with features first (the gradient by the window, NCHW), with features last. |exact|:
// without Winograd's algorithm. NULL for what is not like that.
const PjRoutine *pj__conv_turned(PjArena *arena, const PjConvShape *shape, bool exact);

// Windows of 3 x 3 by Winograd's algorithm; what is not finite by |exact|. NULL where that does not
// gain.
const PjRoutine *pj__conv_winograd(PjArena *arena, const PjConvShape *shape,
                                   const PjRoutine *exact);

// The gradient by a window of 3 x 3 in the same way, features last.
const PjRoutine *pj__conv_winograd_gradient(PjArena *arena, const PjConvShape *shape,
                                            const PjRoutine *exact);

// How |shape| is computed where its numbers are converted first, in |as|; false: they are not.
bool pj__conv_converts(const PjConvShape *shape, PjConvShape *as);
// The convolution |op| by |inner|, which computes |as|. NULL if |inner| is.
const PjRoutine *pj__conv_converted(PjArena *arena, const PjConvShape *shape, const PjConvShape *as,
                                    const PjOp *op, const PjRoutine *inner);
// Whether neighbouring features of the input, |per| at a time, fill words that are multiplied
// together.
bool pj__conv_has_words(const PjConvShape *shape, int64_t per);

// Without holes: the best of these.
const PjRoutine *pj__conv_dense(PjArena *arena, const PjConvShape *shape, const PjType *rhs);

// The convolution |op| of an input with holes by a window of type |rhs|, without them; NULL if
// there are none, or windows that stride or are dilated along with them.
const PjRoutine *pj__conv_phases(PjArena *arena, const PjConvShape *shape, const PjOp *op,
                                 const PjType *rhs);

// Element |at| of a dilated dimension |d| as an element of the input, or -1: outside, or between
// elements.
static inline int64_t pj__conv_locate(const PjConvShape *s, int32_t d, int64_t at) {
  if (at < 0)
    return -1;
  if (s->in_dilation[d] != 1) {
    if (at % s->in_dilation[d])
      return -1;
    at /= s->in_dilation[d];
  }
  return at < s->in[d] ? at : -1;
}
