// The parts of `pjrt check`: arguments, the profile, running, reporting.
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "record.h"
#include "tests.h"

// Exit statuses, as scripts may rely on them.
enum {
  PJ_CTS_EXIT_PASSED = 0,
  PJ_CTS_EXIT_FAILED = 1,
  PJ_CTS_EXIT_USAGE = 2,
  PJ_CTS_EXIT_NO_PLUGIN =
      3, // it cannot be loaded or is no PJRT plugin of a version that the kit knows
};

enum { PJ_CTS_MAX_OPTIONS = 32 };

typedef struct PjCtsOptions {
  PJRT_NamedValue values[PJ_CTS_MAX_OPTIONS];
  size_t count;
} PjCtsOptions;

// Appends NAME=VALUE: a number if it reads as one, a bool if true or false, else a string. |text|
// must live on. Returns false if it has no name or there are too many.
bool pj_cts_option(PjCtsOptions *options, const char *text);

// What the plugin's author says that it does not do. See doc/conformance.md.
typedef struct PjCtsDeclaration {
  char *pattern, *reason;
  bool run; // false: not even tried
  bool used;
} PjCtsDeclaration;

typedef struct PjCtsProfile {
  PjCtsDeclaration *declarations;
  size_t count;
  PjCtsOptions options, several;
  char **option_texts; // NAME=VALUE of both, for the processes of tests
  bool *option_several;
  size_t num_option_texts;
} PjCtsProfile;

// Reads |path|. On a fault writes a message to stderr and returns false.
bool pj_cts_profile_read(const char *path, PjCtsProfile *out);
// The declaration for a test, null if there is none.
PjCtsDeclaration *pj_cts_profile_find(PjCtsProfile *profile, const char *test);

// One test as it went.
typedef struct PjCtsResult {
  const PjCtsTest *test;
  PjCtsVerdict verdict;
  const char *reason; // of the profile, if it declares the test
  bool stale;         // declared as unsupported, but passes
  double seconds;
  char *message, *output; // what failed; the last lines that the process wrote to stdout and stderr
} PjCtsResult;

typedef struct PjCtsRun {
  const char *plugin;
  int major, minor;
  PjCtsResult *results;
  size_t count, num_listed; // tests run, tests there are
  unsigned char called[PJRT_API_SLOT_COUNT], not_offered[PJRT_API_SLOT_COUNT];
  size_t verdicts[PJ_CTS_NUM_VERDICTS];
  double seconds;
} PjCtsRun;

extern const char *const pj_cts_verdict_name[PJ_CTS_NUM_VERDICTS];
bool pj_cts_failed(PjCtsVerdict verdict);

// Runs |tests| in processes of their own, |jobs| at a time, each for at most |limit| seconds, with
// |arguments| more. |profile| may be null. |progress|: tells on stderr how far it is and what
// failed.
void pj_cts_run(PjCtsRun *run, const PjCtsTest *const *tests, PjCtsProfile *profile,
                char **arguments, size_t num_arguments, int jobs, double limit, bool progress);

// The process of one test: loads the plugin, runs the test and returns the exit status. |report| is
// the descriptor of the record, -1 to write the verdict to stderr.
int pj_cts_run_one(const char *plugin, const char *test, int report);

void pj_cts_report_table(const PjCtsRun *run, FILE *out);
void pj_cts_report_json(const PjCtsRun *run, FILE *out);
void pj_cts_report_junit(const PjCtsRun *run, FILE *out);
void pj_cts_report_html(const PjCtsRun *run, FILE *out);
