// Fusion groups: operations that become one kernel, and the code of their loops.
//
// A group has roots: values that it leaves in memory. Everything between its inputs and its roots
// is computed in registers. All roots of a group share one domain, outer x inner elements:
//
//   MAP      elementwise: inner is 1, a root has an element per index
//   ROWS     an outer index is a row; reductions over whole rows, elementwise roots over rows, and
//   values per row, in
//            stages: a stage is one loop over the row, the next one uses what it reduced. Lanes run
//            along the row.
//   COLUMNS  reductions whose kept elements lie beside each other: lanes run along the kept
//   elements
#pragma once
#include "sched/body.h"

typedef enum PjGroupKind { PJ_GROUP_MAP, PJ_GROUP_ROWS, PJ_GROUP_COLUMNS } PjGroupKind;

typedef enum PjRootRole {
  PJ_ROOT_ELEMENTS, // of the whole domain
  PJ_ROOT_PER_ROW,  // ROWS: an element per row, computed from reductions
  PJ_ROOT_REDUCE,
} PjRootRole;

typedef struct PjRoot {
  const PjOp *op;
  PjRootRole role;
  int stage;         // ROWS: of ELEMENTS and REDUCE
  bool stored;       // its results have buffers of their own; else later stages alone use it
  bool reused;       // ELEMENTS: a later stage reads it
  PjReducer reducer; // REDUCE
} PjRoot;

// A loop of the domain, from the slowest to the fastest in the order of the reduced operand.
typedef struct PjLoop {
  int64_t pos; // in the domain's row-major order
  int64_t extent;
  bool inner;      // reduced
  int64_t out_pos; // of an outer loop: in the row-major order of what is kept
} PjLoop;

enum {
  PJ_MAX_ROOTS = 32,
  PJ_GROUP_WRITTEN = 32,
  PJ_MAX_DOWN = 4,   // elements of a row, and roots, of vectors that run down the rows
  PJ_MOST_DOWN = 16, // elements of a matrix, where vectors run down matrices
};

typedef struct PjGroup {
  PjGroupKind kind;
  uint32_t num_roots;
  PjRoot *roots; // in order of dependence
  int num_loops;
  PjLoop loops[PJ_MAX_PIECES]; // from the slowest to the fastest in the order of the domain
  int num_stages;
  int lanes;     // of the vector loops
  int inputs;    // arrays that are read, given
  double cost;   // about nanoseconds per element of the domain
  int64_t count; // elements of the domain
  int64_t inner; // elements of a row, or those that a kept element is reduced from
  int64_t outer; // count / inner
  // The kernel's range: |units| of them, a call is asked for multiples of |align|. MAP of one loop:
  // an element each; else a block of the last loop at an outer index. ROWS: a row. COLUMNS: a block
  // of columns. With |split|: a part of each.
  int64_t units, align;
  int64_t block, blocks; // of the last loop: its size and how many
  int64_t split; // parts into which a long reduction is cut (1: none); what they leave is joined
                 // afterwards
  int64_t split_size; // of the first inner loop per part
  bool apart;         // ROWS: units count rows first, then parts, which is the order of memory
  bool tiny;          // MAP: the last loops are written out, and |block| is of the one before
  int written_loops;  // tiny: how many, 1, or 2 of small matrices
  bool across;        // tiny, and vectors run across the rows of the last loop
  bool down;          // tiny, and vectors run down the rows, one for each element of the last loops
  bool
      written; // MAP: the last loop's vectors are written out, and its numbers are part of the code
  int64_t reversed; // MAP, given: elements between two of the one dimension in which all that is
                    // read is read backwards; 0: none
  bool plain;       // MAP, given: no operation asks where its elements come from (pad, concatenate,
                    // gather)
  bool joins;       // MAP, given: some do, of parts that lie in different places (pad, concatenate)
  int64_t joined;   // MAP, given: where that is all but moves, elements from where such a dimension
                    // begins to its end; else INT64_MAX
  bool maskable;    // given: vectors with lanes off cost no more than others
  bool in_place;    // given: some result lies where an input does
  bool within;      // given: a part of a loop, in which it reads what was just written
  bool streamed;    // COLUMNS: accumulators lie in memory, and whole pages are read (emit_stream.c)
  bool whole;       // COLUMNS: a block of a few vectors is all of a long array's row
  size_t scratch_bytes; // that a call needs
} PjGroup;

// Completes a group of which kind (MAP or ROWS), roots, stages, lanes, cost, count, inner and plain
// are set; |cuts| are what its roots need of the domain, whose rows are the last |inner| elements
// (MAP: 1).
bool pj_group_shape(PjGroup *group, const PjCuts *cuts);
// The same for reductions over the dimensions of the first root's operation, which may lie
// anywhere: sets the kind too.
bool pj_group_shape_reduce(PjGroup *group, const PjCuts *cuts);

// Elements of the loops that are written out, if it is tiny.
int64_t pj_group_columns(const PjGroup *group);

// How many vectors of |lanes| from the beginning of a row of the last loop on end where one does.
int64_t pj_group_across(const PjGroup *group, int lanes);

// Lanes, |most| or a smaller power of two down to |least|, whose vectors cover |extent| elements in
// the fewest steps, what is left over being done one by one; of equals the most.
int pj_group_lanes(int64_t extent, int most, int least);

// What becomes of the elements at the end of a row, or of columns, that fill no vector. (MAPs of
// one loop have one end, which may be as it likes.)
typedef enum PjEnds {
  PJ_ENDS_SINGLE, // one after the other
  // A vector with some lanes off, where that costs no more than others do. Not in place: what is
  // read next, of which the lanes that are off are the beginning, would wait until the others are
  // in the cache.
  PJ_ENDS_MASKED,
  // A vector that begins in the one before and computes some of it again, where lanes can't be off
  // as cheaply. It is computed first and stored last: so its inputs may lie where it does. Not of
  // what was just written, in other vectors than it is read in.
  PJ_ENDS_AGAIN,
} PjEnds;

PjEnds pj_group_ends(const PjGroup *group, const PjKirTarget *target);

// Where a root's results go while the group is emitted.
typedef struct PjRootBuffers {
  PjKirVal ptr[PJ_MAX_REDUCED];
  uint8_t alias[PJ_MAX_REDUCED];
  bool past; // whole vectors are written past the caches (pj_group_is_aligned)
} PjRootBuffers;

// Whether each whole vector of root |r|'s elements begins at a multiple of its lanes, and nothing
// of the group reads it again.
bool pj_group_is_aligned(const PjGroup *group, uint32_t r);

// Emits the loops over units [begin, end) (i64 scalars). Inputs are bound in |nest|; |out| has one
// entry per root. With group->split > 1 results are partial ones: element s * outer + o of type
// pj_reducer_dtype.
void pj_group_emit(PjNest *nest, const PjGroup *group, const PjRootBuffers *out, PjKirVal begin,
                   PjKirVal end);
// Emits the sum of the parts: |in| to |out|; units are outer elements.
void pj_group_emit_join(PjNest *nest, const PjGroup *group, const PjRootBuffers *in,
                        const PjRootBuffers *out, PjKirVal begin, PjKirVal end);
