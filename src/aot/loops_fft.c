// fft as loops: dimension by dimension, line by line. A line whose length is a power of two is
// transformed in log2 n passes between two lines of scratch, any other by the definition.
#include <math.h>

#include "aot/loops.h"
#include "ir/attr.h"
#include "sched/shape_map.h"

typedef struct Fft {
  PjLoops *l;
  PjDtype dtype; // complex
  PjKirElem part;
  int bytes;
  bool inverse;
  PjKirVal line[2], table; // of n elements each, in scratch
  int64_t n;
} Fft;

static PjElem load(Fft *f, PjKirVal ptr, PjKirVal index) {
  return pj_elem_load(f->l->k, f->dtype, 1, ptr, index, 0, false);
}

static void store(Fft *f, PjKirVal ptr, PjKirVal index, PjElem value) {
  pj_elem_store(f->l->k, f->dtype, value, ptr, index, 0);
}

static PjElem times(Fft *f, PjElem a, PjElem b) {
  PjKir *k = f->l->k;
  return (PjElem){pj_kir_fsub(k, pj_kir_fmul(k, a.re, b.re), pj_kir_fmul(k, a.im, b.im)),
                  pj_kir_fadd(k, pj_kir_fmul(k, a.re, b.im), pj_kir_fmul(k, a.im, b.re))};
}

static PjElem plus(Fft *f, PjElem a, PjElem b, bool minus) {
  PjKirOp op = minus ? PJ_KIR_FSUB : PJ_KIR_FADD;
  return (PjElem){pj_kir_2(f->l->k, op, a.re, b.re), pj_kir_2(f->l->k, op, a.im, b.im)};
}

static PjElem scaled(Fft *f, PjElem a, double by) {
  PjKirVal factor = pj_kir_float(f->l->k, pj_kir_type(f->part, 1), by);
  return (PjElem){pj_kir_fmul(f->l->k, a.re, factor), pj_kir_fmul(f->l->k, a.im, factor)};
}

// table[j] = exp(-+ 2 pi i j / n), for lines of length |n|.
static void make_table(Fft *f, int64_t n) {
  PjLoops *l = f->l;
  PjKir *k = l->k;
  PjKirVal j;
  f->n = n;
  pj_loop_open(l, 1, &n, &j);
  PjKirVal angle =
      pj_kir_fmul(k, pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F64, j),
                  pj_kir_float(k, PJ_KIR_T(F64, 1), (f->inverse ? 2 : -2) * M_PI / (double)n));
  PjElem value = {pj_kir_call(k, PJ_KIR_EXTERN_COS, 1, &angle),
                  pj_kir_call(k, PJ_KIR_EXTERN_SIN, 1, &angle)};
  if (f->part == PJ_KIR_F32) {
    value.re = pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, value.re);
    value.im = pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, value.im);
  }
  store(f, f->table, j, value);
  pj_loop_close(l, 1, &n);
}

// Pairs that lie half the line apart become neighbours, until all is in order (Stockham).
static PjKirVal transform_power_of_two(Fft *f) {
  PjLoops *l = f->l;
  PjKir *k = l->k;
  PjKirVal zero = pj_loop_number(l, 0), one = pj_loop_number(l, 1), carried[4], out[4];
  PjKirVal init[4] = {f->line[0], f->line[1], pj_loop_number(l, f->n / 2), one};
  pj_kir_while_begin(k, 4, init, carried);
  PjKirVal from = carried[0], to = carried[1], half = carried[2], stride = carried[3];
  pj_kir_while_test(k, pj_kir_slt(k, zero, half));
  PjKirVal p = pj_kir_for_begin(k, zero, half, one, 0, NULL, NULL);
  PjElem w = load(f, f->table, pj_kir_mul(k, p, stride));
  PjKirVal q = pj_kir_for_begin(k, zero, stride, one, 0, NULL, NULL);
  PjElem a = load(f, from, pj_kir_add(k, q, pj_kir_mul(k, stride, p)));
  PjElem b = load(f, from, pj_kir_add(k, q, pj_kir_mul(k, stride, pj_kir_add(k, p, half))));
  PjKirVal at = pj_kir_add(k, q, pj_kir_mul(k, stride, pj_kir_add(k, p, p)));
  store(f, to, at, plus(f, a, b, false));
  store(f, to, pj_kir_add(k, at, stride), times(f, plus(f, a, b, true), w));
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_for_end(k, 0, NULL, NULL);
  PjKirVal next[4] = {to, from, pj_kir_lshr(k, half, one), pj_kir_add(k, stride, stride)};
  pj_kir_while_end(k, 4, next, out);
  return out[0];
}

static PjKirVal transform_any(Fft *f) {
  PjLoops *l = f->l;
  PjKir *k = l->k;
  PjKirVal i, zero = pj_loop_number(l, 0), n = pj_loop_number(l, f->n), one = pj_loop_number(l, 1);
  pj_loop_open(l, 1, &f->n, &i);
  // Carried: the sum, and i * j modulo n.
  PjKirVal nothing = pj_kir_float(k, pj_kir_type(f->part, 1), 0),
           init[3] = {nothing, nothing, zero}, args[3], out[3];
  PjKirVal j = pj_kir_for_begin(k, zero, n, one, 3, init, args);
  PjElem term = times(f, load(f, f->line[0], j), load(f, f->table, args[2]));
  PjKirVal moved = pj_kir_add(k, args[2], i);
  PjKirVal next[3] = {pj_kir_fadd(k, args[0], term.re), pj_kir_fadd(k, args[1], term.im),
                      pj_kir_select(k, pj_kir_slt(k, moved, n), moved, pj_kir_sub(k, moved, n))};
  pj_kir_for_end(k, 3, next, out);
  store(f, f->line[1], i, (PjElem){out[0], out[1]});
  pj_loop_close(l, 1, &f->n);
  return f->line[1];
}

static PjKirVal transform(Fft *f) {
  return f->n & (f->n - 1) ? transform_any(f) : transform_power_of_two(f);
}

// A dense array of complex elements, whose lines along |dim| are transformed in place. The table is
// for their length.
static void transform_lines(Fft *f, PjKirVal array, int rank, const int64_t *dims, int dim) {
  PjLoops *l = f->l;
  int64_t sizes[PJ_MAX_RANK], strides[PJ_MAX_RANK], n = dims[dim];
  PjKirVal index[PJ_MAX_RANK], i;
  int64_t stride = 1;
  for (int d = rank; d-- > 0; stride *= dims[d]) {
    strides[d] = stride;
    sizes[d] = d == dim ? 1 : dims[d];
  }
  make_table(f, n);
  pj_loop_open(l, rank, sizes, index);
  pj_loop_open(l, 1, &n, &i);
  index[dim] = i;
  store(f, f->line[0], i,
        load(f, array, pj_ix_base(&l->nest->ix, pj_loop_at(l, rank, index, strides))));
  pj_loop_close(l, 1, &n);
  PjKirVal result = transform(f);
  pj_loop_open(l, 1, &n, &i);
  index[dim] = i;
  PjElem value = load(f, result, i);
  if (f->inverse)
    value = scaled(f, value, 1 / (double)n);
  store(f, array, pj_ix_base(&l->nest->ix, pj_loop_at(l, rank, index, strides)), value);
  pj_loop_close(l, 1, &n);
  pj_loop_close(l, rank, sizes);
}

// The last dimension from real to half of a complex line, or back.
static void real_lines(Fft *f, PjKirVal from, PjKirVal to, int64_t lines, int64_t n) {
  PjLoops *l = f->l;
  PjKir *k = l->k;
  PjKirElem part = f->part;
  PjKirType real = pj_kir_type(part, 1);
  int64_t half = n / 2 + 1;
  PjKirVal line, i, zero = pj_kir_float(k, real, 0);
  make_table(f, n);
  pj_loop_open(l, 1, &lines, &line);
  pj_loop_open(l, 1, &n, &i);
  if (!f->inverse) {
    PjKirVal at = pj_kir_add(k, pj_loop_affine(l, line, n, 0), i);
    store(f, f->line[0], i, (PjElem){pj_kir_load(k, real, from, at, 0, false), zero});
  } else { // The other half is the conjugate of this one, backwards.
    PjKirVal given = pj_kir_slt(k, i, pj_loop_number(l, half));
    PjKirVal source = pj_kir_select(k, given, i, pj_kir_sub(k, pj_loop_number(l, n), i));
    PjElem x = load(f, from, pj_kir_add(k, pj_loop_affine(l, line, half, 0), source));
    x.im = pj_kir_select(k, given, x.im, pj_kir_1(k, PJ_KIR_FNEG, x.im));
    // What stands for its own conjugate is real.
    PjKirVal own = pj_kir_eq(k, pj_kir_2(k, PJ_KIR_UREM, pj_kir_add(k, i, i), pj_loop_number(l, n)),
                             pj_loop_number(l, 0));
    x.im = pj_kir_select(k, own, zero, x.im);
    store(f, f->line[0], i, x);
  }
  pj_loop_close(l, 1, &n);
  PjKirVal result = transform(f);
  int64_t kept = f->inverse ? n : half;
  pj_loop_open(l, 1, &kept, &i);
  PjElem value = load(f, result, i);
  PjKirVal at = pj_kir_add(k, pj_loop_affine(l, line, kept, 0), i);
  if (f->inverse)
    pj_kir_store(k, scaled(f, value, 1 / (double)n).re, to, at, 0);
  else
    store(f, to, at, value);
  pj_loop_close(l, 1, &kept);
  pj_loop_close(l, 1, &lines);
}

static void copy(PjLoops *l, PjKirVal to, PjKirVal from, int64_t bytes) {
  pj_kir_call(l->k, PJ_KIR_EXTERN_MEMCPY, 3, (PjKirVal[]){to, from, pj_loop_number(l, bytes)});
}

bool pj_loop_fft(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *in = op->operands[0]->type, *out = op->results[0].type;
  int64_t type = PJ_INT(op, fft_type);
  bool to_complex = type == PJ_FFT_RFFT, to_real = type == PJ_FFT_IRFFT;
  uint32_t count;
  const int64_t *length = PJ_INTS(op, fft_length, &count);
  const PjType *complex = to_real ? in : out;
  Fft fft = {.l = l, .dtype = complex->dtype, .inverse = type == PJ_FFT_IFFT || to_real}, *f = &fft;
  if (f->dtype != PJ_DT_C64 && f->dtype != PJ_DT_C128)
    return false;
  f->part = f->dtype == PJ_DT_C64 ? PJ_KIR_F32 : PJ_KIR_F64;
  f->bytes = f->dtype == PJ_DT_C64 ? 8 : 16;
  int64_t longest = 1, bytes = pj_count(complex) * f->bytes;
  for (uint32_t i = 0; i < count; ++i)
    longest = length[i] > longest ? length[i] : longest;
  int64_t line = (longest * f->bytes + 63) / 64 * 64;
  l->scratch_bytes = (size_t)(3 * line + (to_real ? bytes : 0));
  PjKirVal scratch = pj_kir_scratch(l->k),
           array = to_real ? pj_kir_ptradd(l->k, scratch, pj_loop_number(l, 3 * line)) : l->out[0];
  f->line[0] = scratch;
  f->line[1] = pj_kir_ptradd(l->k, scratch, pj_loop_number(l, line));
  f->table = pj_kir_ptradd(l->k, scratch, pj_loop_number(l, 2 * line));
  int rank = complex->rank;
  int64_t n = count ? length[count - 1] : 1,
          lines = count ? pj_count(complex) / complex->dims[rank - 1] : 1;
  if (to_complex)
    real_lines(f, l->in[0].ptr, array, lines, n);
  else
    copy(l, array, l->in[0].ptr, bytes);
  for (uint32_t i = 0; i < count; ++i)
    if (!((to_complex || to_real) && i + 1 == count))
      transform_lines(f, array, rank, complex->dims, rank - (int)count + (int)i);
  if (to_real)
    real_lines(f, array, l->out[0], lines, n);
  return true;
}
