// The choice of an elementwise kernel for an op and its types, and the kernels that serve narrow
// types through others.
#include "eval/kernel.h"

#include <string.h>

#include "eval/float.h"

// ------------------------------------------------------------------ narrow types by wider ones
enum { MAX_OPERANDS = 3 };

static int operands_of(const PjKernel *kernel) {
  return (int)kernel->a;
}

// Floats of up to 19 bits: decoded, computed in float, rounded. |a|: number of operands.
static void through_float(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  float blocks[MAX_OPERANDS][PJ_KERNEL_BLOCK];
  const void *args[MAX_OPERANDS] = {blocks[0], blocks[1], blocks[2]};
  size_t bytes = pj_dtype_bytes(kernel->in_dtype);
  for (int64_t done = 0; done < n; done += PJ_KERNEL_BLOCK) {
    int64_t m = n - done < PJ_KERNEL_BLOCK ? n - done : PJ_KERNEL_BLOCK;
    for (int i = 0; i < operands_of(kernel); ++i)
      pj_float_decode_n(kernel->in_dtype, m, (const char *)in[i] + (size_t)done * bytes, blocks[i]);
    if (kernel->out_dtype == PJ_DT_PRED) {
      kernel->inner(kernel, m, args, (char *)out + done);
    } else {
      kernel->inner(kernel, m, args, blocks[0]);
      pj_float_encode_n(kernel->out_dtype, m, blocks[0], (char *)out + (size_t)done * bytes);
    }
  }
}

// Integers of 2 and 4 bits: computed in 8 bits, then cut.
static void through_byte(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  kernel->inner(kernel, n, in, out);
  uint8_t *r = out;
  unsigned bits = pj_dtype_bits(kernel->out_dtype), shift = 8 - bits;
  if (pj_dtype_class(kernel->out_dtype) == PJ_CLASS_SINT)
    PJ_LOOP(i, n) r[i] = (uint8_t)((int8_t)(r[i] << shift) >> shift);
  else
    PJ_LOOP(i, n) r[i] = r[i] & ((1u << bits) - 1);
}

// The same for operations that look at the bits above the value: |b| is the op.
static void narrow_bits(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  PjDtype dtype = kernel->in_dtype;
  unsigned bits = pj_dtype_bits(dtype), mask = (1u << bits) - 1;
  const uint8_t *x = in[0], *y = operands_of(kernel) > 1 ? in[1] : in[0];
  for (int64_t i = 0; i < n; ++i) {
    unsigned a = x[i] & mask, b = y[i] & mask;
    int64_t value = 0;
    switch (kernel->b) {
    case PJ_OP_SHIFT_RIGHT_LOGICAL:
      value = b >= bits ? 0 : a >> b;
      break;
    case PJ_OP_SHIFT_RIGHT_ARITHMETIC: {
      unsigned sign = 1u << (bits - 1);
      int wide = (int)(a ^ sign) - (int)sign;
      value = wide >> (b >= bits ? bits - 1 : b);
      break;
    }
    case PJ_OP_POPCNT:
      value = __builtin_popcount(a);
      break;
    case PJ_OP_COUNT_LEADING_ZEROS:
      value = a ? __builtin_clz(a) - (int)(32 - bits) : (int)bits;
      break;
    case PJ_OP_CHLO_MULHI:
      value = pj_int_decode(dtype, &x[i]) * pj_int_decode(dtype, &y[i]) >> bits;
      break;
    default:
      break;
    }
    pj_int_encode(dtype, value, (uint8_t *)out + i);
  }
}

// The neighbour of x towards y in a narrow float format: codes of one sign lie in the order of
// their values.
static void next_after(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  PjDtype dtype = kernel->in_dtype;
  size_t bytes = pj_dtype_bytes(dtype);
  uint32_t sign = 1u << (pj_dtype_bits(dtype) - 1);
  for (int64_t i = 0; i < n; ++i) {
    const char *px = (const char *)in[0] + (size_t)i * bytes,
               *py = (const char *)in[1] + (size_t)i * bytes;
    float x = pj_float_decode(dtype, px), y = pj_float_decode(dtype, py);
    uint32_t code = 0;
    if (x != x || y != y) {
      memcpy(&code, x != x ? px : py, bytes);
    } else if (x == y) {
      memcpy(&code, py, bytes);
    } else {
      memcpy(&code, px, bytes);
      if (x == 0)
        code = y > 0 ? 1 : sign | 1;
      else
        code += (y > x) == (x > 0) ? 1u : ~0u;
      // The neighbour of the smallest negative number is -0, or NaN in its place where a format has
      // none.
      if (x < 0 && code == sign && pj_float_decode(dtype, &code) != 0)
        code = 0;
    }
    memcpy((char *)out + (size_t)i * bytes, &code, bytes);
  }
}

// ------------------------------------------------------------------ odd shapes
static void move(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  if (out != in[0] && n)
    memmove(out, in[0], (size_t)n * pj_dtype_bytes(kernel->in_dtype));
}

static void zero(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  if (n)
    memset(out, 0, (size_t)n * pj_dtype_bytes(kernel->out_dtype));
}

static void convert(const PjKernel *kernel, int64_t n, const void *const *in, void *out) {
  pj_convert_n(kernel->in_dtype, kernel->out_dtype, n, in[0], out);
}

// ------------------------------------------------------------------ choice
static bool is_narrow_float(PjDtype dtype) {
  return pj_dtype_is_float(dtype) && dtype != PJ_DT_F32 && dtype != PJ_DT_F64;
}

static PjKernelFn *float_kernel(PjOpKind kind, PjDtype dtype) {
  PjKernelFn *fn = pj_kernel_float(kind, dtype);
  return fn ? fn : pj_kernel_special(kind, dtype);
}

static bool make_compare(PjDtype in, int64_t direction, int64_t type, PjKernel *kernel) {
  bool total = type == PJ_CMPTYPE_TOTALORDER;
  if (!is_narrow_float(in)) {
    kernel->fn = pj_kernel_compare(in, direction, total);
    return kernel->fn != NULL;
  }
  kernel->fn = through_float;
  kernel->inner = pj_kernel_compare(PJ_DT_F32, direction, total);
  kernel->a = 2;
  return kernel->inner != NULL;
}

static bool make_plain(PjOpKind kind, PjDtype in, PjKernel *kernel) {
  int operands = pj_op_info[kind].operands;
  if (is_narrow_float(in)) {
    kernel->fn = kind == PJ_OP_CHLO_NEXT_AFTER ? next_after : through_float;
    kernel->inner = float_kernel(kind, PJ_DT_F32);
    kernel->a = operands;
    return kernel->inner != NULL;
  }
  if (pj_dtype_is_int(in) && pj_dtype_bits(in) < 8) {
    PjDtype byte = pj_dtype_class(in) == PJ_CLASS_SINT ? PJ_DT_S8 : PJ_DT_U8;
    bool bitwise = kind == PJ_OP_SHIFT_RIGHT_LOGICAL || kind == PJ_OP_SHIFT_RIGHT_ARITHMETIC ||
                   kind == PJ_OP_POPCNT || kind == PJ_OP_COUNT_LEADING_ZEROS ||
                   kind == PJ_OP_CHLO_MULHI;
    kernel->fn = bitwise ? narrow_bits : through_byte;
    kernel->inner = pj_kernel_int(kind, byte);
    kernel->a = operands;
    kernel->b = kind;
    return kernel->inner != NULL;
  }
  switch (pj_dtype_class(in)) {
  case PJ_CLASS_PRED:
  case PJ_CLASS_SINT:
  case PJ_CLASS_UINT:
    kernel->fn = pj_kernel_int(kind, in);
    break;
  case PJ_CLASS_FLOAT:
    kernel->fn = float_kernel(kind, in);
    break;
  case PJ_CLASS_COMPLEX:
    kernel->fn = pj_kernel_complex(kind, in);
    break;
  default:
    break;
  }
  return kernel->fn != NULL;
}

bool pj_kernel_make(PjOpKind kind, PjDtype in, PjDtype out, int64_t a, int64_t b,
                    PjKernel *kernel) {
  *kernel = (PjKernel){.in_dtype = in, .out_dtype = out};
  switch (kind) {
  case PJ_OP_COMPARE:
    return make_compare(in, a, b, kernel);
  case PJ_OP_SELECT:
    kernel->fn = pj_kernel_select_bytes(pj_dtype_bytes(out));
    break;
  case PJ_OP_CLAMP:
    kernel->fn = pj_kernel_clamp(in);
    break;
  case PJ_OP_CONVERT:
    kernel->fn = convert;
    break;
  case PJ_OP_COMPLEX:
    kernel->fn = pj_kernel_complex(kind, out);
    break;
  case PJ_OP_REAL:
  case PJ_OP_CHLO_CONJ:
    kernel->fn = pj_dtype_is_complex(in) ? pj_kernel_complex(kind, in) : move;
    break;
  case PJ_OP_IMAG:
    kernel->fn = pj_dtype_is_complex(in) ? pj_kernel_complex(kind, in) : zero;
    break;
  case PJ_OP_REDUCE_PRECISION:
    kernel->a = a;
    kernel->b = b;
    kernel->fn = pj_dtype_is_float(in) ? pj_kernel_reduce_precision : NULL;
    break;
  default:
    return make_plain(kind, in, kernel);
  }
  return kernel->fn != NULL;
}

bool pj_kernel_select(const PjOp *op, PjKernel *out) {
  if (!(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM) || op->num_results != 1 || !op->num_operands)
    return false;
  const PjType *result = op->results[0].type, *operand = op->operands[op->num_operands - 1]->type;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (op->operands[i]->type->quant)
      return false;
  if (result->quant)
    return false;
  int64_t a = 0, b = 0;
  if (op->kind == PJ_OP_COMPARE) {
    a = PJ_INT(op, comparison_direction);
    b = PJ_INT(op, compare_type);
  } else if (op->kind == PJ_OP_REDUCE_PRECISION) {
    a = PJ_INT(op, exponent_bits);
    b = PJ_INT(op, mantissa_bits);
  }
  return pj_kernel_make(op->kind, operand->dtype, result->dtype, a, b, out);
}
