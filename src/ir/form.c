// The table of pretty forms.
#include "ir/form.h"

const char *pj_form(PjOpKind kind) {
  static const char *const forms[PJ_OP_COUNT] = {
#define FORM(op, form) [PJ_OP_##op] = form,
#include "ir/forms.def"
#undef FORM
  };
  return forms[kind];
}

PjStr pj_form_word(const char **form) {
  const char *start = *form + strspn(*form, " ");
  size_t len = strcspn(start, " ");
  *form = start + len;
  return (PjStr){start, len};
}

#define CONV_KEYS                                                                                  \
  {                                                                                                \
    PJ_KEY_input_batch_dimension, PJ_KEY_input_feature_dimension, PJ_KEY_input_spatial_dimensions, \
        PJ_KEY_kernel_input_feature_dimension, PJ_KEY_kernel_output_feature_dimension,             \
        PJ_KEY_kernel_spatial_dimensions, PJ_KEY_output_batch_dimension,                           \
        PJ_KEY_output_feature_dimension, PJ_KEY_output_spatial_dimensions, PJ_KEY_COUNT            \
  }
#define DOT_KEYS                                                                           \
  {                                                                                        \
    PJ_KEY_lhs_batching_dimensions, PJ_KEY_rhs_batching_dimensions,                        \
        PJ_KEY_lhs_contracting_dimensions, PJ_KEY_rhs_contracting_dimensions, PJ_KEY_COUNT \
  }
#define ALGORITHM_KEYS                                                                           \
  {                                                                                              \
    PJ_KEY_lhs_precision_type, PJ_KEY_rhs_precision_type, PJ_KEY_accumulation_type,              \
        PJ_KEY_lhs_component_count, PJ_KEY_rhs_component_count, PJ_KEY_num_primitive_operations, \
        PJ_KEY_allow_imprecise_accumulation, PJ_KEY_COUNT                                        \
  }

// The attributes that the parts in angle brackets show.
static const struct {
  const char *word;
  PjKey keys[10];
} parts[] = {
    {"<slice>", {PJ_KEY_start_indices, PJ_KEY_limit_indices, PJ_KEY_strides, PJ_KEY_COUNT}},
    {"<window>",
     {PJ_KEY_window_strides, PJ_KEY_padding, PJ_KEY_lhs_dilation, PJ_KEY_rhs_dilation,
      PJ_KEY_window_reversal, PJ_KEY_COUNT}},
    {"<conv>", CONV_KEYS},
    {"<dot>", DOT_KEYS},
    {"<precision>", {PJ_KEY_precision_config, PJ_KEY_COUNT}},
    {"<algorithm>", ALGORITHM_KEYS},
    {"<bits>", {PJ_KEY_exponent_bits, PJ_KEY_mantissa_bits, PJ_KEY_COUNT}},
    {"<target>", {PJ_KEY_call_target_name, PJ_KEY_COUNT}},
    {"<sharding>", {PJ_KEY_sharding, PJ_KEY_COUNT}},
    {"<direction>", {PJ_KEY_allowed_direction, PJ_KEY_COUNT}},
    {"<value>", {PJ_KEY_value, PJ_KEY_COUNT}},
};

static const PjAttrGroup groups[] = {
    {{PJ_OP_GATHER, PJ_OP_DYNAMIC_GATHER},
     "dimension_numbers",
     "stablehlo.gather",
     {PJ_KEY_offset_dims, PJ_KEY_collapsed_slice_dims, PJ_KEY_operand_batching_dims,
      PJ_KEY_start_indices_batching_dims, PJ_KEY_start_index_map, PJ_KEY_index_vector_dim,
      PJ_KEY_COUNT}},
    {{PJ_OP_SCATTER},
     "scatter_dimension_numbers",
     "stablehlo.scatter",
     {PJ_KEY_update_window_dims, PJ_KEY_inserted_window_dims, PJ_KEY_input_batching_dims,
      PJ_KEY_scatter_indices_batching_dims, PJ_KEY_scatter_dims_to_operand_dims,
      PJ_KEY_index_vector_dim, PJ_KEY_COUNT}},
    {{PJ_OP_CONVOLUTION, PJ_OP_DYNAMIC_CONV}, "dimension_numbers", "stablehlo.conv", CONV_KEYS},
    {{PJ_OP_DOT_GENERAL}, "dot_dimension_numbers", "stablehlo.dot", DOT_KEYS},
    {{PJ_OP_DOT_GENERAL}, "algorithm", "stablehlo.dot_algorithm", ALGORITHM_KEYS},
    {{PJ_OP_CHLO_RAGGED_DOT},
     "ragged_dot_dimension_numbers",
     "chlo.ragged_dot",
     {PJ_KEY_lhs_batching_dimensions, PJ_KEY_rhs_batching_dimensions,
      PJ_KEY_lhs_contracting_dimensions, PJ_KEY_rhs_contracting_dimensions,
      PJ_KEY_lhs_ragged_dimensions, PJ_KEY_rhs_group_dimensions, PJ_KEY_COUNT}},
};
enum { NUM_GROUPS = sizeof groups / sizeof *groups };

static bool has_key(const PjKey *keys, PjKey key) {
  while (*keys != PJ_KEY_COUNT && *keys != key)
    ++keys;
  return *keys == key;
}

const PjAttrGroup *pj_attr_group(PjOpKind kind, PjKey key) {
  for (int i = 0; i < NUM_GROUPS; ++i)
    if ((groups[i].ops[0] == kind || groups[i].ops[1] == kind) && has_key(groups[i].keys, key))
      return &groups[i];
  return NULL;
}

const PjAttrGroup *pj_attr_group_named(PjOpKind kind, PjStr name) {
  for (int i = 0; i < NUM_GROUPS; ++i)
    if ((groups[i].ops[0] == kind || groups[i].ops[1] == kind) && pj_str_is(name, groups[i].name))
      return &groups[i];
  return NULL;
}

bool pj_form_shows(const char *form, PjKey key) {
  for (PjStr word; (word = pj_form_word(&form)).len;) {
    if ((*word.ptr == '$' || *word.ptr == '?') &&
        pj_str_is((PjStr){word.ptr + 1, word.len - 1}, pj_key_text[key]))
      return true;
    if (*word.ptr != '<')
      continue;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i)
      if (pj_str_is(word, parts[i].word) && has_key(parts[i].keys, key))
        return true;
  }
  return false;
}
