// `pjrt check`: arguments, and the order of things.
#include "command.h"

#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "kit.h"

enum { MAX_FILTERS = 64 };

typedef struct Arguments {
  const char *plugin, *profile, *junit, *html, *one, *topology;
  const char *filters[MAX_FILTERS];
  size_t num_filters;
  char *option_texts[2 * PJ_CTS_MAX_OPTIONS];
  bool option_several[2 * PJ_CTS_MAX_OPTIONS];
  size_t num_option_texts;
  PjCtsOptions options, several;
  bool list, json, quiet;
  int jobs, report;
  double limit;
} Arguments;

static bool wrong(const char *format, const char *what) {
  fprintf(stderr, "pjrt check: ");
  fprintf(stderr, format, what);
  fprintf(stderr, "\n`pjrt check --help` lists the options.\n");
  return false;
}

static bool take_number(const char *name, const char *text, double least, double most,
                        double *out) {
  char *end;
  *out = strtod(text, &end);
  if (!*text || *end || !(*out >= least && *out <= most)) {
    fprintf(stderr, "pjrt check: %s %s: a number from %g to %g is expected\n", name, text, least,
            most);
    return false;
  }
  return true;
}

static bool take_value(Arguments *args, const char *name, char *value) {
  double number;
  if (strcmp(name, "--filter") == 0) {
    if (args->num_filters == MAX_FILTERS)
      return wrong("too many filters: %s", value);
    args->filters[args->num_filters++] = value;
  } else if (strcmp(name, "--jobs") == 0) {
    if (!take_number(name, value, 1, 256, &number))
      return false;
    args->jobs = (int)number;
  } else if (strcmp(name, "--report") == 0) {
    if (!take_number(name, value, 0, 1e6, &number))
      return false;
    args->report = (int)number;
  } else if (strcmp(name, "--limit") == 0) {
    return take_number(name, value, 0.1, 86400, &args->limit);
  } else if (strcmp(name, "--profile") == 0) {
    args->profile = value;
  } else if (strcmp(name, "--option") == 0 || strcmp(name, "--several") == 0) {
    bool several = strcmp(name, "--several") == 0;
    if (!pj_cts_option(several ? &args->several : &args->options, value))
      return wrong("%s: expected NAME=VALUE, at most 32 of them", value);
    args->option_several[args->num_option_texts] = several;
    args->option_texts[args->num_option_texts++] = value;
  } else if (strcmp(name, "--topology") == 0) {
    args->topology = value;
  } else if (strcmp(name, "--junit") == 0) {
    args->junit = value;
  } else if (strcmp(name, "--html") == 0) {
    args->html = value;
  } else {
    args->one = value;
  }
  return true;
}

static bool parse(int argc, char **argv, Arguments *out) {
  static const char *const with_value[] = {"--filter", "--jobs",    "--limit",   "--profile",
                                           "--option", "--several", "--junit",   "--html",
                                           "--one",    "--report",  "--topology"};
  *out = (Arguments){.limit = 60, .report = -1};
  for (int i = 0; i < argc; i++) {
    const char *name = argv[i];
    bool value = false;
    for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++)
      value |= strcmp(name, with_value[k]) == 0;
    if (value) {
      if (i + 1 == argc)
        return wrong("%s needs a value", name);
      if (!take_value(out, name, argv[++i]))
        return false;
    } else if (strcmp(name, "--list") == 0) {
      out->list = true;
    } else if (strcmp(name, "--json") == 0) {
      out->json = true;
    } else if (strcmp(name, "--quiet") == 0) {
      out->quiet = true;
    } else if (*name == '-' && name[1]) {
      return wrong("unknown option '%s'", name);
    } else if (out->plugin) {
      return wrong("one plugin at a time; what is '%s'?", name);
    } else {
      out->plugin = name;
    }
  }
  if (!out->plugin && !out->list)
    return wrong("which plugin?%s", "");
  return true;
}

static bool matches(const Arguments *args, const char *test) {
  bool positive = false, found = false;
  for (size_t i = 0; i < args->num_filters; i++) {
    const char *filter = args->filters[i];
    if (*filter == '!') {
      if (fnmatch(filter + 1, test, 0) == 0)
        return false;
      continue;
    }
    positive = true;
    found |= fnmatch(filter, test, 0) == 0;
  }
  return found || !positive;
}

// Loads the plugin in a process that may crash, and reads its version. Returns an exit status.
static int examine(const char *path, int *major, int *minor) {
  if (access(path, R_OK) != 0) {
    fprintf(stderr, "pjrt check: %s: %s\n", path, strerror(errno));
    return PJ_CTS_EXIT_NO_PLUGIN;
  }
  int pipe_ends[2], version[2] = {-1, -1}, status = 0;
  if (pipe(pipe_ends) != 0) {
    perror("pjrt check: pipe");
    return PJ_CTS_EXIT_NO_PLUGIN;
  }
  pid_t child = fork();
  if (child == 0) {
    alarm(300); // a library may hang while it is loaded
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    PJRT_GetPjrtApi *get = NULL;
    if (!library)
      fprintf(stderr, "pjrt check: not a loadable library: %s\n", dlerror());
    else if (!(*(void **)&get = dlsym(library, "GetPjrtApi")))
      fprintf(stderr, "pjrt check: %s is no PJRT plugin: it has no function GetPjrtApi\n", path);
    if (!get)
      _exit(PJ_CTS_EXIT_NO_PLUGIN);
    const PJRT_Api *api = get();
    if (!api || api->struct_size < offsetof(PJRT_Api, PJRT_Error_Destroy)) {
      fprintf(stderr, "pjrt check: GetPjrtApi of %s returns no table\n", path);
      _exit(PJ_CTS_EXIT_NO_PLUGIN);
    }
    version[0] = api->pjrt_api_version.major_version;
    version[1] = api->pjrt_api_version.minor_version;
    _exit(write(pipe_ends[1], version, sizeof version) != sizeof version);
  }
  close(pipe_ends[1]);
  bool told = child > 0 && read(pipe_ends[0], version, sizeof version) == sizeof version;
  close(pipe_ends[0]);
  if (child > 0)
    waitpid(child, &status, 0);
  if (!told) {
    if (child > 0 && WIFSIGNALED(status))
      fprintf(stderr, "pjrt check: loading %s ends in: %s\n", path, strsignal(WTERMSIG(status)));
    return PJ_CTS_EXIT_NO_PLUGIN;
  }
  *major = version[0];
  *minor = version[1];
  return PJ_CTS_EXIT_PASSED;
}

static bool write_file(const char *path, const PjCtsRun *run,
                       void (*report)(const PjCtsRun *, FILE *)) {
  FILE *file = fopen(path, "w");
  if (file) {
    report(run, file);
    bool bad = ferror(file) != 0;
    if (fclose(file) == 0 && !bad)
      return true;
  }
  fprintf(stderr, "pjrt check: %s: %s\n", path, strerror(errno));
  return false;
}

static int run_all(const Arguments *args, const PjCtsTest *const *chosen, size_t count,
                   size_t listed, PjCtsProfile *profile) {
  // Before anything is tried: whether the reports can be written.
  const char *files[] = {args->junit, args->html};
  for (int i = 0; i < 2; i++) {
    FILE *file = files[i] ? fopen(files[i], "w") : NULL;
    if (files[i] && !file) {
      fprintf(stderr, "pjrt check: %s: %s\n", files[i], strerror(errno));
      return PJ_CTS_EXIT_USAGE;
    }
    if (file)
      fclose(file);
  }
  // dlopen searches for names without a slash elsewhere.
  char *path = realpath(args->plugin, NULL);
  PjCtsRun run = {.plugin = path ? path : args->plugin, .count = count, .num_listed = listed};
  int status = examine(run.plugin, &run.major, &run.minor);
  if (status)
    return status;
  int jobs = args->jobs ? args->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
  char *texts[4 * PJ_CTS_MAX_OPTIONS + 2];
  size_t num_texts = 0;
  if (args->topology) {
    texts[num_texts++] = "--topology";
    texts[num_texts++] = (char *)args->topology;
  }
  PjCtsProfile merged = profile ? *profile : (PjCtsProfile){0};
  for (size_t i = 0; i < args->num_option_texts; i++) {
    texts[num_texts++] = args->option_several[i] ? "--several" : "--option";
    texts[num_texts++] = args->option_texts[i];
  }
  for (size_t i = 0; i < merged.num_option_texts && num_texts < 4 * PJ_CTS_MAX_OPTIONS; i++) {
    texts[num_texts++] = merged.option_several[i] ? "--several" : "--option";
    texts[num_texts++] = merged.option_texts[i];
  }
  pj_cts_run(&run, chosen, profile, texts, num_texts, jobs < 1 ? 1 : jobs, args->limit,
             !args->quiet);
  if (args->json)
    pj_cts_report_json(&run, stdout);
  else
    pj_cts_report_table(&run, stdout);
  for (size_t i = 0; profile && i < profile->count; i++)
    if (!profile->declarations[i].used)
      fprintf(stderr, "pjrt check: the profile's pattern '%s' matches none of the tests that ran\n",
              profile->declarations[i].pattern);
  bool written = (!args->junit || write_file(args->junit, &run, pj_cts_report_junit)) &&
                 (!args->html || write_file(args->html, &run, pj_cts_report_html));
  if (!written)
    return PJ_CTS_EXIT_USAGE;
  for (size_t i = 0; i < run.count; i++)
    if (pj_cts_failed(run.results[i].verdict))
      return PJ_CTS_EXIT_FAILED;
  return PJ_CTS_EXIT_PASSED;
}

int pj_cts_command(int argc, char **argv) {
  Arguments args;
  PjCtsProfile profile = {0};
  if (!parse(argc, argv, &args))
    return PJ_CTS_EXIT_USAGE;
  if (args.profile && !pj_cts_profile_read(args.profile, &profile))
    return PJ_CTS_EXIT_USAGE;
  if (args.one) {
    for (size_t i = 0; i < profile.options.count && args.options.count < PJ_CTS_MAX_OPTIONS; i++)
      args.options.values[args.options.count++] = profile.options.values[i];
    for (size_t i = 0; i < profile.several.count && args.several.count < PJ_CTS_MAX_OPTIONS; i++)
      args.several.values[args.several.count++] = profile.several.values[i];
    pj_topology = args.topology;
    pj_options = args.options.values;
    pj_num_options = args.options.count;
    pj_several_options = args.several.values;
    pj_num_several_options = args.several.count;
    return pj_cts_run_one(args.plugin, args.one, args.report);
  }
  size_t listed, count = 0;
  const PjCtsTest *tests = pj_cts_tests(&listed);
  const PjCtsTest **chosen = calloc(listed, sizeof *chosen);
  if (!chosen) {
    perror("pjrt check");
    return PJ_CTS_EXIT_USAGE;
  }
  for (size_t i = 0; i < listed; i++)
    if (matches(&args, tests[i].name))
      chosen[count++] = &tests[i];
  if (!count) {
    fprintf(stderr, "pjrt check: no test matches the filters; --list shows the names\n");
    return PJ_CTS_EXIT_USAGE;
  }
  if (args.list) {
    for (size_t i = 0; i < count; i++)
      printf("%-44s %s\n", chosen[i]->name, chosen[i]->promise);
    return PJ_CTS_EXIT_PASSED;
  }
  return run_all(&args, chosen, count, listed, args.profile ? &profile : NULL);
}
