// Parts of the bytecode reader. The file is indexed first (tables.c); types, attributes and
// locations are decoded when something refers to them, once each (types.c, attrs.c, stablehlo.c,
// sdy.c, entries.c), and operations last (ir.c): those of a portable artifact (vhlo) by the op
// table's keys, those of MLIR's own bytecode by the names of the text (native.c).
#pragma once
#include "base/vec.h"
#include "import/bytecode/cursor.h"
#include "import/bytecode/versions.h"
#include "import/import.h"
#include "ir/form.h"

typedef enum PjBcDialect {
  PJ_BC_BUILTIN,
  PJ_BC_VHLO,
  PJ_BC_SDY,
  PJ_BC_STABLEHLO,
  PJ_BC_CHLO,
  PJ_BC_FUNC,
  PJ_BC_QUANT,
  PJ_BC_OTHER,
} PjBcDialect;

typedef struct PjBcDialectName {
  PjStr name;
  PjBcDialect kind;
} PjBcDialectName;

typedef enum PjBcState { PJ_BC_RAW, PJ_BC_BUSY, PJ_BC_VALUE, PJ_BC_LOC } PjBcState;

// An entry of the attribute or type table. An attribute entry holds an attribute or a location.
typedef struct PjBcEntry {
  const uint8_t *at;
  size_t size;
  const void *value;       // PjAttr, PjLoc (NULL: unknown) or PjType, by |state|
  const PjAttr *canonical; // the attribute as |canonical_kind| wants it
  uint64_t weight;         // nodes of |value| written out as a tree
  uint32_t dialect;        // index into the dialects
  uint8_t state;           // PjBcState
  uint8_t canonical_kind;  // PjAttrSpecKind + 1; 0: none yet
  bool custom;             // false: stored as text
} PjBcEntry;

// An attribute of an operation in MLIR's own bytecode.
typedef enum PjBcFieldKind {
  PJ_BC_SLOT,    // one of the op table
  PJ_BC_GROUP,   // a structure of several
  PJ_BC_CHANNEL, // a channel handle
  PJ_BC_KEPT,    // unknown to the op table: becomes discardable
} PjBcFieldKind;

typedef struct PjBcField {
  const char *name;
  const PjAttrGroup *group;
  int slot; // in PjOp.attrs
  PjBcFieldKind what;
  bool required; // no flag of presence
} PjBcField;

typedef struct PjBcFields {
  PjBcField *list; // in the order of the properties
  uint32_t count;
} PjBcFields;

// An operation name of the file, resolved.
typedef struct PjBcOpName {
  PjStr name;       // without the dialect
  uint32_t dialect; // index into the dialects
  PjOpKind kind;    // PJ_OP_INVALID: not in the op table (or builtin.*)
  bool registered;
  PjVhloKeys keys;          // of vhlo's
  const PjBcFields *fields; // of the others'; NULL: vhlo, or unknown
} PjBcOpName;

typedef struct PjBcFrame {
  uint64_t first;    // number of the region's first value
  uint64_t declared; // values that the region says it defines
  size_t base;       // where its values begin in |values|
} PjBcFrame;

typedef struct PjBc {
  PjArena *arena;
  PjModule *module;
  PjCursor sections[9]; // at == NULL: absent
  uint32_t version;     // of the bytecode format
  PjStr producer;
  PjVersion wrote; // StableHLO version in |producer|; major < 0: none
  PjStr *strings;
  uint32_t num_strings;
  PjBcDialectName *dialects;
  uint32_t num_dialects;
  PjBcOpName *ops;
  uint32_t num_ops;
  PjBcEntry *attrs, *types;
  uint32_t num_attrs, num_types;
  PjCursor *props;
  uint32_t num_props;
  // Shared subtrees make a small file describe a huge tree: |budget| is how many more nodes uses
  // may add up to.
  uint64_t budget;
  uint64_t weight; // nodes of what is being decoded, so far
  unsigned depth;  // of nested decoding
  // ir.c: values in scope. Frames before |floor| belong to enclosing isolated operations.
  PJ_VEC(PjBcFrame) frames;
  PJ_VEC(PjValue *) values;
  size_t floor;
  unsigned nesting;
  PJ_VEC(const PjType *) result_types; // scratch
  PJ_VEC(PjValue *) operands;          // scratch
} PjBc;

// tables.c: checks the container and fills the tables. Attributes and types stay undecoded.
PjStatus pj__bc_index(PjBc *bc, const void *bytes, size_t size);
// A section header at |c|; |out| gets its data. Refuses an unknown id.
PjStatus pj__bc_section(PjCursor *c, uint8_t *out_id, PjCursor *out);
PjStatus pj__bc_string(PjBc *bc, PjCursor *c, const char *what, PjStr *out);
// "; the program was written by StableHLO 2.0.0, this reader knows 0.9.0 to 1.20.0": for unknown
// codes and names.
const char *pj__bc_versions(PjBc *bc);

// ops.c: resolves an operation name.
void pj__bc_resolve(PjBc *bc, PjBcOpName *op);

// Table look-ups: an index at |c|, then the decoded entry. The raw forms take the index.
PjStatus pj__bc_type(PjBc *bc, PjCursor *c, const PjType **out);
PjStatus pj__bc_type_at(PjBc *bc, const PjCursor *c, uint64_t index, const PjType **out);
PjStatus pj__bc_attr(PjBc *bc, PjCursor *c, const PjAttr **out);
PjStatus pj__bc_attr_at(PjBc *bc, const PjCursor *c, uint64_t index, const PjAttr **out);
PjStatus pj__bc_opt_attr(PjBc *bc, PjCursor *c, const PjAttr **out); // NULL when absent
PjStatus pj__bc_attr_list(PjBc *bc, PjCursor *c, uint32_t *out_count, const PjAttr ***out);
PjStatus pj__bc_loc(PjBc *bc, PjCursor *c, const PjLoc **out); // NULL: unknown location
// Takes the nodes decoded (or referred to) since the last call out of the budget.
PjStatus pj__bc_spend(PjBc *bc, const PjCursor *c);
// A table index below |count|.
PjStatus pj__bc_table_index(PjCursor *c, const char *what, uint32_t count, uint64_t *out);
// Decoding of one entry: enter checks that it is not being decoded already (a cycle) and reads its
// code; leave demands that all of it was read and keeps the value.
PjStatus pj__bc_enter(PjBc *bc, PjBcEntry *entry, const char *what, PjCursor *out,
                      uint64_t *out_code, uint64_t *out_outer_weight);
PjStatus pj__bc_leave(PjBc *bc, PjBcEntry *entry, const char *what, const PjCursor *c,
                      uint64_t outer_weight, PjBcState state, const void *value);
// Decodes an entry that is written as text, a type or an attribute.
PjStatus pj__bc_text(PjBc *bc, PjBcEntry *entry, const char *what, bool is_type, const void **out);

// Dialects' own encodings, after the code. The builtin ones leave locations to locs.c.
PjStatus pj__bc_attr_builtin(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out);
PjStatus pj__bc_attr_vhlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out);
PjStatus pj__bc_attr_sdy(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out);
PjStatus pj__bc_attr_stablehlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out);
PjStatus pj__bc_attr_chlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out);
// What vhlo and stablehlo encode alike.
// A string as an attribute; |what| names it in errors.
PjStatus pj__bc_string_attr(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out);
PjStatus pj__bc_enum(PjBc *bc, PjCursor *c, PjEnumKind kind, const PjAttr **out);
PjStatus pj__bc_alias(PjBc *bc, PjCursor *c, const PjAttr **out);
PjStatus pj__bc_accuracy(PjBc *bc, PjCursor *c, const PjAttr **out);
PjStatus pj__bc_bounds(PjBc *bc, PjCursor *c, const PjAttr **out);
// elements.c: a constant's blob as an ELEMENTS attribute of |type|.
PjStatus pj__bc_elements(PjBc *bc, const PjCursor *c, const PjType *type, PjCursor blob,
                         const PjAttr **out);

// canonical.c: attribute |index| in the form that |spec| demands; |owner| names the operation in
// messages.
PjStatus pj__bc_canonical(PjBc *bc, const PjCursor *c, uint64_t index, const PjAttrSpec *spec,
                          const PjAttr **out);
// The same for an attribute that is no entry; NULL when it cannot be had in that form.
const PjAttr *pj__bc_convert(PjBc *bc, PjAttrSpecKind spec, const PjAttr *attr);

// ir.c: the IR section.
PjStatus pj__bc_ir(PjBc *bc);
