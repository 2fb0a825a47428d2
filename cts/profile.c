// What a plugin's author declares about it. One line each:
//
//   unsupported PATTERN REASON    tests whose name matches may fail
//   never-run PATTERN REASON      the same, and they are not even tried
//   option NAME=VALUE             a create option for every client
//   several NAME=VALUE            one for the clients of tests that need several devices
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

bool pj_cts_option(PjCtsOptions *options, const char *text) {
  const char *equals = strchr(text, '=');
  if (!equals || equals == text || options->count == PJ_CTS_MAX_OPTIONS)
    return false;
  const char *value = equals + 1;
  PJRT_NamedValue *option = &options->values[options->count++];
  *option = (PJRT_NamedValue){.struct_size = PJRT_NamedValue_STRUCT_SIZE, .name = text};
  option->name_size = (size_t)(equals - text);
  option->value_size = 1;
  char *end;
  errno = 0;
  long long number = strtoll(value, &end, 10);
  if (*value && !*end && !errno) {
    option->type = PJRT_NamedValue_kInt64;
    option->int64_value = number;
  } else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
    option->type = PJRT_NamedValue_kBool;
    option->bool_value = *value == 't';
  } else {
    option->type = PJRT_NamedValue_kString;
    option->string_value = value;
    option->value_size = strlen(value);
  }
  return true;
}

// The next word of *at, ended by zero; *at moves to what follows it.
static char *word(char **at) {
  while (isspace((unsigned char)**at))
    ++*at;
  char *start = *at;
  while (**at && !isspace((unsigned char)**at))
    ++*at;
  if (**at)
    *(*at)++ = 0;
  while (isspace((unsigned char)**at))
    ++*at;
  return start;
}

// Returns what is wrong with the line, null if nothing is.
static const char *take(PjCtsProfile *out, char *line) {
  char *keyword = word(&line), *first = word(&line);
  if (!*keyword)
    return NULL;
  bool option = strcmp(keyword, "option") == 0, several = strcmp(keyword, "several") == 0;
  bool unsupported = strcmp(keyword, "unsupported") == 0;
  if (option || several) {
    char *text = strdup(first);
    out->option_texts = realloc(out->option_texts, (out->num_option_texts + 1) * sizeof(char *));
    out->option_several = realloc(out->option_several, (out->num_option_texts + 1) * sizeof(bool));
    if (!text || !out->option_texts || !out->option_several)
      return "out of memory";
    out->option_texts[out->num_option_texts] = text;
    out->option_several[out->num_option_texts++] = several;
    if (!pj_cts_option(option ? &out->options : &out->several, text))
      return "expected NAME=VALUE, at most 32 of them";
    return NULL;
  }
  if (!unsupported && strcmp(keyword, "never-run") != 0)
    return "a line begins with unsupported, never-run, option or several";
  if (!*first)
    return "a pattern of test names is missing";
  if (!*line)
    return "the reason is missing";
  out->declarations = realloc(out->declarations, (out->count + 1) * sizeof *out->declarations);
  if (!out->declarations)
    return "out of memory";
  out->declarations[out->count++] =
      (PjCtsDeclaration){.pattern = strdup(first), .reason = strdup(line), .run = unsupported};
  return NULL;
}

bool pj_cts_profile_read(const char *path, PjCtsProfile *out) {
  *out = (PjCtsProfile){0};
  FILE *file = fopen(path, "r");
  char line[1024];
  if (!file) {
    fprintf(stderr, "pjrt check: --profile %s: %s\n", path, strerror(errno));
    return false;
  }
  const char *wrong = NULL;
  int number = 0;
  while (!wrong && fgets(line, sizeof line, file)) {
    number++;
    line[strcspn(line, "#")] = 0;
    for (size_t n = strlen(line); n && isspace((unsigned char)line[n - 1]); n--)
      line[n - 1] = 0;
    wrong = take(out, line);
  }
  if (ferror(file))
    wrong = strerror(errno);
  fclose(file);
  if (wrong)
    fprintf(stderr, "pjrt check: %s:%d: %s\n", path, number, wrong);
  return !wrong;
}

PjCtsDeclaration *pj_cts_profile_find(PjCtsProfile *profile, const char *test) {
  for (size_t i = 0; i < profile->count; i++)
    if (fnmatch(profile->declarations[i].pattern, test, 0) == 0) {
      profile->declarations[i].used = true;
      return &profile->declarations[i];
    }
  return NULL;
}
