// Options: a table and getenv.
#include "base/options.h"

#include <errno.h>
#include <stdlib.h>

const PjOptionInfo pj_option_info[PJ_OPTION_COUNT] = {
#define OPTION(ENUM, env, preset, meaning) {env, preset, meaning},
#include "base/options.def"
#undef OPTION
};

const char *pj_option_text(PjOption option) {
  const char *value = getenv(pj_option_info[option].env);
  return value && *value ? value : pj_option_info[option].preset;
}

int64_t pj_option_int(PjOption option) {
  char *end;
  errno = 0;
  long long value = strtoll(pj_option_text(option), &end, 10);
  if (errno || *end || end == pj_option_text(option))
    value = strtoll(pj_option_info[option].preset, NULL, 10);
  return value;
}
