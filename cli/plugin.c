// Finding and opening the plugin that a command works on.
#include "plugin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char default_plugin[] = "pjrt_plugin_cpu.so";

PjStatus pj_plugin_status(PjhError *error) {
  if (!error)
    return PJ_STATUS_OK;
  const char *hint = pjh_error_hint(error);
  PjStatus status =
      pj_status_make((PjCode)pjh_error_code(error), __FILE__, __LINE__, "%s%s%s%s",
                     pjh_error_message(error), *hint ? " (" : "", hint, *hint ? ")" : "");
  pjh_error_free(error);
  return status;
}

PjStatus pj_option_add(PjOptionList *list, const char *flag, const char *text) {
  const char *equals = strchr(text, '=');
  PJ_FAIL_IF(!equals || equals == text, INVALID_ARGUMENT, "%s %s: expected NAME=VALUE", flag, text);
  PJ_FAIL_IF(list->count == PJ_MAX_OPTIONS, INVALID_ARGUMENT, "%s: more than %d options", flag,
             PJ_MAX_OPTIONS);
  const char *value = equals + 1;
  PJRT_NamedValue *option = &list->values[list->count++];
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
  return PJ_STATUS_OK;
}

PjStatus pj_plugin_take_option(void *field, const char *text) {
  return pj_option_add(&((PjPluginArgs *)field)->options, "--option", text);
}

// Writes DIR/|tail| for the folder of this program; false when it cannot be told or is not there.
static bool beside_program(const char *tail, char out[PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
  if (n <= 0)
    return false;
  out[n] = 0;
  char *slash = strrchr(out, '/');
  size_t room = slash ? PATH_MAX - (size_t)(slash + 1 - out) : 0;
  if (strlen(tail) >= room)
    return false;
  strcpy(slash + 1, tail);
  return access(out, R_OK) == 0;
}

// The plugin's path; |found| is room for it.
static PjStatus find_plugin(const PjPluginArgs *args, char found[PATH_MAX], const char **out) {
  *out = args->path ? args->path : getenv("PJRT_PLUGIN");
  if (*out && **out)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(!beside_program(default_plugin, found) &&
                 !beside_program("../lib/pjrt/pjrt_plugin_cpu.so", found),
             NOT_FOUND, "no %s beside this program or in ../lib/pjrt; name a plugin with --plugin",
             default_plugin);
  *out = found;
  return PJ_STATUS_OK;
}

PjStatus pj_plugin_load(const PjPluginArgs *args, PjhPlugin **out_plugin) {
  char found[PATH_MAX];
  const char *path;
  *out_plugin = NULL;
  PJ_TRY(find_plugin(args, found, &path));
  return pj_plugin_status(pjh_plugin_load(path, out_plugin));
}

PjStatus pj_plugin_client(const PjPluginArgs *args, PjhPlugin *plugin, PjhClient **out_client) {
  char found[PATH_MAX];
  const char *path;
  *out_client = NULL;
  PJ_TRY(find_plugin(args, found, &path));
  PJ_TRY_IN(pj_plugin_status(
                pjh_client_create(plugin, args->options.values, args->options.count, out_client)),
            "starting a client of %s", path);
  return PJ_STATUS_OK;
}

PjStatus pj_plugin_open(const PjPluginArgs *args, PjhPlugin **out_plugin, PjhClient **out_client) {
  *out_client = NULL;
  PJ_TRY(pj_plugin_load(args, out_plugin));
  PjStatus status = pj_plugin_client(args, *out_plugin, out_client);
  if (!status)
    return PJ_STATUS_OK;
  pjh_plugin_destroy(*out_plugin);
  *out_plugin = NULL;
  return status;
}
