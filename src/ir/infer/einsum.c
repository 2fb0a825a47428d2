// einsum and unary_einsum (legacy): "ab,bc->ac". Labels are letters, one per dimension; "..." is
// not part of the form.
//
// Upstream leaves these unchecked; the evaluator relies on the configuration, so it is read here
// once more in full.
#include "ir/verify/check.h"

enum { LABELS = 52 };

static int label_of(char c) {
  return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? 26 + c - 'A' : -1;
}

// Reads the labels of one tensor up to |stop| and the end of |text|.
static PjStatus read_labels(const PjOp *op, PjStr config, size_t *at, const char *stop,
                            int8_t *labels, int32_t *out_count) {
  *out_count = 0;
  while (*at < config.len) {
    if (*stop && config.len - *at >= strlen(stop) &&
        !memcmp(config.ptr + *at, stop, strlen(stop))) {
      *at += strlen(stop);
      return NULL;
    }
    char c = config.ptr[(*at)++];
    if (c == ' ')
      continue;
    PJ_REQUIRE(op, label_of(c) >= 0 && *out_count < PJ_MAX_RANK,
               "einsum_config \"%.*s\" must name dimensions by letters, as in \"ab,bc->ac\"",
               PJ_STR_ARG(config));
    labels[(*out_count)++] = (int8_t)label_of(c);
  }
  PJ_REQUIRE(op, !*stop, "einsum_config \"%.*s\" lacks \"%s\"", PJ_STR_ARG(config), stop);
  return NULL;
}

static PjStatus infer(PjCheck *check, const PjOp *op, const PjType **out) {
  PjStr config = PJ_STRATTR(op, einsum_config);
  int64_t sizes[LABELS], dims[PJ_MAX_RANK];
  bool bound[LABELS] = {0}, used[LABELS] = {0};
  int8_t labels[PJ_MAX_RANK];
  int32_t count;
  size_t at = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *in = pj__in(op, i);
    PJ_TRY(read_labels(op, config, &at, i + 1 < op->num_operands ? "," : "->", labels, &count));
    PJ_REQUIRE(op, count == in->rank,
               "einsum_config \"%.*s\" names %d dimensions of operand #%u, which has type %s",
               PJ_STR_ARG(config), count, i, pj__type_text(check, in));
    for (int32_t d = 0; d < count; ++d) {
      int label = labels[d];
      if (!bound[label] || sizes[label] == PJ_DYN)
        sizes[label] = in->dims[d];
      bound[label] = true;
      PJ_REQUIRE(op, pj__dims_compatible(sizes[label], in->dims[d]),
                 "einsum_config \"%.*s\": dimensions of one label differ in size, %s and %s",
                 PJ_STR_ARG(config), pj__dim_text(check, sizes[label]),
                 pj__dim_text(check, in->dims[d]));
    }
  }
  PJ_TRY(read_labels(op, config, &at, "", labels, &count));
  for (int32_t d = 0; d < count; ++d) {
    PJ_REQUIRE(
        op, bound[labels[d]] && !used[labels[d]],
        "einsum_config \"%.*s\": a label of the result must occur in an operand, and once only",
        PJ_STR_ARG(config));
    used[labels[d]] = true;
    dims[d] = sizes[labels[d]];
  }
  out[0] = pj__tensor(check, pj__in(op, 0), count, dims, NULL);
  return NULL;
}

PjStatus pj_infer_einsum(PjCheck *check, const PjOp *op, const PjType **out) {
  return infer(check, op, out);
}
