// The pretty forms of forms.def in memory, and a reader for their words.
#pragma once
#include "ir/ir.h"

// The form of |kind|, or NULL: it has none in forms.def.
//
// Words for types, each with its colon:
//   :same     T, when every operand and the result have it; otherwise a function type
//   :func     (T, T) -> T
//   :results  T, T: the results' types; no operands
//   :complex  the complex result type, when the operands have the type of its parts; otherwise a
//   function type :select   Tpred, T, when both values and the result have T; otherwise a function
//   type :tuple    tuple<T, T>: the result's type, made of the operands' types :pairs    T, T: the
//   operands' and the results' types; `()` without a colon when there are none :return   T, T: the
//   operands' types; nothing when there are none :arrow    T, T -> T: operand types, result type or
//   types in parentheses :one      T of the operand and the result :ins      T of every operand; no
//   results :ins2     T, T: one for each operand; no results
const char *pj_form(PjOpKind kind);

// The next word of a form: advances |*form| behind it. Empty at the end.
PjStr pj_form_word(const char **form);

// True if |form| shows the attribute |key| elsewhere than in its dictionary.
bool pj_form_shows(const char *form, PjKey key);

// Attributes of the op table that StableHLO text writes together as one structured attribute.
typedef struct PjAttrGroup {
  PjOpKind ops[2];
  const char *name;      // of the attribute, e.g. "dimension_numbers"
  const char *structure; // PJ_ATTR_STRUCT name, e.g. "stablehlo.gather"
  PjKey keys[10];        // closed by PJ_KEY_COUNT
} PjAttrGroup;

// The group of |kind|'s attribute |key|, or NULL. channel_id and channel_type, which make up a
// channel handle, belong to none.
const PjAttrGroup *pj_attr_group(PjOpKind kind, PjKey key);
// The group of |kind| that is called |name|, or NULL.
const PjAttrGroup *pj_attr_group_named(PjOpKind kind, PjStr name);
