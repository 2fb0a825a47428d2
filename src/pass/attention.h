// What the files that recognise attention share; match_attention.h is the outside.
//
// Dimensions are followed by the axis of the scores that they are: axis i is dimension i of the
// first product's result. Dimensions of size 1 have none; so reshapes may add or take them.
#pragma once
#include "pass/match_attention.h"

enum {
  PJ_MAX_ATTENTION_PATH = 20, // operations between the first product and softmax
  PJ_NO_AXIS = -1,
  PJ_NOT_SCORES = PJ_MAX_RANK, // what a product sums, or one of its operands alone has
};

// The axis of each dimension of some value.
typedef struct PjScoreAxes {
  int32_t rank;
  int8_t of[PJ_MAX_RANK];
} PjScoreAxes;

// One try at one product. What is found goes to |out|, of which only a match that succeeds is used.
typedef struct PjAttentionSearch {
  PjAttentionMatch *out;
  const PjRegion *region;
  // From the first product to the scores under softmax, last operation first.
  uint32_t length;
  const PjOp *path[PJ_MAX_ATTENTION_PATH];
  const PjOp *scores_dot;
  int8_t key, row;           // axes; row: PJ_NO_AXIS for a single query
  int64_t size[PJ_MAX_RANK]; // of each axis
  int32_t num_axes;
} PjAttentionSearch;

// ---- match_attention.c
// Softmax without its division: |exp| is the exponential of scores less their maximum along the
// keys. Finds the first product, roles, steps and their inputs, which begin at |first_input|, and
// the axes of the exponentials.
bool pj_attention_match_softmax(PjAttentionSearch *m, const PjOp *exp, uint32_t first_input,
                                PjScoreAxes *axes);
// |op| adds up, or finds the maximum of, |of| from the neutral value on.
bool pj_attention_is_reduce(const PjOp *op, const PjValue *of, PjOpKind kind);

// ---- attention_axes.c
// The operation of this region that makes |value|, or NULL.
const PjOp *pj_attention_made_by(const PjAttentionSearch *m, const PjValue *value);
// Makes |op| part of the match; false if there are too many.
bool pj_attention_keep(PjAttentionSearch *m, const PjOp *op);
// A static array of a type that the routine reads.
bool pj_attention_is_float(const PjValue *value);
// Axes of a reshape's result from its operand's, or the other way round: the dimensions that are
// not 1 are the same. False if they are not.
bool pj_score_axes_reshape(const PjType *from, const PjType *to, const PjScoreAxes *in,
                           PjScoreAxes *out);
bool pj_score_axes_equal(const PjScoreAxes *a, const PjScoreAxes *b);
// Goes back through broadcasts, reshapes and transposes to what repeats in |value|, whose axes are
// |axes|; those of what is found replace them. With |keep| the operations become part of the match;
// NULL if there are too many.
const PjValue *pj_attention_source(PjAttentionSearch *m, const PjValue *value, PjScoreAxes *axes,
                                   bool keep);
// Strides of |type| along each axis, in elements.
void pj_attention_strides(const PjAttentionSearch *m, const PjType *type, const PjScoreAxes *axes,
                          int64_t *out);
// The axes of |op|'s result from those of its operand: a reshape, transpose or convert. False if
// the dimensions do not go through.
bool pj_attention_moved(const PjOp *op, const PjScoreAxes *in, PjScoreAxes *out);
// Such |strides| as the routine wants them: along rows and keys (either may be NULL) and batches.
void pj_attention_set_strides(const PjAttentionSearch *m, const int64_t *strides, int64_t *row,
                              int64_t *key, int64_t *batch);

// ---- attention_steps.c
// Finds the first product behind |value|, leaving the way in m->path. At most |budget| operations
// are looked at.
bool pj_attention_find_scores(PjAttentionSearch *m, const PjValue *value, uint32_t length,
                              int *budget);
// Follows that way from the product on: |axes| become those of |scores|. With |steps| its scales,
// biases and masks become steps of the routine, its operations part of the match.
bool pj_attention_follow(PjAttentionSearch *m, const PjValue *scores, PjScoreAxes *axes,
                         bool steps);

// ---- attention_products.c
// Of operand |side| of a product: which dimension of the result each is, or, of the summed ones,
// PJ_NO_AXIS.
void pj_attention_result_axes(const PjOp *dot, uint32_t side, PjScoreAxes *out, bool *summed);
// The value that transposes make of |dot|'s result where nothing else reads it, and its axes.
const PjValue *pj_attention_transposed(const PjOp *dot, const uint32_t *uses, PjScoreAxes *axes);
// A product of arrays that the routine reads, summed in f32.
bool pj_attention_is_product(const PjOp *dot);
// Which axes are keys (m->key is known), rows and batches, and where q and k lie. Rows: the longest
// of those that k does not have.
bool pj_attention_set_roles(PjAttentionSearch *m);
// Where v and the result lie, and which operation makes the result. |axes| are those of the
// weights, operand |side| of |dot|; |uses|: of each value, by id.
bool pj_attention_set_values(PjAttentionSearch *m, const PjOp *dot, uint32_t side,
                             const PjScoreAxes *axes, const uint32_t *uses);
