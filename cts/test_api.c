// The function table, the plugin's attributes, struct sizes, errors.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static void table_size(void) {
  size_t first = offsetof(PJRT_Api, PJRT_Error_Destroy), size = pj_api_given->struct_size;
  CHECK(size >= first + 3 * sizeof(void *),
        "struct_size of the table is %zu: no room for functions", size);
  CHECK((size - first) % sizeof(void *) == 0, "struct_size %zu of the table cuts through a slot",
        size);
  EQUAL(pj_api_given->pjrt_api_version.struct_size, PJRT_Api_Version_STRUCT_SIZE,
        "struct_size of the version");
  // Slots that came with or before the version are inside.
  for (int slot = 0; slot < PJRT_API_SLOT_COUNT; slot++)
    if (pj_slot_since[slot] <= pj_api.pjrt_api_version.minor_version)
      CHECK(first + (size_t)(slot + 1) * sizeof(void *) <= size,
            "the table says version 0.%d, but ends before PJRT_%s of 0.%d",
            pj_api.pjrt_api_version.minor_version, pj_slot_name[slot], pj_slot_since[slot]);
}

static void version(void) {
  EQUAL(pj_api.pjrt_api_version.major_version, PJRT_API_MAJOR, "the major version");
  CHECK(pj_api.pjrt_api_version.minor_version >= 29, "minor version %d: hosts want 29 or later",
        pj_api.pjrt_api_version.minor_version);
}

static void table_filled(void) {
  char missing[2048];
  size_t n = 0, count = 0;
  missing[0] = 0;
  for (int slot = 0; slot < PJRT_API_SLOT_COUNT; slot++) {
    if (pj_has(slot) || pj_slot_since[slot] > pj_api.pjrt_api_version.minor_version)
      continue;
    count++;
    if (n < sizeof missing - 80)
      n += (size_t)snprintf(missing + n, sizeof missing - n, " PJRT_%s", pj_slot_name[slot]);
  }
  CHECK(!count, "%zu null pointers, which hosts call:%s", count, missing);
}

static void initialize(void) {
  ARGS(Plugin_Initialize, args);
  OK(Plugin_Initialize, args);
}

static void table_same(void) {
  CHECK(pj_get_api() == pj_api_given, "GetPjrtApi returns another table at the second call");
  initialize();
  CHECK(pj_get_api() == pj_api_given, "GetPjrtApi returns another table after initialising");
  CHECK(memcmp(pj_api_given, &pj_api, sizeof(PJRT_Api_Version)) == 0, "the table changed");
}

static void extensions_listed(void) {
  bool seen[64] = {0};
  int count = 0;
  for (PJRT_Extension_Base *e = pj_api_given->extension_start; e; e = e->next) {
    CHECK(++count <= 1000, "the list of extensions does not end");
    CHECK(e->struct_size >= PJRT_Extension_Base_STRUCT_SIZE, "extension %d has struct_size %zu",
          (int)e->type, e->struct_size);
    if ((unsigned)e->type < 64) {
      CHECK(!seen[e->type], "extension %d is there twice", (int)e->type);
      seen[e->type] = true;
    }
  }
}

static void attributes(void) {
  ARGS(Plugin_Attributes, args);
  OK(Plugin_Attributes, args);
  for (size_t i = 0; i < args.num_attributes; i++) {
    const PJRT_NamedValue *a = &args.attributes[i];
    CHECK(a->name && a->name_size, "attribute %zu has no name", i);
    CHECK(a->type <= PJRT_NamedValue_kBool, "attribute %.*s has type %d", (int)a->name_size,
          a->name, (int)a->type);
    CHECK(a->type != PJRT_NamedValue_kInt64List || a->int64_array_value || !a->value_size,
          "attribute %.*s is a null list", (int)a->name_size, a->name);
    for (size_t k = 0; k < i; k++)
      CHECK(args.attributes[k].name_size != a->name_size ||
                memcmp(args.attributes[k].name, a->name, a->name_size) != 0,
            "attribute %.*s is there twice", (int)a->name_size, a->name);
  }
  ARGS(Plugin_Attributes, again);
  OK(Plugin_Attributes, again);
  CHECK(again.attributes == args.attributes && again.num_attributes == args.num_attributes,
        "attributes move between calls, though they live as long as the process");
}

static void stablehlo_version(void) {
  ARGS(Plugin_Attributes, args);
  OK(Plugin_Attributes, args);
  for (size_t i = 0; i < args.num_attributes; i++) {
    const PJRT_NamedValue *a = &args.attributes[i];
    if (a->name_size != 25 || memcmp(a->name, "stablehlo_current_version", 25) != 0)
      continue;
    EQUAL(a->type, PJRT_NamedValue_kInt64List, "its type");
    EQUAL(a->value_size, 3, "its length");
    EQUAL(a->int64_array_value[0], 1, "the major version of StableHLO");
    return;
  }
  pj_not_offered("no attribute stablehlo_current_version: frameworks write programs for a version "
                 "of StableHLO of 12 weeks ago");
}

#define DESTROY_NULL(name)      \
  {                             \
    ARGS(name##_Destroy, args); \
    OK(name##_Destroy, args);   \
  }
static void destroy_null_old(void) {
  ARGS(Error_Destroy, none);
  CALL(Error_Destroy, none);
  DESTROY_NULL(Event)
  DESTROY_NULL(Client)
  DESTROY_NULL(Executable)
  DESTROY_NULL(LoadedExecutable)
  DESTROY_NULL(Buffer)
}

static void destroy_null_stream(void) {
  DESTROY_NULL(CopyToDeviceStream)
}
static void destroy_null_topology(void) {
  DESTROY_NULL(TopologyDescription)
}
static void destroy_null_context(void) {
  DESTROY_NULL(ExecuteContext)
}
static void destroy_null_manager(void) {
  DESTROY_NULL(AsyncHostToDeviceTransferManager)
}
static void destroy_null_tracking(void) {
  DESTROY_NULL(AsyncTrackingEvent)
}

const PjCtsTest pj_cts_api_tests[] = {
    {"api.table.size", "struct_size of the table covers the slots of its version", table_size},
    {"api.table.version", "major version 0, minor version 29 or later", version},
    {"api.table.filled", "no slot of the plugin's version is null: hosts do not look",
     table_filled},
    {"api.table.same", "the table lives as long as the process and is always the same", table_same},
    {"api.extensions", "the list of extensions ends and names each type once", extensions_listed},
    {"api.initialize", "PJRT_Plugin_Initialize succeeds", initialize},
    {"api.attributes", "attributes have unique names, known types, and stay where they are",
     attributes},
    {"api.stablehlo_version", "the plugin says which StableHLO it reads", stablehlo_version},
    {"api.destroy_null.core", "destroying null does nothing", destroy_null_old},
    {"api.destroy_null.stream", "destroying a null stream does nothing", destroy_null_stream},
    {"api.destroy_null.topology", "destroying a null topology does nothing", destroy_null_topology},
    {"api.destroy_null.context", "destroying a null context does nothing", destroy_null_context},
    {"api.destroy_null.manager", "destroying a null manager does nothing", destroy_null_manager},
    {"api.destroy_null.tracking", "destroying a null interval does nothing", destroy_null_tracking},
    {0}};

// --- Struct sizes --------------------------------------------------------------------------------

// Every function but the two that return nothing, with a struct that ends after its header.
static void too_small(size_t slot) {
  start();
  union {
    size_t struct_size;
    char room[1024];
  } args;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof(size_t) + sizeof(void *) / 2;
  PJRT_Error *error = pj_call((int)slot, &args, __FILE__, __LINE__);
  char what[128];
  snprintf(what, sizeof what, "PJRT_%s with a struct_size of 12", pj_slot_name[slot]);
  pj_expect_error((int)slot, error, PJRT_Error_Code_INVALID_ARGUMENT, what, __FILE__, __LINE__);
}

bool pj_cts_size_test(size_t row, PjCtsTest *out) {
  static char names[PJRT_API_SLOT_COUNT][96];
  size_t slot = row + 2;
  if (slot >= PJRT_API_SLOT_COUNT)
    return false;
  snprintf(names[slot], sizeof names[slot], "size.%s", pj_slot_name[slot]);
  *out = (PjCtsTest){.name = names[slot],
                     .promise =
                         "a struct_size that is too small is INVALID_ARGUMENT, and nothing is read",
                     .run_row = too_small,
                     .row = slot};
  return true;
}

// --- Errors --------------------------------------------------------------------------------------

static PJRT_Error *some_error(void) {
  start();
  ARGS(Client_LookupDevice, lookup, .client = client, .id = -1);
  PJRT_Error *error = CALL(Client_LookupDevice, lookup);
  CHECK(error, "PJRT_Client_LookupDevice finds a device of id -1");
  return error;
}

static void error_code(void) {
  PJRT_Error *error = some_error();
  PJRT_Error_Code code = pj_error_code(error);
  CHECK(code > PJRT_Error_Code_OK && code <= PJRT_Error_Code_UNAUTHENTICATED, "its code is %d",
        (int)code);
  EQUAL(pj_error_code(error), code, "the code, asked a second time,");
  pj_error_free(error);
}

static void error_message(void) {
  PJRT_Error *error = some_error();
  ARGS(Error_Message, first, .error = error);
  CALL(Error_Message, first);
  CHECK(first.message && first.message_size, "the message is empty");
  for (size_t i = 0; i < first.message_size; i++)
    CHECK(first.message[i], "the message has a zero byte at %zu of %zu", i, first.message_size);
  ARGS(Error_Message, second, .error = error);
  CALL(Error_Message, second);
  CHECK(second.message == first.message && second.message_size == first.message_size,
        "the message moves, though it lives as long as the error");
  pj_error_free(error);
}

static void error_fresh(void) {
  PJRT_Error *a = some_error();
  ARGS(Client_LookupDevice, lookup, .client = client, .id = -1);
  PJRT_Error *b = CALL(Client_LookupDevice, lookup);
  CHECK(b && b != a, "two failures share one error, which each caller frees");
  pj_error_free(a);
  CHECK(*pj_error_text(b), "its message is gone with the other error");
  pj_error_free(b);
}

static int payloads;
static void count_payload(const char *key, size_t key_size, const char *value, size_t value_size,
                          void *user_arg) {
  (void)value;
  CHECK(user_arg == &payloads, "user_arg is not what was given");
  CHECK(key || !key_size, "a null key");
  CHECK(value_size < 1u << 30, "a payload of %zu bytes", value_size);
  payloads++;
}

static void error_payload(void) {
  PJRT_Error *error = some_error();
  ARGS(Error_ForEachPayload, each, .error = error, .visitor = count_payload, .user_arg = &payloads);
  OK(Error_ForEachPayload, each);
  pj_error_free(error);
}

static void error_table(void) {
  if (pj_api.pjrt_api_version.minor_version < 107)
    pj_not_offered("errors begin with a table since 0.107");
  PJRT_Error *error = some_error();
  const PJRT_Error_FunctionTable *table = error->vtable;
  CHECK(table, "the error's table is null");
  CHECK(table->struct_size >= PJRT_Error_FunctionTable_STRUCT_SIZE,
        "struct_size of its table is %zu", table->struct_size);
  CHECK(table->destroy && table->message && table->get_code && table->for_each_payload,
        "a function of the table is null");
  const char *text = NULL;
  size_t size = 0;
  table->message(error, &text, &size);
  ARGS(Error_Message, get, .error = error);
  CALL(Error_Message, get);
  CHECK(size == get.message_size && size && memcmp(text, get.message, size) == 0,
        "the table's message is not that of PJRT_Error_Message");
  EQUAL(table->get_code(error), pj_error_code(error), "the table's code");
  table->for_each_payload(error, count_payload, &payloads);
  table->destroy(error);
}

static void error_outlives_client(void) {
  PJRT_Error *error = some_error();
  stop();
  CHECK(*pj_error_text(error), "its message is gone with the client");
  pj_error_free(error);
}

const PjCtsTest pj_cts_error_tests[] = {
    {"error.code", "an error has a code of the interface", error_code},
    {"error.message", "an error has a message that stays as long as the error", error_message},
    {"error.fresh", "each failure returns an error of its own", error_fresh},
    {"error.payload", "PJRT_Error_ForEachPayload visits payloads with the caller's argument",
     error_payload},
    {"error.table",
     "since 0.107 an error begins with a table of functions that agrees with the API", error_table},
    {"error.outlives_client", "an error lives until it is destroyed", error_outlives_client},
    {0}};
