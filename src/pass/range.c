// Bounds on integers, from their definitions.
//
// They are what makes JAX's index arithmetic go away: every index i that a program writes becomes
// select(i < 0, i + n, i), and where i is a loop counter or an iota the comparison is known. The
// search goes up through definitions, at most MAX_DEPTH of them deep and MAX_VISITS altogether, so
// that its cost is bounded per question.
//
// All arithmetic is in int64 and checked: whatever could wrap around in the value's own type has no
// bounds.
#include "pass/range.h"

#include "base/alloc.h"
#include "eval/float.h"
#include "pass/match.h"

enum { MAX_DEPTH = 12, MAX_VISITS = 48, MAX_ELEMENTS = 256 };

typedef struct Search {
  int visits;
} Search;

static bool range(Search *search, const PjValue *value, int depth, PjRange *out);

static bool type_range(PjDtype dtype, PjRange *out) {
  unsigned bits = pj_dtype_bits(dtype);
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    *out = (PjRange){0, 1};
    return true;
  case PJ_CLASS_SINT:
    *out = bits >= 64 ? (PjRange){INT64_MIN, INT64_MAX}
                      : (PjRange){-((int64_t)1 << (bits - 1)), ((int64_t)1 << (bits - 1)) - 1};
    return true;
  case PJ_CLASS_UINT:
    *out = (PjRange){0, bits >= 64 ? INT64_MAX : ((int64_t)1 << bits) - 1};
    return bits < 64;
  default:
    return false;
  }
}

// Keeps |range| if it lies within |dtype|: then nothing wrapped around.
static bool within(PjDtype dtype, PjRange range) {
  PjRange limits;
  if (dtype == PJ_DT_U64)
    return range.low >= 0;
  return type_range(dtype, &limits) && range.low >= limits.low && range.high <= limits.high;
}

static bool of_constant(const PjAttr *attr, PjRange *out) {
  PjDtype dtype = attr->type->dtype;
  size_t bytes = pj_dtype_bytes(dtype), count = attr->data_size / bytes;
  if (!count || count > MAX_ELEMENTS)
    return false;
  for (size_t i = 0; i < count; ++i) {
    int64_t element = pj_int_decode(dtype, (const char *)attr->data + i * bytes);
    if (dtype == PJ_DT_U64 && element < 0)
      return false;
    if (!i || element < out->low)
      out->low = element;
    if (!i || element > out->high)
      out->high = element;
  }
  return true;
}

// The counter of the loop whose body or condition |region| is.
static bool of_argument(Search *search, const PjValue *value, int depth, PjRange *out) {
  const PjOp *loop = value->region->parent;
  PjCounter counter;
  if (!loop || loop->kind != PJ_OP_WHILE || !pj_match_counter(loop, &counter) ||
      counter.index != value->index)
    return false;
  bool up = counter.direction == PJ_CMP_LT || counter.direction == PJ_CMP_LE;
  bool strict = counter.direction == PJ_CMP_LT || counter.direction == PJ_CMP_GT;
  PjRange start;
  if (counter.direction == PJ_CMP_EQ || (up != (counter.step > 0) && counter.trips < 0))
    return false;
  if (counter.trips >= 0) {
    // From the first to the last value that the region sees.
    int64_t last = counter.trips - (value->region == &loop->regions[1]), end;
    if (last < 0)
      last = 0;
    if (!pj_mul_i64(last, counter.step, &end) || !pj_add_i64(counter.start_value, end, &end))
      return false;
    *out = end < counter.start_value ? (PjRange){end, counter.start_value}
                                     : (PjRange){counter.start_value, end};
    return within(value->type->dtype, *out);
  }
  // In the body the condition holds, and the counter has not passed its start, provided that it
  // does not wrap around on the step that ends the loop: that one value the body never sees, unless
  // it wraps to where the condition holds again.
  if (value->region != &loop->regions[1] || counter.direction == PJ_CMP_NE ||
      !range(search, loop->operands[counter.index], depth, &start))
    return false;
  PjRange limits, bound;
  if (!type_range(value->type->dtype, &limits) || !range(search, counter.limit, depth, &bound))
    return false;
  int64_t furthest;
  if (up) {
    int64_t high = bound.high;
    if (strict && !pj_add_i64(high, -1, &high))
      return false;
    if (!pj_add_i64(high, counter.step, &furthest) || furthest > limits.high || high < start.low)
      return false;
    *out = (PjRange){start.low, high};
    return true;
  }
  int64_t low = bound.low;
  if (strict && !pj_add_i64(low, 1, &low))
    return false;
  if (!pj_add_i64(low, counter.step, &furthest) || furthest < limits.low || low > start.high)
    return false;
  *out = (PjRange){low, start.high};
  return true;
}

static void join(PjRange *range_io, PjRange other) {
  if (other.low < range_io->low)
    range_io->low = other.low;
  if (other.high > range_io->high)
    range_io->high = other.high;
}

static bool of_product(PjRange a, PjRange b, PjRange *out) {
  const int64_t x[] = {a.low, a.high}, y[] = {b.low, b.high};
  for (int i = 0; i < 4; ++i) {
    int64_t product;
    if (!pj_mul_i64(x[i & 1], y[i >> 1], &product))
      return false;
    if (!i)
      *out = (PjRange){product, product};
    join(out, (PjRange){product, product});
  }
  return true;
}

static bool of_op(Search *search, const PjOp *op, int depth, PjRange *out) {
  PjRange a, b;
  PjDtype dtype = op->results[0].type->dtype;
  switch (op->kind) {
  case PJ_OP_IOTA: {
    int64_t size = op->results[0].type->dims[PJ_INT(op, iota_dimension)];
    *out = (PjRange){0, size > 0 ? size - 1 : 0};
    return size != PJ_DYN;
  }
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_SLICE:
  case PJ_OP_REVERSE:
  case PJ_OP_DYNAMIC_SLICE:
  case PJ_OP_GATHER:
  case PJ_OP_OPTIMIZATION_BARRIER:
    return op->num_results == 1 && range(search, op->operands[0], depth, out);
  case PJ_OP_SORT:
    return false;
  case PJ_OP_CONVERT:
    if (!range(search, op->operands[0], depth, out))
      return false;
    return true;
  case PJ_OP_CONCATENATE:
    if (op->num_operands > 4)
      return false;
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      if (!range(search, op->operands[i], depth, i ? &b : out))
        return false;
      if (i)
        join(out, b);
    }
    return true;
  case PJ_OP_PAD:
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    if (!range(search, op->operands[0], depth, out) || !range(search, op->operands[1], depth, &b))
      return false;
    join(out, b);
    return true;
  case PJ_OP_SELECT:
    if (!range(search, op->operands[1], depth, out) || !range(search, op->operands[2], depth, &b))
      return false;
    join(out, b);
    return true;
  case PJ_OP_CLAMP:
    // Between the bounds, the lower one winning.
    if (!range(search, op->operands[0], depth, &a) || !range(search, op->operands[2], depth, &b))
      return false;
    if (a.high > b.low)
      return false;
    *out = (PjRange){a.low, b.high};
    if (range(search, op->operands[1], depth, &a)) {
      if (a.low > out->low)
        out->low = a.low < out->high ? a.low : out->high;
      if (a.high < out->high)
        out->high = a.high > out->low ? a.high : out->low;
    }
    return true;
  default:
    break;
  }
  if (op->num_operands != 2 || op->num_results != 1 || dtype == PJ_DT_PRED)
    return false;
  bool has_a = range(search, op->operands[0], depth, &a),
       has_b = range(search, op->operands[1], depth, &b);
  switch (op->kind) {
  case PJ_OP_MAXIMUM:
    if (!has_a || !has_b)
      return false;
    *out = (PjRange){a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
    return true;
  case PJ_OP_MINIMUM:
    if (!has_a || !has_b)
      return false;
    *out = (PjRange){a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
    return true;
  case PJ_OP_AND:
    // What is not negative bounds the result.
    if (has_b && b.low >= 0) {
      *out = (PjRange){0, has_a && a.low >= 0 && a.high < b.high ? a.high : b.high};
      return true;
    }
    if (has_a && a.low >= 0) {
      *out = (PjRange){0, a.high};
      return true;
    }
    return false;
  case PJ_OP_REMAINDER:
    // The sign of the dividend, and less than the divisor.
    if (!has_b || b.low <= 0)
      return false;
    *out = (PjRange){has_a && a.low >= 0 ? 0 : -(b.high - 1), b.high - 1};
    if (has_a && a.low >= 0 && a.high < out->high)
      out->high = a.high;
    return dtype != PJ_DT_U64 || (has_a && a.low >= 0);
  case PJ_OP_DIVIDE:
    if (!has_a || !has_b || b.low <= 0 || a.low < 0)
      return false;
    *out = (PjRange){a.low / b.high, a.high / b.low};
    return true;
  case PJ_OP_SHIFT_RIGHT_LOGICAL:
    if (!has_a || !has_b || b.low < 0 || b.high >= (int64_t)pj_dtype_bits(dtype) || a.low < 0)
      return false;
    *out = (PjRange){a.low >> b.high, a.high >> b.low};
    return true;
  case PJ_OP_ADD:
    return has_a && has_b && pj_add_i64(a.low, b.low, &out->low) &&
           pj_add_i64(a.high, b.high, &out->high) && within(dtype, *out);
  case PJ_OP_SUBTRACT:
    return has_a && has_b && b.low != INT64_MIN && pj_add_i64(a.low, -b.high, &out->low) &&
           pj_add_i64(a.high, -b.low, &out->high) && within(dtype, *out);
  case PJ_OP_MULTIPLY:
    return has_a && has_b && of_product(a, b, out) && within(dtype, *out);
  default:
    return false;
  }
}

static bool range(Search *search, const PjValue *value, int depth, PjRange *out) {
  const PjType *type = value->type;
  PjRange limits, found;
  if (!pj_type_is_tensor(type) || type->quant)
    return false;
  bool limited = type_range(type->dtype, &limits);
  if (!limited && type->dtype != PJ_DT_U64)
    return false;
  bool better = false;
  if (depth > 0 && search->visits-- > 0) {
    if (value->def && value->def->kind == PJ_OP_CONSTANT)
      better = pj_const_of(value) && of_constant(pj_const_of(value), &found);
    else if (value->def)
      better = of_op(search, value->def, depth - 1, &found);
    else
      better = of_argument(search, value, depth - 1, &found);
  }
  // A conversion that does not fit says nothing.
  if (better && within(type->dtype, found)) {
    *out = found;
    return true;
  }
  *out = limits;
  return limited;
}

bool pj_range_of(const PjValue *value, PjRange *out) {
  Search search = {MAX_VISITS};
  return range(&search, value, MAX_DEPTH, out);
}
