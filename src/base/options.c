// Options: a table and getenv.
#include "base/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const PjOptionInfo pj_option_info[PJ_OPTION_COUNT] = {
#define OPTION(ENUM, env, preset, values, meaning) {env, preset, values, meaning},
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

// Is the word |text|, |len| one of |values|, which a character of |separators| separates?
static bool is_one_of(const char *values, const char *separators, const char *text, size_t len) {
  for (const char *at = values;; ++at) {
    size_t each = strcspn(at, separators);
    if (each == len && !strncmp(at, text, len))
      return true;
    at += each;
    if (!*at)
      return false;
  }
}

static bool fits(const char *values, const char *text) {
  if (!strcmp(values, "#")) {
    char *end;
    errno = 0;
    return strtoll(text, &end, 10) >= 0 && !errno && end != text && !*end;
  }
  if (!strchr(values, ','))
    return !*values || is_one_of(values, "|", text, strlen(text));
  for (const char *at = text; *at; at += *at == ',') {
    size_t len = strcspn(at, ",");
    if (len && !is_one_of(values, ",", at, len))
      return false;
    at += len;
  }
  return true;
}

PjStatus pj_options_check(void) {
  for (int i = 0; i < PJ_OPTION_COUNT; ++i) {
    const PjOptionInfo *info = &pj_option_info[i];
    const char *text = getenv(info->env);
    if (!text || !*text || fits(info->values, text))
      continue;
    PJ_FAIL_IF(!strcmp(info->values, "#"), INVALID_ARGUMENT,
               "%s must be a whole number, but is \"%.80s\"", info->env, text);
    return PJ_ERROR(INVALID_ARGUMENT, "%s must be %s of %s, but is \"%.80s\"", info->env,
                    strchr(info->values, ',') ? "a list" : "one", info->values, text);
  }
  return PJ_STATUS_OK;
}
