// dot_general and dot: which product it is, and how to compute it.
//
//   vector   one side has a single row: bound by reading the matrix, which is read as it lies
//   direct   floats, as both lie but for columns of b along the sum: dot_direct.h
//   few      some rows by such a matrix of other types: dot_few_groups.h
//   narrow   many rows of bytes or bf16 by columns that stay in a cache: dot_narrow.h
//   rows     long ones by up to eight columns: dot_rows.h
//   tall     many rows by a few columns: dot_tall.h
//   small    a few thousand multiplications: dot_small.h
//   gemm     everything else, any dimension numbers and types: gemm.h
//   split    one of these by pieces of long sums: dot_split.h
//
// Precision is the evaluator's (eval/dot.c): sums in the type pj_comp_pick says, rounded once at
// the end.
#include "eval/dot.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "eval/strided.h"
#include "routine/dot_direct.h"
#include "routine/dot_few_groups.h"
#include "routine/dot_narrow.h"
#include "routine/dot_rows.h"
#include "routine/dot_small.h"
#include "routine/dot_split.h"
#include "routine/dot_tall.h"
#include "routine/gemm.h"
#include "routine/variant.h"

typedef void VectorKernel(int64_t rows, int64_t k, const void *a, int64_t step, const void *x,
                          void *y);

// The same for a few vectors together; and bringing such vectors one behind the other.
typedef void TogetherKernel(int64_t rows, int64_t k, const void *a, int64_t row, int64_t count,
                            const void *x, int64_t x_step, void *y, int64_t y_step);
typedef void ApartKernel(int64_t k, const void *from, void *to);
typedef struct Together {
  TogetherKernel *of[2]; // of two vectors, and of three or four; NULL: there is none
  ApartKernel *apart[3]; // of two, three and four
} Together;

static inline float one_bf16(uint16_t code) {
  const uint32_t bits = (uint32_t)code << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// The last n lanes of a vector of 64 bytes are those behind n elements; shorter vectors: further
// on.
static const uint32_t lane_bits[32] = {[16] = ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
                                       ~0u,        ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};

#define PJ_VARIANT_FILE "routine/dot_variant.h"
#include "routine/variants.h"

enum {
  BLOCK_ROWS = 64, // of a matrix by vector product, in one part
  BLOCK_COLS = 1024,
  BLOCK_SUMS = 512,         // by columns, added up before the rest,
  PIECE_COLS = 4096,        // of so many columns at a time, or, where there are not
  PIECES = 4,               // more such pieces than these, of half as many
  FEW = 4,                  // vectors that are better off without packing the matrix,
  FEW_BYTES = 64 << 10,     // if it is large; and what of it is to stay in the cache
  VECTOR_SUMS = 64,         // by columns, p in that part
  TOGETHER_LEAST = 16,      // sums of vectors together: a vector,
  TOGETHER_BYTES = 4 << 10, // of each of these that stay in the nearest cache
  TOGETHER_SUMS = 128,      // and from which on these are better than tiles
  KEPT_ROWS = 4,            // of bf16 by a constant matrix, which is packed once, of a low tile
  NARROW = 8,               // columns below which the product is computed transposed
  TALL_COLS = 3,            // so few f32 are less than half a vector: a vector of rows is better
  TALL_SUMS = 64,           // that are so long; with vectors of eight, up to
  TALL_COLS_EIGHT = 4,      // so many are, of any length, until they are
  TOGETHER_SUMS_EIGHT = 64, // better together
};

// ---- the result has no sums
static PjStatus run_zero(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  if (self->bytes > 0)
    memset(out[0], 0, (size_t)self->bytes);
  return PJ_STATUS_OK;
}

// ---- matrix by vectors
// A few vectors take one matrix together: each block of it is read from memory once, and from the
// cache by all but the first.
typedef struct Vector {
  PjRoutine routine;
  VectorKernel *kernel;
  TogetherKernel *together; // or NULL
  ApartKernel *apart;       // of vectors that lie side by side, or NULL
  bool by_cols, swapped;    // swapped: the matrix is in[0]
  PjComp comp;
  PjDtype matrix_dtype, vector_dtype, out_dtype;
  int64_t rows, k, step; // of the matrix; |step| between rows, or, by_cols, between p
  int64_t count, vector_outer, vector_sum; // vectors; strides between them and along them
  bool vector_copied;                      // the vectors must be brought to |comp|, dense
  int64_t block_rows, block_sums;
  bool pieces; // each |block_sums| of a block are a part
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK], matrix_batch[PJ_MAX_RANK],
      vector_batch[PJ_MAX_RANK]; // bytes
} Vector;

typedef struct VectorRun {
  const Vector *v;
  const char *matrix, *vector;
  char *out, *scratch, *sums; // sums: of pieces
  int64_t blocks;
} VectorRun;

static size_t copied_bytes(const Vector *v) {
  return v->vector_copied
             ? pj__scratch_round((size_t)(v->batch * v->count * v->k) * pj_comp_bytes(v->comp))
             : 0;
}

static void add_block(PjComp comp, int64_t n, const void *part, void *sums) {
#define ADD(T)                    \
  for (int64_t i = 0; i < n; ++i) \
    ((T *)sums)[i] += ((const T *)part)[i];
  if (comp == PJ_COMP_F32) {
    ADD(float)
  } else if (comp == PJ_COMP_F64) {
    ADD(double)
  } else {
    ADD(uint32_t)
  }
#undef ADD
}

// The sums of |rows| rows from |matrix| on, for every vector, into |sums|: BLOCK_COLS apart.
static void vector_block(const VectorRun *run, int64_t batch, const char *matrix, int64_t rows,
                         char *sums) {
  const Vector *v = run->v;
  const size_t elem = pj_dtype_bytes(v->matrix_dtype), comp = pj_comp_bytes(v->comp);
  const char *vector =
      v->vector_copied
          ? run->scratch + (size_t)(batch * v->count * v->k) * comp
          : run->vector + pj__batch_offset(v->num_batch, v->batch_dims, v->vector_batch, batch);
  const int64_t next = v->vector_copied ? v->k : v->vector_outer;
  if (v->together) {
    char more[FEW * BLOCK_ROWS * sizeof(double)] __attribute__((aligned(64)));
    for (int64_t p = 0, n; p < v->k; p += n) {
      n = v->k - p < 2 * v->block_sums ? v->k - p : v->block_sums;
      v->together(rows, n, matrix + (size_t)p * elem, v->step, v->count, vector + (size_t)p * comp,
                  next, p ? more : sums, p ? BLOCK_ROWS : BLOCK_COLS);
      for (int64_t i = 0; p && i < v->count; ++i)
        add_block(v->comp, rows, more + (size_t)(i * BLOCK_ROWS) * comp,
                  sums + (size_t)(i * BLOCK_COLS) * comp);
    }
    return;
  }
  char part[BLOCK_COLS * sizeof(double)] __attribute__((aligned(64)));
  for (int64_t p = 0; p < v->k; p += v->block_sums) {
    const int64_t n = pj__min(v->block_sums, v->k - p);
    const char *at = matrix + p * v->step * (int64_t)elem;
    for (int64_t i = 0; i < v->count; ++i) {
      char *to = sums + (size_t)(i * BLOCK_COLS) * comp;
      const char *x = vector + (size_t)(i * next + p) * comp;
      if (!v->by_cols) {
        v->kernel(rows, n, matrix, v->step, x, to);
        continue;
      }
      // Each block is summed up by itself, so that rounding errors do not grow with its place.
      char *block = p ? part : to;
      memset(block, 0, (size_t)rows * comp);
      v->kernel(rows, n, at, v->step, x, block);
      if (p)
        add_block(v->comp, rows, part, to);
    }
  }
}

static void vector_part(void *context, int64_t begin, int64_t end, int thread) {
  const VectorRun *run = context;
  const Vector *v = run->v;
  const size_t elem = pj_dtype_bytes(v->matrix_dtype), comp = pj_comp_bytes(v->comp),
               out_elem = pj_dtype_bytes(v->out_dtype);
  char sums[FEW * BLOCK_COLS * sizeof(double)] __attribute__((aligned(64)));
  char converted[BLOCK_COLS * sizeof(double)] __attribute__((aligned(64)));
  for (int64_t at = begin; at < end; ++at) {
    const int64_t batch = at / run->blocks, first = at % run->blocks * v->block_rows;
    const int64_t rows = pj__min(v->block_rows, v->rows - first);
    const char *matrix = run->matrix +
                         pj__batch_offset(v->num_batch, v->batch_dims, v->matrix_batch, batch) +
                         first * (v->by_cols ? 1 : v->step) * (int64_t)elem;
    vector_block(run, batch, matrix, rows, sums);
    for (int64_t i = 0; i < v->count; ++i) {
      char *out = run->out + (size_t)(batch * v->rows * v->count) * out_elem;
      const char *from = sums + (size_t)(i * BLOCK_COLS) * comp;
      if (!v->swapped || v->count == 1) {
        pj_comp_store(v->comp, v->out_dtype, rows, from,
                      out + (size_t)(i * v->rows + first) * out_elem);
        continue;
      }
      const int64_t one = 1;
      pj_comp_store(v->comp, v->out_dtype, rows, from, converted);
      pj_strided_copy(out_elem, 1, &rows, converted, &one,
                      out + (size_t)(first * v->count + i) * out_elem, &v->count);
    }
  }
}

static void copy_vectors(const Vector *v, const char *vectors, char *to) {
  const size_t elem = pj_dtype_bytes(v->vector_dtype), comp = pj_comp_bytes(v->comp);
  char piece[256 * 8];
  const int64_t one = 1;
  for (int64_t at = 0; at < v->batch * v->count; ++at) {
    const char *from =
        vectors + pj__batch_offset(v->num_batch, v->batch_dims, v->vector_batch, at / v->count) +
        at % v->count * v->vector_outer * (int64_t)elem;
    if (v->apart) {
      v->apart(v->k, from, to + (size_t)(at * v->k) * comp);
      at += v->count - 1;
      continue;
    }
    for (int64_t p = 0; p < v->k; p += 256) {
      const int64_t n = pj__min(256, v->k - p);
      const char *part = from + p * v->vector_sum * (int64_t)elem;
      if (v->vector_sum != 1) {
        pj_strided_copy(elem, 1, &n, part, &v->vector_sum, piece, &one);
        part = piece;
      }
      pj_comp_load(v->comp, v->vector_dtype, n, part, to + (size_t)(at * v->k + p) * comp);
    }
  }
}

// By columns: what piece |at / blocks| of the sum gives for a block of columns, into the scratch
// space. Lines of the matrix are read from end to end, and all threads have some of them.
static void vector_pieces(void *context, int64_t begin, int64_t end, int thread) {
  const VectorRun *run = context;
  const Vector *v = run->v;
  const size_t elem = pj_dtype_bytes(v->matrix_dtype), comp = pj_comp_bytes(v->comp);
  const char *vector = v->vector_copied ? run->scratch : run->vector;
  for (int64_t at = begin; at < end; ++at) {
    const int64_t first = at % run->blocks * v->block_rows,
                  rows = pj__min(v->block_rows, v->rows - first),
                  p = at / run->blocks * v->block_sums;
    char *sums = run->sums + (size_t)(at / run->blocks * v->rows + first) * comp;
    memset(sums, 0, (size_t)rows * comp);
    v->kernel(rows, pj__min(v->block_sums, v->k - p),
              run->matrix + (size_t)(p * v->step + first) * elem, v->step,
              vector + (size_t)p * comp, sums);
  }
}

static void run_pieces(VectorRun *run, PjThreads *threads) {
  const Vector *v = run->v;
  const size_t comp = pj_comp_bytes(v->comp), out_elem = pj_dtype_bytes(v->out_dtype);
  const int64_t pieces = pj__divide_up(v->k, v->block_sums), parts = pieces * run->blocks;
  run->sums = run->scratch + copied_bytes(v);
  const double work =
      (double)v->block_rows * (double)v->block_sums * (double)pj_dtype_bytes(v->matrix_dtype);
  pj_threads_for(threads, parts, pj__grain(parts, work), vector_pieces, run);
  for (int64_t first = 0; first < v->rows; first += BLOCK_COLS) {
    const int64_t rows = pj__min(BLOCK_COLS, v->rows - first);
    char *sums = run->sums + (size_t)first * comp;
    for (int64_t p = 1; p < pieces; ++p)
      add_block(v->comp, rows, sums + (size_t)(p * v->rows) * comp, sums);
    pj_comp_store(v->comp, v->out_dtype, rows, sums, run->out + (size_t)first * out_elem);
  }
}

static PjStatus run_vector(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Vector *v = (const Vector *)self;
  VectorRun run = {.v = v,
                   .matrix = in[!v->swapped],
                   .vector = in[v->swapped],
                   .out = out[0],
                   .scratch = scratch};
  if (v->vector_copied)
    copy_vectors(v, run.vector, scratch);
  run.blocks = pj__divide_up(v->rows, v->block_rows);
  if (v->pieces) {
    run_pieces(&run, threads);
    return PJ_STATUS_OK;
  }
  const double work = (double)pj__min(v->rows, v->block_rows) * (double)v->k *
                      (double)pj_dtype_bytes(v->matrix_dtype);
  pj_threads_for(threads, v->batch * run.blocks, pj__grain(v->batch * run.blocks, work),
                 vector_part, &run);
  return PJ_STATUS_OK;
}

// Vectors of eight f32, of which few columns fill as much as half.
static bool has_eight_lanes(void) {
  return pj_cpu_has(PJ_CPU_AVX2) && !pj_cpu_has(PJ_CPU_AVX512);
}

// Whether some columns are better off as vectors by the rows of a, which are long: where tiles as
// wide as the columns would leave much of a vector empty.
static bool pays_together(const PjProduct *g) {
  const int64_t most = g->comp == PJ_COMP_F32 ? FEW : FEW / 2,
                least = has_eight_lanes() && g->n == TALL_COLS_EIGHT ? TOGETHER_SUMS_EIGHT
                                                                     : TOGETHER_SUMS;
  return (g->comp == PJ_COMP_F32 || g->comp == PJ_COMP_F64) && g->n > 1 && g->n <= most &&
         g->n < g->m && g->k >= least && g->a.sum_step == 1 &&
         pj_comp_is_native(g->comp, g->a.dtype) && PJ_PICK(together)[g->comp].of[0];
}

static const PjRoutine *select_vector(PjArena *arena, const PjProduct *g) {
  const bool swapped = g->n < g->m; // the matrix is a
  const PjPanel *matrix = swapped ? &g->a : &g->b, *vector = swapped ? &g->b : &g->a;
  const int64_t rows = swapped ? g->m : g->n, count = swapped ? g->n : g->m;
  const size_t elem = pj_dtype_bytes(matrix->dtype);
  if (count > FEW ||
      (count > 1 && !pays_together(g) && (double)rows * (double)g->k * (double)elem < FEW_BYTES))
    return NULL;
  if (vector->sum_step < 0 || vector->outer_step < 0 || matrix->sum_step < 0 ||
      matrix->outer_step < 0 || (matrix->sum_step != 1 && matrix->outer_step != 1))
    return NULL;
  const bool by_cols = matrix->sum_step != 1 && rows > 1;
  VectorKernel *kernel = (by_cols ? PJ_PICK(cols) : PJ_PICK(rows))[matrix->dtype];
  const PjComp sums = matrix->dtype == PJ_DT_F64         ? PJ_COMP_F64
                      : pj_dtype_is_float(matrix->dtype) ? PJ_COMP_F32
                                                         : PJ_COMP_U32; // of the kernel
  if (!kernel || (by_cols && matrix->outer_step != 1) || (!by_cols && matrix->sum_step != 1) ||
      g->comp != sums)
    return NULL;
  Vector *v = PJ_NEW(arena, Vector);
  *v = (Vector){.kernel = kernel,
                .by_cols = by_cols,
                .swapped = swapped,
                .comp = g->comp,
                .matrix_dtype = matrix->dtype,
                .vector_dtype = vector->dtype,
                .out_dtype = g->out_dtype,
                .rows = rows,
                .k = g->k,
                .step = by_cols ? matrix->sum_step : matrix->outer_step,
                .count = count,
                .vector_outer = vector->outer_step,
                .vector_sum = vector->sum_step,
                .num_batch = g->num_batch,
                .batch = g->batch};
  v->vector_copied =
      !pj_comp_is_native(g->comp, vector->dtype) || (vector->sum_step != 1 && g->k > 1);
  if (!by_cols && count > 1 && g->k >= TOGETHER_LEAST &&
      (matrix->dtype == PJ_DT_F32 || matrix->dtype == PJ_DT_F64)) {
    const Together *together = &PJ_PICK(together)[g->comp];
    v->together = together->of[count > 2];
    if (v->vector_copied && vector->dtype == matrix->dtype && vector->outer_step == 1 &&
        vector->sum_step == count)
      v->apart = together->apart[count - 2];
  }
  v->block_rows = by_cols ? BLOCK_COLS : BLOCK_ROWS;
  v->block_sums = by_cols ? pj__min(g->k, BLOCK_SUMS) : g->k;
  if (v->together)
    v->block_sums = TOGETHER_BYTES / (int64_t)elem;
  else if (count > 1 && by_cols)
    v->block_sums = VECTOR_SUMS;
  else if (count > 1)
    v->block_rows = pj__min(
        BLOCK_ROWS, pj__max(4, (int64_t)(FEW_BYTES / ((double)g->k * (double)elem)) / 4 * 4));
  v->pieces = by_cols && count == 1 && g->batch == 1 && (rows > BLOCK_COLS || g->k > BLOCK_SUMS);
  if (v->pieces)
    v->block_rows = g->k > PIECES * BLOCK_SUMS ? PIECE_COLS : PIECE_COLS / 2;
  memcpy(v->batch_dims, g->batch_dims, sizeof v->batch_dims);
  memcpy(v->matrix_batch, swapped ? g->a_batch : g->b_batch, sizeof v->matrix_batch);
  memcpy(v->vector_batch, swapped ? g->b_batch : g->a_batch, sizeof v->vector_batch);
  v->routine = (PjRoutine){.name = "gemv", .run = run_vector, .in_place = -1};
  v->routine.scratch_bytes = copied_bytes(v);
  if (v->pieces)
    v->routine.scratch_bytes += pj__scratch_round(
        (size_t)(pj__divide_up(v->k, v->block_sums) * v->rows) * pj_comp_bytes(g->comp));
  return &v->routine;
}

// The ways of products of certain shapes, or NULL.
static const PjRoutine *select_shape(PjArena *arena, const PjProduct *g) {
  const PjRoutine *routine = pj__dot_narrow(arena, g);
  if (!routine)
    routine = pj__dot_rows(arena, g);
  // Some rows of bf16 are no slower by the lines as they lie: what may be subnormal is found on the
  // way there, and in slivers by reading them once more.
  const bool keeps = pj__product_keeps(g),
             lies = g->b.dtype == PJ_DT_BF16 && g->m > KEPT_ROWS && g->m <= 2 * KEPT_ROWS;
  if (!routine && !pj__dot_is_small(g) && pays_together(g))
    routine = select_vector(arena, g);
  if (!routine && g->n > 1 && g->comp == PJ_COMP_F32 &&
      (has_eight_lanes() ? g->n <= TALL_COLS_EIGHT : g->n <= TALL_COLS && g->k >= TALL_SUMS))
    routine = pj__dot_tall(arena, g);
  if (!routine && !pj__dot_is_small(g) && g->m > 1)
    routine = pj__dot_direct(arena, g);
  if (!routine && (!keeps || lies))
    routine = pj__dot_few_groups(arena, g);
  if (!routine && g->n > 1)
    routine = pj__dot_tall(arena, g);
  if (!routine && !keeps)
    routine = select_vector(arena, g);
  if (!routine)
    routine = pj__dot_small(arena, g);
  return routine;
}

const PjRoutine *pj__dot_select(PjArena *arena, PjProduct *g) {
  const PjRoutine *routine = pj__product_tiles(g) ? NULL : select_shape(arena, g);
  if (!routine) {
    if (g->n < NARROW && g->m > g->n && pj_comp_bytes(g->comp) <= 8 && g->comp != PJ_COMP_C64) {
      // The other way round: rows of c are the kernel's long side.
      const PjPanel panel = g->a;
      const int64_t m = g->m;
      g->a = g->b;
      g->b = panel;
      g->m = g->n;
      g->n = m;
      for (int32_t i = 0; i < g->num_batch; ++i) {
        const int64_t at = g->a_batch[i];
        g->a_batch[i] = g->b_batch[i];
        g->b_batch[i] = at;
      }
      g->c_row = 1;
      g->c_col = g->m;
      g->swapped = true;
    }
    pj__product_plan(g);
    pj__product_keep(arena, g);
    routine = &g->routine;
  }
  return routine;
}

// ---- dimension numbers
static PjTensor shape_of(const PjType *type) {
  return (PjTensor){.rank = type->rank, .dims = (int64_t *)type->dims, .dtype = type->dtype};
}

// The elements of |value| if the program says them, one by one.
static const void *constant_of(const PjValue *value) {
  const PjAttr *attr =
      value->def && value->def->kind == PJ_OP_CONSTANT ? PJ_ATTR(value->def, value) : NULL;
  return attr && attr->kind == PJ_ATTR_ELEMENTS && !attr->splat ? attr->data : NULL;
}

// The product of the contraction |c| of the operands of |op|.
static const PjRoutine *make(PjArena *arena, const PjContraction *c, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  PjProduct *g = PJ_NEW(arena, PjProduct);
  g->constant = constant_of(op->operands[1]);
  g->comp = c->comp;
  g->batch = pj_axes_size(&c->batch);
  g->m = pj_axes_size(&c->rows);
  g->n = pj_axes_size(&c->cols);
  g->k = pj_axes_size(&c->sum);
  g->out_dtype = result->dtype;
  const double bytes = (double)pj__bytes(lhs) + (double)pj__bytes(rhs) + (double)pj__bytes(result);
  if (!g->k || !pj__count(result)) {
    g->routine = (PjRoutine){
        .name = "zero", .run = run_zero, .in_place = -1, .bytes = (double)pj__bytes(result)};
    return &g->routine;
  }
  if (!pj__panel_init(&g->a, c->comp, lhs->dtype, true) ||
      !pj__panel_init(&g->b, c->comp, rhs->dtype, false))
    return NULL;
  pj__axes_fold(arena, &c->rows, false, &g->a.outer_step, &g->a.outer);
  pj__axes_fold(arena, &c->sum, false, &g->a.sum_step, &g->a.sum);
  pj__axes_fold(arena, &c->cols, true, &g->b.outer_step, &g->b.outer);
  pj__axes_fold(arena, &c->sum, true, &g->b.sum_step, &g->b.sum);
  const int64_t lhs_bytes = (int64_t)pj_dtype_bytes(lhs->dtype),
                rhs_bytes = (int64_t)pj_dtype_bytes(rhs->dtype);
  int64_t stride = g->m * g->n;
  g->num_batch = c->batch.count;
  for (int32_t i = c->batch.count - 1; i >= 0; --i) {
    g->batch_dims[i] = c->batch.at[i].size;
    g->a_batch[i] = c->batch.at[i].lhs * lhs_bytes;
    g->b_batch[i] = c->batch.at[i].rhs * rhs_bytes;
    g->c_batch[i] = stride;
    stride *= c->batch.at[i].size;
  }
  g->c_row = g->n;
  g->c_col = 1;
  g->square = op->operands[0] == op->operands[1] && g->m == g->n && g->a.outer_step >= 0 &&
              g->a.sum_step >= 0 && g->a.outer_step == g->b.outer_step &&
              g->a.sum_step == g->b.sum_step && !memcmp(g->a_batch, g->b_batch, sizeof g->a_batch);
  const PjRoutine *routine = pj__dot_split(arena, g);
  if (!routine)
    routine = pj__dot_select(arena, g);
  PjRoutine *costs = (PjRoutine *)routine;
  costs->flops = 2 * (double)g->batch * (double)g->m * (double)g->n * (double)g->k;
  costs->bytes = bytes;
  return routine;
}

const PjRoutine *pj__routine_dot_general(PjArena *arena, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  PjDotDims dims;
  dims.lhs_batch = PJ_INTS(op, lhs_batching_dimensions, &dims.num_batch);
  dims.rhs_batch = PJ_INTS(op, rhs_batching_dimensions, NULL);
  dims.lhs_sum = PJ_INTS(op, lhs_contracting_dimensions, &dims.num_sum);
  dims.rhs_sum = PJ_INTS(op, rhs_contracting_dimensions, NULL);
  PjContraction contraction, *c = &contraction;
  const PjTensor a = shape_of(lhs), b = shape_of(rhs);
  pj_dot_axes(&a, &b, &dims, 0, c);
  c->comp = pj_comp_pick(lhs->dtype, rhs->dtype, result->dtype);
  const PjAttr *sum_type = PJ_ATTR(op, accumulation_type);
  if (sum_type && sum_type->type && sum_type->type->kind == PJ_TYPE_SCALAR &&
      sum_type->type->dtype == PJ_DT_F64 && c->comp == PJ_COMP_F32)
    c->comp = PJ_COMP_F64;
  return make(arena, c, op);
}

const PjRoutine *pj__routine_dot(PjArena *arena, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  const int64_t last = lhs->rank - 1, first = 0;
  const PjDotDims dims = {.num_sum = lhs->rank > 0, .lhs_sum = &last, .rhs_sum = &first};
  PjContraction contraction, *c = &contraction;
  const PjTensor a = shape_of(lhs), b = shape_of(rhs);
  pj_dot_axes(&a, &b, &dims, 0, c);
  c->comp = pj_comp_pick(lhs->dtype, rhs->dtype, result->dtype);
  return make(arena, c, op);
}
