// Between ir.c and ops.c: the attributes of one operation.
#pragma once
#include <stdio.h>

#include "import/bytecode/reader.h"

// Where an operation's attributes are: table indices that were read with it.
typedef struct PjBcOpAttrs {
  uint64_t dict, props;
  bool has_dict, has_props;
} PjBcOpAttrs;

// Sets the attributes of |op|, whose operands are known; |c| is where it stands, for messages.
PjStatus pj__bc_op_attrs(PjBc *bc, const PjCursor *c, PjOp *op, const PjBcOpName *name,
                         const PjBcOpAttrs *from);
PjStatus pj__bc_module_attrs(PjBc *bc, const PjCursor *c, const PjBcOpAttrs *from);
PjStatus pj__bc_unknown_op(PjBc *bc, const PjCursor *c, const PjBcOpName *op);

// native.c: the attributes of |kind| in MLIR's own bytecode; where |name| stands among them, -1:
// nowhere; setting one; and all of them from the properties |c|.
const PjBcFields *pj__bc_native_fields(PjBc *bc, PjOpKind kind);
int pj__bc_native_find(const PjBcFields *fields, PjStr name);
PjStatus pj__bc_native_set(PjBc *bc, const PjCursor *c, PjOp *op, const PjBcField *field,
                           uint64_t index);
PjStatus pj__bc_native_properties(PjBc *bc, PjOp *op, const PjBcFields *fields, PjCursor c);
