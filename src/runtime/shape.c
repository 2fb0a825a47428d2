// See shape.h.
#include "runtime/shape.h"

#include <string.h>

#include "base/alloc.h"

static PjShape *shape_new(size_t rank) {
  // Room for dims and the layout behind them.
  PjShape *shape = pj_calloc(1, sizeof *shape + 2 * rank * sizeof(int64_t));
  if (!shape)
    return NULL;
  atomic_init(&shape->refs, 1);
  shape->rank = (int)rank;
  return shape;
}

PjStatus pj_shape_create(PjDtype dtype, size_t rank, const int64_t *dims,
                         const int64_t *minor_to_major, const PjShape **out) {
  *out = NULL;
  PJ_FAIL_IF(dtype <= PJ_DT_INVALID || dtype >= PJ_DT_COUNT || !pj_dtype_bytes(dtype),
             INVALID_ARGUMENT, "a buffer of an unknown element type");
  PJ_FAIL_IF(rank > PJ_MAX_RANK, INVALID_ARGUMENT,
             "a buffer of %zu dimensions; at most %d are supported", rank, PJ_MAX_RANK);
  PJ_FAIL_IF(rank && !dims, INVALID_ARGUMENT, "a buffer of %zu dimensions without sizes", rank);
  int64_t count = 1, extent = 1;
  bool fits = true;
  for (size_t i = 0; i < rank; i++) {
    PJ_FAIL_IF(dims[i] < 0, INVALID_ARGUMENT,
               "dimension %zu of a buffer has the negative size %lld", i, (long long)dims[i]);
    fits = fits && pj_mul_i64(extent, dims[i] ? dims[i] : 1, &extent);
    count = fits ? count * dims[i] : 0;
  }
  int64_t bytes;
  fits = fits && pj_mul_i64(extent, (int64_t)pj_dtype_bytes(dtype), &bytes);
  PJ_FAIL_IF(!fits, RESOURCE_EXHAUSTED, "the bytes of a buffer exceed the address space");
  bool row_major = true;
  if (minor_to_major) {
    uint64_t seen = 0;
    for (size_t i = 0; i < rank; i++) {
      int64_t d = minor_to_major[i];
      PJ_FAIL_IF(d < 0 || d >= (int64_t)rank || seen >> d & 1, INVALID_ARGUMENT,
                 "a layout's minor_to_major is no permutation of %zu dimensions", rank);
      seen |= (uint64_t)1 << d;
      row_major = row_major && d == (int64_t)(rank - 1 - i);
    }
  }
  PjShape *shape = shape_new(rank);
  if (!shape)
    return pj_status_oom();
  shape->dtype = dtype;
  shape->num_elements = count;
  shape->num_bytes = (size_t)count * pj_dtype_bytes(dtype);
  if (rank)
    memcpy(shape->dims, dims, rank * sizeof *dims);
  if (!row_major) {
    memcpy(shape->dims + rank, minor_to_major, rank * sizeof *dims);
    shape->minor_to_major = shape->dims + rank;
  }
  *out = shape;
  return PJ_STATUS_OK;
}

const PjShape *pj_shape_token(void) {
  PjShape *shape = shape_new(0);
  if (shape)
    shape->token = true;
  return shape;
}

const PjShape *pj_shape_retain(const PjShape *shape) {
  // The count is all that changes after creation.
  atomic_fetch_add_explicit(&((PjShape *)(uintptr_t)shape)->refs, 1, memory_order_relaxed);
  return shape;
}

void pj_shape_release(const PjShape *shape) {
  PjShape *owned = (PjShape *)(uintptr_t)shape;
  if (owned && atomic_fetch_sub_explicit(&owned->refs, 1, memory_order_acq_rel) == 1)
    pj_free(owned);
}

bool pj_shape_eq(const PjShape *a, const PjShape *b) {
  return a->token == b->token && a->dtype == b->dtype && a->rank == b->rank &&
         (!a->rank || !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims));
}

// XLA's name of an element type: s32 for MLIR's i32, u8 for ui8, c64 for complex<f32>, all in lower
// case.
static void print_dtype(PjStrBuf *out, PjDtype dtype) {
  const char *text = pj_dtype_text(dtype);
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    pj_strbuf_puts(out, "pred");
    return;
  case PJ_CLASS_SINT:
  case PJ_CLASS_UINT:
    pj_strbuf_printf(out, "%c%u", pj_dtype_class(dtype) == PJ_CLASS_SINT ? 's' : 'u',
                     pj_dtype_bits(dtype));
    return;
  case PJ_CLASS_COMPLEX:
    pj_strbuf_printf(out, "c%u", pj_dtype_bits(dtype));
    return;
  default:
    for (; *text; text++)
      pj_strbuf_putc(out, *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text);
  }
}

void pj_shape_print(PjStrBuf *out, const PjShape *shape) {
  if (shape->token)
    pj_strbuf_puts(out, "token");
  else
    print_dtype(out, shape->dtype);
  pj_strbuf_putc(out, '[');
  for (int i = 0; i < shape->rank; i++)
    pj_strbuf_printf(out, i ? ",%lld" : "%lld", (long long)shape->dims[i]);
  pj_strbuf_putc(out, ']');
}

void pj_shape_print_layout(PjStrBuf *out, const PjShape *shape) {
  pj_strbuf_putc(out, '{');
  for (int i = 0; i < shape->rank; i++)
    pj_strbuf_printf(
        out, i ? ",%lld" : "%lld",
        (long long)(shape->minor_to_major ? shape->minor_to_major[i] : shape->rank - 1 - i));
  pj_strbuf_putc(out, '}');
}
