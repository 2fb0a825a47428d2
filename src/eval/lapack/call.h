// What the custom calls of linear algebra have in common: operands checked against a signature,
// brought to the memory order that their layouts ask for, one matrix of the batch after the other.
//
// A call is planned from its shapes alone, work space included; then each matrix can be computed by
// itself, by any thread. The evaluator plans when it runs, a compiled schedule once
// (routine/lapack.c).
#pragma once
#include "eval/comp.h"

enum { PJ_LA_MAX_IN = 4, PJ_LA_MAX_OUT = 6 };

// A small build has LAPACK for double precision alone: matrices of f32 and c64 are widened, their
// results rounded (PJRT_SIZE, cmake/size.cmake).
#ifdef PJ_LAPACK_DOUBLE
enum { PJ_LA_ONLY_DOUBLE = true };
#define PJ_LA_SINGLE(fn) NULL
#else
enum { PJ_LA_ONLY_DOUBLE = false };
#define PJ_LA_SINGLE(fn) (fn)
#endif

typedef enum PjLaType { PJ_LA_S, PJ_LA_D, PJ_LA_C, PJ_LA_Z, PJ_LA_TYPES } PjLaType;

typedef struct PjLaCall {
  const PjOp *op;
  PjLaType type;
  int64_t batch;     // matrices
  int64_t sizes[26]; // of the signature's letters a to z
  bool by_rows;      // matrices lie row by row: see PjLaTarget
  char *in[PJ_LA_MAX_IN],
      *out[PJ_LA_MAX_OUT]; // of the matrix at hand, in the order of their layouts
  bool measure;            // only ask for scratch: |in| is NULL, |out| and scratch take 16 bytes
  bool too_large;          // scratch does not fit the address space
  char *work;              // what pj_la_scratch gives out, aligned to 64
  size_t work_used;
  double unused[2]; // stands for what LAPACK's queries write
} PjLaCall;

// One target. |signature|: operands, '>', results, separated by commas; each a type and the sizes
// behind the batch.
//   types: T that of the first operand, R its real part's, C its complex counterpart, I int32
//   sizes: a letter stands for one number wherever it occurs; K is min(m, n), P is max(n - 1, 0)
// |run| works on one matrix: call->in are not to be written; call->out hold zeros. Asked to
// measure, it fails as it would for any data, or takes the same scratch and returns.
//
// PJ_LA_TYPES as |type| marks a target that JAX writes for any platform: its type is that of the
// first operand, and its matrices are column-major where the call states no layouts.
typedef struct PjLaTarget {
  const char *name;
  PjLaType type;
  const char *signature;
  PjStatus (*run)(PjLaCall *call);
  bool any_order; // |run| takes matrices of LAPACK's columns row by row, too, if call->by_rows
} PjLaTarget;

// The target of this name, or NULL. All are on LAPACK: there are none in a build without OpenBLAS.
const PjLaTarget *pj_la_find(PjStr target);

// An operand or result: |rows| x |cols| elements of |elem| bytes for each matrix of the batch (1
// for dimensions that it does not have), one matrix after the other.
typedef struct PjLaArray {
  int64_t rows, cols;
  size_t elem, step; // step: bytes of one matrix
  bool transposed;   // the call wants it column by column
  bool widened;      // the call wants its floats as doubles
} PjLaArray;

typedef struct PjLaShape {
  PjDtype dtype;
  int32_t rank;
  const int64_t *dims;
} PjLaShape;

typedef struct PjLaPlan {
  const PjLaTarget *target;
  PjLaCall call; // to be copied for each run of a thread; its type is that of the arrays
  uint32_t num_in, num_out;
  PjLaArray in[PJ_LA_MAX_IN], out[PJ_LA_MAX_OUT];
  size_t work_bytes; // of a thread, a multiple of 64
  // |from| [rows, cols] to |to| [cols, rows]; who plans may put a faster one here.
  void (*transpose)(size_t elem, int64_t rows, int64_t cols, const void *from, void *to);
} PjLaPlan;

// Plans |op|, a call of |target|, for operands and results of these shapes. Errors:
// INVALID_ARGUMENT naming what differs from the signature; RESOURCE_EXHAUSTED.
PjStatus pj_la_plan(const PjOp *op, const PjLaTarget *target, const PjLaShape *in,
                    const PjLaShape *out, PjLaPlan *plan);
// Computes matrix |index| of the batch; what can fail has failed when it was planned. |in| and
// |out| are the whole arrays, row-major; |work| has plan->work_bytes, aligned to 64. Threads: any
// number at once, each with its own |work|.
void pj_la_run(const PjLaPlan *plan, int64_t index, const void *const *in, void *const *out,
               void *work);

// The custom call handler; |user| is a PjLaTarget. Errors as above.
PjStatus pj_la_custom_call(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                           PjTensor **results, void *user);

static inline int64_t pj_la_size(const PjLaCall *call, char letter) {
  return call->sizes[letter - 'a'];
}
static inline bool pj_la_is_complex(const PjLaCall *call) {
  return call->type >= PJ_LA_C;
}
// Bytes of an element, and of its real part.
static inline size_t pj_la_bytes(const PjLaCall *call) {
  return (size_t[]){4, 8, 8, 16}[call->type];
}
static inline size_t pj_la_real_bytes(const PjLaCall *call) {
  return (size_t[]){4, 8, 4, 8}[call->type];
}

// Attribute |name| of the call: an integer, boolean or letter (as a number). INVALID_ARGUMENT when
// it is absent.
PjStatus pj_la_attr(const PjLaCall *call, const char *name, int64_t *out);
// An attribute that must be one of the letters in |allowed|.
PjStatus pj_la_letter(const PjLaCall *call, const char *name, const char *allowed, char *out);

// Scratch of |count| * |size| bytes (at least one) until |run| returns; 16 of them while measuring.
void *pj_la_scratch(PjLaCall *call, int64_t count, size_t size);
// The size that a work space query left in |query|, and scratch for it.
void *pj_la_work(PjLaCall *call, const void *query, int *out_size);
// True while measuring.
bool pj_la_all_finite(const PjLaCall *call, int64_t count, const void *data);
