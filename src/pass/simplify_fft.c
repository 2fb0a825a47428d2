// Transforms of real lines of odd length.
//
//   %r = fft %x, type = RFFT, length = [n]   =>  %c = complex %x, 0 ; %f = fft %c, type = FFT
//                                                %r = slice %f [0 : n / 2 + 1]
//   and back: the other half is what the first one says, in reverse and conjugated.
//
// A real line of even length is a complex one of half of it. For odd ones the routine has nothing
// better than complex numbers either, and takes one line to a lane of a vector: a few long lines
// are worth whole vectors, which complex ones have (routine/fft.c).
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { LONG = 192, FEW_LINES = 4 };

static PjValue *complex_of(PjRewrite *rw, PjOp *at, PjValue *real, PjValue *imag,
                           const PjType *type) {
  return pj_build_done(rw, pj_build_op(rw, at, PJ_OP_COMPLEX, 2, (PjValue *[]){real, imag}, type));
}

// |op|'s transform of another type, of complex |x|.
static PjValue *transform(PjRewrite *rw, PjOp *op, PjValue *x, int64_t type) {
  PjValue *made = pj_build_like(rw, op, op, &x, x->type);
  pj_op_set_attr(made->def, PJ_KEY_fft_type, pj_attr_enum(rw->arena, PJ_ENUM_FFT_TYPE, type));
  return made;
}

// Elements [begin, end) of the last dimension.
static PjValue *part(PjRewrite *rw, PjOp *at, PjValue *x, int64_t begin, int64_t end) {
  int64_t start[PJ_MAX_RANK] = {0}, limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < x->type->rank; ++d)
    limit[d] = x->type->dims[d];
  start[x->type->rank - 1] = begin;
  limit[x->type->rank - 1] = end;
  return pj_build_slice(rw, at, x, start, limit, NULL);
}

static PjValue *reversed(PjRewrite *rw, PjOp *at, PjValue *x) {
  PjOp *made = pj_build_op(rw, at, PJ_OP_REVERSE, 1, &x, x->type);
  pj_op_set_attr(made, PJ_KEY_dimensions,
                 pj_attr_ints(rw->arena, 1, (int64_t[]){x->type->rank - 1}));
  return pj_build_done(rw, made);
}

static bool forward(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  PjValue *zero = pj_build_float(rw, op, x->type, 0);
  PjValue *line = complex_of(rw, op, x, zero, pj_type_with_dtype(rw->arena, x->type, type->dtype));
  return pj_rw_become(
      rw, op, part(rw, op, transform(rw, op, line, PJ_FFT_FFT), 0, type->dims[type->rank - 1]));
}

// The imaginary part of the first element is not read.
static bool inverse(PjRewrite *rw, PjOp *op, int64_t n) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const int32_t last = type->rank - 1;
  PjValue *first = part(rw, op, x, 0, 1), *others = part(rw, op, x, 1, n / 2 + 1),
          *turned = reversed(rw, op, others);
  const PjType *real = pj_type_with_dtype(rw->arena, others->type, type->dtype),
               *one = pj_type_with_dtype(rw->arena, first->type, type->dtype);
  PjValue *imag = pj_build_unary(rw, op, PJ_OP_IMAG, turned, real);
  PjValue *parts[] = {complex_of(rw, op, pj_build_unary(rw, op, PJ_OP_REAL, first, one),
                                 pj_build_float(rw, op, one, 0), first->type),
                      others,
                      complex_of(rw, op, pj_build_unary(rw, op, PJ_OP_REAL, turned, real),
                                 pj_build_unary(rw, op, PJ_OP_NEGATE, imag, real), others->type)};
  PjOp *joined = pj_build_op(rw, op, PJ_OP_CONCATENATE, 3, parts,
                             pj_type_with_dtype(rw->arena, type, x->type->dtype));
  pj_op_set_attr(joined, PJ_KEY_dimension, pj_attr_i64(rw->arena, last));
  PjValue *line = transform(rw, op, pj_build_done(rw, joined), PJ_FFT_IFFT);
  return pj_rw_become(rw, op, pj_build_unary(rw, op, PJ_OP_REAL, line, type));
}

bool pj_rule_fft(PjRewrite *rw, PjOp *op) {
  const int64_t type = PJ_INT(op, fft_type);
  uint32_t count;
  const int64_t *lengths = PJ_INTS(op, fft_length, &count);
  if ((type != PJ_FFT_RFFT && type != PJ_FFT_IRFFT) || !count)
    return false;
  const PjType *real = (type == PJ_FFT_RFFT ? op->operands[0] : op->results)->type;
  const int64_t n = lengths[count - 1], all = pj_count(real);
  if (n < LONG || n % 2 == 0 || !all || all / n > FEW_LINES)
    return false;
  if (type == PJ_FFT_RFFT)
    return forward(rw, op);
  return count == 1 && inverse(rw, op, n); // of several dimensions the others come first
}
