// Inside of scheduling: how a region becomes steps.
#pragma once
#include "pass/match_attention.h"
#include "pass/match_exchange.h"
#include "sched/sched.h"

typedef enum PjRole {
  PJ_OPROLE_INLINE, // can be computed in registers where it is wanted
  PJ_OPROLE_REDUCE, // heads a group of its own
  PJ_OPROLE_UPDATE, // dynamic_update_slice: its update is computed into place
  PJ_OPROLE_ALIAS,  // its result is its operand's memory
  PJ_OPROLE_ROUTINE,
  PJ_OPROLE_CONTROL,
  PJ_OPROLE_EVAL,
  PJ_OPROLE_NONE, // nothing to do (a constant)
} PjRole;

// What is known of an operation, by PjOp.id.
typedef struct PjOpInfoSched {
  PjRole role;
  bool in_memory; // its result must be materialised
  bool visited;
  PjCuts cuts;         // of its result, when computed inline
  float cost;          // nanoseconds per element, with what is inlined
  float chain;         // the part of it that is computed one after the other,
  float longest;       //   and the longest operation in that
  uint32_t nodes;      // operations inlined, itself included
  double nodes_before; // of what is inlined at its index: all operations before the first of them,
  double cost_before;  //   and what they cost (roles.c)
  uint32_t users;      // operations that read it
  uint32_t peeks;      //   and, not among them, those that take only a little of it
  const PjOp *home;    // the root that alone computes it, or NULL: several
  bool moved;          // some user reads it at another index than its own
  int64_t sliced;      // elements that slices of it have, if only such read it; else too many
  uint32_t stamp;      // of walks: the walk that came here last,
  uint8_t seen;        //   and in which states
  bool stored;         // of a root: some other unit, or the region's end, reads its result
  bool reused;         // of a root: a later stage of its own unit reads its result
  struct PjUnit *unit; // that makes it, of roots
  int stage;           // of a root: in which it is made
  const PjRoutine *routine;
  PjExchangeMatch *exchange; // of a loop that is a routine
  // Of an operation that a routine computes together with others, which have no role then: what the
  // routine reads, instead of its operands.
  const PjAttentionMatch *attention;
  bool absorbed;    // it is one of those others
  uint64_t written; // of a loop: the carries whose start nobody sees (pj_match_written)
  PjReducer *reducer;
} PjOpInfoSched;

static inline const PjRegion *pj_home(const PjValue *value) {
  return value->def ? value->def->region : value->region;
}

enum { PJ_NO_SLOT = UINT32_MAX };

// What |op| reads: operands, or what its routine takes instead.
static inline const PjValue *const *pj_reads(const PjOpInfoSched *info, const PjOp *op,
                                             uint32_t *out_count) {
  *out_count = info->attention ? info->attention->num_inputs : op->num_operands;
  return info->attention ? info->attention->inputs : (const PjValue *const *)op->operands;
}

// True if carried value |i| of loop |op| needs memory, but nothing in it when the loop begins.
static inline bool pj_starts_empty(const PjOpInfoSched *info, uint32_t i) {
  return i < 64 && info->written >> i & 1;
}

typedef struct PjLower {
  PjArena *arena; // what stays
  PjArena *work;  // what does not
  PjSchedule *schedule;
  const PjScheduleOptions *options;
  PjOpInfoSched *ops;     // by PjOp.id
  uint32_t *uses;         // by PjValue.id, regions included, less those that gradients take
  uint32_t *slot_of;      // by PjValue.id
  uint32_t *wanted;       // by PjValue.id: the slot in which a result should be made
  const PjValue **origin; // by PjValue.id: of an alias, the value whose memory it is in; else NULL
  uint32_t *last_read; // by PjValue.id of an origin: order of the last unit of its own region that
                       // reads it
  bool *read_moved; // by PjValue.id of an origin: that last unit reads an element at another index
                    // than its own
  bool *owned;      // by PjValue.id of an origin: its memory belongs to it alone, so it may be
                    // overwritten when it dies
  uint32_t
      *donated_to; // by parameter: the slot of the result that it was donated to, or PJ_NO_SLOT
  int64_t returned_bytes;  // of the program's results
  uint32_t time;           // number of the next step
  PjMap code_of;           // function hash to code
  PJ_VEC(uint64_t) hashes; // two words per code
  PJ_VEC(const PjKir *) functions;
  uint32_t stamp;
  // Loops at hand: slots that their steps use, so that what comes from outside lives to their end.
  PJ_VEC(uint32_t) touched;
  uint32_t num_loops;
} PjLower;

static inline const PjValue *pj_origin(const PjLower *l, const PjValue *value) {
  return l->origin[value->id] ? l->origin[value->id] : value;
}

// --- roles.c
// Decides role, cuts, costs and what must be in memory, for the operations of |region|.
void pj_lower_roles(PjLower *l, const PjRegion *region);
// Cuts that an update (operand 1 of a dynamic_update_slice) needs when it is computed into place;
// |inner|: its own.
bool pj_update_cuts(const PjOp *op, const PjCuts *inner, PjCuts *out);

// --- cost.c
double pj_op_cost(const PjOp *op); // nanoseconds per element of the result
// Whether so many operations that cost so much per element are few enough for one kernel.
bool pj_fits_kernel(double nodes, double cost);

// --- units.c
// A unit is what becomes one step, or a few: a group, or any other operation.
typedef struct PjUnit PjUnit;
struct PjUnit {
  bool is_group;
  const PjOp *op; // first root, or the operation
  uint32_t order;
  // Groups:
  PjGroupKind kind;
  bool general; // reductions over dimensions of their own
  int64_t count, inner;
  uint32_t nodes;
  double cost; // of its roots, per element of theirs
  int num_stages;
  PJ_VEC(const PjOp *) roots;
  PJ_VEC(const PjValue *) leaves; // read from memory, as far as noted
  PjCuts cuts;
};
typedef struct PjUnits {
  PjUnit **data;
  size_t len, cap;
} PjUnits;
// True if |op| leaves its result in memory, or is no part of a kernel.
static inline bool pj_is_root(const PjOpInfoSched *info) {
  return info->role != PJ_OPROLE_INLINE || info->in_memory;
}
// Cuts the operations of |region| into units, in an order in which they can run.
void pj_lower_units(PjLower *l, const PjRegion *region, PjUnits *out);

// --- lower.c, kernels.c, slots.c
PjStatus pj_lower_region(PjLower *l, const PjRegion *region, PjSteps *out);
PjStatus pj_lower_group(PjLower *l, const PjUnit *unit, PjSteps *out);
PjStatus pj_lower_update(PjLower *l, const PjUnit *unit, PjSteps *out);
// True for an alias: its result is in the memory of operand |i| for result |i|.
bool pj_is_alias(PjLower *l, const PjOp *op);
// True for a constant that is kept as data of the program.
bool pj_is_constant_data(const PjOp *op);
// The group that |unit| is.
bool pj_unit_shape(PjLower *l, const PjUnit *unit, PjGroup *out);
// Everything in memory that |unit| reads is in use now.
void pj_unit_touch(PjLower *l, const PjUnit *unit);
// The group of a dynamic_update_slice over its update; |root| is its only root.
bool pj_update_shape(PjLower *l, const PjOp *op, PjRoot *root, PjGroup *out);
// Around the steps of a loop; |begin|: its first step.
size_t pj_loop_begin(PjLower *l);
void pj_loop_end(PjLower *l, size_t mark, uint32_t begin);
uint32_t pj_slot_new(PjLower *l, PjSlotKind kind, size_t bytes);
void pj_slot_touch(PjLower *l, uint32_t slot); // the step at hand uses it
// The slot of a value that is in memory; makes constants of dense ones.
uint32_t pj_slot_of(PjLower *l, const PjValue *value);
// A slot for the result |value|: the wanted one, or a new temporary.
uint32_t pj_slot_for(PjLower *l, const PjValue *value);
PjStep *pj_step_add(PjLower *l, PjSteps *steps, PjStepKind kind, const PjOp *op, uint32_t num_in,
                    uint32_t num_out);
// The code of |function|. With |*known| it was there already, and |function| is not needed any
// more.
uint32_t pj_code_add(PjLower *l, const PjKir *function, bool *known);
// Drops the copies at the end of a temporary to a result that nothing else writes: the temporary
// becomes the result's memory, wherever it was made and changed in place.
void pj_slots_adopt(PjLower *l);
void pj_slots_place(PjSchedule *schedule);
// True if |unit| is the last that reads the memory of |value|, and may overwrite it.
bool pj_value_dies(PjLower *l, const PjValue *value, const PjUnit *unit);
size_t pj_value_bytes(const PjValue *value);

// --- fallback.c
PjStatus pj_lower_fallback(PjLower *l, const PjOp *op, PjSteps *out);
PjStatus pj_fallbacks_prepare(PjLower *l);
