// Code on disk: found again, also by other processes; damaged, foreign, writable by others or of
// another version: ignored and replaced; bounded; written by several processes at once.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "emit/codegen.h"
#include "emit/jit_disk.h"
#include "jit_support.h"

static char root[64], cache[128];
static const uint64_t hash[2] = {0x1234, 0x5678};

static int make_root(void **state) {
  strcpy(root, "/tmp/pj-disk-test-XXXXXX");
  if (!mkdtemp(root))
    return -1;
  snprintf(cache, sizeof cache, "%s/some/cache", root);
  setenv("PJRT_CACHE_DIR", cache, 1);
  return 0;
}

static int remove_root(void **state) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  unsetenv("PJRT_CACHE_DIR");
  unsetenv("PJRT_CACHE_MB");
  return system(command);
}

static bool has(const char *version, const char *want) {
  void *object;
  size_t size;
  bool found = pj_jit_disk_load(hash, version, &object, &size);
  if (found) {
    assert_int_equal(size, strlen(want));
    assert_memory_equal(object, want, size);
  }
  pj_free(object);
  return found;
}

static void put(const char *version, const char *object) {
  pj_jit_disk_store(hash, version, object, strlen(object));
}

// The path of the |index|th entry (in no order); false if there are fewer.
static bool entry(uint32_t index, char out[512]) {
  DIR *d = opendir(cache);
  bool found = false;
  for (struct dirent *e; d && !found && (e = readdir(d));)
    if (e->d_name[0] != '.' && !index--) {
      snprintf(out, 512, "%s/%s", cache, e->d_name);
      found = true;
    }
  if (d)
    closedir(d);
  return found;
}

static uint32_t count_entries(void) {
  char path[512];
  uint32_t n = 0;
  while (entry(n, path))
    ++n;
  return n;
}

static void entries_are_found_again(void **state) {
  assert_false(has("v1", ""));
  put("v1", "one");
  assert_true(has("v1", "one"));
  assert_false(has("v2", "")); // another processor or LLVM
  put("v2", "two");
  assert_true(has("v1", "one") && has("v2", "two"));
  put("v1", "three"); // replaced
  assert_true(has("v1", "three"));
  assert_int_equal(count_entries(), 2);
  struct stat s;
  assert_int_equal(stat(cache, &s), 0);
  assert_int_equal(s.st_mode & 0777, 0700);
  // Another directory is another cache, and none is none.
  char other[200];
  snprintf(other, sizeof other, "%s/other", root);
  setenv("PJRT_CACHE_DIR", other, 1);
  assert_false(has("v1", ""));
  setenv("PJRT_CACHE_DIR", "", 1);
  put("v1", "x");
  assert_false(has("v1", ""));
  setenv("PJRT_CACHE_DIR", cache, 1);
  assert_true(has("v1", "three"));
}

static void damaged_entries_are_replaced(void **state) {
  put("v1", "some object code");
  char path[512];
  assert_true(entry(0, path) && !entry(1, (char[512]){0}));
  struct stat s;
  assert_int_equal(stat(path, &s), 0);
  for (off_t at = 0; at < s.st_size; ++at) { // one byte changed
    int fd = open(path, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_false(has("v1", ""));
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
  }
  assert_true(has("v1", "some object code"));
  for (off_t size = s.st_size - 1; size >= 0; --size) { // cut short
    assert_int_equal(truncate(path, size), 0);
    assert_false(has("v1", ""));
  }
  put("v1", "again");
  assert_true(has("v1", "again"));
}

static void others_must_not_have_write_access(void **state) {
  put("v1", "mine");
  char path[512];
  assert_true(entry(0, path));
  assert_int_equal(chmod(path, 0620), 0);
  assert_false(has("v1", ""));
  assert_int_equal(chmod(path, 0602), 0);
  assert_false(has("v1", ""));
  put("v1", "mine again"); // takes its place
  assert_true(has("v1", "mine again"));
  if (geteuid() == 0) {
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_false(has("v1", ""));
    assert_int_equal(chown(path, 0, 0), 0);
    assert_true(has("v1", "mine again"));
  }
  // A link to a file that would be fine.
  char aside[600];
  snprintf(aside, sizeof aside, "%s/aside", root);
  assert_int_equal(rename(path, aside), 0);
  assert_int_equal(symlink(aside, path), 0);
  assert_false(has("v1", ""));
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0); // does not wait for a writer
  assert_false(has("v1", ""));
  unlink(path);
  assert_int_equal(rename(aside, path), 0);
  assert_true(has("v1", "mine again"));
}

static void directory_must_be_ours(void **state) {
  assert_int_equal(mkdir(root, 0700), -1);
  char open_one[200];
  snprintf(open_one, sizeof open_one, "%s/open", root);
  assert_int_equal(mkdir(open_one, 0700), 0);
  assert_int_equal(chmod(open_one, 0777), 0);
  setenv("PJRT_CACHE_DIR", open_one, 1);
  put("v1", "x");
  assert_false(has("v1", ""));
  if (geteuid() == 0) {
    char foreign[200];
    snprintf(foreign, sizeof foreign, "%s/foreign", root);
    assert_int_equal(mkdir(foreign, 0755), 0);
    assert_int_equal(chown(foreign, 12345, 12345), 0);
    setenv("PJRT_CACHE_DIR", foreign, 1);
    put("v1", "x");
    assert_false(has("v1", ""));
  }
  char file[200];
  snprintf(file, sizeof file, "%s/file", root);
  close(open(file, O_CREAT | O_WRONLY, 0600));
  setenv("PJRT_CACHE_DIR", file, 1);
  put("v1", "x");
  assert_false(has("v1", ""));
  setenv("PJRT_CACHE_DIR", "/proc/nothing/here", 1);
  put("v1", "x");
  assert_false(has("v1", ""));
  setenv("PJRT_CACHE_DIR", cache, 1);
}

static void set_age(const char *path, int64_t seconds) {
  struct timespec t[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
  assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void size_is_bounded(void **state) {
  setenv("PJRT_CACHE_MB", "1", 1);
  static char object[40000];
  memset(object, 'x', sizeof object);
  char path[512], version[32];
  // A half-written file of a dead process goes, somebody else's file stays.
  put("first", "x");
  snprintf(path, sizeof path, "%s/tmp-1-1", cache);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  set_age(path, 7200);
  snprintf(path, sizeof path, "%s/README", cache);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  for (int i = 0; i < 100; ++i) {
    snprintf(version, sizeof version, "v%d", i);
    pj_jit_disk_store(hash, version, object, sizeof object);
    for (uint32_t j = 0; entry(j, path); ++j) { // everything ages by a minute
      struct stat s;
      if (stat(path, &s) == 0)
        set_age(path, time(NULL) - s.st_mtime + 60);
    }
    DIR *d = opendir(cache);
    int64_t bytes = 0;
    for (struct dirent *e; (e = readdir(d));) {
      struct stat s;
      if (fstatat(dirfd(d), e->d_name, &s, 0) == 0 && S_ISREG(s.st_mode))
        bytes += s.st_size;
    }
    closedir(d);
    assert_true(bytes < (1 << 20) * 5 / 4);
  }
  void *data;
  size_t size;
  assert_false(pj_jit_disk_load(hash, "v10", &data, &size));
  assert_true(pj_jit_disk_load(hash, "v99", &data, &size)); // the newest stay
  pj_free(data);
  assert_true(count_entries() > 10 && count_entries() < 30);
  snprintf(path, sizeof path, "%s/README", cache);
  assert_int_equal(access(path, F_OK), 0);
  snprintf(path, sizeof path, "%s/tmp-1-1", cache);
  assert_int_equal(access(path, F_OK), -1);
  unsetenv("PJRT_CACHE_MB");
}

// Writers of the same entries at once, among them ones that are killed: readers see whole entries
// only.
static void concurrent_processes(void **state) {
  enum { WRITERS = 6 };
  pid_t pids[WRITERS];
  static char object[20000];
  for (int i = 0; i < WRITERS; ++i) {
    pids[i] = fork();
    if (!pids[i]) {
      for (int round = 0; i < 3 ? 1 : round < 60; ++round) {
        memset(object, 'a' + (i + round) % 26, sizeof object);
        pj_jit_disk_store(hash, round % 2 ? "odd" : "even", object, sizeof object);
      }
      _exit(0);
    }
  }
  int found = 0;
  for (int round = 0; round < 400; ++round) {
    void *data;
    size_t size;
    if (pj_jit_disk_load(hash, round % 2 ? "odd" : "even", &data, &size)) {
      ++found;
      assert_int_equal(size, sizeof object);
      const char *text = data;
      for (size_t i = 1; i < size; ++i)
        if (text[i] != text[0])
          fail_msg("two writers in one entry");
    }
    pj_free(data);
    if (round % 100 == 99)
      kill(pids[round / 100 % 3], SIGKILL);
    if (!found)
      usleep(1000);
  }
  for (int i = 0; i < WRITERS; ++i) {
    int status;
    if (i < 3)
      kill(pids[i], SIGKILL);
    assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
    assert_true(i < 3 ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status));
  }
  assert_true(found > 0);
}

// ---- through pj_jit_compile

static void build_add(PjKir *k, void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal v = pj_kir_load(k, PJ_KIR_T(F64, 1), pj_kir_buffer(k, 0), i, 0, true);
  v = pj_kir_fadd(k, v, pj_kir_float(k, PJ_KIR_T(F64, 1), *(double *)context));
  pj_kir_store(k, v, pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Compiles, checks and drops the function of |constant|; returns 'd' if it came from disk, 'c' if
// it was compiled.
static char use(double constant) {
  PjJitStats before, after;
  pj_jit_stats(&before);
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "disk", build_add, &constant);
  pj_jit_stats(&after);
  double in[2] = {1.5, -3}, out[2];
  void *buffers[] = {in, out};
  pj_jit_entry(code)(buffers, NULL, 0, 2, NULL);
  assert_true(out[0] == 1.5 + constant && out[1] == -3 + constant);
  pj_jit_release(code);
  assert_int_equal(after.compiled - before.compiled + after.from_disk - before.from_disk, 1);
  return after.from_disk > before.from_disk ? 'd' : 'c';
}

static char use_in_child(double constant) {
  pid_t pid = fork();
  if (!pid)
    _exit(use(constant));
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return (char)WEXITSTATUS(status);
}

static void compiled_functions(void **state) {
  if (!pj_codegen_available(pj_kir_target_host()->isa))
    skip();
  setenv("PJRT_CODE_CACHE_MB", "0", 1);
  setenv("PJRT_CODEGEN", "llvm", 1); // our own generator is faster than the disk, and does without
  assert_int_equal(use(4.25), 'c');
  assert_int_equal(use(4.25), 'd');
  assert_int_equal(use_in_child(4.25), 'd');
  assert_int_equal(use_in_child(5.25), 'c');
  assert_int_equal(use(5.25), 'd');
  char path[512];
  for (uint32_t i = 0; entry(i, path); ++i) // damage both
    assert_int_equal(truncate(path, 600), 0);
  assert_int_equal(use(5.25), 'c');
  assert_int_equal(use(5.25), 'd');
  unsetenv("PJRT_CODE_CACHE_MB");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
  const struct CMUnitTest tests[] = {
      TEST(entries_are_found_again),
      TEST(damaged_entries_are_replaced),
      TEST(others_must_not_have_write_access),
      TEST(directory_must_be_ours),
      TEST(size_is_bounded),
      TEST(concurrent_processes),
      TEST(compiled_functions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
