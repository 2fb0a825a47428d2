// The op table in memory, made from ops.def, and look-up by name.
#include <pthread.h>

#include "base/hash.h"
#include "ir/ir.h"

const char *const pj_key_text[PJ_KEY_COUNT] = {
#define PJ_KEY(name) #name,
#include "ir/keys.def"
#undef PJ_KEY
};

// One array of attribute specifications per op, closed by an empty row so that no array is empty.
#define REQ                 PJ_DEFAULT_REQ, 0
#define OPT                 PJ_DEFAULT_OPT, 0
#define D(n)                PJ_DEFAULT_VALUE, (n)
#define EMPTY               PJ_DEFAULT_EMPTY, 0
#define ONES                PJ_DEFAULT_ONES, 1
#define ZEROS               PJ_DEFAULT_ZEROS, 0
#define NONE_TYPE           PJ_DEFAULT_NONE_TYPE, 0
#define A(name, kind, mode) {PJ_KEY_##name, PJ_SPEC_##kind, mode},
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) \
  static const PjAttrSpec attrs_##ENUM[] = {attrs{PJ_KEY_COUNT, PJ_SPEC_ANY, PJ_DEFAULT_OPT, 0}};
#include "ir/ops.def"
#undef OP

enum {
  V = -1,
  PURE = PJ_TRAIT_PURE,
  ELEM = PJ_TRAIT_ELEM,
  COMM = PJ_TRAIT_COMM,
  TERM = PJ_TRAIT_TERM,
  COLL = PJ_TRAIT_COLL,
  EFFECT = PJ_TRAIT_EFFECT,
  TEST = PJ_TRAIT_TEST,
  ISOLATED = PJ_TRAIT_ISOLATED,
};

const PjOpInfo pj_op_info[PJ_OP_COUNT] = {
    [PJ_OP_INVALID] = {"invalid", NULL, V, V, V, 0, 0, NULL},
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) \
  [PJ_OP_##ENUM] = {text,                                                            \
                    vhlo,                                                            \
                    operands,                                                        \
                    results,                                                         \
                    regions,                                                         \
                    (traits),                                                        \
                    sizeof attrs_##ENUM / sizeof(PjAttrSpec) - 1,                    \
                    attrs_##ENUM},
#include "ir/ops.def"
#undef OP
};

enum { TABLE_SIZE = 1024 };
_Static_assert(PJ_OP_COUNT * 2 <= TABLE_SIZE, "the name tables want room");

static uint16_t by_text[TABLE_SIZE], by_vhlo[TABLE_SIZE];

static void insert(uint16_t *table, const char *name, PjOpKind kind) {
  uint64_t at = pj_hash_bytes(PJ_HASH_SEED, name, strlen(name));
  while (table[at % TABLE_SIZE])
    ++at;
  table[at % TABLE_SIZE] = (uint16_t)kind;
}

static void build_tables(void) {
  for (PjOpKind kind = 1; kind < PJ_OP_COUNT; ++kind) {
    insert(by_text, pj_op_info[kind].text, kind);
    // stablehlo.return and func.return share a VHLO name: the importer tells them apart by the
    // parent.
    if (pj_op_info[kind].vhlo && kind != PJ_OP_FUNC_RETURN)
      insert(by_vhlo, pj_op_info[kind].vhlo, kind);
  }
}

static PjOpKind find(const uint16_t *table, bool vhlo, PjStr name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, build_tables);
  for (uint64_t at = pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);; ++at) {
    PjOpKind kind = table[at % TABLE_SIZE];
    if (!kind || pj_str_is(name, vhlo ? pj_op_info[kind].vhlo : pj_op_info[kind].text))
      return kind;
  }
}

PjOpKind pj_op_from_text(PjStr text) {
  return find(by_text, false, text);
}
PjOpKind pj_op_from_vhlo(PjStr name) {
  return find(by_vhlo, true, name);
}
