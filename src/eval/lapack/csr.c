// cpu_csr_sparse_dense_ffi: a sparse matrix in compressed rows (values, row starts, columns) times
// a dense matrix or vector.
#include <string.h>

#include "eval/float.h"
#include "eval/lapack/routines.h"

// out[cols] += value * row[cols]
#define ADD_ROW(NAME, T)                                                       \
  static void NAME(int64_t n, const void *value, const void *row, void *out) { \
    const T factor = *(const T *)value;                                        \
    for (int64_t j = 0; j < n; ++j)                                            \
      ((T *)out)[j] += factor * ((const T *)row)[j];                           \
  }
#define ADD_ROW_COMPLEX(NAME, T)                                               \
  static void NAME(int64_t n, const void *value, const void *row, void *out) { \
    const T re = ((const T *)value)[0], im = ((const T *)value)[1], *x = row;  \
    T *to = out;                                                               \
    for (int64_t j = 0; j < n; ++j, x += 2, to += 2) {                         \
      to[0] += re * x[0] - im * x[1];                                          \
      to[1] += re * x[1] + im * x[0];                                          \
    }                                                                          \
  }
ADD_ROW(add_f32, float)
ADD_ROW(add_f64, double)
ADD_ROW(add_u32, uint32_t)
ADD_ROW(add_u64, uint64_t)
ADD_ROW_COMPLEX(add_c64, float)
ADD_ROW_COMPLEX(add_c128, double)

PjStatus pj_la_csr_dense(PjEval *ev, const PjOp *op, PjTensor *const *operands, PjTensor **results,
                         void *user) {
  static void (*const add[])(int64_t, const void *, const void *, void *) = {
      [PJ_COMP_F32] = add_f32, [PJ_COMP_F64] = add_f64, [PJ_COMP_U32] = add_u32,
      [PJ_COMP_U64] = add_u64, [PJ_COMP_C64] = add_c64, [PJ_COMP_C128] = add_c128,
  };
  (void)user;
  if (op->num_operands != 4 || op->num_results != 1)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "expected values, row starts, columns and a dense operand, and one result");
  const PjTensor *values = operands[0], *starts = operands[1], *columns = operands[2],
                 *dense = operands[3];
  const PjType *type = op->results[0].type;
  const PjDtype dtype = values->dtype;
  if (dense->dtype != dtype || type->dtype != dtype || !pj_dtype_is_int(starts->dtype) ||
      columns->dtype != starts->dtype || values->rank != 1 || starts->rank != 1 ||
      columns->rank != 1 || (dense->rank != 1 && dense->rank != 2) || starts->count < 1 ||
      columns->count != values->count)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "operands are not vectors of values, row starts and columns, and a dense "
                       "matrix of their type");
  const int64_t rows = starts->count - 1, inner = dense->dims[0],
                n = dense->rank == 2 ? dense->dims[1] : 1;
  PjTensor *result = results[0] = pj_eval_new(ev, dtype, dense->rank, (const int64_t[]){rows, n});
  const PjComp comp = pj_comp_pick(dtype, dtype, dtype);
  const size_t bytes = pj_comp_bytes(comp), index_bytes = pj_dtype_bytes(starts->dtype);
  void *value_scratch, *dense_scratch;
  const char *from = pj_comp_operand(ev, comp, values, &value_scratch),
             *matrix = pj_comp_operand(ev, comp, dense, &dense_scratch);
  char *target = pj_comp_target(ev, comp, result);
  memset(target, 0, (size_t)result->count * bytes);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t begin =
        pj_int_decode(starts->dtype, (const char *)starts->data + (size_t)row * index_bytes);
    const int64_t end =
        pj_int_decode(starts->dtype, (const char *)starts->data + (size_t)(row + 1) * index_bytes);
    for (int64_t i = begin < 0 ? 0 : begin; i < end && i < values->count; ++i) {
      const int64_t column =
          pj_int_decode(columns->dtype, (const char *)columns->data + (size_t)i * index_bytes);
      if (column < 0 || column >= inner)
        continue; // padding
      add[comp](n, from + (size_t)i * bytes, matrix + (size_t)(column * n) * bytes,
                target + (size_t)(row * n) * bytes);
    }
  }
  pj_comp_finish(ev, comp, result, target);
  if (value_scratch)
    pj_eval_free(ev, value_scratch);
  if (dense_scratch)
    pj_eval_free(ev, dense_scratch);
  return PJ_STATUS_OK;
}
