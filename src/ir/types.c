// Types: the dtype table, constructors, equality, sizes and printing.
#include "ir/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "ir/print.h"

const PjDtypeInfo pj_dtype_info[PJ_DT_COUNT] = {
#define PJ_DTYPE(name, text, bits, bytes, class, pjrt, vhlo, builtin) \
  {text, bits, bytes, PJ_CLASS_##class, pjrt, vhlo, builtin},
#include "ir/dtypes.def"
#undef PJ_DTYPE
};

PjDtype pj_dtype_part(PjDtype d) {
  return d == PJ_DT_C64 ? PJ_DT_F32 : d == PJ_DT_C128 ? PJ_DT_F64 : d;
}

PjDtype pj_dtype_from_text(PjStr text) {
  for (PjDtype d = 1; d < PJ_DT_COUNT; ++d)
    if (pj_str_is(text, pj_dtype_info[d].text))
      return d;
  return PJ_DT_INVALID;
}

PjDtype pj_dtype_from_pjrt(int buffer_type) {
  for (PjDtype d = 1; d < PJ_DT_COUNT; ++d)
    if (pj_dtype_info[d].pjrt == buffer_type && buffer_type >= 0)
      return d;
  return PJ_DT_INVALID;
}

PjDtype pj_dtype_from_vhlo(int code) {
  for (PjDtype d = 1; d < PJ_DT_COUNT; ++d)
    if (pj_dtype_info[d].vhlo == code && code >= 0)
      return d;
  return PJ_DT_INVALID;
}

// ----------------------------------------------------------------------------------------------
// constructors
static PjType *make(PjArena *arena, PjTypeKind kind, PjDtype dtype, const PjQuant *quant) {
  PjType *type = PJ_NEW(arena, PjType);
  type->kind = kind;
  type->dtype = dtype;
  type->quant = quant;
  return type;
}

const PjType *pj_type_tensor_full(PjArena *arena, PjDtype dtype, const PjQuant *quant, int32_t rank,
                                  const int64_t *dims, const int64_t *bounds) {
  PjType *type = make(arena, PJ_TYPE_TENSOR, dtype, quant);
  type->rank = rank;
  type->dims = pj_arena_memdup(arena, dims, (size_t)rank * sizeof *dims);
  if (bounds)
    type->bounds = pj_arena_memdup(arena, bounds, (size_t)rank * sizeof *bounds);
  return type;
}

const PjType *pj_type_tensor(PjArena *arena, PjDtype dtype, int32_t rank, const int64_t *dims) {
  return pj_type_tensor_full(arena, dtype, NULL, rank, dims, NULL);
}

const PjType *pj_type_unranked(PjArena *arena, PjDtype dtype, const PjQuant *quant) {
  return make(arena, PJ_TYPE_UNRANKED, dtype, quant);
}

const PjType *pj_type_buffer(PjArena *arena, PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjType *type = make(arena, PJ_TYPE_BUFFER, dtype, NULL);
  type->rank = rank;
  type->dims = pj_arena_memdup(arena, dims, (size_t)rank * sizeof *dims);
  return type;
}

const PjType *pj_type_scalar(PjArena *arena, PjDtype dtype, const PjQuant *quant) {
  return make(arena, PJ_TYPE_SCALAR, dtype, quant);
}

const PjType *pj_type_simple(PjTypeKind kind) {
  static const PjType token = {.kind = PJ_TYPE_TOKEN}, none = {.kind = PJ_TYPE_NONE},
                      witness = {.kind = PJ_TYPE_WITNESS};
  return kind == PJ_TYPE_TOKEN ? &token : kind == PJ_TYPE_WITNESS ? &witness : &none;
}

const PjType *pj_type_list(PjArena *arena, PjTypeKind kind, uint32_t count,
                           const PjType *const *elems) {
  PjType *type = make(arena, kind, PJ_DT_INVALID, NULL);
  type->num_elems = count;
  type->elems = pj_arena_memdup(arena, elems, count * sizeof *elems);
  return type;
}

const PjType *pj_type_function(PjArena *arena, uint32_t num_inputs, const PjType *const *inputs,
                               uint32_t num_results, const PjType *const *results) {
  PjType *type = make(arena, PJ_TYPE_FUNCTION, PJ_DT_INVALID, NULL);
  type->num_elems = num_inputs;
  type->elems = pj_arena_memdup(arena, inputs, num_inputs * sizeof *inputs);
  type->num_results = num_results;
  type->results = pj_arena_memdup(arena, results, num_results * sizeof *results);
  return type;
}

const PjType *pj_type_with_dims(PjArena *arena, const PjType *like, int32_t rank,
                                const int64_t *dims) {
  return pj_type_tensor(arena, like->dtype, rank, dims);
}

const PjType *pj_type_with_dtype(PjArena *arena, const PjType *like, PjDtype dtype) {
  return pj_type_tensor(arena, dtype, like->rank, like->dims);
}

// ----------------------------------------------------------------------------------------------
// equality, sizes
bool pj_quant_eq(const PjQuant *a, const PjQuant *b) {
  if (a == b)
    return true;
  if (!a || !b || a->expressed != b->expressed || a->min != b->min || a->max != b->max ||
      a->axis != b->axis || a->num_scales != b->num_scales)
    return false;
  for (uint32_t i = 0; i < a->num_scales; ++i)
    if (a->scales[i] != b->scales[i] || a->zero_points[i] != b->zero_points[i])
      return false;
  return true;
}

static bool dims_eq(const int64_t *a, const int64_t *b, int32_t rank) {
  if (!a || !b)
    return a == b;
  return !rank || !memcmp(a, b, (size_t)rank * sizeof *a);
}

static bool lists_eq(uint32_t count, const PjType *const *a, const PjType *const *b) {
  for (uint32_t i = 0; i < count; ++i)
    if (!pj_type_eq(a[i], b[i]))
      return false;
  return true;
}

bool pj_type_eq(const PjType *a, const PjType *b) {
  if (a == b)
    return true;
  if (!a || !b || a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank ||
      a->num_elems != b->num_elems || a->num_results != b->num_results)
    return false;
  return pj_quant_eq(a->quant, b->quant) && dims_eq(a->dims, b->dims, a->rank) &&
         dims_eq(a->bounds, b->bounds, a->rank) && lists_eq(a->num_elems, a->elems, b->elems) &&
         lists_eq(a->num_results, a->results, b->results);
}

bool pj_type_is_static(const PjType *type) {
  if (!pj_type_is_tensor(type))
    return false;
  for (int32_t i = 0; i < type->rank; ++i)
    if (type->dims[i] < 0)
      return false;
  return true;
}

bool pj_type_num_elements(const PjType *type, int64_t *out) {
  // A zero dimension makes the tensor empty whatever the others multiply to.
  int64_t count = 1;
  bool empty = false, fits = true;
  if (!pj_type_is_static(type))
    return false;
  for (int32_t i = 0; i < type->rank; ++i) {
    if (type->dims[i] == 0)
      empty = true;
    fits = fits && pj_mul_i64(count, type->dims[i], &count);
  }
  *out = empty ? 0 : count;
  return empty || fits;
}

bool pj_type_num_bytes(const PjType *type, size_t *out) {
  int64_t count;
  return pj_type_num_elements(type, &count) &&
         pj_mul_size((size_t)count, pj_dtype_bytes(type->dtype), out) && *out <= PTRDIFF_MAX;
}

// ----------------------------------------------------------------------------------------------
// printing
static void print_double(PjStrBuf *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  pj_float_print(out, PJ_DT_F64, bits); // the shortest form that reads back, whatever the locale
}

static void print_quant(PjStrBuf *out, PjDtype storage, const PjQuant *quant) {
  bool is_signed = pj_dtype_class(storage) == PJ_CLASS_SINT;
  unsigned bits = pj_dtype_bits(storage);
  int64_t low = is_signed ? -((int64_t)1 << (bits - 1)) : 0;
  int64_t high = is_signed    ? ((int64_t)1 << (bits - 1)) - 1
                 : bits >= 63 ? INT64_MAX
                              : ((int64_t)1 << bits) - 1;
  pj_strbuf_printf(out, "!quant.uniform<%s%u", is_signed ? "i" : "u", bits);
  if (quant->min != low || quant->max != high)
    pj_strbuf_printf(out, "<%" PRId64 ":%" PRId64 ">", quant->min, quant->max);
  pj_strbuf_printf(out, ":%s", pj_dtype_text(quant->expressed));
  if (quant->axis >= 0)
    pj_strbuf_printf(out, ":%d", quant->axis);
  pj_strbuf_puts(out, ", ");
  if (quant->axis >= 0)
    pj_strbuf_putc(out, '{');
  for (uint32_t i = 0; i < quant->num_scales; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    print_double(out, quant->scales[i]);
    if (quant->zero_points[i])
      pj_strbuf_printf(out, ":%" PRId64, quant->zero_points[i]);
  }
  if (quant->axis >= 0)
    pj_strbuf_putc(out, '}');
  pj_strbuf_putc(out, '>');
}

static void print_element(PjStrBuf *out, const PjType *type) {
  if (type->quant)
    print_quant(out, type->dtype, type->quant);
  else
    pj_strbuf_puts(out, pj_dtype_text(type->dtype));
}

static void print_dims(PjStrBuf *out, const PjType *type) {
  for (int32_t i = 0; i < type->rank; ++i) {
    if (type->dims[i] == PJ_DYN)
      pj_strbuf_puts(out, "?x");
    else
      pj_strbuf_printf(out, "%" PRId64 "x", type->dims[i]);
  }
}

static void print_list(PjStrBuf *out, uint32_t count, const PjType *const *types) {
  for (uint32_t i = 0; i < count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    pj_type_print(out, types[i]);
  }
}

void pj_type_print(PjStrBuf *out, const PjType *type) {
  if (!type) {
    pj_strbuf_puts(out, "<no type>");
    return;
  }
  switch (type->kind) {
  case PJ_TYPE_TENSOR:
    pj_strbuf_puts(out, "tensor<");
    print_dims(out, type);
    print_element(out, type);
    if (type->bounds) {
      pj_strbuf_puts(out, ", #stablehlo.bounds<");
      for (int32_t i = 0; i < type->rank; ++i) {
        if (i)
          pj_strbuf_puts(out, ", ");
        if (type->bounds[i] == PJ_DYN)
          pj_strbuf_putc(out, '?');
        else
          pj_strbuf_printf(out, "%" PRId64, type->bounds[i]);
      }
      pj_strbuf_putc(out, '>');
    }
    pj_strbuf_putc(out, '>');
    return;
  case PJ_TYPE_UNRANKED:
    pj_strbuf_puts(out, "tensor<*x");
    print_element(out, type);
    pj_strbuf_putc(out, '>');
    return;
  case PJ_TYPE_BUFFER:
    pj_strbuf_puts(out, "memref<");
    print_dims(out, type);
    print_element(out, type);
    pj_strbuf_putc(out, '>');
    return;
  case PJ_TYPE_SCALAR:
    print_element(out, type);
    return;
  case PJ_TYPE_TOKEN:
    pj_strbuf_puts(out, "!stablehlo.token");
    return;
  case PJ_TYPE_NONE:
    pj_strbuf_puts(out, "none");
    return;
  case PJ_TYPE_WITNESS:
    pj_strbuf_puts(out, "!shape.witness");
    return;
  case PJ_TYPE_TUPLE:
  case PJ_TYPE_FUTURE:
    pj_strbuf_puts(out, type->kind == PJ_TYPE_TUPLE ? "tuple<" : "!stablehlo.future<");
    print_list(out, type->num_elems, type->elems);
    pj_strbuf_putc(out, '>');
    return;
  case PJ_TYPE_FUNCTION:
    pj_strbuf_putc(out, '(');
    print_list(out, type->num_elems, type->elems);
    pj_strbuf_puts(out, ") -> ");
    if (type->num_results == 1 && type->results[0]->kind != PJ_TYPE_FUNCTION) {
      pj_type_print(out, type->results[0]);
      return;
    }
    pj_strbuf_putc(out, '(');
    print_list(out, type->num_results, type->results);
    pj_strbuf_putc(out, ')');
    return;
  }
}

const char *pj_type_text(PjArena *arena, const PjType *type) {
  PjStrBuf buf = {0};
  pj_type_print(&buf, type);
  if (buf.failed) {
    pj_strbuf_free(&buf);
    return "<out of memory>";
  }
  size_t len = buf.len;
  char stack[512];
  if (len < sizeof stack) { // copied out before the arena can leave by longjmp
    memcpy(stack, buf.data, len + 1);
    pj_strbuf_free(&buf);
    return pj_arena_strndup(arena, stack, len);
  }
  memcpy(stack, buf.data, sizeof stack - 4);
  memcpy(stack + sizeof stack - 4, "...", 4);
  pj_strbuf_free(&buf);
  return pj_arena_strndup(arena, stack, sizeof stack - 1);
}
