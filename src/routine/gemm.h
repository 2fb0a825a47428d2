// The packed matrix product, core of contractions and convolutions.
//
// c[i, j] = sum over p of a[i, p] * b[p, j], for each of a number of batches. What is multiplied is
// what two panels pack: a panel knows how to bring a block of its operand into slivers that the
// micro-kernel reads front to back, so transposed, converted, complex or gathered operands cost
// nothing but their packing. Sums run over p in order, in blocks of a fixed length, whatever the
// sizes of tiles and the number of threads: every element of c has the same bits wherever it is
// computed.
#pragma once
#include "eval/contract.h"
#include "routine/plan.h"

typedef struct PjPanel PjPanel;
typedef struct PjGrouping PjGrouping;
typedef struct PjProduct PjProduct;
// Packs the elements [outer, outer + outers) x [sum, sum + sums) of the operand at |base| into
// slivers of |width|: sliver s begins at out + s * sliver elements and holds element (outer + s *
// width + i, sum + p) at p * width + i; the last one is filled up with zeros. |temp| has
// PJ_PACK_TEMP bytes.
typedef void PjPackFn(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, void *out, int64_t sliver, void *temp);
enum { PJ_PACK_TEMP = 17 << 10, PJ_PACK_WIDTH = 32, PJ_PACK_PIECE = 64 }; // the widest sliver

// Instead of packing: where the elements [outer, outer + outers) x [sum, sum + sums) lie. The sum
// falls into runs, sums[r] elements each, whose number is returned; row i of tile t, of |width|
// rows, holds the elements of run r from lines[(t * runs + r) * width + i] on. Rows behind the last
// are any. |room|, of as many elements as the block, takes what does not lie there.
typedef int64_t PjReachFn(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                          int64_t sum, int64_t sums, int width, int64_t *run_sums,
                          const void **lines, void *room);

struct PjPanel {
  PjPackFn *pack;
  PjReachFn *reach; // or NULL
  int64_t run;      // reach: elements of a run, but for the ends of a block
  PjComp part;      // what it packs: F32, F64, U32 or U64
  PjDtype dtype;    // of the operand
  // Offsets in elements of the operand: a stride where all are its multiples (then the table may be
  // NULL), else -1.
  int64_t outer_step, sum_step;
  const int64_t *outer, *sum;
  void (*load)(int64_t n, const void *in, void *out); // converts a run, or NULL: pj_comp_load
  const void *user;                                   // for packers of their own kind
  // Where neighbours of the sum are packed as groups: how, elements of the sum, and bits that are
  // turned in all of them (gemm_groups.c).
  const PjGrouping *grouping;
  int group; // elements of one, or 1
  int64_t grouped;
  uint32_t flip;
  // Of packers of their own kind: the same operand with such groups, as they lie, for elements; or
  // NULL.
  const PjPanel *words;
};

// A panel over an operand of any type that |comp| can be computed from; |left|: it is a (the
// packing of complex numbers differs). The caller sets offsets. False if |dtype| does not go with
// |comp|.
bool pj__panel_init(PjPanel *panel, PjComp comp, PjDtype dtype, bool left);

// The packer of operands that are converted on the way.
PjPackFn pj__pack_converted;

// Makes a panel of |k| elements pack groups of |size|, which have 32 bits as they lie: by
// pj__pack_groups, which packs no groups behind the sum. For panels that pj__can_group.
void pj__panel_group(PjPanel *panel, int size, int64_t k);
PjPackFn pj__pack_groups;
bool pj__can_group(const PjPanel *panel);
// How many neighbours of the sum the processor has an instruction to multiply and add, for operands
// of these types as they lie; 0: none.
int pj__group_of_dots(PjComp comp, PjDtype a, PjDtype b);
// Integers of up to 16 bits whose products are summed in pairs: |n| of them as 16 bits each; NULL
// for other types.
typedef void PjWidenFn(int64_t n, const void *in, void *out);
PjWidenFn *pj__pairs_widen(PjDtype dtype);

// For packers of their own: lines along the sum into a sliver (out[p * width + i] = lines[i][p];
// |ahead|: how far the next sliver's lines are from these, or 0),
// and lines along the rows, |step| elements (or, if negative, table entries) apart, into slivers.
// For elements of 4 or 8 bytes.
typedef void PjLinesFn(const void *const *lines, int have, int width, int64_t n, int64_t ahead,
                       void *out);
typedef void PjCopyFn(const void *from, const int64_t *table, int64_t step, int64_t n, int64_t sums,
                      int width, void *out, int64_t sliver);
PjLinesFn *pj__pack_lines(size_t bytes);
PjCopyFn *pj__pack_copy(size_t bytes);
// Fills the last sliver with zeros if it is not full.
void pj__pack_clear(size_t bytes, int64_t outers, int64_t sums, int width, void *out,
                    int64_t sliver);
// Converts |n| elements that lie next to each other; only for panels that are not native.
void pj__panel_load(const PjPanel *panel, int64_t n, const void *in, void *out);
// The offsets of |axes| (row-major) as one operand sees them: a stride, or -1 and a table in
// |arena|.
void pj__axes_fold(PjArena *arena, const PjAxes *axes, bool rhs, int64_t *out_step,
                   const int64_t **out_table);

// c[i, j] (+)= sum over p < k of a[p * mr + i] * b[p * nr + j]: a tile of |mr| rows of c, |c_row|
// elements apart, and |nr| columns. With each p another line of what is needed later, |ahead| and
// then |step| bytes further on, is brought nearer (any addresses).
typedef void PjMicroTile(int64_t k, const void *a, const void *b, void *c, int64_t c_row, bool add,
                         const char *ahead, int64_t step);
// The same of rows as they lie (PjReachFn).
typedef void PjMicroLines(int64_t runs, const int64_t *sums, const void *const *lines,
                          const void *b, void *c, int64_t c_row, bool add, const char *ahead,
                          int64_t step);
enum { PJ_GEMM_HEIGHTS = 3 };
typedef struct PjTiles {
  PjMicroTile *tile[PJ_GEMM_HEIGHTS]; // up to that of mr rows
  PjMicroLines *lines[PJ_GEMM_HEIGHTS];
  int columns; // the first so many of a sliver are multiplied
} PjTiles;
enum { PJ_GEMM_THIN = 2 };
typedef struct PjMicro {
  int mr, nr;
  int low; // kernel i has the first (i + 1) * low rows of a tile
  PjTiles tiles;
  PjTiles thin[PJ_GEMM_THIN]; // of fewer columns, for the last sliver; columns 0: none
} PjMicro;
// The kernel for packed slivers of |part|: F32, F64, U32 or U64.
const PjMicro *pj__micro(PjComp part);
// Rows of a tile: with two vectors of columns, what fits 16 registers of SSE2 and AVX2, and 32 of
// AVX-512. And of the two lower kernels: a third and two thirds of that, or all.
#define PJ_GEMM_MR  (PJ_LEVEL == 2 ? 12 : PJ_LEVEL == 1 ? 6 : 4)
#define PJ_GEMM_LOW (PJ_LEVEL ? PJ_GEMM_MR / 3 : PJ_GEMM_MR)
#define PJ_GEMM_MID (PJ_LEVEL ? 2 * PJ_GEMM_LOW : PJ_GEMM_MR)

// Of slivers of groups of |size| neighbours of the sum, each a number of 32 bits: |k| groups. Sums
// begin with |start|, of nr columns.
typedef void PjGroupTile(int64_t k, const void *a, const void *b, const uint32_t *start, void *c,
                         int64_t c_row, bool add);
typedef void PjGroupLines(int64_t runs, const int64_t *sums, const void *const *lines,
                          const void *b, const uint32_t *start, void *c, int64_t c_row, bool add);
typedef struct PjGroups {
  int size;
  int depth;     // |k| is its multiple, or 0: any
  PjMicro micro; // its sizes
  PjGroupTile *tile[PJ_GEMM_HEIGHTS];
  PjGroupLines *lines[PJ_GEMM_HEIGHTS]; // if it |can_reach|
  bool can_reach;
  // Makes |start| from a sliver of b; NULL: it is not used.
  void (*start)(int64_t k, int nr, const void *b, uint32_t *start);
  // If not NULL, |tile| and |lines| take subnormal numbers for zero, and these do not, with the
  // same bits else. |least|: the biased exponent of the smallest element but zero of |n| groups.
  PjGroupTile *exact[PJ_GEMM_HEIGHTS];
  PjGroupLines *exact_lines[PJ_GEMM_HEIGHTS];
  int (*least)(int64_t n, const void *groups);
  // Before and behind all tiles that a thread computes one after the other, or NULL.
  void (*begin)(void), (*end)(void);
} PjGroups;
int pj__least_bf16(int64_t n, const void *words);
// Whether every sum of products of two numbers of these exponents, of 8 bits each, is a multiple of
// the smallest normal float: then no sum is subnormal but zero.
static inline bool pj__keeps_normal(int least_a, int least_b) {
  return least_a > 0 && least_b > 0 && least_a - 127 + least_b - 127 - 14 >= -126;
}

// Makes both panels of a product of |k| elements and |n| columns pack groups, filled up with zeros.
// NULL, and nothing changed, where their types do not fit or a packer of its own kind has no
// |words|.
const PjGroups *pj__panels_group(PjPanel *a, PjPanel *b, PjComp comp, int64_t n, int64_t k);
// The same for the processor's instructions on tiles (gemm_tiles.c): NULL also where it has none,
// or the product, of |m| rows, is too small for them. And whether that would not be NULL.
const PjGroups *pj__panels_tile(PjPanel *a, PjPanel *b, PjComp comp, int64_t m, int64_t n,
                                int64_t k);
bool pj__product_tiles(const PjProduct *product);
// Lets a panel whose rows lie along the sum of |k| elements, whole or in pieces, be read as they
// lie; false, and nothing changed, where they do not, or would push each other out of the cache.
bool pj__panel_reach_rows(PjPanel *panel, int64_t k);

// Stores a tile in another type: |cols| numbers of each row, in whole vectors at |from|.
typedef void PjTileEncode(int64_t rows, int64_t cols, const float *from, int64_t from_row,
                          uint16_t *to, int64_t to_row);

struct PjProduct {
  PjRoutine routine; // run computes in[0] x in[1]
  PjComp comp;
  int64_t batch, m, n, k; // in elements of comp
  PjPanel a, b;
  // Strides of the batch dimensions, in bytes of the operands and in elements of c.
  int32_t num_batch;
  int64_t batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK], c_batch[PJ_MAX_RANK];
  PjDtype out_dtype;
  int64_t c_row, c_col; // strides in elements
  bool swapped;         // a is in[1]
  bool square;          // b is a, turned: column j of b is row j of a
  const void *constant; // what b is in every run, or NULL

  // Set by pj__product_plan, in numbers of a.part: twice n and k where comp is complex, less of k
  // where panels are of groups.
  const PjMicro *micro;
  const PjGroups *groups; // or NULL
  int64_t real_n, real_k;
  const char *kept;         // b packed once, when the product was planned, or NULL
  bool shared;              // b is packed for all tasks, before them; else by each task
  bool whole;               // a task has all columns of a batch
  PjTileEncode *encode;     // or NULL: tiles of c are converted, each when it is computed
  bool buffered;            // c is computed in blocks of a.part and converted
  int64_t rows, cols, sums; // of a task; p in one block,
  int64_t block;            // and rows
  int64_t chunk, group;     // shared: columns, and batches, whose b is packed at a time
  size_t a_bytes, b_bytes;  // of a packed block
  size_t all_a_bytes;       // of all of a, packed, or 0: it is too much to be kept
  bool reached;             // a is not packed: it is read as it lies, in at most |runs| runs
  int64_t runs;
};

// Where batch |batch| begins, in units of |strides|; |dims| are those of the batch, slowest first.
static inline int64_t pj__batch_offset(int32_t num, const int64_t *dims, const int64_t *strides,
                                       int64_t batch) {
  int64_t offset = 0;
  for (int32_t d = num - 1; d >= 0; --d) {
    offset += batch % dims[d] * strides[d];
    batch /= dims[d];
  }
  return offset;
}

// Completes a product whose fields up to |constant| are set: blocks, scratch, run, costs.
void pj__product_plan(PjProduct *product);
// Whether a constant b of such a product is better packed once than read as it lies by each run:
// where packing is much of the work. That is done by pj__product_keep, into |arena|, which must
// live as long as the routine, after the plan was made.
bool pj__product_keeps(const PjProduct *product);
void pj__product_keep(PjArena *arena, PjProduct *product);
