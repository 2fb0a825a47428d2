// Finding plugins: in files and folders that are named, in what JAX reads, and beside this library.
#include "host/find.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct PjhFoundList {
  PjhFinder finder;
};

// --- The list ------------------------------------------------------------------------------------

static char *text_copy(const char *text) {
  return pjh__copy_string(text, strlen(text));
}

static void clear(PjhFound *found) {
  pj_free((char *)(uintptr_t)found->name);
  pj_free((char *)(uintptr_t)found->path);
  pj_free((char *)(uintptr_t)found->source);
  pj_free((char *)(uintptr_t)found->reason);
}

static void add(PjhFinder *finder, const char *name, const char *path, const char *source,
                bool usable, const char *reason) {
  if (finder->failed)
    return;
  if (finder->count == finder->capacity) {
    size_t capacity = finder->capacity ? 2 * finder->capacity : 8;
    PjhFound *grown = pj_realloc(finder->found, capacity * sizeof *grown);
    if (!grown) {
      finder->failed = true;
      return;
    }
    finder->found = grown;
    finder->capacity = capacity;
  }
  PjhFound found = {text_copy(name), text_copy(path), text_copy(source), usable, text_copy(reason)};
  if (found.name && found.path && found.source && found.reason) {
    finder->found[finder->count++] = found;
    return;
  }
  clear(&found);
  finder->failed = true;
}

void pjh__found_nothing(PjhFinder *finder, const char *name, const char *source,
                        const char *reason) {
  add(finder, name, "", source, false, reason);
}

// The name that a file's name says: "cpu" for pjrt_plugin_cpu.so, libcpu.so,
// pjrt_c_api_cpu_plugin.so.
static void name_of_file(const char *path, char *out, size_t room) {
  const char *slash = strrchr(path, '/');
  PjStr name = pj_str(slash ? slash + 1 : path);
  static const char *const heads[] = {"pjrt_plugin_", "pjrt_c_api_", "lib"};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    if (pj_str_starts(name, heads[i])) {
      name.ptr += strlen(heads[i]);
      name.len -= strlen(heads[i]);
      break;
    }
  }
  const char *end = memmem(name.ptr, name.len, ".so", 3);
  if (end)
    name.len = (size_t)(end - name.ptr);
  static const char tail[] = "_plugin";
  if (name.len > sizeof tail - 1 &&
      memcmp(name.ptr + name.len - (sizeof tail - 1), tail, sizeof tail - 1) == 0)
    name.len -= sizeof tail - 1;
  snprintf(out, room, "%.*s", PJ_STR_ARG(name));
}

void pjh__found_file(PjhFinder *finder, const char *name, const char *path, const char *source) {
  struct stat own, other;
  bool exists = stat(path, &own) == 0;
  for (size_t i = 0; i < finder->count; i++) {
    const char *listed = finder->found[i].path;
    if (strcmp(listed, path) == 0 || (exists && *listed && stat(listed, &other) == 0 &&
                                      own.st_dev == other.st_dev && own.st_ino == other.st_ino))
      return;
  }
  char said[256], reason[PJH_REASON_MAX];
  if (!name) {
    name_of_file(path, said, sizeof said);
    name = said;
  }
  bool usable = pjh__elf_is_plugin(path, reason);
  if (!usable || !finder->open) {
    add(finder, name, path, source, usable, reason);
    return;
  }
  const PJRT_Api *api;
  PjhError *error = pjh__plugin_open(path, &api);
  if (!error)
    snprintf(reason, sizeof reason, "it speaks PJRT %d.%d", api->pjrt_api_version.major_version,
             api->pjrt_api_version.minor_version);
  add(finder, name, path, source, !error, error ? pjh_error_message(error) : reason);
  pjh_error_free(error);
}

// --- Places --------------------------------------------------------------------------------------

static bool has_ending(const char *name, const char *ending) {
  size_t n = strlen(name), m = strlen(ending);
  return n > m && strcmp(name + n - m, ending) == 0;
}

// A library by its name: x.so, or x.so.1.2.
static bool is_library(const char *name) {
  return has_ending(name, ".so") || strstr(name, ".so.");
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

// The entries of a folder in the order of their names, so that what is found first does not depend
// on the file system. Free each and the list. Null: |reason| says why.
static char **list_folder(PjhFinder *finder, const char *folder, size_t *out_count,
                          char reason[PJH_REASON_MAX]) {
  *out_count = 0;
  DIR *dir = opendir(folder);
  if (!dir) {
    snprintf(reason, PJH_REASON_MAX, "the folder cannot be read: %s", strerror(errno));
    return NULL;
  }
  char **names = NULL;
  size_t count = 0, capacity = 0;
  struct dirent *entry;
  while (!finder->failed && (entry = readdir(dir))) {
    if (entry->d_name[0] == '.')
      continue;
    if (count == capacity) {
      capacity = capacity ? 2 * capacity : 32;
      char **grown = pj_realloc(names, capacity * sizeof *grown);
      finder->failed = !grown;
      if (finder->failed)
        break;
      names = grown;
    }
    names[count] = text_copy(entry->d_name);
    finder->failed = !names[count];
    count += !finder->failed;
  }
  closedir(dir);
  if (count)
    qsort(names, count, sizeof *names, by_name);
  *out_count = count;
  snprintf(reason, PJH_REASON_MAX, "the folder is empty");
  return names;
}

size_t pjh__find_in_folder(PjhFinder *finder, const char *name, const char *folder, int depth,
                           const char *source) {
  char reason[PJH_REASON_MAX];
  size_t count, before = finder->count;
  char **names = list_folder(finder, folder, &count, reason);
  for (size_t i = 0; i < count; i++) {
    PjStrBuf path = {0};
    pj_strbuf_printf(&path, "%s/%s", folder, names[i]);
    pj_free(names[i]);
    struct stat info;
    finder->failed = finder->failed || path.failed;
    if (!finder->failed && stat(path.data, &info) == 0) {
      const char *last = strrchr(path.data, '/') + 1;
      if (S_ISDIR(info.st_mode) && depth > 0)
        pjh__find_in_folder(finder, name, path.data, depth - 1, source);
      else if (S_ISREG(info.st_mode) && is_library(last) &&
               (strncmp(last, "pjrt_plugin_", 12) == 0 || pjh__elf_is_plugin(path.data, reason)))
        pjh__found_file(finder, name, path.data, source);
    }
    pj_strbuf_free(&path);
  }
  pj_free(names);
  return finder->count - before;
}

// A file or folder that somebody named.
static void find_in_place(PjhFinder *finder, const char *place, const char *source) {
  struct stat info;
  char reason[PJH_REASON_MAX], name[256];
  if (stat(place, &info) != 0 || !S_ISDIR(info.st_mode)) {
    pjh__found_file(finder, NULL, place, source);
    return;
  }
  size_t count;
  char **names = list_folder(finder, place, &count, reason);
  bool readable = names || strcmp(reason, "the folder is empty") == 0;
  for (size_t i = 0; i < count; i++)
    pj_free(names[i]);
  pj_free(names);
  if (pjh__find_in_folder(finder, NULL, place, 0, source) || finder->failed)
    return;
  name_of_file(place, name, sizeof name);
  add(finder, name, place, source, false, readable ? "the folder has no plugin" : reason);
}

// Calls for each part of |list| between |separator|s; empty parts are skipped.
static void each_part(PjhFinder *finder, const char *list, char separator, const char *source,
                      void (*use)(PjhFinder *, const char *, const char *)) {
  while (*list && !finder->failed) {
    size_t n = strcspn(list, (char[]){separator, 0});
    if (n) {
      char *part = pjh__copy_string(list, n);
      finder->failed = !part;
      if (part)
        use(finder, part, source);
      pj_free(part);
    }
    list += n + (list[n] != 0);
  }
}

// NAME:FILE, or NAME:FILE.json, which JAX also takes.
static void find_pair(PjhFinder *finder, const char *pair, const char *source) {
  const char *colon = strchr(pair, ':');
  if (!colon) {
    pjh__found_nothing(finder, pair, source, "it is no NAME:FILE");
    return;
  }
  char *name = pjh__copy_string(pair, (size_t)(colon - pair));
  finder->failed = finder->failed || !name;
  if (name && has_ending(colon + 1, ".json"))
    add(finder, name, colon + 1, source, false, "it is a JSON file, which only JAX reads");
  else if (name)
    pjh__found_file(finder, name, colon + 1, source);
  pj_free(name);
}

// Beside this library, as in a build folder, and in pjrt/ below, as installed.
static void find_beside(PjhFinder *finder) {
  Dl_info own;
  if (!dladdr((const void *)(uintptr_t)&pjh_plugins_find, &own) || !own.dli_fname)
    return;
  const char *slash = strrchr(own.dli_fname, '/');
  static const char *const below[] = {"", "/pjrt"};
  for (size_t i = 0; slash && i < 2; i++) {
    PjStrBuf folder = {0};
    pj_strbuf_append(&folder, own.dli_fname, (size_t)(slash - own.dli_fname));
    pj_strbuf_puts(&folder, below[i]);
    finder->failed = finder->failed || folder.failed;
    // Nobody named these folders, so only what is called a plugin counts.
    size_t count = 0;
    char reason[PJH_REASON_MAX];
    char **names = finder->failed ? NULL : list_folder(finder, folder.data, &count, reason);
    for (size_t k = 0; k < count; k++) {
      PjStrBuf path = {0};
      pj_strbuf_printf(&path, "%s/%s", folder.data, names[k]);
      finder->failed = finder->failed || path.failed;
      if (!finder->failed && strncmp(names[k], "pjrt_plugin_", 12) == 0 && is_library(names[k]))
        pjh__found_file(finder, NULL, path.data, "beside libpjrt");
      pj_strbuf_free(&path);
      pj_free(names[k]);
    }
    pj_free(names);
    pj_strbuf_free(&folder);
  }
}

PjhError *pjh_plugins_find(const PjhFindOptions *options, PjhFoundList **out) {
  static const PjhFindOptions defaults = {0};
  *out = NULL;
  options = options ? options : &defaults;
  PjhFoundList *list = pj_calloc(1, sizeof *list);
  if (!list)
    return pjh__out_of_memory();
  PjhFinder *finder = &list->finder;
  finder->open = options->open;
  const char *path = options->path ? options->path : getenv("PJRT_PLUGIN_PATH");
  const char *pairs = getenv("PJRT_NAMES_AND_LIBRARY_PATHS");
  if (path)
    each_part(finder, path, ':', options->path ? "the given path" : "PJRT_PLUGIN_PATH",
              find_in_place);
  if (pairs)
    each_part(finder, pairs, ',', "PJRT_NAMES_AND_LIBRARY_PATHS", find_pair);
  if (options->python)
    pjh__find_in_python(finder, options->python);
  find_beside(finder);
  if (finder->failed) {
    pjh_found_free(list);
    return pjh__out_of_memory();
  }
  *out = list;
  return NULL;
}

size_t pjh_found_count(const PjhFoundList *list) {
  return list->finder.count;
}

const PjhFound *pjh_found_get(const PjhFoundList *list, size_t index) {
  return index < list->finder.count ? &list->finder.found[index] : NULL;
}

void pjh_found_free(PjhFoundList *list) {
  if (!list)
    return;
  for (size_t i = 0; i < list->finder.count; i++)
    clear(&list->finder.found[i]);
  pj_free(list->finder.found);
  pj_free(list);
}

// --- Loading by name -----------------------------------------------------------------------------

// The error when none will do: what there is, and what is wrong with it.
static PjhError *none_usable(const char *name, const PjhFoundList *list, const PjStrBuf *tried) {
  PjStrBuf text = {0};
  for (size_t i = 0; i < list->finder.count; i++) {
    const PjhFound *found = &list->finder.found[i];
    pj_strbuf_printf(&text, "%s%s (%s%s%s)", i ? ", " : "", found->name, found->path,
                     found->usable ? "" : ": ", found->usable ? "" : found->reason);
  }
  PjhError *error = text.failed || tried->failed
                        ? pjh__out_of_memory()
                        : pjh__error(PJRT_Error_Code_NOT_FOUND,
                                     "no usable plugin is called \"%s\"%s%s; found: %s", name,
                                     tried->len ? ": " : "", tried->len ? tried->data : "",
                                     text.len ? text.data : "nothing");
  pj_strbuf_free(&text);
  return pjh__hint(error, "name its file, or add its folder to PJRT_PLUGIN_PATH");
}

PjhError *pjh_plugin_load_named(const char *name, const PjhFindOptions *options, PjhPlugin **out) {
  *out = NULL;
  PjhFoundList *list;
  PjhError *error = pjh_plugins_find(options, &list);
  if (error)
    return error;
  PjStrBuf tried = {0};
  for (size_t i = 0; i < list->finder.count && !*out; i++) {
    const PjhFound *found = &list->finder.found[i];
    // A path without a slash would be looked up elsewhere.
    if (!found->usable || strcmp(found->name, name) != 0)
      continue;
    PjStrBuf path = {0};
    pj_strbuf_printf(&path, "%s%s", strchr(found->path, '/') ? "" : "./", found->path);
    error = path.failed ? pjh__out_of_memory() : pjh_plugin_load(path.data, out);
    pj_strbuf_free(&path);
    if (error)
      pj_strbuf_printf(&tried, "%s%s", tried.len ? "; " : "", pjh_error_message(error));
    pjh_error_free(error);
  }
  error = *out ? NULL : none_usable(name, list, &tried);
  pj_strbuf_free(&tried);
  pjh_found_free(list);
  return error;
}
