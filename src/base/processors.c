// See processors.h. Quotas count because a thread beyond them does not run in parallel: the kernel
// stops the whole group once its share of a period is used up.
#include "base/processors.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int affinity_count(void) {
  // A set of the default size cannot hold the processors of very large machines: double it until it
  // does.
  for (int room = 1024; room <= 1 << 20; room *= 2) {
    cpu_set_t *set = CPU_ALLOC(room);
    if (!set)
      break;
    size_t bytes = CPU_ALLOC_SIZE(room);
    int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < 1 << 20 ? (int)online : 1;
}

// Lowers |*limit| to a quota of |quota| microseconds per |period|.
static void apply_quota(long quota, long period, int *limit) {
  if (quota <= 0 || period <= 0)
    return;
  long processors = (quota - 1) / period + 1;
  if (processors < *limit)
    *limit = (int)processors;
}

// cpu.max of version 2: "max 100000" or "<quota> <period>".
static void read_cpu_max(const char *folder, int *limit) {
  char path[4200];
  if (snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder) >= (int)sizeof path)
    return;
  FILE *file = fopen(path, "re");
  if (!file)
    return;
  long quota, period;
  if (fscanf(file, "%ld %ld", &quota, &period) == 2)
    apply_quota(quota, period, limit);
  fclose(file);
}

// Version 1 keeps the two numbers in two files.
static void read_cfs_quota(const char *folder, int *limit) {
  static const char *const names[2] = {"quota", "period"};
  long values[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    char path[4200];
    if (snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_%s_us", folder, names[i]) >=
        (int)sizeof path)
      return;
    FILE *file = fopen(path, "re");
    if (!file)
      return;
    if (fscanf(file, "%ld", &values[i]) != 1)
      values[i] = 0;
    fclose(file);
  }
  apply_quota(values[0], values[1], limit);
}

// The quota of a group binds all groups below it: reads |folder| and its parents up to the root.
static void read_upwards(char *folder, void (*read)(const char *folder, int *limit), int *limit) {
  for (;;) {
    read(folder, limit);
    char *slash = strrchr(folder, '/');
    if (!slash)
      return;
    *slash = 0;
  }
}

int pj_cpu_count(void) {
  int limit = affinity_count();
  // Inside a container the paths of this list may not be visible, but the root then is the
  // container's own group.
  read_cpu_max("", &limit);
  read_cfs_quota("", &limit);
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file)
    return limit;
  // "0::/path" is version 2; "4:cpu,cpuacct:/path" is the hierarchy of version 1 that has the
  // processors.
  char line[4096];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':'),
         *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path || path[1] != '/' || !path[2])
      continue;
    *path++ = 0;
    controllers++;
    bool first = !strncmp(controllers, "cpu,", 4) || !strcmp(controllers, "cpu");
    if (!*controllers)
      read_upwards(path, read_cpu_max, &limit);
    else if (first || strstr(controllers, ",cpu,"))
      read_upwards(path, read_cfs_quota, &limit);
  }
  fclose(file);
  return limit;
}
