// The parameters of a program, read from its text without a full parser.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "pjrt/pjrt.h"

enum { PJ_SIGNATURE_MAX_RANK = 64 };

typedef struct PjParameter {
  PJRT_Buffer_Type
      type; // INVALID when the text says something that has no name here (quantised, tuple)
  size_t rank;
  int64_t dims[PJ_SIGNATURE_MAX_RANK]; // -1: any
} PjParameter;

typedef struct PjSignature {
  bool known; // false: the text has no function @main in pretty form, or could not be followed
  size_t count;
  PjParameter *parameters; // freed by pj_cli_signature_free
} PjSignature;

// Looks for `func.func ... @main(...)` in |text| and reads the types of its parameters. Never
// fails on any text: what cannot be followed is "not known", and the plugin has the last word
// anyway. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_cli_signature_read(const char *text, size_t size, PjSignature *out);
void pj_cli_signature_free(PjSignature *signature);
