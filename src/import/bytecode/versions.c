// The history of VHLO in tables. A version X.Y.Z has the operations of X.Y.0.
#include "import/bytecode/versions.h"

const PjVersion pj_version_current = {1, 20, 0}, pj_version_minimum = {0, 9, 0};

#define V(major, minor) ((major)*1000 + (minor))
#define K(name)         PJ_KEY_##name
#define ACCURACY(ENUM, name, until) \
  { name, PJ_OP_##ENUM, V(0, 9), until, {K(result_accuracy)}, 1, false, false }

const PjVhloOld pj__vhlo_old[] = {
    ACCURACY(CBRT, "cbrt_v1", V(1, 9)),
    ACCURACY(COSINE, "cosine_v1", V(1, 9)),
    ACCURACY(EXPONENTIAL, "exponential_v1", V(1, 8)),
    ACCURACY(EXPONENTIAL_MINUS_ONE, "exponential_minus_one_v1", V(1, 9)),
    ACCURACY(LOG, "log_v1", V(1, 9)),
    ACCURACY(LOG_PLUS_ONE, "log_plus_one_v1", V(1, 9)),
    ACCURACY(LOGISTIC, "logistic_v1", V(1, 9)),
    ACCURACY(RSQRT, "rsqrt_v1", V(1, 9)),
    ACCURACY(SINE, "sine_v1", V(1, 9)),
    ACCURACY(SQRT, "sqrt_v1", V(1, 9)),
    {"tan_v1", PJ_OP_TAN, V(1, 4), V(1, 9), {K(result_accuracy)}, 1, false, false},
    ACCURACY(TANH, "tanh_v1", V(1, 9)),
    {"all_gather_v1", PJ_OP_ALL_GATHER, V(0, 9), V(1, 4), {0}, 0, true, false},
    {"all_reduce_v1", PJ_OP_ALL_REDUCE, V(0, 9), V(1, 4), {0}, 0, true, false},
    {"all_to_all_v1", PJ_OP_ALL_TO_ALL, V(0, 9), V(1, 4), {0}, 0, true, false},
    {"collective_broadcast_v1",
     PJ_OP_COLLECTIVE_BROADCAST,
     V(0, 16),
     V(1, 19),
     {K(has_dynamic_root)},
     1,
     true,
     false},
    {"composite_v1", PJ_OP_COMPOSITE, V(0, 19), V(1, 13), {0}, 0, false, false},
    {"custom_call_v1", PJ_OP_CUSTOM_CALL, V(0, 9), V(1, 17), {K(result_tilings)}, 1, false, false},
    {"dot_general_v1",
     PJ_OP_DOT_GENERAL,
     V(0, 9),
     V(1, 5),
     {K(lhs_precision_type), K(rhs_precision_type), K(accumulation_type), K(lhs_component_count),
      K(rhs_component_count), K(num_primitive_operations), K(allow_imprecise_accumulation)},
     7,
     false,
     false},
    {"dynamic_conv_v1", PJ_OP_DYNAMIC_CONV, V(0, 9), V(0, 19), {0}, 0, false, true},
    {"gather_v1",
     PJ_OP_GATHER,
     V(0, 9),
     V(1, 0),
     {K(operand_batching_dims), K(start_indices_batching_dims)},
     2,
     false,
     false},
    {"dynamic_gather_v1",
     PJ_OP_DYNAMIC_GATHER,
     V(0, 9),
     V(1, 0),
     {K(operand_batching_dims), K(start_indices_batching_dims)},
     2,
     false,
     false},
    {"scatter_v1",
     PJ_OP_SCATTER,
     V(0, 9),
     V(1, 0),
     {K(input_batching_dims), K(scatter_indices_batching_dims)},
     2,
     false,
     false},
    {"send_v1", PJ_OP_SEND, V(0, 9), V(1, 11), {K(source_target_pairs)}, 1, false, false},
    {"recv_v1", PJ_OP_RECV, V(0, 9), V(1, 11), {K(source_target_pairs)}, 1, false, false},
};
const size_t pj__vhlo_num_old = sizeof pj__vhlo_old / sizeof *pj__vhlo_old;

// Operations whose first spelling is newer than the oldest version.
static int introduced(PjOpKind kind) {
  switch (kind) {
  case PJ_OP_ASYNC_START:
  case PJ_OP_ASYNC_DONE:
    return V(1, 15);
  case PJ_OP_COLLECTIVE_REDUCE:
    return V(1, 19);
  default:
    return V(0, 9);
  }
}

const PjVhloOld *pj__vhlo_find_old(PjStr name) {
  for (size_t i = 0; i < pj__vhlo_num_old; ++i)
    if (pj_str_is(name, pj__vhlo_old[i].name))
      return &pj__vhlo_old[i];
  return NULL;
}

// The current spelling follows the superseded one without a gap.
bool pj__vhlo_spelling(PjOpKind kind, int version, const PjVhloOld **out_old) {
  *out_old = NULL;
  for (size_t i = 0; i < pj__vhlo_num_old; ++i) {
    const PjVhloOld *old = &pj__vhlo_old[i];
    if (old->kind != kind || version > old->until)
      continue;
    *out_old = old;
    return version >= old->since;
  }
  return pj_op_info[kind].vhlo && version >= introduced(kind);
}

// Puts |key| into its place by name.
static void add_key(PjVhloKeys *list, PjKey key, int slot) {
  int at = list->count++;
  for (; at && list->keys[at - 1] > key; --at) {
    list->keys[at] = list->keys[at - 1];
    list->slots[at] = list->slots[at - 1];
  }
  list->keys[at] = (uint8_t)key;
  list->slots[at] = (int8_t)slot;
}
_Static_assert(PJ_KEY_COUNT <= UINT8_MAX, "keys are kept in bytes");

static bool is_absent(const PjVhloOld *old, PjKey key) {
  for (uint8_t i = 0; old && i < old->num_absent; ++i)
    if (old->absent[i] == key)
      return true;
  return false;
}

void pj__vhlo_keys(PjOpKind kind, const PjVhloOld *old, PjVhloKeys *out) {
  const PjOpInfo *info = &pj_op_info[kind];
  out->count = 0;
  for (int i = 0; i < info->num_attrs && i < PJ_VHLO_MAX_KEYS - 1; ++i)
    if (!is_absent(old, info->attrs[i].key))
      add_key(out, info->attrs[i].key, i);
  if (old && old->padding)
    add_key(out, PJ_KEY_padding, -1);
}

int pj__vhlo_dtype_since(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_F8E4M3FNUZ:
  case PJ_DT_F8E5M2FNUZ:
    return V(0, 10);
  case PJ_DT_F8E4M3B11FNUZ:
    return V(0, 11);
  case PJ_DT_S2:
  case PJ_DT_U2:
    return V(1, 2);
  case PJ_DT_TF32:
    return V(1, 6);
  case PJ_DT_F8E4M3:
  case PJ_DT_F8E3M4:
    return V(1, 7);
  case PJ_DT_F4E2M1FN:
  case PJ_DT_F6E2M3FN:
  case PJ_DT_F6E3M2FN:
  case PJ_DT_F8E8M0FNU:
    return V(1, 8);
  default:
    return V(0, 9);
  }
}
