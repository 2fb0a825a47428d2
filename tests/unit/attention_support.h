// Programs of attention and of its gradient, in the ways frameworks write them, and how they are
// run: as compiled, against the evaluator.
#pragma once
#include "evaluate.h"
#include "pass_support.h"
#include "sched/sched.h"

// What is asked for, and how it is written.
typedef struct AttentionCase {
  int batch, rows, keys, heads, depth, width;
  bool heads_first;  // [batch, heads, rows, depth]; else [batch, rows, heads, depth]
  const char *dtype; // of q, k, v and the result: f32 (NULL), bf16 or f16
  int causal;        // 0: not; 1: row >= key; 2: row + rows - keys >= key; 3: key > row is hidden;
                     // 4: as 1, the mask is a constant; 5: another one
  const char *fill;  // of hidden scores
  bool pad, bias;    // inputs: tensor<batch x keys x i1>, tensor<rows x keys x f32>
  bool no_bias;      // zeros are added
  bool scale_first;  // q is scaled, not the scores
  bool weights;      // the weights are returned, too
  int gradient;      // 1: dq, dk and dv, too, with softmax's as autodiff takes a division apart;
                     // 2: as p * (dp - sum of p dp); 3: as p dp + p * (sum of -p dp); 4: as 2, but
                     // masks are not written again
  bool changes;      // the gradient of the scores is returned, too
  bool sliced;       // q, k and v are parts of larger inputs
} AttentionCase;

// Contents of the inputs besides random numbers.
typedef struct AttentionSpecial {
  float q, k; // factors
  int64_t at; // element of v, or of the result's gradient, that is |v|, if that is not 0
  bool of_dout;
  float v;
  int padded; // of 8 keys, so many are hidden; 8: all
} AttentionSpecial;

typedef struct Made {
  Parsed parsed;
  PjArena *work, *kernels;
  PjSchedule *schedule;
} Made;

// The program of |c|; storage of text_get.
const char *attention_program(const AttentionCase *c);
// Compiles |text|; to be unmade.
Made attention_make(const char *text);
void attention_unmake(Made *m);
// Steps that are attention, or its gradient.
uint32_t attention_count(const Made *m);
uint32_t attention_found_in(const AttentionCase *c);
// Runs |c| on 1, 2 and 5 threads and by the evaluator: the same bits whatever the threads, and
// errors of some roundings of the largest result.
void attention_check(const AttentionCase *c, AttentionSpecial special);
