// `pjrt inspect` of a plugin.
#include "inspect.h"

#include <stdlib.h>
#include <string.h>

#include "pjrt/pjrt_slots.h"

// --- Facts that a plugin may not give ------------------------------------------------------------

static void note(PjMissing *missing, const char *name, const char *code, const char *message) {
  pj_strbuf_append(&missing->names, name, strlen(name) + 1);
  pj_strbuf_printf(&missing->reasons, "%s: %s", code, message);
  pj_strbuf_append(&missing->reasons, "", 1);
}

bool pj_inspect_given(PjMissing *missing, const char *name, PjhError *error) {
  if (!error)
    return true;
  note(missing, name, pjh_error_code_name(pjh_error_code(error)), pjh_error_message(error));
  pjh_error_free(error);
  return false;
}

void pj_inspect_missing(PjReport *report, PjMissing *missing) {
  report->text.failed |= missing->names.failed | missing->reasons.failed;
  if (missing->names.len && !report->text.failed) {
    pj_report_open(report, "unavailable");
    const char *reason = missing->reasons.data;
    for (const char *name = missing->names.data; name < missing->names.data + missing->names.len;
         name += strlen(name) + 1, reason += strlen(reason) + 1)
      pj_report_string(report, name, reason);
    pj_report_close(report);
  }
  pj_strbuf_free(&missing->names);
  pj_strbuf_free(&missing->reasons);
}

// --- Sections ------------------------------------------------------------------------------------

static const struct {
  const char *name;
  int since; // minor version
} slots[] = {
#define SLOT(slot, name, since) {#name, since},
    PJRT_API_SLOTS(SLOT)
#undef SLOT
};

static void report_functions(PjReport *report, const PjhPlugin *plugin) {
  int filled = 0, major, minor;
  pjh_plugin_version(plugin, &major, &minor);
  for (size_t i = 0; i < PJRT_API_SLOT_COUNT; ++i)
    filled += pjh_plugin_has(plugin, slots[i].name);
  pj_report_open(report, "functions");
  pj_report_int(report, "known", PJRT_API_SLOT_COUNT);
  pj_report_int(report, "filled", filled);
  pj_report_int(report, "table_bytes", (int64_t)pjh_plugin_api(plugin)->struct_size);
  pj_report_open_list(report, "empty");
  for (size_t i = 0; i < PJRT_API_SLOT_COUNT; ++i)
    if (!pjh_plugin_has(plugin, slots[i].name))
      pj_report_string(report, NULL, slots[i].name);
  pj_report_close(report);
  pj_report_close(report);
}

static void report_extensions(PjReport *report, const PjhPlugin *plugin) {
  pj_report_open_list(report, "extensions");
  for (size_t i = 0; i < pjh_plugin_num_extensions(plugin); ++i) {
    const PJRT_Extension_Base *extension = pjh_plugin_extension(plugin, i);
    const char *name = pjh_extension_name(extension->type);
    pj_report_open(report, NULL);
    pj_report_string(report, "name", *name ? name : "unknown");
    pj_report_int(report, "type", extension->type);
    pj_report_int(report, "bytes", (int64_t)extension->struct_size);
    pj_report_close(report);
  }
  pj_report_close(report);
}

static void report_device(PjReport *report, const PjhDeviceInfo *device) {
  pj_report_open(report, NULL);
  pj_report_int(report, "id", device->id);
  pj_report_string(report, "name", device->name);
  pj_report_string(report, "kind", device->kind);
  pj_report_int(report, "process", device->process);
  pj_report_close(report);
}

static void report_client(PjReport *report, const PjhClient *client) {
  pj_report_open(report, "client");
  pj_report_string(report, "platform", pjh_client_platform_name(client));
  pj_report_string(report, "version", pjh_client_platform_version(client));
  pj_report_open_list(report, "devices");
  PjMissing missing = {0};
  for (size_t i = 0; i < pjh_client_num_devices(client); ++i) {
    PjhDeviceInfo info;
    if (pj_inspect_given(&missing, "device", pjh_client_device_info(client, i, &info)))
      report_device(report, &info);
  }
  pj_report_close(report);
  pj_inspect_missing(report, &missing);
  pj_report_close(report);
}

static void report_topology(PjReport *report, const PjhTopology *topology) {
  PjMissing missing = {0};
  pj_report_open(report, "topology");
  pj_report_string(report, "platform", pjh_topology_platform_name(topology));
  pj_report_string(report, "version", pjh_topology_platform_version(topology));
  PjhValues *attributes;
  if (pj_inspect_given(&missing, "attributes", pjh_topology_attributes(topology, &attributes)))
    pj_report_values(report, "attributes", attributes);
  pjh_values_free(attributes);
  pj_report_open_list(report, "devices");
  for (size_t i = 0; i < pjh_topology_num_devices(topology); ++i) {
    PjhDeviceInfo info;
    if (pj_inspect_given(&missing, "device", pjh_topology_device_info(topology, i, &info)))
      report_device(report, &info);
  }
  pj_report_close(report);
  pj_inspect_missing(report, &missing);
  pj_report_close(report);
}

void pj_inspect_plugin(PjReport *report, const char *path, const PjBuild *build, PjStatus failure) {
  const PjhPlugin *plugin = build->plugin;
  PjMissing missing = {0};
  int major, minor;
  pjh_plugin_version(plugin, &major, &minor);
  pj_report_open(report, "plugin");
  pj_report_string(report, "path", path);
  pj_report_open(report, "api");
  pj_report_int(report, "major", major);
  pj_report_int(report, "minor", minor);
  pj_report_close(report);
  report_functions(report, plugin);
  report_extensions(report, plugin);
  PjhValues *attributes;
  if (pj_inspect_given(&missing, "attributes", pjh_plugin_attributes(plugin, &attributes)))
    pj_report_values(report, "attributes", attributes);
  pjh_values_free(attributes);
  if (failure)
    note(&missing, "client", pj_code_name(pj_status_code(failure)), pj_status_message(failure));
  if (build->client)
    report_client(report, build->client);
  if (build->topology)
    report_topology(report, build->topology);
  pj_inspect_missing(report, &missing);
  pj_report_close(report);
}
