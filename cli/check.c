// `pjrt check`: the conformance kit, which reads its arguments itself since it shares nothing with
// this program.
#include "commands.h"

#include "command.h"

static const PjArg options[] = {
    {"--filter", "PATTERN", PJ_ARG_TEXT,
     .meaning = "only tests whose name matches, e.g. 'event.*'; may be repeated; a leading '!' "
                "leaves out what matches"},
    {"--list", NULL, PJ_ARG_FLAG,
     .meaning = "print the tests with the promise that each one tries, and run none"},
    {"--jobs", "N", PJ_ARG_COUNT, .meaning = "tests at a time; default: the number of processors"},
    {"--limit", "SECONDS", PJ_ARG_SECONDS, .meaning = "time that one test may take; default 60"},
    {"--profile", "FILE", PJ_ARG_FILE,
     .meaning = "what the plugin does not support, with reasons, and create options"},
    {"--option", "NAME=VALUE", PJ_ARG_TEXT,
     .meaning = "a create option for every client; may be repeated"},
    {"--several", "NAME=VALUE", PJ_ARG_TEXT,
     .meaning = "a create option that gives a client several devices; may be repeated"},
    {"--topology", "NAME", PJ_ARG_TEXT,
     .meaning = "the machine that tests tagged `ahead` compile for, without a client"},
    {"--json", NULL, PJ_ARG_FLAG, .meaning = "print the report as JSON"},
    {"--junit", "FILE", PJ_ARG_FILE, .meaning = "also write it as JUnit XML"},
    {"--html", "FILE", PJ_ARG_FILE, .meaning = "also write it as a page of HTML"},
    {"--quiet", NULL, PJ_ARG_FLAG, .meaning = "no progress on stderr"},
    {"--one", "NAME", PJ_ARG_TEXT, .meaning = "run this test in this process, for a debugger"},
    {0},
};

static int run(const PjCommand *self, int argc, char **argv) {
  return pj_cts_command(argc, argv);
}

const PjCommand pj_cmd_check = {
    .name = "check",
    .summary = "test whether a plugin keeps the promises of the interface",
    .synopsis = "PLUGIN.so",
    .description =
        "Tests whether a PJRT plugin keeps the promises of the interface. Each test runs in a "
        "process of its own, so a crash or a hang is one failure. Prints a table by tag, and what "
        "did not pass. doc/conformance.md says more.",
    .options = options,
    .words = "*",
    .exits = "Exit status: 0 nothing failed, 1 some test failed, 2 wrong usage, 3 the plugin "
             "cannot be loaded or is none.",
    .run = run,
};
