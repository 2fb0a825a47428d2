// What all subcommands share: finding them, reading their arguments, telling errors.
#include "commands.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const PjCommand *const pj_commands[] = {
#define COMMAND(name) &pj_cmd_##name,
#include "commands.def"
#undef COMMAND
    NULL,
};

const PjCommand *pj_command_find(const char *name) {
  for (const PjCommand *const *at = pj_commands; *at; at++)
    if (strcmp((*at)->name, name) == 0)
      return *at;
  return NULL;
}

// --- Arguments -----------------------------------------------------------------------------------

static PjStatus take_count(const char *name, const char *text, size_t *out) {
  size_t value = 0;
  bool good = *text;
  for (const char *p = text; *p && good; p++) {
    good = *p >= '0' && *p <= '9' && value < 100000000;
    value = value * 10 + (size_t)(*p - '0');
  }
  PJ_FAIL_IF(!good, INVALID_ARGUMENT, "%s %s: expected a number from 0 to 10^9", name, text);
  *out = value;
  return PJ_STATUS_OK;
}

static PjStatus take_real(const char *name, const char *text, const char *of, double *out) {
  char *end;
  double value = strtod(text, &end);
  PJ_FAIL_IF(!*text || *end || !(value > 0 && value <= 1e7), INVALID_ARGUMENT,
             "%s %s: expected a number%s above 0", name, text, of);
  *out = value;
  return PJ_STATUS_OK;
}

static PjStatus take_choice(const PjArg *arg, const char *text, const char **out) {
  size_t n = strlen(text);
  for (const char *p = arg->value; n; p++) {
    size_t length = strcspn(p, "|");
    if (length == n && memcmp(p, text, n) == 0) {
      *out = text;
      return PJ_STATUS_OK;
    }
    p += length;
    if (!*p)
      break;
  }
  return PJ_ERROR(INVALID_ARGUMENT, "%s %s: expected %s", arg->name, text, arg->value);
}

static PjStatus take(const PjArg *arg, const char *text, void *args) {
  void *field = (char *)args + arg->at;
  if (arg->take)
    return arg->take(field, text);
  switch (arg->kind) {
  case PJ_ARG_FLAG:
    *(bool *)field = true;
    return PJ_STATUS_OK;
  case PJ_ARG_COUNT:
    return take_count(arg->name, text, field);
  case PJ_ARG_SECONDS:
    return take_real(arg->name, text, " of seconds", field);
  case PJ_ARG_REAL:
    return take_real(arg->name, text, "", field);
  case PJ_ARG_CHOICE:
    return take_choice(arg, text, field);
  default:
    *(const char **)field = text;
    return PJ_STATUS_OK;
  }
}

// The option that |word| names, up to an equals sign; |*out_value| is what follows that, or NULL.
static const PjArg *find(const PjCommand *command, const char *word, const char **out_value) {
  size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
  *out_value = word[length] ? word + length + 1 : NULL;
  for (const PjArg *arg = command->options; arg && arg->name; arg++)
    if (strlen(arg->name) == length && memcmp(arg->name, word, length) == 0)
      return arg;
  return NULL;
}

static PjStatus parse(const PjCommand *command, int *argc, char **argv, void *args) {
  int num_words = 0;
  bool only_words = false;
  for (int i = 0; i < *argc; i++) {
    char *word = argv[i];
    if (only_words || word[0] != '-' || !word[1]) {
      PJ_FAIL_IF(!*command->synopsis, INVALID_ARGUMENT, "unexpected argument '%s'", word);
      argv[num_words++] = word;
      continue;
    }
    if (strcmp(word, "--") == 0) {
      only_words = true;
      continue;
    }
    const char *value;
    const PjArg *arg = find(command, word, &value);
    PJ_FAIL_IF(!arg, INVALID_ARGUMENT, "unknown option %s", word);
    if (arg->kind == PJ_ARG_FLAG)
      PJ_FAIL_IF(value, INVALID_ARGUMENT, "%s takes no value", arg->name);
    else if (!value) {
      PJ_FAIL_IF(i + 1 >= *argc, INVALID_ARGUMENT, "%s needs a value", arg->name);
      value = argv[++i];
    }
    PJ_TRY(take(arg, value, args));
  }
  *argc = num_words;
  return PJ_STATUS_OK;
}

bool pj_command_parse(const PjCommand *command, int *argc, char **argv, void *args) {
  PjStatus status = parse(command, argc, argv, args);
  if (!status)
    return true;
  pj_command_wrong(command, "%s", pj_status_message(status));
  pj_status_free(status);
  return false;
}

// --- Errors --------------------------------------------------------------------------------------

int pj_command_wrong(const PjCommand *command, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "pjrt %s: ", command->name);
  vfprintf(stderr, format, list);
  fprintf(stderr, " (see pjrt %s --help)\n", command->name);
  va_end(list);
  return PJ_EXIT_USAGE;
}

int pj_command_end(const PjCommand *command, PjStatus status) {
  fflush(stdout);
  if (!status)
    return PJ_EXIT_OK;
  const char *where = pj_status_location(status);
  fprintf(stderr, "pjrt %s: %s: %s%s%s\n", command->name, pj_code_name(pj_status_code(status)),
          pj_status_message(status), *where ? " | " : "", where);
  pj_status_free(status);
  return PJ_EXIT_FAILED;
}
