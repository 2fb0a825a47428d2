// Parts of the bytecode writer. Everything is collected as tokens first: an attribute's encoding
// holds the numbers of others, which are known only when all have been collected and sorted by
// dialect. Equal token sequences are one table entry. Then the tokens are turned into bytes
// (tokens.c) and put into sections (write.c).
#pragma once
#include "base/map.h"
#include "base/vec.h"
#include "import/bytecode/versions.h"
#include "import/import.h"

typedef enum PjTokenTag {
  PJ_TOKEN_VARINT,
  PJ_TOKEN_SVARINT,
  PJ_TOKEN_BYTE,
  PJ_TOKEN_STRING,    // number of a string
  PJ_TOKEN_ATTR,      // number of an attribute entry
  PJ_TOKEN_OPT_ATTR,  // the same plus 1, or 0
  PJ_TOKEN_TYPE,      // number of a type entry
  PJ_TOKEN_TYPE_LOC,  // number of a type entry; a location follows
  PJ_TOKEN_TYPE_BARE, // number of a type entry; no location follows
  PJ_TOKEN_BLOB,      // number of a blob: its size and bytes
  PJ_TOKEN_OP,        // number of an operation name
  PJ_TOKEN_OPEN,      // begin of a nested IR section
  PJ_TOKEN_CLOSE,     // its end
} PjTokenTag;

typedef struct PjToken {
  uint64_t tag, value;
} PjToken;

typedef PJ_VEC(PjToken) PjTokens;

// Dialects in the order of the file.
typedef enum PjBcwDialect {
  PJ_BCW_BUILTIN,
  PJ_BCW_SDY,
  PJ_BCW_STABLEHLO,
  PJ_BCW_VHLO,
  PJ_BCW_DIALECTS
} PjBcwDialect;

typedef struct PjBcwEntry {
  PjBcwDialect dialect;
  size_t begin, end; // in |tokens| of its table
  uint32_t number;   // in the file
} PjBcwEntry;

// Attributes, types or properties: entries, equal ones found by the hash of their tokens (chained
// by |next|).
typedef struct PjBcwTable {
  PjTokens tokens;
  PJ_VEC(PjBcwEntry) entries;
  PJ_VEC(uint64_t) next;
  PjMap by_hash;
} PjBcwTable;

typedef struct PjBcwOpName {
  PjBcwDialect dialect;
  const char *name;
  uint32_t string, number;
} PjBcwOpName;

typedef struct PjBcw {
  PjArena *arena;
  const PjModule *module;
  PjVersion target;
  int version;     // |target| as versions.h counts: major * 1000 + minor
  uint32_t format; // bytecode format version
  const PjOp *op;  // being written, for messages; NULL: the module
  PJ_VEC(PjStr) strings;
  PjMap strings_by_hash;
  PJ_VEC(uint64_t) strings_next;
  PJ_VEC(PjStr) blobs;
  PjMap blobs_by_hash;
  PJ_VEC(uint64_t) blobs_next;
  PjBcwTable attrs, types, props;
  PJ_VEC(PjBcwOpName) ops;
  PjMap seen; // PjAttr, PjType and PjLoc by address * 64 + form -> entry number
  PjTokens ir;
  PjMap values; // PjValue by address -> number in its scope
  PjMap casts;  // PjValue by address -> number of its cast, 0 until it has one
  bool has_sdy;
} PjBcw;

// A byte buffer in the arena.
typedef PJ_VEC(uint8_t) PjBytes;

// tokens.c
void pj__bcw_put(PjBcw *w, PjTokens *out, PjTokenTag tag, uint64_t value);
uint32_t pj__bcw_string(PjBcw *w, PjStr text);
uint32_t pj__bcw_blob(PjBcw *w, const void *data, size_t size); // |data| is not copied
// The number of the entry with these tokens.
uint32_t pj__bcw_intern(PjBcw *w, PjBcwTable *table, PjBcwDialect dialect, const PjTokens *tokens);
uint32_t pj__bcw_op_name(PjBcw *w, PjBcwDialect dialect, const char *name);
// Orders entries and operation names by dialect; afterwards tokens can be encoded.
void pj__bcw_number(PjBcw *w);
void pj__bytes_put(PjBcw *w, PjBytes *out, const void *data, size_t size);
void pj__bytes_varint(PjBcw *w, PjBytes *out, uint64_t value);
void pj__bytes_tokens(PjBcw *w, PjBytes *out, const PjToken *tokens, size_t count);

// Values written in VHLO's own encodings, or, for Shardy's operations and the module, in builtin
// ones.
typedef enum PjBcwForm { PJ_BCW_AS_VHLO, PJ_BCW_AS_BUILTIN } PjBcwForm;

// write_types.c, write_attrs.c: entry numbers. Errors: INVALID_ARGUMENT for what |target| cannot
// express.
PjStatus pj__bcw_type(PjBcw *w, const PjType *type, PjBcwForm form, uint32_t *out);
PjStatus pj__bcw_attr(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out);
// Shardy's, with their fields as the table in sdy.h has them (write_sdy.c).
PjStatus pj__bcw_sdy(PjBcw *w, const PjAttr *attr, uint32_t *out);
// As parts of what is being written: a count and numbers; the number of an attribute's entry.
void pj__bcw_put_ints(PjBcw *w, PjTokens *out, uint32_t count, const int64_t *values);
PjStatus pj__bcw_put_attr(PjBcw *w, PjTokens *out, const PjAttr *attr, PjBcwForm form);
// An inherent attribute as VHLO spells attributes of kind |spec|.
PjStatus pj__bcw_inherent(PjBcw *w, const PjAttr *attr, const PjAttrSpec *spec, uint32_t *out);
// The builtin dictionary of |count| attributes with values of |form|.
PjStatus pj__bcw_dict(PjBcw *w, uint32_t count, const PjStr *names, const uint32_t *values,
                      uint32_t *out);
void pj__bcw_loc(PjBcw *w, const PjLoc *loc, uint32_t *out);
// An error naming the operation being written, the target, and |what|.
PjStatus pj__bcw_refuse(PjBcw *w, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
// Refuses |what| for targets before |since|.
PjStatus pj__bcw_needs(PjBcw *w, int since, const char *what);

// write_ops.c: the whole module as tokens in |w->ir|.
PjStatus pj__bcw_module(PjBcw *w);
