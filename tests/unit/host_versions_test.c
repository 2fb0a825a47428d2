// The host library and plugins of other versions: function tables cut short, structs of the size
// that a version has, programs newer than the plugin, and finding plugins in folders and Python
// environments.
#include "host_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/find.h"
#include "import/import.h"

// --- Older and newer tables ----------------------------------------------------------------------

// The sizes that the wrapped functions below saw.
static size_t seen_create, seen_execute, seen_stats, seen_load, seen_memory;

static PJRT_Error *see_create(PJRT_Client_Create_Args *args) {
  seen_create = args->struct_size;
  return pjh_plugin_api(host_plugin)->PJRT_Client_Create(args);
}

static PJRT_Error *see_execute(PJRT_LoadedExecutable_Execute_Args *args) {
  seen_execute = args->options->struct_size;
  return pjh_plugin_api(host_plugin)->PJRT_LoadedExecutable_Execute(args);
}

static PJRT_Error *see_stats(PJRT_Executable_GetCompiledMemoryStats_Args *args) {
  seen_stats = args->struct_size;
  args->argument_size_in_bytes = 16; // Our plugin insists on the size of its own version.
  return NULL;
}

static PJRT_Error *see_load(PJRT_Executable_DeserializeAndLoad_Args *args) {
  seen_load = args->struct_size;
  PJRT_Executable_DeserializeAndLoad_Args full = {
      .struct_size = PJRT_Executable_DeserializeAndLoad_Args_STRUCT_SIZE};
  size_t size = args->struct_size < sizeof full ? args->struct_size : sizeof full;
  memcpy((char *)&full + sizeof full.struct_size, (char *)args + sizeof full.struct_size,
         size - sizeof full.struct_size);
  PJRT_Error *error = pjh_plugin_api(host_plugin)->PJRT_Executable_DeserializeAndLoad(&full);
  args->loaded_executable = full.loaded_executable;
  return error;
}

// A plugin of 0.113 writes the counter that came then.
static PJRT_Error *see_memory(PJRT_Device_MemoryStats_Args *args) {
  seen_memory = args->struct_size;
  args->bytes_in_use = 5;
  if (args->struct_size >= sizeof *args + 9) {
    int64_t allocated = 77;
    memcpy((char *)args + sizeof *args, &allocated, sizeof allocated);
    *((char *)args + sizeof *args + 8) = 1;
  }
  return NULL;
}

static PJRT_Api watched(int minor) {
  PJRT_Api api;
  host_older(&api, minor);
  api.PJRT_Client_Create = see_create;
  api.PJRT_LoadedExecutable_Execute = see_execute;
  if (minor >= 40)
    api.PJRT_Executable_GetCompiledMemoryStats = see_stats;
  api.PJRT_Executable_DeserializeAndLoad = see_load;
  api.PJRT_Device_MemoryStats = see_memory;
  return api;
}

// The whole way through a plugin of each version.
static void plugins_of_every_version_work(void **state) {
  (void)state;
  const struct {
    int minor;
    size_t create, execute, stats, load, memory;
  } cases[] = {
      {29, 72, 72, 0, 48, 185},     {54, 72, 72, 104, 48, 185},   {60, 72, 72, 104, 48, 185},
      {64, 88, 80, 104, 48, 185},   {75, 88, 80, 112, 64, 185},   {90, 88, 112, 120, 64, 185},
      {105, 88, 120, 144, 64, 185}, {112, 88, 144, 144, 72, 185}, {117, 88, 144, 144, 72, 201},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    PJRT_Api api = watched(cases[i].minor);
    PjhPlugin plugin = {&api};
    PjhClient *client;
    PjhValues *values;
    HOST_OK(pjh_client_create(&plugin, NULL, 0, &client));
    assert_int_equal(seen_create, cases[i].create);
    PjhExecutable *executable = host_compile(client, host_add_one, NULL), *again;
    const float in[] = {1, 2, 3, 4}, out[] = {2, 3, 4, 5};
    PjhBuffer *x = host_floats(client, 0, in, 4), *y;
    HOST_OK(pjh_execute(executable, &x, 1, &y, 1));
    host_expect_floats(y, out, 4);
    assert_int_equal(seen_execute, cases[i].execute);
    pjh_buffer_destroy(x);
    pjh_buffer_destroy(y);
    HOST_OK(pjh_client_device_memory(client, 0, &values));
    assert_int_equal(seen_memory, cases[i].memory);
    assert_int_equal(pjh_values_count(values), cases[i].minor >= 113 ? 2 : 1);
    pjh_values_free(values);
    if (cases[i].stats) {
      HOST_OK(pjh_executable_memory(executable, &values));
      assert_int_equal(seen_stats, cases[i].stats);
      assert_int_equal(pjh_values_find(values, "argument_size_in_bytes")->integer, 16);
      assert_int_equal(pjh_values_find(values, "total_size_in_bytes") != NULL,
                       cases[i].stats >= 120);
      pjh_values_free(values);
    } else {
      HOST_FAILS_HINT(pjh_executable_memory(executable, &values), UNIMPLEMENTED,
                      "(PJRT 0.29) has no PJRT_Executable_GetCompiledMemoryStats",
                      "upgrade the plugin: PJRT_Executable_GetCompiledMemoryStats came with PJRT "
                      "0.40");
    }
    void *data;
    size_t size;
    HOST_OK(pjh_executable_serialize(executable, &data, &size));
    HOST_OK(pjh_executable_deserialize(client, data, size, NULL, &again));
    assert_int_equal(seen_load, cases[i].load);
    pjh_executable_destroy(again);
    const PjhCompileOptions options = {0};
    if (cases[i].load < 64)
      HOST_FAILS_HINT(pjh_executable_deserialize(client, data, size, &options, &again),
                      UNIMPLEMENTED, "only as it was compiled", "PJRT 0.71");
    pjh_free(data);
    pjh_executable_destroy(executable);
    pjh_client_destroy(client);
  }
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  PJRT_Api api;
  host_older(&api, 54);
  PjhPlugin old = {&api};
  assert_false(pjh_plugin_has(&old, "Client_Load"));
  assert_true(pjh_plugin_has(&old, "Executable_Fingerprint"));
  PjhTopology *topology;
  HOST_FAILS_HINT(pjh_topology_deserialize(&old, "", 0, &topology), UNIMPLEMENTED,
                  "(PJRT 0.54) has no PJRT_TopologyDescription_Deserialize", "came with PJRT 0.75");
  // A hole in a table of this version.
  api = *pjh_plugin_api(host_plugin);
  api.PJRT_TopologyDescription_Create = NULL;
  PjhPlugin holed = {&api};
  HOST_FAILS_HINT(pjh_topology_create(&holed, "cpu", NULL, 0, &topology), UNIMPLEMENTED,
                  "has no PJRT_TopologyDescription_Create", "ask the plugin's maker");
  // Extensions had another form before 0.45, and a circle of them ends.
  assert_true(pjh_plugin_num_extensions(host_plugin) > 0);
  api = *pjh_plugin_api(host_plugin);
  api.pjrt_api_version.minor_version = 44;
  assert_int_equal(pjh_plugin_num_extensions(&(PjhPlugin){&api}), 0);
  PJRT_Extension_Base circle = {.struct_size = sizeof circle, .type = PJRT_Extension_Type_Example};
  circle.next = &circle;
  api = *pjh_plugin_api(host_plugin);
  api.extension_start = &circle;
  assert_int_equal(pjh_plugin_num_extensions(&(PjhPlugin){&api}), 1000);
  assert_null(pjh_plugin_find_extension(&(PjhPlugin){&api}, PJRT_Extension_Type_Layouts));
}

static PJRT_Error *no_device(PJRT_Client_Create_Args *args) {
  PJRT_Client_LookupDevice_Args lookup = {.struct_size = PJRT_Client_LookupDevice_Args_STRUCT_SIZE};
  return pjh_plugin_api(host_plugin)->PJRT_Client_LookupDevice(&lookup); // some error
}

static PJRT_Error_Code wanted_code;

static PJRT_Error *say_code(PJRT_Error_GetCode_Args *args) {
  args->code = wanted_code;
  return NULL;
}

static void an_absent_device_has_a_hint(void **state) {
  (void)state;
  PJRT_Api api = *pjh_plugin_api(host_plugin);
  api.PJRT_Client_Create = no_device;
  api.PJRT_Error_GetCode = say_code;
  PjhClient *client;
  wanted_code = PJRT_Error_Code_NOT_FOUND;
  HOST_FAILS_HINT(pjh_client_create(&(PjhPlugin){&api}, NULL, 0, &client), NOT_FOUND, "",
                  "ahead of time");
  api.PJRT_Compile = NULL;
  PjhError *error = pjh_client_create(&(PjhPlugin){&api}, NULL, 0, &client);
  assert_string_equal(pjh_error_hint(error), "");
  pjh_error_free(error);
  assert_null(client);
}

// --- Programs newer than the plugin --------------------------------------------------------------

typedef struct Write {
  PjArena *arena;
  const char *text;
  PjStrBuf out;
} Write;

static PjStatus write_artifact(void *context) {
  Write *w = context;
  PjModule *module;
  PJ_TRY(pj_import(w->arena, w->text, strlen(w->text), &module));
  return pj_bytecode_write(module, pj_version_current, &w->out);
}

static PjStrBuf artifact(const char *text) {
  Write w = {.text = text};
  assert_null(pj_arena_create(0, &w.arena));
  assert_null(pj_arena_guard(w.arena, write_artifact, &w));
  pj_arena_destroy(w.arena);
  return w.out;
}

static int64_t stated[3];
static bool states;
static char handed[64]; // the first bytes of what came to be compiled

static PJRT_Error *state_version(PJRT_Plugin_Attributes_Args *args) {
  static PJRT_NamedValue value;
  value = pjh_option_int("stablehlo_current_version", 0);
  value.type = PJRT_NamedValue_kInt64List;
  value.int64_array_value = stated;
  value.value_size = 3;
  args->attributes = &value;
  args->num_attributes = states;
  return NULL;
}

static PJRT_Error *see_compile(PJRT_Client_Compile_Args *args) {
  memcpy(handed, args->program->code,
         args->program->code_size < sizeof handed ? args->program->code_size : sizeof handed);
  return pjh_plugin_api(host_plugin)->PJRT_Client_Compile(args);
}

static void newer_programs_are_written_anew(void **state) {
  (void)state;
  PJRT_Api api = *pjh_plugin_api(host_plugin);
  api.PJRT_Plugin_Attributes = state_version;
  api.PJRT_Client_Compile = see_compile;
  PjhPlugin plugin = {&api};
  PjhClient *client;
  HOST_OK(pjh_client_create(&plugin, NULL, 0, &client));
  PjStrBuf code = artifact(host_add_one);
  const struct {
    int64_t version[3];
    const char *handed;
  } cases[] = {{{1, 9, 5}, "StableHLO_v1.9.5"},
               {{0, 9, 0}, "StableHLO_v0.9.0"},
               {{1, 20, 0}, "StableHLO_v1.20.0"},
               {{2, 0, 0}, "StableHLO_v1.20.0"},
               {{0}, "StableHLO_v1.20.0"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(stated, cases[i].version, sizeof stated);
    states = stated[0] || stated[1];
    PjhExecutable *executable;
    HOST_OK(pjh_compile(client, code.data, code.len, NULL, &executable));
    pjh_executable_destroy(executable);
    assert_string_equal(handed + 5, cases[i].handed);
  }
  pj_strbuf_free(&code);
  // An operation that the version does not have.
  code = artifact("func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                  "  %y = stablehlo.tan %x : tensor<4xf32>\n  return %y : tensor<4xf32>\n}\n");
  stated[0] = 1, stated[1] = 3, stated[2] = 0, states = true;
  PjhExecutable *executable;
  HOST_FAILS_HINT(pjh_compile(client, code.data, code.len, NULL, &executable), INVALID_ARGUMENT,
                  "StableHLO 1.20.0, the plugin reads up to 1.3.0", "upgrade the plugin");
  // Text has no version: it goes as it is.
  HOST_OK(pjh_compile(client, host_add_one, strlen(host_add_one), NULL, &executable));
  assert_memory_equal(handed, host_add_one, 20);
  pjh_executable_destroy(executable);
  // What is cut off is the plugin's to refuse, where it is not to be rewritten; else it is told as
  // damage, and not as a version.
  states = false;
  for (size_t n = 0; n < 40; n++)
    HOST_FAILS(pjh_compile(client, code.data, n, NULL, &executable), INVALID_ARGUMENT, "");
  states = true;
  HOST_FAILS(pjh_compile(client, code.data, code.len / 2, NULL, &executable), INVALID_ARGUMENT,
             "does not fit into");
  pj_strbuf_free(&code);
  pjh_client_destroy(client);
}

// --- Finding -------------------------------------------------------------------------------------

static char root[] = "/tmp/pjrt-find-XXXXXX";

static const char *in_root(const char *name) {
  static char path[4][512];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof *path, "%s/%s", root, name);
  return path[turn];
}

// Writes |text| to a file of root, making its folders.
static void put(const char *name, const char *text) {
  char path[512];
  snprintf(path, sizeof path, "%s", in_root(name));
  for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
    *at = 0;
    mkdir(path, 0777);
    *at = '/';
  }
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void put_plugin(const char *name) {
  put(name, "");
  assert_int_equal(unlink(in_root(name)), 0);
  // The same file counts once, so each is a copy.
  char command[2048];
  snprintf(command, sizeof command, "cp %s %s", PJ_BINARY_DIR "/pjrt_plugin_broken.so",
           in_root(name));
  assert_int_equal(system(command), 0);
}

static int make_root(void **state) {
  if (host_setup(state) != 0 || !mkdtemp(root))
    return -1;
  unsetenv("PJRT_PLUGIN_PATH");
  unsetenv("PJRT_NAMES_AND_LIBRARY_PATHS");
  return 0;
}

static int remove_root(void **state) {
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", root);
  return system(command) == 0 ? host_teardown(state) : -1;
}

static const PjhFound *expect_found(const PjhFoundList *list, const char *name, const char *path,
                                    bool usable, const char *reason) {
  for (size_t i = 0; i < pjh_found_count(list); i++) {
    const PjhFound *found = pjh_found_get(list, i);
    if (strcmp(found->name, name) == 0 && strcmp(found->path, path) == 0 &&
        found->usable == usable && strstr(found->reason, reason))
      return found;
  }
  for (size_t i = 0; i < pjh_found_count(list); i++) {
    const PjhFound *found = pjh_found_get(list, i);
    print_error("%s (%s) from %s: %d, %s\n", found->name, found->path, found->source, found->usable,
                found->reason);
  }
  fail_msg("%s (%s), \"%s\", was not found so", name, path, reason);
  return NULL;
}

static void files_and_folders_are_searched(void **state) {
  (void)state;
  put_plugin("a/pjrt_plugin_one.so");
  put_plugin("a/libtwo.so.1");
  put("a/pjrt_plugin_text.so", "no library");
  put("a/readme.txt", "nothing");
  mkdir(in_root("empty"), 0777);
  char path[2048], pairs[1024];
  snprintf(path, sizeof path, "%s:%s::%s:%s:%s", in_root("a"), in_root("empty"),
           in_root("missing.so"), PJ_BINARY_DIR "/libpjrt.so", in_root("a/pjrt_plugin_one.so"));
  snprintf(pairs, sizeof pairs, "three:%s,four:%s,five", CPU_PLUGIN, in_root("x.json"));
  setenv("PJRT_PLUGIN_PATH", path, 1);
  setenv("PJRT_NAMES_AND_LIBRARY_PATHS", pairs, 1);
  PjhFoundList *list;
  HOST_OK(pjh_plugins_find(NULL, &list));
  const PjhFound *one =
      expect_found(list, "one", in_root("a/pjrt_plugin_one.so"), true, "exports GetPjrtApi");
  assert_string_equal(one->source, "PJRT_PLUGIN_PATH");
  expect_found(list, "two", in_root("a/libtwo.so.1"), true, "");
  expect_found(list, "text", in_root("a/pjrt_plugin_text.so"), false, "no ELF file");
  expect_found(list, "empty", in_root("empty"), false, "has no plugin");
  expect_found(list, "missing", in_root("missing.so"), false, "cannot be read: No such file");
  expect_found(list, "pjrt", PJ_BINARY_DIR "/libpjrt.so", false, "does not export GetPjrtApi");
  expect_found(list, "three", CPU_PLUGIN, true, "");
  expect_found(list, "four", in_root("x.json"), false, "JSON");
  expect_found(list, "five", "", false, "NAME:FILE");
  assert_null(pjh_found_get(list, pjh_found_count(list)));
  pjh_found_free(list);

  // Opened, they tell their version.
  const PjhFindOptions opened = {.open = true, .path = CPU_PLUGIN};
  HOST_OK(pjh_plugins_find(&opened, &list));
  assert_string_equal(expect_found(list, "cpu", CPU_PLUGIN, true, "speaks PJRT 0.")->source,
                      "the given path");
  pjh_found_free(list);

  PjhPlugin *plugin;
  HOST_OK(pjh_plugin_load("three", &plugin));
  assert_ptr_equal(pjh_plugin_api(plugin), pjh_plugin_api(host_plugin));
  pjh_plugin_destroy(plugin);
  HOST_FAILS_HINT(pjh_plugin_load("nothing", &plugin), NOT_FOUND,
                  "no usable plugin is called \"nothing\"; found: two (", "PJRT_PLUGIN_PATH");
  assert_null(plugin);
  HOST_FAILS(pjh_plugin_load("text", &plugin), NOT_FOUND, "no ELF file");
  unsetenv("PJRT_PLUGIN_PATH");
  unsetenv("PJRT_NAMES_AND_LIBRARY_PATHS");
}

// Headers of libraries, whose every offset may be wrong.
static void damaged_libraries_are_told(void **state) {
  (void)state;
  FILE *file = fopen(PJ_BINARY_DIR "/pjrt_plugin_broken.so", "rb");
  assert_non_null(file);
  static unsigned char bytes[1 << 20];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  assert_true(feof(file));
  fclose(file);
  char reason[PJH_REASON_MAX], path[512];
  snprintf(path, sizeof path, "%s", in_root("damaged.so"));
  const size_t cuts[] = {0, 3, 60, 64, size / 2, size - 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts + 64; i++) {
    bool cut = i < sizeof cuts / sizeof *cuts;
    size_t at = cut ? 0 : i - sizeof cuts / sizeof *cuts;
    bytes[at] ^= cut ? 0 : 0xFF;
    file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(bytes, 1, cut ? cuts[i] : size, file);
    fclose(file);
    bytes[at] ^= cut ? 0 : 0xFF;
    bool usable = pjh__elf_is_plugin(path, reason);
    assert_true(*reason);
    if (cut)
      assert_false(usable);
  }
  assert_false(pjh__elf_is_plugin(root, reason)); // a folder
}

static void python_environments_are_searched(void **state) {
  (void)state;
  // A package in the namespace, one with an entry point whose library lies in another package, one
  // without a library, and one that is installed elsewhere.
  put_plugin("env/lib/python3.11/site-packages/jax_plugins/first/first_plugin.so");
  put("env/lib/python3.11/site-packages/jax_plugins/first/__init__.py", "");
  put("env/lib/python3.11/site-packages/jax_plugins/bare/__init__.py", "");
  put_plugin("env/lib/python3.11/site-packages/vendor/lib/libvendor.so");
  put("env/lib/python3.11/site-packages/jax_plugins/second/__init__.py", "");
  put("env/lib/python3.11/site-packages/second-1.0.dist-info/entry_points.txt",
      "[console_scripts]\nfirst = x:y\n\n[jax_plugins]\n# a comment\nsecond = jax_plugins.second\n"
      "third = elsewhere.plugin:start [extra]\nno equals sign\n");
  put("env/lib/python3.11/site-packages/second-1.0.dist-info/RECORD",
      "jax_plugins/second/__init__.py,sha256=x,0\nvendor/lib/libvendor.so,sha256=x,1\n");
  put_plugin("env/lib/python3.11/site-packages/libtpu/libtpu.so");
  put("env/bin/python", "");
  const char *const ways[] = {"env", "env/", "env/bin/python", "env/lib/python3.11/site-packages",
                              "target"};
  assert_int_equal(symlink("env/lib/python3.11/site-packages", in_root("target")), 0);
  for (size_t i = 0; i < 5; i++) {
    PjhFoundList *list;
    char python[512];
    snprintf(python, sizeof python, "%s", in_root(ways[i]));
    const PjhFindOptions options = {.python = python};
    HOST_OK(pjh_plugins_find(&options, &list));
    const char *site = i == 4 ? "target" : "env/lib/python3.11/site-packages";
    char path[600];
    snprintf(path, sizeof path, "%s/%s", in_root(site), "jax_plugins/first/first_plugin.so");
    expect_found(list, "first", path, true, "GetPjrtApi");
    snprintf(path, sizeof path, "%s/%s", in_root(site), "vendor/lib/libvendor.so");
    assert_non_null(strstr(expect_found(list, "second", path, true, "")->source, "entry point"));
    snprintf(path, sizeof path, "%s/%s", in_root(site), "libtpu/libtpu.so");
    expect_found(list, "tpu", path, true, "");
    expect_found(list, "bare", "", false, "no library");
    pjh_found_free(list);
  }
  PjhFoundList *list;
  HOST_OK(pjh_plugins_find(&(PjhFindOptions){.python = in_root("a-nothing")}, &list));
  expect_found(list, "", "", false, "No such file");
  pjh_found_free(list);
  HOST_OK(pjh_plugins_find(&(PjhFindOptions){.python = in_root("empty")}, &list));
  expect_found(list, "", "", false, "no Python environment");
  pjh_found_free(list);
}

// --- Refused versions ----------------------------------------------------------------------------

static void other_versions_are_refused_in_one_sentence(void **state) {
  (void)state;
  // A library per version, made by the C compiler: GetPjrtApi gives a table of nothing else.
  const struct {
    const char *source, *message, *hint;
  } cases[] = {
      {"struct {long a[2]; long b[2]; int major, minor; void *f[3];} t = {{64}, {24}, 0, 28};",
       "speaks PJRT 0.28", "upgrade the plugin"},
      {"struct {long a[2]; long b[2]; int major, minor; void *f[3];} t = {{64}, {24}, 0, 56};",
       "but for 0.56", "upgrade the plugin"},
      {"struct {long a[2]; long b[2]; int major, minor; void *f[3];} t = {{64}, {24}, 1, 0};",
       "speaks PJRT 1.0", "upgrade libpjrt"},
      {"struct {long a[2]; long b[2]; int major, minor; void *f[3];} t = {{64}, {24}, 0, 60};",
       "no error functions", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512], command[1400], name[32];
    snprintf(text, sizeof text, "%s void *GetPjrtApi(void) { return &t; }", cases[i].source);
    snprintf(name, sizeof name, "version%zu.so", i);
    put("version.c", text);
    snprintf(command, sizeof command, "cc -shared -fPIC -o %s %s", in_root(name),
             in_root("version.c"));
    assert_int_equal(system(command), 0);
    PjhPlugin *plugin;
    HOST_FAILS_HINT(pjh_plugin_load(in_root(name), &plugin), FAILED_PRECONDITION, cases[i].message,
                    cases[i].hint);
    assert_null(plugin);
    PjhFoundList *list;
    HOST_OK(pjh_plugins_find(&(PjhFindOptions){.path = in_root(name), .open = true}, &list));
    assert_false(pjh_found_get(list, 0)->usable);
    assert_non_null(strstr(pjh_found_get(list, 0)->reason, cases[i].message));
    pjh_found_free(list);
  }
  PjhPlugin *plugin;
  HOST_FAILS_HINT(pjh_plugin_load(in_root("missing.so"), &plugin), NOT_FOUND, "missing.so",
                  "check the path");
  HOST_FAILS_HINT(pjh_plugin_load(in_root("version.c"), &plugin), NOT_FOUND, "version.c",
                  "no ELF file");
  // A plugin that needs another library, which then goes away.
  put("needed.c", "int needed = 1;");
  put("version.c", "extern int needed; int *GetPjrtApi(void) { return &needed; }");
  char command[4096];
  snprintf(command, sizeof command,
           "cd %s && cc -shared -fPIC -o libneeded.so needed.c && cc "
           "-shared -fPIC -o needs.so version.c -L. -lneeded && rm libneeded.so",
           root);
  assert_int_equal(system(command), 0);
  HOST_FAILS_HINT(pjh_plugin_load(in_root("needs.so"), &plugin), NOT_FOUND, "libneeded.so",
                  "LD_LIBRARY_PATH");
  HOST_FAILS(pjh_plugin_load(PJ_BINARY_DIR "/libpjrt.so", &plugin), NOT_FOUND, "no GetPjrtApi");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plugins_of_every_version_work),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(an_absent_device_has_a_hint),
      cmocka_unit_test(newer_programs_are_written_anew),
      cmocka_unit_test(files_and_folders_are_searched),
      cmocka_unit_test(damaged_libraries_are_told),
      cmocka_unit_test(python_environments_are_searched),
      cmocka_unit_test(other_versions_are_refused_in_one_sentence),
  };
  return cmocka_run_group_tests(tests, make_root, remove_root);
}
