// Random valid StableHLO programs.
//
// A program is built as IR, operation by operation: an emitter picks operands among the values that
// are in scope (or makes arguments and constants of the types it needs), appends its operations,
// and adds their results to the values in scope. So programs are graphs with shared values; types
// come from inference, and the verifier has the last word when the printed text is imported again.
// Everything follows from the seed.
//
// Left out is what the specification leaves to the implementation: reductions whose body is not
// associative, scatters that write one element twice, unstable sorts with ties, rng.
#pragma once
#include "ir/ir.h"
#include "rand.h"

typedef enum GenSize {
  GEN_SMALL,  // many operations on up to 1,024 elements
  GEN_MEDIUM, // fewer on up to 16,384: past vectors, blocks and small cases
  GEN_LARGE,  // few on some hundred thousand: loops that threads share
} GenSize;

typedef struct GenOptions {
  uint64_t seed;
  GenSize size;
  const char *filter; // part of an operation's name: programs of mostly that; NULL: any
} GenOptions;

// Appends a program's text to |out|; |arena| holds what is built and needs a guard around the call.
// Errors: INTERNAL if an operation's types could not be inferred, a fault of the generator.
PjStatus gen_program(PjArena *arena, const GenOptions *options, PjStrBuf *out);

// ----------------------------------------------------------------------------------------------
// for emitters
enum { GEN_MAX_RANK = 6, GEN_MAX_VALUES = 512, GEN_MAX_ARGS = 24, GEN_MAX_DEPTH = 3 };

typedef struct Gen {
  PjArena *arena;
  Rand rand;
  const GenOptions *options;
  PjModule *module;
  PjOp *func;       // main
  PjRegion *region; // where operations go
  PjValue *values[GEN_MAX_VALUES];
  uint32_t first, num_values; // those from |first| on are in scope
  int depth;                  // of regions
  bool isolated;              // in a region that sees nothing of main
  int ops_left;               // budget of operations in this region
  int64_t work_left;          // budget of elements, all operations together
  int64_t sizes[4];           // the program's favourite sizes, so that shapes meet again
  PjDtype floats[2], ints[2];
  bool special; // inputs hold NaN, infinities, subnormal and huge numbers
  uint32_t num_funcs;
  const PjAttr *arg_attrs[GEN_MAX_ARGS]; // of main
  PjStatus bug;                          // the first operation whose types could not be inferred
} Gen;

typedef void GenEmit(Gen *g);

typedef struct GenEmitter {
  const char *ops; // names of the operations it makes, for the filter
  int weight;
  GenEmit *emit;
} GenEmitter;

// Tables of emitters, ended by an entry without |emit|.
extern const GenEmitter gen_elementwise[], gen_movement[], gen_indexing[], gen_reductions[],
    gen_contractions[], gen_control[], gen_patterns[], gen_others[], gen_identities[],
    gen_aliasing[], gen_rare[], gen_recurrences[], gen_copies[], gen_forms[];

// A description of values to pick: classes of element types.
enum {
  GEN_PRED = 1,
  GEN_SINT = 2,
  GEN_UINT = 4,
  GEN_INT = 6,
  GEN_FLOAT = 8,
  GEN_COMPLEX = 16,
  GEN_NUMBER = 30,
  GEN_ANY = 31,
};

// Types.
PjDtype gen_dtype(Gen *g, int classes); // the program's favourites first
int64_t gen_size(Gen *g);               // of a dimension
const PjType *gen_type(Gen *g, PjDtype dtype, int32_t rank, const int64_t *dims);
const PjType *gen_scalar(Gen *g, PjDtype dtype);
const PjType *gen_random_type(Gen *g, PjDtype dtype, int32_t min_rank, int32_t max_rank);
const PjType *gen_like(Gen *g, const PjValue *value, PjDtype dtype);
int64_t gen_count(const PjType *type);
bool gen_fits(Gen *g, int32_t rank, const int64_t *dims); // not too large for this program
bool gen_in_classes(PjDtype dtype, int classes);

// Values.
PjValue *gen_pick(Gen *g, int classes, int32_t min_rank, int32_t max_rank);
PjValue *gen_pick_dtype(Gen *g, PjDtype dtype, int32_t min_rank, int32_t max_rank);
PjValue *gen_of_type(Gen *g, const PjType *type); // in scope, or made
PjValue *gen_argument(Gen *g, const PjType *type);
PjValue *gen_constant(Gen *g, const PjType *type);                    // dense or splat, random
PjValue *gen_splat(Gen *g, const PjType *type, double value);         // one number
PjValue *gen_ints(Gen *g, const PjType *type, const int64_t *values); // the elements
PjValue *gen_broadcast_scalar(Gen *g, PjValue *scalar, const PjType *type);
// A scalar or tensor of integers that serves as an index into |size| elements: mostly in range.
PjValue *gen_index(Gen *g, const PjType *type, int64_t size);

// Operations.
PjOp *gen_op(Gen *g, PjOpKind kind, uint32_t num_operands, PjValue *const *operands,
             uint32_t num_results, uint32_t num_regions);
void gen_set_int(Gen *g, PjOp *op, PjKey key, int64_t value);
void gen_set_bool(Gen *g, PjOp *op, PjKey key, bool value);
void gen_set_ints(Gen *g, PjOp *op, PjKey key, uint32_t count, const int64_t *values);
void gen_set_pairs(Gen *g, PjOp *op, PjKey key, uint32_t rows, const int64_t *values);
// Completes and appends |op|; types NULL: inferred. Its results come into scope. Returns the first.
PjValue *gen_done(Gen *g, PjOp *op, const PjType *const *types);
// One result, no attributes.
PjValue *gen_unary(Gen *g, PjOpKind kind, PjValue *a);
PjValue *gen_binary(Gen *g, PjOpKind kind, PjValue *a, PjValue *b);
PjValue *gen_compare(Gen *g, int direction, int type, PjValue *a, PjValue *b);
PjValue *gen_select(Gen *g, PjValue *p, PjValue *a, PjValue *b);
PjValue *gen_convert(Gen *g, PjValue *a, PjDtype dtype);
PjValue *gen_reshape(Gen *g, PjValue *a, int32_t rank, const int64_t *dims);
PjValue *gen_transpose(Gen *g, PjValue *a, const int64_t *permutation);
PjValue *gen_broadcast_in_dim(Gen *g, PjValue *a, const PjType *type, const int64_t *dims);
PjValue *gen_iota(Gen *g, const PjType *type, int64_t dimension);
// A reduction with a body of one binary operation, over |dims| with the operation's neutral value.
PjValue *gen_reduce(Gen *g, PjOpKind body, PjValue *a, uint32_t num_dims, const int64_t *dims);
PjValue *gen_neutral(Gen *g, PjOpKind body, PjDtype dtype); // scalar

// Regions. gen_open makes |region| of |op| the place where operations go; its arguments come into
// scope, outer values stay. gen_close ends it with a return of |values| and goes back. A region
// opened as |isolated| sees nothing of outside.
typedef struct GenScope {
  PjRegion *region;
  PjOp *func;
  uint32_t num_values, first;
  bool isolated;
  int ops_left;
} GenScope;
GenScope gen_open(Gen *g, PjRegion *region, uint32_t num_args, const PjType *const *types,
                  bool isolated);
void gen_close(Gen *g, GenScope scope, uint32_t count, PjValue *const *values);
// A body with one binary operation on its two arguments of |dtype| scalars.
void gen_binary_body(Gen *g, PjRegion *region, PjOpKind kind, PjDtype dtype);
// A further function of the module, and its type from its arguments and |results|.
PjOp *gen_function(Gen *g, const char *name);
void gen_set_signature(Gen *g, PjOp *func, uint32_t count, PjValue *const *results);
// Emits random operations until the region's budget of |ops| is used.
void gen_fill(Gen *g, int ops);

static inline void gen_shuffle(Gen *g, uint32_t count, int64_t *values) {
  for (uint32_t i = count; i > 1; --i) {
    uint32_t j = (uint32_t)rand_int(&g->rand, 0, i - 1);
    int64_t swap = values[i - 1];
    values[i - 1] = values[j];
    values[j] = swap;
  }
}
