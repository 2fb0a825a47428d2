// Functions and what calls them: func, return, call, composite, custom_call, run_parallel.
//
// Spec: composite (C1-C4), custom_call; "Programs".
#include <ctype.h>
#include <inttypes.h>

#include "ir/verify/check.h"

static const PjType *function_type(const PjOp *func) {
  const PjAttr *attr = PJ_ATTR(func, function_type);
  return attr && attr->kind == PJ_ATTR_TYPE && attr->type && attr->type->kind == PJ_TYPE_FUNCTION
             ? attr->type
             : NULL;
}

// ---------------------------------------------------------------------- functions
PjStatus pj_verify_func(PjCheck *check, const PjOp *op) {
  const PjType *type = function_type(op);
  const PjRegion *body = &op->regions[0];
  PJ_REQUIRE(op, type, "function_type must be a function type");
  PJ_TRY(pj__check_type(check, op, "its type", type));
  uint32_t args = PJ_ATTR(op, arg_attrs)->count, results = PJ_ATTR(op, res_attrs)->count;
  PJ_REQUIRE(op, !args || args == type->num_elems,
             "'@%.*s': arg_attrs has %u elements, but there are %u arguments",
             PJ_STR_ARG(PJ_STRATTR(op, sym_name)), args, type->num_elems);
  PJ_REQUIRE(op, !results || results == type->num_results,
             "'@%.*s': res_attrs has %u elements, but there are %u results",
             PJ_STR_ARG(PJ_STRATTR(op, sym_name)), results, type->num_results);
  if (!body->first)
    return NULL;
  PJ_REQUIRE(op, body->num_args == type->num_elems,
             "'@%.*s': the body takes %u arguments, but the function type has %u",
             PJ_STR_ARG(PJ_STRATTR(op, sym_name)), body->num_args, type->num_elems);
  for (uint32_t i = 0; i < body->num_args; ++i)
    PJ_REQUIRE(op, pj_type_eq(body->args[i].type, type->elems[i]),
               "'@%.*s': argument #%u of the body has type %s, but the function type says %s",
               PJ_STR_ARG(PJ_STRATTR(op, sym_name)), i, pj__type_text(check, body->args[i].type),
               pj__type_text(check, type->elems[i]));
  const PjOp *last = body->last;
  PJ_REQUIRE(last, last->num_operands == type->num_results,
             "has %u operands, but '@%.*s' returns %u values", last->num_operands,
             PJ_STR_ARG(PJ_STRATTR(op, sym_name)), type->num_results);
  for (uint32_t i = 0; i < last->num_operands; ++i)
    PJ_REQUIRE(last, pj_type_eq(pj__in(last, i), type->results[i]),
               "operand #%u has type %s, but '@%.*s' returns %s", i,
               pj__type_text(check, pj__in(last, i)), PJ_STR_ARG(PJ_STRATTR(op, sym_name)),
               pj__type_text(check, type->results[i]));
  return NULL;
}

// Finds the function |name| and checks the operands of |op| against its type, and the results when
// they are |declared|.
static PjStatus check_callee(PjCheck *check, const PjOp *op, PjStr name, bool declared,
                             const PjType **out) {
  const PjOp *func = pj__function(check, op, name);
  PJ_REQUIRE(op, func, "'@%.*s' does not reference a valid function", PJ_STR_ARG(name));
  const PjType *type = function_type(func);
  PJ_REQUIRE(op, type && func->num_regions == 1 && func->regions[0].first,
             "'@%.*s' has no body to call", PJ_STR_ARG(name));
  PJ_REQUIRE(op, op->num_operands == type->num_elems, "has %u operand(s), but '@%.*s' takes %u",
             op->num_operands, PJ_STR_ARG(name), type->num_elems);
  PJ_REQUIRE(op, op->num_results == type->num_results, "has %u result(s), but '@%.*s' returns %u",
             op->num_results, PJ_STR_ARG(name), type->num_results);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_REQUIRE(op, pj_type_eq(pj__in(op, i), type->elems[i]),
               "operand #%u has type %s, but '@%.*s' takes %s", i,
               pj__type_text(check, pj__in(op, i)), PJ_STR_ARG(name),
               pj__type_text(check, type->elems[i]));
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (declared)
      PJ_REQUIRE(op, pj_type_eq(pj__out(op, i), type->results[i]),
                 "result #%u has type %s, but '@%.*s' returns %s", i,
                 pj__type_text(check, pj__out(op, i)), PJ_STR_ARG(name),
                 pj__type_text(check, type->results[i]));
    else
      out[i] = type->results[i];
  }
  return NULL;
}

PjStatus pj_infer_call(PjCheck *check, const PjOp *op, const PjType **out) {
  return check_callee(check, op, PJ_STRATTR(op, callee), false, out);
}
PjStatus pj_verify_call(PjCheck *check, const PjOp *op) {
  return check_callee(check, op, PJ_STRATTR(op, callee), true, NULL);
}

// ---------------------------------------------------------------------- composite

// A namespaced op name: letters, digits and underscores, then parts behind points, which may also
// hold `$`.
static bool is_namespaced(PjStr name) {
  size_t i = 0, part = 0, parts = 0;
  if (!name.len || !isalpha((unsigned char)name.ptr[0]))
    return false;
  for (; i < name.len && (isalnum((unsigned char)name.ptr[i]) || name.ptr[i] == '_'); ++i) {
  }
  if (i == name.len || name.ptr[i] != '.')
    return false;
  for (; i < name.len; ++i) {
    char c = name.ptr[i];
    if (c == '.') {
      if (parts++ && !part)
        return false;
      part = 0;
    } else {
      if (!isalnum((unsigned char)c) && c != '_' && c != '$')
        return false;
      ++part;
    }
  }
  return part > 0;
}

PjStatus pj_infer_composite(PjCheck *check, const PjOp *op, const PjType **out) {
  PjStr name = PJ_STRATTR(op, name);
  PJ_REQUIRE(
      op, is_namespaced(name),
      "name must be a valid namespaced op name such as \"my_namespace.my_op\", but is \"%.*s\"",
      PJ_STR_ARG(name));
  return check_callee(check, op, PJ_STRATTR(op, decomposition), false, out);
}

PjStatus pj_verify_composite(PjCheck *check, const PjOp *op) {
  return check_callee(check, op, PJ_STRATTR(op, decomposition), true, NULL);
}

// ---------------------------------------------------------------------- custom_call: layouts
static PjStatus check_layouts(PjCheck *check, const PjOp *op, const char *what, uint32_t count,
                              const PjType *const *types, const PjAttr *layouts) {
  PJ_REQUIRE(op, count == layouts->count,
             "the number of %ss must be that of the %s layouts: %u != %u", what, what, count,
             layouts->count);
  for (uint32_t i = 0; i < count; ++i) {
    const PjType *type = types[i];
    PjInts layout = {layouts->elems[i]->ints, layouts->elems[i]->count};
    PJ_REQUIRE(op, type->kind != PJ_TYPE_TUPLE, "layouts of tuples are not supported: %s #%u", what,
               i);
    if (type->kind == PJ_TYPE_UNRANKED)
      continue;
    if (!pj__is_shaped(type)) {
      PJ_REQUIRE(op, !layout.n, "only tensors can have a layout: %s #%u of type %s has %s", what, i,
                 pj__type_text(check, type), pj__list_text(check, layout));
      continue;
    }
    bool seen[PJ_MAX_RANK] = {0}, ok = layout.n == (uint32_t)type->rank;
    for (uint32_t j = 0; ok && j < layout.n; ++j) {
      ok = layout.v[j] >= 0 && layout.v[j] < type->rank && !seen[layout.v[j]];
      if (ok)
        seen[layout.v[j]] = true;
    }
    PJ_REQUIRE(op, ok,
               "incorrect layout %s of %s #%u of type %s: it must be a permutation of [0, %d)",
               pj__list_text(check, layout), what, i, pj__type_text(check, type), type->rank);
  }
  return NULL;
}

static const PjType **types_of(PjCheck *check, const PjOp *op, bool results) {
  uint32_t count = results ? op->num_results : op->num_operands;
  const PjType **types = PJ_NEW_ARRAY(check->arena, const PjType *, count);
  for (uint32_t i = 0; i < count; ++i)
    types[i] = results ? pj__out(op, i) : pj__in(op, i);
  return types;
}

// ---------------------------------------------------------------------- custom_call: aliases

// The part of |type| at a path of tuple indices, or NULL.
static const PjType *part_of(const PjType *type, PjInts path) {
  for (uint32_t i = 0; i < path.n; ++i) {
    if (type->kind != PJ_TYPE_TUPLE || path.v[i] < 0 || path.v[i] >= type->num_elems)
      return NULL;
    type = type->elems[path.v[i]];
  }
  return type;
}

static bool same_path(PjInts a, PjInts b) {
  return a.n == b.n && (!a.n || !memcmp(a.v, b.v, a.n * sizeof *a.v));
}
static PjInts output_path(const PjAttr *alias) {
  return (PjInts){alias->ints, alias->count};
}
static PjInts operand_path(const PjAttr *alias) {
  return alias->more ? (PjInts){alias->more->ints, alias->more->count} : (PjInts){0};
}

static PjStatus check_aliases(PjCheck *check, const PjOp *op, const PjType *output) {
  enum { MOST = 4096 }; // each is compared with all others
  const PjAttr *aliases = PJ_ATTR(op, output_operand_aliases);
  PJ_REQUIRE(op, aliases->count <= MOST, "%u output_operand_aliases are more than %d",
             aliases->count, MOST);
  for (uint32_t i = 0; i < aliases->count; ++i) {
    const PjAttr *alias = aliases->elems[i];
    PJ_REQUIRE(op, alias->i64 >= 0 && alias->i64 < op->num_operands,
               "output_operand_alias: the operand index must be in [0, %u), but is %" PRId64,
               op->num_operands, alias->i64);
    const PjType *from = part_of(pj__in(op, (uint32_t)alias->i64), operand_path(alias)),
                 *to = part_of(output, output_path(alias));
    PJ_REQUIRE(op, from, "output_operand_alias: operand_tuple_indices %s out of bounds",
               pj__list_text(check, operand_path(alias)));
    PJ_REQUIRE(op, to, "output_operand_alias: output_tuple_indices %s out of bounds",
               pj__list_text(check, output_path(alias)));
    PJ_REQUIRE(op, pj_type_eq(from, to),
               "output_operand_alias: shapes mismatch, the operand part has type %s and the output "
               "part has type %s",
               pj__type_text(check, from), pj__type_text(check, to));
    for (uint32_t j = 0; from->kind == PJ_TYPE_BUFFER && j < i; ++j) {
      const PjAttr *other = aliases->elems[j];
      PJ_REQUIRE(op, !same_path(output_path(alias), output_path(other)),
                 "buffer output %s is used in output_operand_alias more than once",
                 pj__list_text(check, output_path(alias)));
      PJ_REQUIRE(op,
                 alias->i64 != other->i64 || !same_path(operand_path(alias), operand_path(other)),
                 "buffer operand %" PRId64 " %s is used in output_operand_alias more than once",
                 alias->i64, pj__list_text(check, operand_path(alias)));
    }
  }
  return NULL;
}

// Every buffer among the results is some operand's: |path| leads to |type|.
static PjStatus check_buffer_outputs(PjCheck *check, const PjOp *op, const PjType *type,
                                     int64_t *path, uint32_t depth) {
  const PjAttr *aliases = PJ_ATTR(op, output_operand_aliases);
  if (type->kind == PJ_TYPE_TUPLE && depth < PJ_MAX_TYPE_DEPTH) {
    for (uint32_t i = 0; i < type->num_elems; ++i) {
      path[depth] = i;
      PJ_TRY(check_buffer_outputs(check, op, type->elems[i], path, depth + 1));
    }
    return NULL;
  }
  if (type->kind != PJ_TYPE_BUFFER)
    return NULL;
  for (uint32_t i = 0; i < aliases->count; ++i)
    if (same_path(output_path(aliases->elems[i]), (PjInts){path, depth}))
      return NULL;
  return PJ_WRONG(op, "buffer output %s is not used in output_operand_alias",
                  pj__list_text(check, (PjInts){path, depth}));
}

// Pin and Unpin turn a tensor into a buffer and back.
static PjStatus check_pin(PjCheck *check, const PjOp *op, const char *name, PjTypeKind from,
                          PjTypeKind to) {
  PJ_REQUIRE(op, op->num_operands == 1 && op->num_results == 1,
             "%s must have one input and one output, but has %u and %u", name, op->num_operands,
             op->num_results);
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  PJ_REQUIRE(op, in->kind == from, "%s must have a %s input, but got %s", name,
             from == PJ_TYPE_BUFFER ? "memref" : "tensor", pj__type_text(check, in));
  PJ_REQUIRE(op, out->kind == to, "%s must have a %s output, but got %s", name,
             to == PJ_TYPE_BUFFER ? "memref" : "tensor", pj__type_text(check, out));
  PJ_REQUIRE(op, pj__shapes_compatible(in, out) && pj__elements_eq(in, out),
             "%s must have compatible input and output types, but got %s and %s", name,
             pj__type_text(check, in), pj__type_text(check, out));
  return NULL;
}

PjStatus pj_verify_custom_call(PjCheck *check, const PjOp *op) {
  const PjAttr *operand_layouts = PJ_ATTR(op, operand_layouts),
               *result_layouts = PJ_ATTR(op, result_layouts), *config = PJ_ATTR(op, backend_config);
  PjStr target = PJ_STRATTR(op, call_target_name);
  const PjType *output =
      op->num_results == 1
          ? pj__out(op, 0)
          : pj_type_list(check->arena, PJ_TYPE_TUPLE, op->num_results, types_of(check, op, true));
  if (operand_layouts->count || result_layouts->count) {
    // Absent and empty lists are one here, so that one of them may go with nothing to lay out.
    bool tuple = op->num_results == 1 && output->kind == PJ_TYPE_TUPLE;
    PJ_TRY(check_layouts(check, op, "operand", op->num_operands, types_of(check, op, false),
                         operand_layouts));
    PJ_TRY(check_layouts(check, op, "result", tuple ? output->num_elems : op->num_results,
                         tuple ? output->elems : types_of(check, op, true), result_layouts));
  }
  PJ_TRY(check_aliases(check, op, output));
  bool typed_ffi = PJ_INT(op, api_version) == PJ_API_TYPED_FFI;
  bool no_config = config->kind == PJ_ATTR_STRING && !config->str.len; // the default
  PJ_REQUIRE(op, no_config || (config->kind == PJ_ATTR_DICT) == typed_ffi,
             "backend_config for api_version %s must be a %s attribute",
             pj_enum_text(PJ_ENUM_API_VERSION, PJ_INT(op, api_version)),
             typed_ffi ? "dictionary" : "string");
  if (pj_str_is(target, "CreateBuffer")) {
    PJ_REQUIRE(op, !op->num_operands, "CreateBuffer must have no inputs, but has %u",
               op->num_operands);
    PJ_REQUIRE(op, op->num_results == 1 && pj__out(op, 0)->kind == PJ_TYPE_BUFFER,
               "CreateBuffer must have one memref result");
    return NULL;
  }
  if (pj_str_is(target, "Pin"))
    return check_pin(check, op, "Pin", PJ_TYPE_TENSOR, PJ_TYPE_BUFFER);
  if (pj_str_is(target, "Unpin"))
    return check_pin(check, op, "Unpin", PJ_TYPE_BUFFER, PJ_TYPE_TENSOR);
  int64_t path[PJ_MAX_TYPE_DEPTH];
  return check_buffer_outputs(check, op, output, path, 0);
}

// ---------------------------------------------------------------------- run_parallel

// programs: one array per replica of one symbol per partition. Operands and results are those of
// all programs in order.
static PjStatus check_program(PjCheck *check, const PjOp *op, PjStr name, const PjType *type,
                              uint32_t first_input, uint32_t first_result) {
  for (uint32_t i = 0; i < type->num_elems; ++i)
    PJ_REQUIRE(op, pj__types_compatible(pj__in(op, first_input + i), type->elems[i]),
               "operand #%u has type %s, but '@%.*s' takes %s", first_input + i,
               pj__type_text(check, pj__in(op, first_input + i)), PJ_STR_ARG(name),
               pj__type_text(check, type->elems[i]));
  for (uint32_t i = 0; i < type->num_results; ++i)
    PJ_REQUIRE(op, pj__types_compatible(pj__out(op, first_result + i), type->results[i]),
               "result #%u has type %s, but '@%.*s' returns %s", first_result + i,
               pj__type_text(check, pj__out(op, first_result + i)), PJ_STR_ARG(name),
               pj__type_text(check, type->results[i]));
  return NULL;
}

// The programs are known and take and return as many values together as |op|.
static PjStatus check_programs(PjCheck *check, const PjOp *op, const PjAttr *programs) {
  uint64_t inputs = 0, results = 0;
  PJ_REQUIRE(
      op, programs->count && programs->elems[0]->kind == PJ_ATTR_ARRAY && programs->elems[0]->count,
      "programs must not be empty");
  for (uint32_t i = 0; i < programs->count; ++i) {
    const PjAttr *row = programs->elems[i];
    PJ_REQUIRE(op, row->kind == PJ_ATTR_ARRAY && row->count == programs->elems[0]->count,
               "the rows of programs must all have %u elements, but row %u has %u",
               programs->elems[0]->count, i, row->count);
    for (uint32_t j = 0; j < row->count; ++j) {
      PJ_REQUIRE(op, row->elems[j]->kind == PJ_ATTR_SYMBOL, "programs must hold symbols");
      const PjOp *func = pj__function(check, op, row->elems[j]->str);
      PJ_REQUIRE(op, func && function_type(func), "function '@%.*s' not found",
                 PJ_STR_ARG(row->elems[j]->str));
      inputs += function_type(func)->num_elems;
      results += function_type(func)->num_results;
    }
  }
  PJ_REQUIRE(op, op->num_operands == inputs,
             "the number of inputs (%u) must be the sum of those of all programs (%" PRIu64 ")",
             op->num_operands, inputs);
  PJ_REQUIRE(op, op->num_results == results,
             "the number of results (%u) must be the sum of those of all programs (%" PRIu64 ")",
             op->num_results, results);
  return NULL;
}

PjStatus pj_verify_run_parallel(PjCheck *check, const PjOp *op) {
  const PjAttr *programs = PJ_ATTR(op, programs), *infeed = PJ_ATTR(op, infeed);
  uint32_t input = 0, result = 0;
  PJ_TRY(check_programs(check, op, programs));
  for (uint32_t i = 0; i < programs->count; ++i) {
    for (uint32_t j = 0; j < programs->elems[i]->count; ++j) {
      PjStr name = programs->elems[i]->elems[j]->str;
      const PjType *type = function_type(pj__function(check, op, name));
      PJ_TRY(check_program(check, op, name, type, input, result));
      input += type->num_elems;
      result += type->num_results;
    }
  }
  PJ_REQUIRE(op, !infeed || infeed->count, "infeed is optional, but must not be empty");
  for (uint32_t i = 0; infeed && i < infeed->count; ++i) {
    PjStr name = infeed->elems[i]->str;
    const PjOp *func = pj__function(check, op, name);
    const PjType *type = func ? function_type(func) : NULL;
    PJ_REQUIRE(op, type, "function '@%.*s' not found", PJ_STR_ARG(name));
    PJ_REQUIRE(op, type->num_elems == 0,
               "infeed function '@%.*s' must take no arguments, but takes %u", PJ_STR_ARG(name),
               type->num_elems);
    PJ_REQUIRE(op, type->num_results == 1,
               "infeed function '@%.*s' must return 1 tensor, but returns %u values",
               PJ_STR_ARG(name), type->num_results);
    PJ_REQUIRE(op, pj__is_shaped(type->results[0]),
               "infeed function '@%.*s' must return a tensor, but returns %s", PJ_STR_ARG(name),
               pj__type_text(check, type->results[0]));
  }
  return NULL;
}

// ---------------------------------------------------------------------- check dialect

// check.expect_*_const: the operand against a constant of its type.
PjStatus pj_verify_check_const(PjCheck *check, const PjOp *op) {
  const PjType *value = PJ_ATTR(op, value)->type, *operand = pj__in(op, 0);
  PJ_REQUIRE(op, pj__shapes_compatible(value, operand) && value->dtype == operand->dtype,
             "the operand has type %s, but the expected value has type %s",
             pj__type_text(check, operand), pj__type_text(check, value));
  return NULL;
}

PjStatus pj_verify_check_pair(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PJ_REQUIRE(op, pj__types_compatible(lhs, rhs),
             "operands must have the same type, but got %s and %s", pj__type_text(check, lhs),
             pj__type_text(check, rhs));
  return NULL;
}
