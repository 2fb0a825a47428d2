// Internals of the HLO reader: xla.HloModuleProto into the IR.
//
//   messages.*   the wire: messages as structs          shape.c    shapes, with tuples and layouts
//   literal.c    constants                              index.c    computations and instructions,
//   told apart and checked opcodes.*    the table: opcode -> builder           emit.c     walking
//   computations, operands, results ops_*.c      the builders                           module.c
//   the entry, aliasing, donation groups.c     devices of collectives                 locate.c
//   source locations
//
// HLO has tuples, the IR's programs do not: every instruction has a list of *leaves* (arrays and
// tokens) in depth-first order. A computation that an instruction calls becomes a region, a
// function or part of the caller, each use anew; what that may add up to is bounded by
// PjHlo.budget.
#pragma once
#include "base/map.h"
#include "import/hlo/messages.h"
#include "import/import.h"
#include "ir/ir.h"

typedef struct PjHloShape {
  const PjType *type; // a tensor or a token; NULL: a tuple
  uint32_t num_elems;
  struct PjHloShape *elems;
  uint32_t num_leaves;
  const int64_t *layout; // minor to major, or NULL: row-major
} PjHloShape;

typedef struct PjHlo PjHlo;
typedef struct PjHloSite PjHloSite;

// A row of opcodes.def.
typedef struct PjHloOpcode {
  const char *name;
  PjStatus (*build)(PjHloSite *site);
  PjOpKind kind; // for builders that serve several; or PJ_OP_INVALID
  uint8_t min_operands, max_operands, min_callees, max_callees; // PJ_HLO_ANY: no limit
} PjHloOpcode;
enum { PJ_HLO_ANY = 255 };

const PjHloOpcode *pj_hlo_opcode(PjStr name); // NULL: unknown

typedef struct PjHloInst {
  PjStr bytes, name, opcode;
  PjStr sharding; // the message; ptr NULL: nothing is said
  const PjHloOpcode *row;
  const PjHloShape *shape;
  int64_t parameter_number;
  uint32_t num_operands, num_callees;
  uint32_t *operands; // places in the computation, smaller than its own
  uint32_t *callees;  // places in PjHlo.comps, smaller than the computation's own
} PjHloInst;

typedef struct PjHloComp {
  PjStr name;
  PjHloInst *insts;
  uint32_t num_insts, root;
  uint32_t *params; // places of the parameters, by number
  uint32_t num_params;
  PjStr symbol; // of the function that it became; empty: none yet
} PjHloComp;

struct PjHlo {
  PjArena *arena;
  PjModule *module;
  const char *file; // where byte 0 is
  PjHloModuleMsg msg;
  PjHloConfigMsg config;
  PjHloStackFrameIndexMsg frames;
  PjHloComp *comps;
  uint32_t num_comps, entry;
  PjMap comp_places; // id -> place
  int64_t budget;    // instructions and leaves that may still be made
  int depth;         // of computations within computations
  uint32_t num_symbols;
};

// The leaves of an instruction.
typedef struct PjHloLeaves {
  PjValue **v;
  uint32_t n;
} PjHloLeaves;

typedef struct PjHloFrame {
  PjHloComp *comp;
  PjRegion *region;          // where its operations go
  bool scalar_body;          // of a reduction, a sort ...: functions are not called from there
  const PjHloLeaves *params; // by number
  PjHloLeaves *values;       // by place
} PjHloFrame;

// One instruction being built.
struct PjHloSite {
  PjHlo *h;
  PjHloFrame *frame;
  const PjHloInst *inst;
  const PjLoc *loc;
  PjHloInstructionMsg msg;
  PjHloLeaves result; // what the builder sets
};

static inline PjStatus pj_hlo_decode(PjHlo *h, PjStr bytes, PjHloMessage message, void *out) {
  return pj_hlo_decode_at(h->arena, h->file, bytes, message, out);
}

// ---------------------------------------------------------------------- shape.c, literal.c,
// sharding.c, locate.c
PjStatus pj_hlo_shape(PjHlo *h, PjStr bytes, const PjHloShape **out);
// Writes the shape's leaves to |out|, which has room for num_leaves.
void pj_hlo_shape_leaves(const PjHloShape *shape, const PjType **out);
// The first leaf of the part of |shape| that |path| names, and the part. NULL: no such part.
const PjHloShape *pj_hlo_shape_part(const PjHloShape *shape, PjHloInts path, uint32_t *out_leaf);
// Element type |code| (xla.PrimitiveType), or PJ_DT_INVALID.
PjDtype pj_hlo_dtype(int64_t code);
// Whether values of type |a| may stand where |b| is expected: sizes equal or unknown.
bool pj_hlo_fits(const PjType *a, const PjType *b);

// An array literal as an ELEMENTS attribute of |type|.
PjStatus pj_hlo_literal(PjHlo *h, PjStr bytes, const PjType *type, const PjAttr **out);

// What the OpSharding |bytes| (ptr NULL: nothing is said) says of an instruction of |num_leaves|,
// as mhlo.sharding has it: a text for each leaf, or NULL.
PjStatus pj_hlo_shardings(PjHlo *h, PjStr bytes, uint32_t num_leaves, const PjAttr **out);
// Whether |target| is a custom call that only says how a value lies on devices.
bool pj_hlo_is_mark(PjStr target);
// A custom call of |target| with |config| that says so of |value|; |type| is what it is then.
PjStatus pj_hlo_mark(PjHloSite *s, PjStr target, const PjAttr *sharding, PjStr config,
                     PjValue *value, const PjType *type, PjValue **out);

const PjLoc *pj_hlo_loc(PjHlo *h, PjStr name,
                        PjStr metadata); // |metadata|: the message, or ptr NULL

// ---------------------------------------------------------------------- index.c
// Reads names, shapes, operands and callees of every computation into h->comps.
PjStatus pj_hlo_index(PjHlo *h);

// ---------------------------------------------------------------------- emit.c
PjStatus pj_hlo_spend(PjHlo *h, uint64_t amount);
// Builds |comp| with |params| in place of its parameters into |region|.
PjStatus pj_hlo_emit(PjHlo *h, PjHloComp *comp, PjRegion *region, bool scalar_body,
                     const PjHloLeaves *params, PjHloLeaves *out_root);
// As above with the leaves of the parameters as arguments of the region, and a terminator.
PjStatus pj_hlo_region(PjHloSite *s, uint32_t callee, bool scalar_body, PjRegion *region);
// Ends |region| with stablehlo.return.
void pj_hlo_return(PjHloSite *s, PjRegion *region, PjHloLeaves values);
// |comp| as a function, not yet in the module and without defaults.
PjStatus pj_hlo_function(PjHlo *h, uint32_t comp, PjStr name, PjOp **out);

// Operand |i|, one array or token.
PjStatus pj_hlo_value(PjHloSite *s, uint32_t i, PjValue **out);
PjStatus pj_hlo_array(PjHloSite *s, uint32_t i, PjValue **out); // no token
static inline PjHloLeaves pj_hlo_leaves(const PjHloSite *s, uint32_t i) {
  return s->frame->values[s->inst->operands[i]];
}
// Every leaf of operands |first| to |end| - 1 in a row.
PjHloLeaves pj_hlo_gather_leaves(PjHloSite *s, uint32_t first, uint32_t end);
// The shape must be an array or token.
PjStatus pj_hlo_result_type(PjHloSite *s, const PjType **out);
// An op at the place of the instruction, without types and not in the region.
PjOp *pj_hlo_op(PjHloSite *s, PjOpKind kind, uint32_t operands, uint32_t results, uint32_t regions);
// Sets the operands to all leaves.
PjOp *pj_hlo_op_on_all(PjHloSite *s, PjOpKind kind, uint32_t results, uint32_t regions);
// Fills defaults, checks |op| and puts it at the end of the region. Result types must be set.
PjStatus pj_hlo_append(PjHloSite *s, PjOp *op);
// Gives the results the types of the instruction's leaves, of which there must be as many, appends,
// and makes them the result.
PjStatus pj_hlo_finish(PjHloSite *s, PjOp *op);
// One operation with one result of |type| on |count| operands, appended: for what takes several.
// Attributes: before, from pj_hlo_op.
PjStatus pj_hlo_append_one(PjHloSite *s, PjOp *op, const PjType *type, PjValue **out);
// The zero of |type|, a static tensor, broadcast.
PjStatus pj_hlo_zeros(PjHloSite *s, const PjType *type, PjValue **out);
void pj_hlo_set_result(PjHloSite *s, PjValue *value);

#define PJ_HLO_SET(op, key, attr) pj_op_set_attr((op), PJ_KEY_##key, (attr))
static inline const PjAttr *pj_hlo_ints_attr(PjHloSite *s, PjHloInts ints) {
  return pj_attr_ints(s->h->arena, ints.len, ints.data);
}

// ---------------------------------------------------------------------- groups.c
// replica_groups of a collective: a matrix, short groups filled up with -1. No groups: 0 x 0, all
// participants.
PjStatus pj_hlo_groups(PjHloSite *s, const PjAttr **out);
PjStatus pj_hlo_pairs(PjHloSite *s, const PjAttr **out); // source_target_pairs
// 0, 1, 2 ... in an array of |dims|, transposed by |perm| (empty: as it is), in row-major order:
// |count| numbers.
PjStatus pj_hlo_iota(PjHloInts dims, PjHloInts perm, int64_t count, int64_t *out);
