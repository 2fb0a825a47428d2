// Constant folding: an operation whose operands are constants becomes one.
//
//   %1 = constant dense<2> : tensor<1024xi32>
//   %2 = constant dense<3> : tensor<1024xi32>
//   %3 = add %1, %2                              =>    %3 = constant dense<5> : tensor<1024xi32>
//
// Three ways, the cheapest first:
//   * Constants of equal elements are one element, and stay so through everything that moves
//     elements around, whatever the shape.
//   * Elementwise operations run the evaluator's kernel on the elements.
//   * Anything else runs as a program of its own in the evaluator, which costs microseconds.
// Each bounds its result (MAX_ELEMENTS), so that programs do not grow: a large iota or mask is
// cheaper to compute where it is used than to read.
//
// The elements are those that the evaluator computes, so a folded exp differs from one that
// compiled code computes by what the math of the two differs.
#include "pass/fold.h"

#include "eval/eval.h"

enum { MAX_ELEMENTS = 1024, MAX_PROGRAM_INPUT = 4096 };

static bool all_constant(const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_const_of(op->operands[i]))
      return false;
  return true;
}

// ------------------------------------------------------------------------------------ one element

// The element that all elements of |op|'s result are because it only moves elements around.
static const void *moved_element(const PjOp *op) {
  const void *element = NULL;
  uint32_t moved = 1; // how many of the operands are moved
  switch (op->kind) {
  case PJ_OP_BROADCAST:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_SLICE:
  case PJ_OP_REVERSE:
  case PJ_OP_DYNAMIC_SLICE:
  case PJ_OP_GATHER:
  case PJ_OP_DYNAMIC_BROADCAST_IN_DIM:
  case PJ_OP_DYNAMIC_RESHAPE:
    break;
  case PJ_OP_PAD:
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    moved = 2;
    break;
  case PJ_OP_CONCATENATE:
    moved = op->num_operands;
    break;
  default:
    return NULL;
  }
  size_t bytes = pj_dtype_bytes(op->results[0].type->dtype);
  for (uint32_t i = 0; i < moved; ++i) {
    const PjAttr *attr = pj_const_of(op->operands[i]);
    if (!attr || !pj_const_is_splat(attr) || (element && memcmp(element, attr->data, bytes) != 0))
      return NULL;
    element = attr->data;
  }
  return element;
}

// ------------------------------------------------------------------------------------ elementwise

static bool fold_elementwise(PjRewrite *rw, PjOp *op) {
  PjKernel kernel;
  enum { MAX_OPERANDS = 3 };
  if (op->num_operands > MAX_OPERANDS || !pj_kernel_select(op, &kernel))
    return false;
  const PjType *type = op->results[0].type;
  int64_t count;
  bool splat = true;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    splat &= pj_const_is_splat(pj_const_of(op->operands[i]));
  if (!pj_type_num_elements(type, &count) || count == 0)
    return false;
  if (splat)
    count = 1;
  if (count > MAX_ELEMENTS || !pj_rw_spend(rw, (uint64_t)count))
    return false;
  size_t out_bytes = (size_t)count * pj_dtype_bytes(type->dtype);
  const void *in[MAX_OPERANDS];
  PjArenaMark mark = pj_arena_mark(rw->scratch);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjAttr *attr = pj_const_of(op->operands[i]);
    size_t bytes = pj_dtype_bytes(attr->type->dtype);
    char *copy = pj_arena_calloc(rw->scratch, (size_t)count, bytes); // aligned, as kernels want
    if (!pj_const_is_splat(attr))
      memcpy(copy, attr->data, (size_t)count * bytes);
    else
      for (int64_t e = 0; e < count; ++e)
        memcpy(copy + (size_t)e * bytes, attr->data, bytes);
    in[i] = copy;
  }
  void *out = pj_arena_alloc(rw->arena, out_bytes);
  kernel.fn(&kernel, count, in, out);
  pj_arena_reset(rw->scratch, mark);
  return pj_rw_become(rw, op, pj_build_const(rw, op, type, out, out_bytes));
}

// ------------------------------------------------------------------------------------ programs

// Runs |op| on its constants as the function `main` of a module in scratch memory.
static PjStatus run_alone(PjRewrite *rw, const PjOp *op, PjTensor **out) {
  PjArena *arena = rw->scratch;
  PjModule *module = pj_module_create(arena);
  PjOp *func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(arena, PJ_STR("main")));
  pj_op_append(&module->body, func);
  PjRegion *body = &func->regions[0];
  PjOp *copy = pj_op_create(arena, op->kind, op->num_operands, 1, 0);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    copy->attrs[i] = op->attrs[i];
  copy->results[0].type = op->results[0].type;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjOp *constant = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
    constant->attrs[0] = pj_const_of(op->operands[i]);
    constant->results[0].type = op->operands[i]->type;
    pj_op_append(body, constant);
    copy->operands[i] = &constant->results[0];
  }
  pj_op_append(body, copy);
  PjOp *end = pj_op_create(arena, PJ_OP_FUNC_RETURN, 1, 0, 0);
  end->operands[0] = &copy->results[0];
  pj_op_append(body, end);
  pj_module_number(module);
  PjProgram *program;
  PJ_TRY(pj_program_create(module, &program));
  return pj_program_run(program, NULL, 0, NULL, NULL, 1, out);
}

static bool can_run_alone(const PjOp *op) {
  if (op->num_regions || op->num_results != 1 || !op->num_operands)
    return false;
  switch (op->kind) {
  case PJ_OP_RNG_BIT_GENERATOR:
  case PJ_OP_AFTER_ALL:
  case PJ_OP_TUPLE:
  case PJ_OP_GET_TUPLE_ELEMENT:
  case PJ_OP_SET_DIMENSION_SIZE:
    return false;
  default:
    return pj_rw_droppable(op) && pj_op_info[op->kind].traits & PJ_TRAIT_PURE;
  }
}

static bool fold_program(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type;
  int64_t count, total = 0;
  if (!can_run_alone(op) || !pj_type_num_elements(type, &count) || !count || count > MAX_ELEMENTS)
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    int64_t elements;
    if (!pj_type_num_elements(op->operands[i]->type, &elements) || elements > MAX_PROGRAM_INPUT)
      return false;
    total += elements;
  }
  // A contraction does more work than it has elements.
  if (total > MAX_PROGRAM_INPUT || !pj_rw_spend(rw, 2000 + (uint64_t)(total + count)))
    return false;
  // |out| is nobody's should an allocation leave, so room for it is made before.
  size_t bytes = (size_t)count * pj_dtype_bytes(type->dtype);
  char *data = pj_arena_alloc(rw->arena, bytes);
  PjTensor *out = NULL;
  PjArenaMark mark = pj_arena_mark(rw->scratch);
  PjStatus status = run_alone(rw, op, &out);
  pj_arena_reset(rw->scratch, mark);
  if (status) { // its failure is the program's, when it runs
    pj_status_free(status);
    return false;
  }
  bool fits = out->kind == PJ_TENSOR_ARRAY && out->dtype == type->dtype && out->bytes == bytes;
  if (fits)
    memcpy(data, out->data, bytes);
  pj_tensor_release(out);
  return fits && pj_rw_become(rw, op, pj_build_const(rw, op, type, data, bytes));
}

bool pj_fold_op(PjRewrite *rw, PjOp *op) {
  if (op->num_results != 1 || !op->num_operands || !pj_const_of(op->operands[0]) ||
      !pj_type_is_static(op->results[0].type) || op->results[0].type->quant)
    return false;
  const void *element = moved_element(op);
  if (element)
    return pj_rw_become(rw, op, pj_build_splat(rw, op, op->results[0].type, element));
  if (!all_constant(op))
    return false;
  if (op->kind == PJ_OP_RESHAPE) {
    const PjAttr *attr = pj_const_of(op->operands[0]);
    return pj_rw_become(rw, op,
                        pj_build_const(rw, op, op->results[0].type, attr->data, attr->data_size));
  }
  if (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM)
    return fold_elementwise(rw, op);
  return fold_program(rw, op);
}
