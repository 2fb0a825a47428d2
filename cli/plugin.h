// What the commands that talk to a plugin have in common: --plugin, --option, and errors as
// statuses.
#pragma once
#include <stdbool.h>

#include "base/status.h"
#include "commands.h"
#include "pjrt/pjrt.h"

enum { PJ_MAX_OPTIONS = 32 };

// Options NAME=VALUE for a plugin; their texts belong to the caller.
typedef struct PjOptionList {
  PJRT_NamedValue values[PJ_MAX_OPTIONS];
  size_t count;
} PjOptionList;

// Adds NAME=VALUE of |text|, which came with |flag|. A value is a number if it reads as one, a bool
// if it is true or false, else a string.
PjStatus pj_option_add(PjOptionList *list, const char *flag, const char *text);

typedef struct PjPluginArgs {
  const char *path;     // --plugin, null for the default one
  PjOptionList options; // --option, for the client
} PjPluginArgs;

// The rows of --plugin and --option in a command's table, for a PjPluginArgs at offset |base| of
// its arguments.
#define PJ_PLUGIN_ARG_ROWS(base)                                                                \
  {"--plugin",                                                                                  \
   "SO",                                                                                        \
   PJ_ARG_FILE,                                                                                 \
   (base) + offsetof(PjPluginArgs, path),                                                       \
   "the PJRT plugin; default: $PJRT_PLUGIN, else pjrt_plugin_cpu.so beside this program, else " \
   "../lib/pjrt/pjrt_plugin_cpu.so",                                                            \
   NULL},                                                                                       \
  {                                                                                             \
    "--option", "NAME=VALUE", PJ_ARG_TEXT, (base),                                              \
        "an option for the plugin's client, e.g. cpu_device_count=4; may be repeated",          \
        pj_plugin_take_option                                                                   \
  }

// Adds the create option NAME=VALUE of |text| to |args|, a PjPluginArgs.
PjStatus pj_plugin_take_option(void *args, const char *text);

// Loads the plugin. Without a path: $PJRT_PLUGIN, then pjrt_plugin_cpu.so beside this program, then
// ../lib/pjrt/pjrt_plugin_cpu.so from there. Null on failure.
PjStatus pj_plugin_load(const PjPluginArgs *args, PjhPlugin **out_plugin);
// Starts a client of the plugin that pj_plugin_load gave for |args|. Null on failure.
PjStatus pj_plugin_client(const PjPluginArgs *args, PjhPlugin *plugin, PjhClient **out_client);
// Both in one. Both are null on failure.
PjStatus pj_plugin_open(const PjPluginArgs *args, PjhPlugin **out_plugin, PjhClient **out_client);

// Takes over |error| and makes it a status of the same code.
PjStatus pj_plugin_status(PjhError *error);
