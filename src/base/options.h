// Options of the library, read from the environment when first asked for.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef enum PjOption {
#define OPTION(ENUM, env, preset, values, meaning) PJ_OPTION_##ENUM,
#include "base/options.def"
#undef OPTION
  PJ_OPTION_COUNT
} PjOption;

typedef struct PjOptionInfo {
  const char *env, *preset, *values, *meaning;
} PjOptionInfo;

extern const PjOptionInfo pj_option_info[PJ_OPTION_COUNT];

// The option's text: of the environment now, or its default. Lives until the environment changes.
const char *pj_option_text(PjOption option);
// The option as an integer; its default when it is not one.
int64_t pj_option_int(PjOption option);
// Whether the environment sets all options to what they can be. Errors: INVALID_ARGUMENT, naming
// the first variable that it does not.
PjStatus pj_options_check(void);
