// See inputs.h.
#include "inputs.h"

#include <math.h>

#include "eval/float.h"

int64_t input_code(InputKind kind, int64_t size, uint64_t seed) {
  return (int64_t)((seed & 0xFFFFFFFFu) << 24 | ((uint64_t)size & 0xFFFFu) << 8 | (uint64_t)kind);
}

static double special_number(Rand *r) {
  switch (rand_int(r, 0, 15)) {
  case 0:
    return NAN;
  case 1:
    return INFINITY;
  case 2:
    return -INFINITY;
  case 3:
    return -0.0;
  case 4: // subnormal in float and in half
    return ldexp(rand_unit(r) - 0.5, rand_chance(r, 50) ? -127 : -15);
  case 5:
    return ldexp(rand_unit(r) - 0.5, -1023);
  case 6: // near overflow
    return ldexp(rand_unit(r) - 0.5, rand_chance(r, 50) ? 128 : 1024);
  case 7: // around the smallest normal ones
    return ldexp(1, rand_chance(r, 50) ? -126 : -14);
  case 8: // halves and integers beyond the mantissa
    return (double)rand_int(r, -(1 << 25), 1 << 25);
  case 9: // where exponentials leave the range
    return (rand_chance(r, 50) ? 88 : 709) + 2 * rand_unit(r);
  case 10:
    return -(rand_chance(r, 50) ? 87 : 708) - 20 * rand_unit(r);
  case 11: // arguments that need a careful reduction
    return ldexp(rand_unit(r), (int)rand_int(r, 10, 100));
  case 12:
    return 2147483647.0 * (1 + rand_unit(r));
  case 13:
    return 1 - ldexp(1, -24);
  default:
    return ldexp(rand_unit(r) - 0.5, (int)rand_int(r, -40, 40));
  }
}

static double normal_number(Rand *r) {
  int64_t choice = rand_int(r, 0, 99);
  if (choice < 4)
    return choice & 1 ? -0.0 : 0.0;
  if (choice < 20)
    return (double)rand_int(r, -8, 8) / 2;
  return rand_unit(r) + rand_unit(r) + rand_unit(r) + rand_unit(r) - 2;
}

static double number(Rand *r, InputKind kind) {
  if (kind == INPUT_SMALL)
    return 0.5 + 1.5 * rand_unit(r);
  if (kind == INPUT_SPECIAL && rand_chance(r, 20))
    return special_number(r);
  return normal_number(r);
}

static int64_t integer(Rand *r, InputKind kind, int64_t size) {
  if (kind == INPUT_INDEX)
    return rand_chance(r, 92) ? rand_int(r, 0, size ? size - 1 : 0) : rand_int(r, -3, size + 3);
  if (kind == INPUT_SMALL)
    return rand_int(r, 1, 3);
  int64_t choice = rand_int(r, 0, 99);
  if (kind == INPUT_SPECIAL && choice < 10)
    return choice & 1 ? INT64_MIN >> (choice * 8 & 63) : INT64_MAX >> (choice * 8 & 63);
  if (choice < 30)
    return (int64_t)rand_bits(r);
  return rand_int(r, -6, 12);
}

void input_fill(PjDtype dtype, int64_t count, void *data, int64_t code) {
  InputKind kind = (InputKind)(code & 0xFF);
  int64_t size = code >> 8 & 0xFFFF;
  Rand r = {rand_mix((uint64_t)code)};
  size_t bytes = pj_dtype_bytes(dtype), part = pj_dtype_bytes(pj_dtype_part(dtype));
  for (int64_t i = 0; i < count; ++i) {
    char *at = (char *)data + (size_t)i * bytes;
    if (dtype == PJ_DT_PRED)
      *at = (char)(rand_bits(&r) >> 13 & 1);
    else if (pj_dtype_is_int(dtype))
      pj_int_encode(dtype, integer(&r, kind, size), at);
    else
      for (size_t p = 0; p < bytes; p += part)
        pj_double_encode(pj_dtype_part(dtype), number(&r, kind), at + p);
  }
}

int64_t input_code_of(const PjOp *func, uint32_t index) {
  const PjAttr *attrs = PJ_ATTR(func, arg_attrs);
  if (attrs && index < attrs->count) {
    const PjAttr *code = pj_attr_get(attrs->elems[index], INPUT_ATTR);
    if (code && code->kind == PJ_ATTR_INT)
      return code->i64;
  }
  return input_code(INPUT_NORMAL, 0, index + 1);
}
