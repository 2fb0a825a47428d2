// The commands that only tell: devices, options, version.
#include <string.h>

#include "base/options.h"
#include "commands.h"
#include "plugin.h"
#include "progress.h"
#include "report.h"

typedef struct JsonArgs {
  bool json;
} JsonArgs;

#define JSON_ROW(at) \
  { "--json", NULL, PJ_ARG_FLAG, (at), "print it as JSON (cli/info.schema.json)" }

static const PjArg json_options[] = {JSON_ROW(offsetof(JsonArgs, json)), {0}};

static void put_version(PjReport *report, const char *key, int major, int minor) {
  pj_report_open(report, key);
  pj_report_int(report, "major", major);
  pj_report_int(report, "minor", minor);
  pj_report_close(report);
}

static int run_version(const PjCommand *self, int argc, char **argv) {
  JsonArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (args.json) {
    PjReport report = {.json = true};
    pj_report_open(&report, NULL);
    pj_report_string(&report, "version", PJ_VERSION);
    put_version(&report, "api", PJRT_API_MAJOR, PJRT_API_MINOR);
    pj_report_close(&report);
    return pj_command_end(self, pj_report_print(&report));
  }
  printf("libpjrt %s, PJRT C API %d.%d\n", PJ_VERSION, PJRT_API_MAJOR, PJRT_API_MINOR);
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_version = {
    .name = "version",
    .summary = "print the version of this program",
    .synopsis = "",
    .description = "Prints the version of this program and of the interface that it speaks.",
    .options = json_options,
    .run = run_version,
};

// The library's options, and the command's own at |PJ_OPTION_COUNT|.
static PjOptionInfo option_at(int i) {
  return i < PJ_OPTION_COUNT
             ? pj_option_info[i]
             : (PjOptionInfo){.env = "PJRT_PLUGIN",
                              .preset = "",
                              .meaning = "the plugin that the pjrt command loads without --plugin"};
}

static int run_options(const PjCommand *self, int argc, char **argv) {
  JsonArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  PjReport report = {.json = true};
  pj_report_open(&report, NULL);
  pj_report_open_list(&report, "options");
  if (!args.json)
    printf("%-22s %-9s %s\n", "environment variable", "default", "meaning");
  for (int i = 0; i <= PJ_OPTION_COUNT; i++) {
    PjOptionInfo option = option_at(i);
    if (!args.json)
      printf("%-22s %-9s %s\n", option.env, *option.preset ? option.preset : "-", option.meaning);
    pj_report_open(&report, NULL);
    pj_report_string(&report, "name", option.env);
    pj_report_string(&report, "default", option.preset);
    pj_report_string(&report, "meaning", option.meaning);
    pj_report_close(&report);
  }
  pj_report_close(&report);
  pj_report_close(&report);
  if (args.json)
    return pj_command_end(self, pj_report_print(&report));
  pj_strbuf_free(&report.text);
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_options = {
    .name = "options",
    .summary = "list the environment variables that libpjrt reads",
    .synopsis = "",
    .description = "Lists the environment variables that libpjrt and its CPU plugin read.",
    .options = json_options,
    .run = run_options,
};

typedef struct DevicesArgs {
  PjPluginArgs plugin;
  bool json;
} DevicesArgs;

static PjStatus print_devices_json(const PjhPlugin *plugin, const PjhClient *client) {
  PjReport report = {.json = true};
  PjStatus status = PJ_STATUS_OK;
  int major, minor;
  pjh_plugin_version(plugin, &major, &minor);
  pj_report_open(&report, NULL);
  pj_report_string(&report, "platform", pjh_client_platform_name(client));
  pj_report_string(&report, "platform_version", pjh_client_platform_version(client));
  put_version(&report, "api", major, minor);
  pj_report_open_list(&report, "devices");
  for (size_t i = 0; i < pjh_client_num_devices(client) && !status; i++) {
    PjhDeviceInfo info;
    status = pj_plugin_status(pjh_client_device_info(client, i, &info));
    if (status)
      break;
    pj_report_open(&report, NULL);
    pj_report_int(&report, "id", info.id);
    pj_report_int(&report, "process", info.process);
    pj_report_int(&report, "local_id", info.local_id);
    pj_report_string(&report, "name", info.name);
    pj_report_string(&report, "kind", info.kind);
    pj_report_close(&report);
  }
  pj_report_close(&report);
  pj_report_close(&report);
  if (!status)
    return pj_report_print(&report);
  pj_strbuf_free(&report.text);
  return status;
}

static void print_devices(const PjhPlugin *plugin, const PjhClient *client) {
  int major, minor;
  pjh_plugin_version(plugin, &major, &minor);
  printf("platform %s (%s), PJRT C API %d.%d\n", pjh_client_platform_name(client),
         pjh_client_platform_version(client), major, minor);
  for (size_t i = 0; i < pjh_client_num_devices(client); i++)
    printf("device %zu: %s\n", i, pjh_client_device_name(client, i));
}

static int run_devices(const PjCommand *self, int argc, char **argv) {
  DevicesArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  PjhPlugin *plugin;
  PjhClient *client;
  pj_show_progress("starting a client");
  PjStatus status = pj_plugin_open(&args.plugin, &plugin, &client);
  pj_hide_progress();
  if (!status && args.json)
    status = print_devices_json(plugin, client);
  else if (!status)
    print_devices(plugin, client);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return pj_command_end(self, status);
}

static const PjArg devices_options[] = {
    JSON_ROW(offsetof(DevicesArgs, json)),
    PJ_PLUGIN_ARG_ROWS(offsetof(DevicesArgs, plugin)),
    {0},
};

const PjCommand pj_cmd_devices = {
    .name = "devices",
    .summary = "list the devices of a plugin",
    .synopsis = "",
    .description = "Starts a client and lists the devices that programs can run on.",
    .options = devices_options,
    .run = run_devices,
};
