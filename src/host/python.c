// The jax_plugins of a Python environment, found without Python: packages in the namespace package
// jax_plugins, and entry points of that group, whose libraries are told by the distribution's
// RECORD.
#include "host/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
  MAX_TEXT = 16 << 20, // of a metadata file
  MODULE_DEPTH = 3     // folders below a module in which its library may lie
};

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

// FOLDER/NAME; null without memory. Free it.
static char *join(PjhFinder *finder, const char *folder, const char *name) {
  PjStrBuf path = {0};
  pj_strbuf_printf(&path, "%s/%s", folder, name);
  if (!path.failed)
    return path.data;
  finder->failed = true;
  pj_strbuf_free(&path);
  return NULL;
}

// A metadata file's text, or null: not there, no such file, no memory. Free it.
static char *read_text(PjhFinder *finder, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  PjStrBuf text = {0};
  char part[4096];
  size_t n;
  while (text.len < MAX_TEXT && !text.failed && (n = fread(part, 1, sizeof part, file)) > 0)
    pj_strbuf_append(&text, part, n);
  fclose(file);
  if (!text.failed && text.data)
    return text.data;
  finder->failed = finder->failed || text.failed;
  pj_strbuf_free(&text);
  return NULL;
}

// The next line of |*at|, without blanks around it; false at the end.
static bool next_line(const char **at, PjStr *out) {
  if (!**at)
    return false;
  size_t n = strcspn(*at, "\n");
  PjStr line = {*at, n};
  *at += n + ((*at)[n] != 0);
  while (line.len && strchr(" \t\r", line.ptr[0]))
    line.ptr++, line.len--;
  while (line.len && strchr(" \t\r", line.ptr[line.len - 1]))
    line.len--;
  *out = line;
  return true;
}

// --- One package ---------------------------------------------------------------------------------

// Adds the libraries that the distribution's RECORD lists; returns how many.
static size_t find_in_record(PjhFinder *finder, const char *site, const char *info,
                             const char *name, const char *source) {
  size_t before = finder->count;
  char *path = join(finder, info, "RECORD");
  char *text = path ? read_text(finder, path) : NULL;
  const char *at = text ? text : "";
  PjStr line;
  while (!finder->failed && next_line(&at, &line)) {
    const char *comma = memchr(line.ptr, ',', line.len); // path,hash,size
    size_t n = comma ? (size_t)(comma - line.ptr) : line.len;
    if (n < 4 || memcmp(line.ptr + n - 3, ".so", 3) != 0)
      continue;
    char reason[PJH_REASON_MAX];
    PjStrBuf file = {0};
    pj_strbuf_printf(&file, "%s/", site);
    pj_strbuf_append(&file, line.ptr, n);
    finder->failed = finder->failed || file.failed;
    if (!finder->failed && pjh__elf_is_plugin(file.data, reason))
      pjh__found_file(finder, name, file.data, source);
    pj_strbuf_free(&file);
  }
  pj_free(text);
  pj_free(path);
  return finder->count - before;
}

// One entry point: NAME = MODULE, or MODULE:OBJECT.
static void find_entry(PjhFinder *finder, const char *site, const char *info, PjStr line) {
  const char *equals = memchr(line.ptr, '=', line.len);
  if (!equals)
    return;
  PjStr name = {line.ptr, (size_t)(equals - line.ptr)};
  PjStr module = {equals + 1, line.len - name.len - 1};
  while (name.len && strchr(" \t", name.ptr[name.len - 1]))
    name.len--;
  while (module.len && strchr(" \t", module.ptr[0]))
    module.ptr++, module.len--;
  size_t length = 0;
  while (length < module.len && !strchr(":[ \t", module.ptr[length]))
    length++;
  module.len = length;

  PjStrBuf title = {0}, source = {0}, folder = {0};
  pj_strbuf_str(&title, name);
  pj_strbuf_printf(&source, "the entry point %.*s in %s", PJ_STR_ARG(name), info);
  pj_strbuf_printf(&folder, "%s/", site);
  for (size_t i = 0; i < module.len; i++)
    pj_strbuf_putc(&folder, module.ptr[i] == '.' ? '/' : module.ptr[i]);
  finder->failed = finder->failed || title.failed || source.failed || folder.failed;
  if (!finder->failed) {
    size_t added = 0;
    if (is_folder(folder.data))
      added = pjh__find_in_folder(finder, title.data, folder.data, MODULE_DEPTH, source.data);
    if (!added)
      added = find_in_record(finder, site, info, title.data, source.data);
    if (!added && !finder->failed)
      pjh__found_nothing(
          finder, title.data, source.data,
          is_folder(folder.data)
              ? "its package has no library that exports GetPjrtApi"
              : "its package is not in this environment (an editable installation?)");
  }
  pj_strbuf_free(&title);
  pj_strbuf_free(&source);
  pj_strbuf_free(&folder);
}

// The group jax_plugins of one distribution's entry points.
static void find_entries(PjhFinder *finder, const char *site, const char *info) {
  char *path = join(finder, info, "entry_points.txt");
  char *text = path ? read_text(finder, path) : NULL;
  const char *at = text ? text : "";
  bool ours = false;
  PjStr line;
  while (!finder->failed && next_line(&at, &line)) {
    if (line.len && line.ptr[0] == '[')
      ours = pj_str_is(line, "[jax_plugins]");
    else if (ours && line.len && line.ptr[0] != '#')
      find_entry(finder, site, info, line);
  }
  pj_free(text);
  pj_free(path);
}

static bool known_name(const PjhFinder *finder, const char *name) {
  for (size_t i = 0; i < finder->count; i++)
    if (strcmp(finder->found[i].name, name) == 0)
      return true;
  return false;
}

// --- The environment -----------------------------------------------------------------------------

// Calls |use| for each entry of |folder| that is a folder itself.
static void each_folder(PjhFinder *finder, const char *folder,
                        void (*use)(PjhFinder *, const char *folder, const char *name)) {
  DIR *dir = opendir(folder);
  if (!dir)
    return;
  struct dirent *entry;
  while (!finder->failed && (entry = readdir(dir))) {
    char *path = entry->d_name[0] == '.' ? NULL : join(finder, folder, entry->d_name);
    if (path && is_folder(path))
      use(finder, folder, entry->d_name);
    pj_free(path);
  }
  closedir(dir);
}

static void use_distribution(PjhFinder *finder, const char *site, const char *name) {
  static const char ending[] = ".dist-info";
  size_t n = strlen(name);
  if (n <= sizeof ending - 1 || strcmp(name + n - (sizeof ending - 1), ending) != 0)
    return;
  char *info = join(finder, site, name);
  if (info)
    find_entries(finder, site, info);
  pj_free(info);
}

// A package in jax_plugins; those with an entry point are listed already.
static void use_package(PjhFinder *finder, const char *plugins, const char *name) {
  if (strncmp(name, "__", 2) == 0 || known_name(finder, name))
    return;
  char *folder = join(finder, plugins, name);
  PjStrBuf source = {0};
  pj_strbuf_printf(&source, "the package jax_plugins.%s", name);
  finder->failed = finder->failed || source.failed;
  if (!finder->failed && !pjh__find_in_folder(finder, name, folder, MODULE_DEPTH, source.data) &&
      !finder->failed)
    pjh__found_nothing(finder, name, source.data, "it has no library that exports GetPjrtApi");
  pj_strbuf_free(&source);
  pj_free(folder);
}

static void find_in_site(PjhFinder *finder, const char *site) {
  each_folder(finder, site, use_distribution);
  char *plugins = join(finder, site, "jax_plugins");
  if (plugins)
    each_folder(finder, plugins, use_package);
  pj_free(plugins);
  // JAX looks for this one by itself.
  char *tpu = join(finder, site, "libtpu/libtpu.so");
  struct stat info;
  if (tpu && stat(tpu, &info) == 0)
    pjh__found_file(finder, "tpu", tpu, "the package libtpu");
  pj_free(tpu);
}

// A folder pythonX.Y of an environment's lib.
static void use_version(PjhFinder *finder, const char *lib, const char *name) {
  if (strncmp(name, "python", 6) != 0)
    return;
  static const char *const sites[] = {"site-packages", "dist-packages"};
  char *version = join(finder, lib, name);
  for (size_t i = 0; version && i < 2; i++) {
    char *site = join(finder, version, sites[i]);
    if (site && is_folder(site))
      find_in_site(finder, site);
    pj_free(site);
  }
  pj_free(version);
}

void pjh__find_in_python(PjhFinder *finder, const char *python) {
  char *root = pjh__copy_string(python, strlen(python));
  finder->failed = finder->failed || !root;
  if (finder->failed) {
    pj_free(root);
    return;
  }
  while (strlen(root) > 1 && root[strlen(root) - 1] == '/')
    root[strlen(root) - 1] = 0;
  struct stat info;
  if (stat(root, &info) != 0) {
    pjh__found_nothing(finder, "", root, strerror(errno));
    pj_free(root);
    return;
  }
  // ENV/bin/python: a link to an interpreter elsewhere is not followed, it stands for ENV.
  for (int up = 0; !S_ISDIR(info.st_mode) && up < 2; up++) {
    char *slash = strrchr(root, '/');
    if (slash)
      *slash = 0;
  }
  const char *last = strrchr(root, '/');
  last = last ? last + 1 : root;
  if (strcmp(last, "site-packages") == 0 || strcmp(last, "dist-packages") == 0) {
    find_in_site(finder, root);
  } else {
    size_t before = finder->count;
    bool any = false;
    static const char *const libs[] = {"lib", "lib64"};
    for (size_t i = 0; i < 2; i++) {
      char *lib = join(finder, root, libs[i]);
      struct stat link;
      // lib64 is mostly a link to lib.
      if (lib && is_folder(lib) && (i == 0 || (lstat(lib, &link) == 0 && !S_ISLNK(link.st_mode)))) {
        each_folder(finder, lib, use_version);
        any = true;
      }
      pj_free(lib);
    }
    if (!any)
      find_in_site(finder, root); // what `pip install --target` fills
    if (!any && finder->count == before)
      pjh__found_nothing(finder, "", root,
                         "it is no Python environment: it has no lib/pythonX.Y and no packages");
  }
  pj_free(root);
}
