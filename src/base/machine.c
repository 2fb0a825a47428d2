// See machine.h. Quotas of processors count because a thread beyond them does not run in parallel:
// the kernel stops the whole group once its share of a period is used up.
#include "base/machine.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

// --- Control groups ------------------------------------------------------------------------------

// Reads up to two integers of a file below /sys/fs/cgroup; how many there were. "max" is none.
static int read_numbers(const char *controller, const char *folder, const char *name, long long *a,
                        long long *b) {
  char path[4200];
  if (snprintf(path, sizeof path, "/sys/fs/cgroup%s%s/%s", controller, folder, name) >=
      (int)sizeof path)
    return 0;
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  int count = fscanf(file, "%lld %lld", a, b);
  fclose(file);
  return count < 0 ? 0 : count;
}

// What one group says, in version 1 or 2 of the interface.
typedef void ReadGroup(const char *folder, int version, void *limit);

static void read_quota(const char *folder, int version, void *limit) {
  long long quota = 0, period = 0, none;
  bool known = version == 2
                   ? read_numbers("", folder, "cpu.max", &quota, &period) == 2
                   : read_numbers("/cpu", folder, "cpu.cfs_quota_us", &quota, &none) >= 1 &&
                         read_numbers("/cpu", folder, "cpu.cfs_period_us", &period, &none) >= 1;
  if (!known || quota <= 0 || period <= 0)
    return;
  long long processors = (quota - 1) / period + 1;
  if (processors < *(int *)limit)
    *(int *)limit = (int)processors;
}

static void read_memory(const char *folder, int version, void *limit) {
  long long bytes, none;
  int count = version == 2
                  ? read_numbers("", folder, "memory.max", &bytes, &none)
                  : read_numbers("/memory", folder, "memory.limit_in_bytes", &bytes, &none);
  uint64_t *least = limit;
  if (count >= 1 && bytes > 0 && (!*least || (uint64_t)bytes < *least))
    *least = (uint64_t)bytes;
}

static bool has_word(const char *list, const char *word) {
  size_t len = strlen(word);
  for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
    if (!strncmp(at, word, len) && (at[len] == ',' || !at[len]))
      return true;
  return false;
}

// Reads the groups of this process that |controller| belongs to, and their parents: a limit of a
// group binds all groups below it.
static void read_groups(const char *controller, ReadGroup *read, void *limit) {
  // Inside a container the paths of the list may not be visible, but the root then is the
  // container's own group.
  read("", 2, limit);
  read("", 1, limit);
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file)
    return;
  // "0::/path" is version 2; "4:cpu,cpuacct:/path" a hierarchy of version 1.
  char line[4096];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':'),
         *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
      continue;
    *path++ = 0;
    controllers++;
    int version = !*controllers ? 2 : has_word(controllers, controller) ? 1 : 0;
    for (char *slash; version && *path == '/' && path[1]; *slash = 0) {
      read(path, version, limit);
      slash = strrchr(path, '/');
    }
  }
  fclose(file);
}

// -------------------------------------------------------------------------------------------------

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int quota = INT_MAX;   // of processors
static uint64_t group_memory; // bytes; 0: no limit is known

// Files of the kernel's are slow to read (50 us for a limit), and the groups of a process hardly
// ever change.
static void read_limits(void) {
  read_groups("cpu", read_quota, &quota);
  read_groups("memory", read_memory, &group_memory);
}

int pj_cpu_count(void) {
  pthread_once(&once, read_limits);
  int count = affinity_count();
  return count < quota ? count : quota;
}

uint64_t pj_memory_limit(void) {
  pthread_once(&once, read_limits);
  long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  uint64_t limit = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
  if (group_memory && (!limit || group_memory < limit))
    limit = group_memory;
  struct rlimit space;
  if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY &&
      (!limit || space.rlim_cur < limit))
    limit = space.rlim_cur;
  return limit;
}

uint64_t pj_second_cache(void) {
#ifdef _SC_LEVEL2_CACHE_SIZE
  long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? (uint64_t)bytes : 0;
#else
  return 0;
#endif
}
