// See jit_disk.h.
#include "emit/jit_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/options.h"

enum {
  FORMAT = 1,
  NAME_BYTES = 40,
  MAX_OBJECT_BYTES = 64 << 20,
  SWEEP_BYTES = 8 << 20, // written between two looks at the directory's size
};
static const int64_t DAY_S = 24 * 3600;

typedef struct Header {
  char magic[8];
  uint64_t key[2];     // of the file name
  uint64_t size;       // of the object, which follows
  uint64_t content[2]; // hash of the object
} Header;

static void hash_twice(uint64_t seed, const void *data, size_t size, uint64_t out[2]) {
  out[0] = pj_hash_bytes(PJ_HASH_SEED ^ seed, data, size);
  out[1] = pj_hash_bytes(~PJ_HASH_SEED + seed, data, size);
}

static Header header_of(const uint64_t hash[2], const char *version, const void *object,
                        size_t size) {
  Header h = {.magic = "PJKCODE", .size = size};
  uint64_t tag[2];
  hash_twice(FORMAT, version, strlen(version), tag);
  for (int i = 0; i < 2; ++i)
    h.key[i] = pj_hash_u64(pj_hash_u64(tag[i], hash[0]), hash[1]);
  if (object)
    hash_twice(size, object, size, h.content);
  return h;
}

static void name_of(const Header *h, char out[NAME_BYTES]) {
  snprintf(out, NAME_BYTES, "%016llx%016llx.o", (unsigned long long)h->key[0],
           (unsigned long long)h->key[1]);
}

// ---- directory

static struct {
  pthread_mutex_t lock;
  char *path;       // that |fd| was opened for
  int fd;           // -1: not usable
  uint64_t unswept; // bytes written since the last sweep
  uint64_t counter;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .unswept = UINT64_MAX};

// May code that lies there be run? Only if nobody but this user and root could have put it there.
static bool trusted(const struct stat *s) {
  return (s->st_uid == geteuid() || s->st_uid == 0) && !(s->st_mode & (S_IWGRP | S_IWOTH));
}

static void make_directories(const char *path) {
  char *copy = pj_strndup(path, strlen(path));
  if (!copy)
    return;
  for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
    *at = 0;
    mkdir(copy, 0700);
    *at = '/';
  }
  mkdir(copy, 0700);
  pj_free(copy);
}

static int open_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    make_directories(path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  struct stat s;
  if (fd < 0 || fstat(fd, &s) != 0) {
    pj_log(PJ_LOG_COMPILE, "PJRT_CACHE_DIR=%s: %s; not used", path, strerror(errno));
  } else if (!trusted(&s)) {
    pj_log(PJ_LOG_COMPILE,
           "PJRT_CACHE_DIR=%s belongs to, or can be written by, another user; not used", path);
  } else {
    return fd;
  }
  if (fd >= 0)
    close(fd);
  return -1;
}

// A descriptor of its own of the directory, -1 if there is none. The option may change between
// calls.
static int directory(void) {
  const char *path = pj_option_text(PJ_OPTION_CACHE_DIR);
  if (!*path)
    return -1;
  pthread_mutex_lock(&disk.lock);
  if (!disk.path || strcmp(disk.path, path) != 0) {
    if (disk.fd >= 0)
      close(disk.fd);
    pj_free(disk.path);
    disk.path = pj_strndup(path, strlen(path));
    disk.fd = disk.path ? open_directory(path) : -1;
    disk.unswept = UINT64_MAX;
  }
  int fd = disk.fd >= 0 ? fcntl(disk.fd, F_DUPFD_CLOEXEC, 0) : -1;
  pthread_mutex_unlock(&disk.lock);
  return fd;
}

// ---- reading

static bool read_all(int fd, void *data, size_t size) {
  for (char *at = data; size;) {
    ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

static bool same(const uint64_t a[2], const uint64_t b[2]) {
  return a[0] == b[0] && a[1] == b[1];
}

// Reads and checks an entry of |bytes| bytes.
static void *read_entry(int fd, const Header *want, uint64_t bytes, size_t *out_size) {
  Header h;
  if (bytes < sizeof h || !read_all(fd, &h, sizeof h) || memcmp(h.magic, want->magic, 8) != 0 ||
      !same(h.key, want->key) || h.size != bytes - sizeof h || h.size > MAX_OBJECT_BYTES)
    return NULL;
  void *object = pj_malloc(h.size);
  uint64_t content[2];
  if (object && read_all(fd, object, h.size)) {
    hash_twice(h.size, object, h.size, content);
    if (same(content, h.content)) {
      *out_size = h.size;
      return object;
    }
  }
  pj_free(object);
  return NULL;
}

bool pj_jit_disk_load(const uint64_t hash[2], const char *version, void **out_object,
                      size_t *out_size) {
  *out_object = NULL;
  *out_size = 0;
  int dir = directory();
  if (dir < 0)
    return false;
  Header want = header_of(hash, version, NULL, 0);
  char name[NAME_BYTES];
  name_of(&want, name);
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat s;
  if (fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && trusted(&s) && s.st_size >= 0) {
    *out_object = read_entry(fd, &want, (uint64_t)s.st_size, out_size);
    // Its age decides how long it stays; a day's precision is enough.
    if (*out_object && time(NULL) - s.st_mtime > DAY_S)
      futimens(fd, NULL);
  }
  if (fd >= 0)
    close(fd);
  close(dir);
  return *out_object != NULL;
}

// ---- sweeping

typedef struct Entry {
  char name[NAME_BYTES];
  int64_t time, bytes;
} Entry;

static int by_age(const void *a, const void *b) {
  const Entry *x = a, *y = b;
  return (x->time > y->time) - (x->time < y->time);
}

// Is it a name that this file gives?
static bool ours(const char *name) {
  size_t len = strlen(name);
  return len < NAME_BYTES && ((len == 34 && !strcmp(name + 32, ".o")) || !strncmp(name, "tmp-", 4));
}

// All entries of the directory, and what they take together; files that a dead process left
// half-written go at once.
static Entry *list_entries(DIR *d, int dir, size_t *out_count, int64_t *out_bytes) {
  Entry *entries = NULL;
  size_t count = 0, room = 0;
  int64_t bytes = 0, now = time(NULL);
  for (struct dirent *e; (e = readdir(d));) {
    struct stat s;
    if (!ours(e->d_name) || fstatat(dir, e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (!strncmp(e->d_name, "tmp-", 4)) {
      if (now - s.st_mtime > DAY_S / 24)
        unlinkat(dir, e->d_name, 0);
      continue;
    }
    if (count == room) {
      room = room ? room * 2 : 256;
      Entry *grown = pj_realloc(entries, room * sizeof *entries);
      if (!grown)
        break;
      entries = grown;
    }
    Entry *entry = &entries[count++];
    size_t length = strnlen(e->d_name, NAME_BYTES - 1);
    memcpy(entry->name, e->d_name, length);
    entry->name[length] = 0;
    entry->time = s.st_mtime;
    entry->bytes = s.st_blocks * 512 > s.st_size ? s.st_blocks * 512 : s.st_size;
    bytes += entry->bytes;
  }
  *out_count = count;
  *out_bytes = bytes;
  return entries;
}

// Deletes the oldest entries until nine tenths of the limit are left.
static void sweep(int dir) {
  int64_t limit = pj_option_int(PJ_OPTION_CACHE_MB);
  limit = limit < 0 ? 0 : limit << 20;
  int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
  if (!d) {
    if (fd >= 0)
      close(fd);
    return;
  }
  size_t count;
  int64_t bytes;
  Entry *entries = list_entries(d, dir, &count, &bytes);
  if (bytes > limit && entries) {
    qsort(entries, count, sizeof *entries, by_age);
    for (size_t i = 0; i < count && bytes > limit / 10 * 9; ++i)
      if (unlinkat(dir, entries[i].name, 0) == 0)
        bytes -= entries[i].bytes;
  }
  pj_free(entries);
  closedir(d);
}

// ---- writing

static bool write_all(int fd, const void *data, size_t size) {
  for (const char *at = data; size;) {
    ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

// Counts |bytes| more; true when it is time to sweep.
static bool count_bytes(uint64_t bytes, uint64_t *out_number) {
  int64_t limit = pj_option_int(PJ_OPTION_CACHE_MB) << 20;
  uint64_t every = limit > 0 && limit / 16 < SWEEP_BYTES ? (uint64_t)limit / 16 : SWEEP_BYTES;
  pthread_mutex_lock(&disk.lock);
  *out_number = ++disk.counter;
  bool due = disk.unswept >= every;
  disk.unswept = due ? bytes : disk.unswept + bytes;
  pthread_mutex_unlock(&disk.lock);
  return due;
}

void pj_jit_disk_store(const uint64_t hash[2], const char *version, const void *object,
                       size_t size) {
  int dir = size <= MAX_OBJECT_BYTES ? directory() : -1;
  if (dir < 0)
    return;
  Header h = header_of(hash, version, object, size);
  char name[NAME_BYTES], temporary[NAME_BYTES];
  name_of(&h, name);
  uint64_t number;
  bool due = count_bytes(size + sizeof h, &number);
  snprintf(temporary, sizeof temporary, "tmp-%ld-%llu", (long)getpid(), (unsigned long long)number);
  unlinkat(dir, temporary, 0); // of a dead process with our number
  int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) {
    bool written = write_all(fd, &h, sizeof h) && write_all(fd, object, size);
    written &= close(fd) == 0;
    if (!written || renameat(dir, temporary, dir, name) != 0)
      unlinkat(dir, temporary, 0);
  }
  if (due)
    sweep(dir);
  close(dir);
}

void pj_jit_disk_lock(void) {
  pthread_mutex_lock(&disk.lock);
}

void pj_jit_disk_unlock(void) {
  pthread_mutex_unlock(&disk.lock);
}
