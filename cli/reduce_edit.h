// Edits that make a program smaller: text in, text out.
#pragma once
#include <stdint.h>

#include "base/str.h"

typedef enum PjEditKind {
  PJ_EDIT_CLEAN,         // only remove what nothing uses
  PJ_EDIT_NO_ATTRIBUTES, // no attributes of parameters and results (donation,
                         // shardings)
  PJ_EDIT_DROP_RESULTS,  // results |begin| to |end| of the program go
  PJ_EDIT_KEEP_RESULT,   // all results go but |begin|
  PJ_EDIT_RETURN,        // the program returns value |begin| alone
  PJ_EDIT_TO_ARGUMENTS,  // values |begin| to |end| become parameters of the
                         // program
  PJ_EDIT_TO_OPERANDS,   // ... become an operand of the same type
  PJ_EDIT_TO_CONSTANTS,  // ... become ones
  PJ_EDIT_HOIST,         // operation |begin| of those with a body (a loop, a branch,
                         // the only call of a function) becomes its body number |end|, run once
  PJ_EDIT_RESIZE,        // dimensions of |begin| become |end|
} PjEditKind;

typedef struct PjEdit {
  PjEditKind kind;
  uint32_t begin, end;
} PjEdit;

enum { PJ_EDIT_MAX_SIZES = 64 };

typedef struct PjEdited {
  PjStrBuf text;                                // empty: the edit was not possible
  uint32_t ops;                                 // operations, in all functions and their regions
  uint32_t values, results, bodies;             // what the edits above count; of |text|
  uint32_t num_sizes, sizes[PJ_EDIT_MAX_SIZES]; // sizes of dimensions, each
                                                // once, greatest first
  uint32_t num_parameters;
  int64_t *from; // by parameter: its number in the program that was edited; -1: it is new
} PjEdited;

// Reads |program|, edits it, removes what nothing uses any more, and writes it again if it is still
// a valid program. Errors: those of reading |program| itself; RESOURCE_EXHAUSTED. Free |out| after
// a failure too.
PjStatus pj_edit(PjStr program, const PjEdit *edit, PjEdited *out);
void pj_edited_free(PjEdited *edited);
