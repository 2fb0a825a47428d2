// Constants: a blob of little-endian elements in row-major order becomes an ELEMENTS attribute,
// pointing into the file where the bytes are already as the IR wants them and aligned for their
// type.
#include <inttypes.h>

#include "import/bytecode/reader.h"

typedef struct Blob {
  const uint8_t *at;
  size_t size;
} Blob;

// The attribute of |count| elements of |width| bytes; equal ones are kept once, as MLIR does.
static const PjAttr *finish(PjBc *bc, const PjType *type, const uint8_t *data, size_t count,
                            size_t width) {
  bool splat = count > 1 && !memcmp(data, data + width, (count - 1) * width);
  return pj_attr_elements(bc->arena, type, data, splat ? width : count * width, splat);
}

// Booleans are packed eight to a byte (a splat is 0x00 or 0xFF), or, in old files, one to a byte.
static const PjAttr *read_booleans(PjBc *bc, const PjType *type, size_t count, Blob blob) {
  if (count > 1 && blob.size == 1 && (*blob.at == 0 || *blob.at == 0xFF)) {
    uint8_t *one = pj_arena_alloc(bc->arena, 1);
    *one = *blob.at & 1;
    return pj_attr_elements(bc->arena, type, one, 1, true);
  }
  bool packed = blob.size == count / 8 + (count % 8 != 0);
  if (!packed && blob.size != count)
    return NULL;
  uint8_t *data = pj_arena_alloc(bc->arena, count);
  for (size_t i = 0; i < count; ++i)
    data[i] = packed ? blob.at[i / 8] >> i % 8 & 1 : blob.at[i] != 0;
  return finish(bc, type, data, count, 1);
}

// One byte per element whose upper bits are zero; the IR extends the sign into them.
static const uint8_t *widen(PjBc *bc, PjDtype dtype, Blob blob) {
  unsigned shift = 8 - pj_dtype_bits(dtype);
  uint8_t *data = pj_arena_alloc(bc->arena, blob.size);
  for (size_t i = 0; i < blob.size; ++i) {
    uint8_t top = (uint8_t)(blob.at[i] << shift);
    data[i] =
        pj_dtype_class(dtype) == PJ_CLASS_SINT ? (uint8_t)((int8_t)top >> shift) : top >> shift;
  }
  return data;
}

PjStatus pj__bc_elements(PjBc *bc, const PjCursor *c, const PjType *type, PjCursor bytes,
                         const PjAttr **out) {
  Blob blob = {bytes.at, pj__cur_left(&bytes)};
  int64_t count;
  if (!pj_type_num_elements(type, &count) || type->quant || type->bounds ||
      type->dtype == PJ_DT_TF32)
    return pj__cur_error(c, "a constant of type %s, expected a static tensor",
                         pj_type_text(bc->arena, type));
  size_t n = (size_t)count, width = pj_dtype_bytes(type->dtype), want;
  if (!n) {
    if (blob.size > width)
      goto mismatch;
    *out = pj_attr_elements(bc->arena, type, pj_arena_alloc(bc->arena, 1), 0, false);
    return PJ_STATUS_OK;
  }
  if (type->dtype == PJ_DT_PRED) {
    *out = read_booleans(bc, type, n, blob);
    if (!*out)
      goto mismatch;
    return PJ_STATUS_OK;
  }
  bool whole = pj_mul_size(n, width, &want) && want == blob.size;
  if (!whole && blob.size != width)
    goto mismatch;
  const uint8_t *data = blob.at;
  size_t align = pj_dtype_bytes(pj_dtype_part(type->dtype));
  if (pj_dtype_bits(type->dtype) < 8)
    data = widen(bc, type->dtype, blob);
  else if ((uintptr_t)data % align)
    data = pj_arena_memdup(bc->arena, data, blob.size);
  *out = whole ? finish(bc, type, data, n, width)
               : pj_attr_elements(bc->arena, type, data, width, true);
  return PJ_STATUS_OK;
mismatch:
  return pj__cur_error(c, "a constant of type %s in %zu bytes", pj_type_text(bc->arena, type),
                       blob.size);
}
