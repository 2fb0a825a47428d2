// The text parser's state and what its files share. Grammar: MLIR's language reference and the
// assembly formats of StableHLO, CHLO and Shardy.
//
// Every function returns a status and leaves the current token behind what it has read. Nothing but
// the arena owns memory, since an allocation may leave through the arena's guard at any time.
#pragma once
#include "base/alloc.h"
#include "base/names.h"
#include "base/vec.h"
#include "ir/ir.h"

// Kinds of tokens; those of punctuation are its character.
typedef int PjTok;
enum {
  PJ_TOK_EOF = 0,
  PJ_TOK_ERROR = 256, // lexical; PjText.lex_error says what
  PJ_TOK_WORD,        // bare identifier or keyword
  PJ_TOK_INT,
  PJ_TOK_FLOAT,
  PJ_TOK_STRING,
  PJ_TOK_SYMBOL, // @name or @"name"
  PJ_TOK_VALUE,  // %name
  PJ_TOK_HASH,   // #name
  PJ_TOK_BANG,   // !name
  PJ_TOK_CARET,  // ^name
  PJ_TOK_ARROW,  // ->
  PJ_TOK_COLONS, // ::
  PJ_TOK_META,   // {-# ... #-} as a whole
};

typedef struct PjToken {
  PjTok kind;
  const char *start, *end;
} PjToken;

enum {
  PJ_TEXT_MAX_DEPTH = 64,         // nesting of types and attributes
  PJ_TEXT_MAX_REGION_DEPTH = 128, // nesting of regions
};

// An alias, #name or !name.
typedef struct PjAlias {
  const char *definition; // behind the '=', or NULL: not defined (yet)
  const char *end;        // behind the definition, once it has been read
  const char *used;       // where it was first used as a location
  bool reading;           // to find cycles
  const PjAttr *attr;
  const PjType *type;
  uint64_t weight; // nodes of the attribute or type, each use of another alias counted in full
  int depth;       // its nesting
  PjLoc *loc;      // for #name: the location that uses refer to, filled by the definition
} PjAlias;

// What the SSA name of the same number in PjText.value_names stands for at the moment.
typedef struct PjBinding {
  PjValue *values; // NULL: not defined here
  uint32_t count;
} PjBinding;

typedef struct PjOperand {
  PjValue *value;
  const char *at;
} PjOperand;

typedef struct PjRawAttr {
  PjStr name;
  PjKey key; // given by a pretty form; PJ_KEY_COUNT: found by its name
  const PjAttr *value;
  const char *at;
} PjRawAttr;

typedef struct PjResultName {
  PjToken tok;
  int64_t count;
} PjResultName;

typedef struct PjText {
  PjArena *arena;
  const char *begin, *end, *file;
  PjToken tok;
  const char *prev_end; // of the token before
  const char *lex_error;
  int depth, region_depth;
  uint64_t weight; // attributes and types so far, aliases written out
  int deepest;     // nesting reached since this was last reset

  PjNames alias_names;
  PJ_VEC(PjAlias) aliases;

  PjNames value_names;
  PJ_VEC(PjBinding) bindings;
  PJ_VEC(uint32_t) defined; // numbers of the names defined in the open scopes, for undoing

  PjNames symbols; // of the module

  // Stacks for what is read before its owner exists; each user pops what it pushed.
  PJ_VEC(PjOperand) operands;
  PJ_VEC(PjRawAttr) attrs;
  PJ_VEC(const PjType *) types;
  PJ_VEC(PjRegion *) regions;
  PJ_VEC(PjResultName) results;
  PJ_VEC(int64_t) ints;
  PJ_VEC(const PjAttr *) elems;
} PjText;

// ------------------------------------------------------------------------------------- lexer.c
void pj_text_next(PjText *t);                 // reads the next token
void pj_text_seek(PjText *t, const char *at); // makes the token at |at| the current one
PjTok pj_text_peek(PjText *t, PjStr *out); // kind and spelling of the token after the current one
PjStatus pj_text_error(PjText *t, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold)); // INVALID_ARGUMENT "line:col: ..."
PjStatus pj_text_unsupported(PjText *t, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold)); // UNIMPLEMENTED "line:col: ..."
// "expected |what|, found ..." at the current token.
PjStatus pj_text_unexpected(PjText *t, const char *what) __attribute__((cold));
PjStatus pj_text_expect(PjText *t, PjTok kind); // and moves on
PjStatus pj_text_expect_word(PjText *t, const char *word);
// The contents of a string token, escapes resolved. False: a bad escape.
bool pj_text_unescape(PjText *t, PjToken tok, PjStr *out);
PjStatus pj_text_string(PjText *t, PjStr *out); // a string token
PjStatus pj_text_symbol(PjText *t, PjStr *out); // @name or @"name"
PjStatus pj_text_word(PjText *t, const char *what, PjStr *out);
PjStatus pj_text_word_or_string(PjText *t, const char *what, PjStr *out);

static inline PjStr pj_tok_str(PjToken tok) {
  return (PjStr){tok.start, (size_t)(tok.end - tok.start)};
}
static inline bool pj_text_is(const PjText *t, PjTok kind) {
  return t->tok.kind == kind;
}
static inline bool pj_text_is_word(const PjText *t, const char *word) {
  return t->tok.kind == PJ_TOK_WORD && pj_str_is(pj_tok_str(t->tok), word);
}
static inline bool pj_text_accept(PjText *t, PjTok kind) {
  if (t->tok.kind != kind)
    return false;
  pj_text_next(t);
  return true;
}
static inline bool pj_text_accept_word(PjText *t, const char *word) {
  if (!pj_text_is_word(t, word))
    return false;
  pj_text_next(t);
  return true;
}

// ------------------------------------------------------------------------------------- types.c
PjStatus pj_text_type(PjText *t, const PjType **out);
// Types until |close| (which is read), separated by commas, pushed on t->types.
PjStatus pj_text_type_list(PjText *t, PjTok close);
// A function type, written out or as an alias.
PjStatus pj_text_function_type(PjText *t, const PjType **out);
// The element type that begins at the current token: f32, complex<f32>, !quant.uniform<...>.
PjStatus pj_text_element_type(PjText *t, PjDtype *out_dtype, const PjQuant **out_quant);
PjStatus pj_text_quant(PjText *t, PjDtype *out_dtype, const PjQuant **out_quant); // quant.c
bool pj_text_starts_type(const PjText *t);

// ------------------------------------------------------------------------------------- literals.c
// An integer, as asm.parseInteger does: decimal or hex, optional minus, within int64.
PjStatus pj_text_int(PjText *t, int64_t *out);
PjStatus pj_text_bool(PjText *t, bool *out);
// The integer |tok| (negative: a minus stood before) for |dtype|, with MLIR's rules for ranges.
PjStatus pj_text_int_value(PjText *t, PjToken tok, bool negative, PjDtype dtype, int64_t *out);
// The bit pattern of the float |tok| (FLOAT, or INT in hex) for |dtype|.
PjStatus pj_text_float_bits(PjText *t, PjToken tok, bool negative, PjDtype dtype, uint64_t *out);
PjStatus pj_text_double(PjText *t, double *out); // optional minus, FLOAT or INT
// [1, 2, ?]: pushes on t->ints. '?' only with |dynamic|.
PjStatus pj_text_int_list(PjText *t, PjTok open, PjTok close, bool dynamic);
PjStatus pj_text_ints_attr(PjText *t,
                           const PjAttr **out); // [1, 2], array<i64: ..> or an alias of one

// ------------------------------------------------------------------------------------- dense.c
PjStatus pj_text_dense(PjText *t, const PjAttr **out); // behind the word `dense`

// ------------------------------------------------------------------------------------- attrs.c
PjStatus pj_text_attr(PjText *t, const PjAttr **out);
// {a, b = 1}: pushes on t->attrs. The current token is the brace.
PjStatus pj_text_attr_dict(PjText *t);
// The attributes pushed since |base| as a dictionary, NULL when there are none; pops them.
PjStatus pj_text_pop_dict(PjText *t, size_t base, const PjAttr **out);
PjStatus pj_text_dialect_attr(PjText *t, const PjAttr **out); // dialect.c; at a #dialect token
PjStatus pj_text_enum(PjText *t, PjEnumKind kind, const PjAttr **out); // a bare value
// The parts of StableHLO's structured attributes behind their names.
PjStatus pj_text_conv_dims(PjText *t, const PjAttr **out);
PjStatus pj_text_dot_algorithm(PjText *t, const PjAttr **out);            // <...>
PjStatus pj_text_sdy_attr(PjText *t, PjStr mnemonic, const PjAttr **out); // sdy.c
PjStatus pj_text_sharding(PjText *t, const PjAttr **out);                 // <@mesh, [...]>
PjStatus pj_text_sharding_list(PjText *t, const PjAttr **out);            // [<...>, <...>]
PjStatus pj_text_manual_axes(PjText *t, const PjAttr **out);              // {"a", "b"}
PjStatus pj_text_sdy_mesh(PjText *t, const PjAttr **out);                 // <["a"=2]>

// ------------------------------------------------------------------------------------- aliases.c
// Finds the alias definitions of the whole text, so that uses may come first.
PjStatus pj_text_scan_aliases(PjText *t);
PjStatus pj_text_alias_definition(PjText *t);     // at the top level, the current token is the name
PjStatus pj_text_alias(PjText *t, PjAlias **out); // use of an attribute or type; reads the token
PjStatus pj_text_loc_alias(PjText *t, const PjLoc **out);
void pj_text_descend(PjText *t);            // an attribute or type begins: ++depth
PjStatus pj_text_finish_aliases(PjText *t); // every location is defined, none contains itself

// ------------------------------------------------------------------------------------- locs.c
PjStatus pj_text_loc(PjText *t, const PjLoc **out);          // loc(...)
PjStatus pj_text_optional_loc(PjText *t, const PjLoc **out); // NULL when there is none
PjStatus pj_text_loc_inside(PjText *t, PjLoc *loc);          // what stands between the parentheses

// ------------------------------------------------------------------------------------- values.c
size_t pj_text_open_scope(PjText *t);
void pj_text_close_scope(PjText *t, size_t scope);
// Names |count| values; |name| includes the percent sign.
PjStatus pj_text_define(PjText *t, PjStr name, const char *at, PjValue *values, uint32_t count);
PjStatus pj_text_operand(PjText *t);  // %name or %name#1: pushes on t->operands
PjStatus pj_text_operands(PjText *t); // a comma-separated list, maybe empty
// Checks the operands pushed since |base| against |types|.
PjStatus pj_text_check_operands(PjText *t, const char *at, size_t base, size_t count,
                                const PjType *const *types);

// ------------------------------------------------------------------------------------- ops.c
// An operation under construction: what it has pushed on the stacks so far.
typedef struct PjDraft {
  PjOpKind kind;
  const char *at;
  size_t operands, attrs, types, regions; // where its entries begin; types: of the results
  size_t properties;                      // where the attributes end that stood in <{...}>
  const PjLoc *loc;
} PjDraft;

PjStatus pj_text_op(PjText *t, PjRegion *into);
PjDraft pj_text_draft(PjText *t, PjOpKind kind);
// Builds the operation from the draft: operands pushed (types checked already), result types
// pushed.
PjStatus pj_text_finish(PjText *t, PjDraft *draft, PjRegion *into, PjOp **out);
PjRegion *pj_text_new_region(PjText *t);              // pushed on t->regions
PjStatus pj_text_regions(PjText *t);                  // ({...}, {...}): all pushed
PjStatus pj_text_region(PjText *t, PjRegion *region); // {...} in a scope of its own
// Up to and with the closing brace; a block label may come first with |label|.
PjStatus pj_text_region_body(PjText *t, PjRegion *region, bool label);
// (%a: T, %b: T): becomes the region's arguments and defines their names.
PjStatus pj_text_block_args(PjText *t, PjRegion *region, PjTok open, PjTok close);
PjStatus pj_text_push_attr(PjText *t, PjStr name, const PjAttr *value, const char *at);
PjStatus pj_text_push_key(PjText *t, PjKey key, const PjAttr *value, const char *at);

// ------------------------------------------------------------------------------------- canonical.c
// Brings the raw attributes since draft->attrs into the form of ops.def.
PjStatus pj_text_canonical(PjText *t, const PjDraft *draft, PjOp *op);

// ------------------------------------------------------------------------------------- pretty.c,
// control.c, func.c
PjStatus pj_text_pretty(PjText *t, PjDraft *draft); // by its form in ir/forms.def
PjStatus pj_text_constant(PjText *t, PjDraft *draft);
PjStatus pj_text_reduce(PjText *t, PjDraft *draft);
PjStatus pj_text_while(PjText *t, PjDraft *draft);
PjStatus pj_text_scan(PjText *t, PjDraft *draft);
PjStatus pj_text_func(PjText *t, PjRegion *into);
PjStatus pj_text_mesh(PjText *t, PjDraft *draft);
PjStatus pj_text_manual_computation(PjText *t, PjDraft *draft);
PjStatus pj_text_define_symbol(PjText *t, PjStr name, const char *at);
PjStatus pj_text_module(PjText *t, PjModule *module);
