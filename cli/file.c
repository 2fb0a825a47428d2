// Whole files: reading without trusting the size (it may be a pipe, or grow while it is read), and
// writing.
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static PjStatus read_all(int fd, const char *path, size_t expected, char **out, size_t *out_size) {
  size_t capacity = expected + 1, size = 0; // one more, to see the end without growing
  char *data = pj_malloc(capacity + 1);
  if (!data)
    return PJ_ERROR(RESOURCE_EXHAUSTED, "%s: no memory for %zu bytes", path, capacity);
  for (;;) {
    ssize_t n = read(fd, data + size, capacity - size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      int reason = errno;
      pj_free(data);
      return PJ_ERROR(UNAVAILABLE, "cannot read %s: %s", path, strerror(reason));
    }
    if (n == 0)
      break;
    size += (size_t)n;
    if (size < capacity)
      continue;
    size_t larger = capacity < SIZE_MAX / 4 ? capacity * 2 + 4096 : 0;
    char *grown = larger ? pj_realloc(data, larger + 1) : NULL;
    if (!grown) {
      pj_free(data);
      return PJ_ERROR(RESOURCE_EXHAUSTED, "%s: no memory for more than %zu bytes", path, size);
    }
    data = grown;
    capacity = larger;
  }
  data[size] = 0;
  *out = data;
  *out_size = size;
  return PJ_STATUS_OK;
}

PjStatus pj_file_read(const char *path, char **out, size_t *out_size) {
  *out = NULL;
  *out_size = 0;
  if (strcmp(path, "-") == 0)
    return read_all(STDIN_FILENO, "standard input", 1 << 16, out, out_size);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return PJ_ERROR(NOT_FOUND, "%s: no such file", path);
    case EACCES:
      return PJ_ERROR(PERMISSION_DENIED, "%s: not readable", path);
    default:
      return PJ_ERROR(UNAVAILABLE, "cannot open %s: %s", path, strerror(errno));
    }
  }
  struct stat info;
  PjStatus status = PJ_STATUS_OK;
  if (fstat(fd, &info) != 0)
    status = PJ_ERROR(UNAVAILABLE, "cannot read %s: %s", path, strerror(errno));
  else if (S_ISDIR(info.st_mode))
    status = PJ_ERROR(INVALID_ARGUMENT, "%s: is a folder, not a file", path);
  else if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode))
    status = PJ_ERROR(INVALID_ARGUMENT, "%s: is neither a file nor a pipe", path);
  else
    status =
        read_all(fd, path, S_ISREG(info.st_mode) ? (size_t)info.st_size : 1 << 16, out, out_size);
  close(fd);
  return status;
}

PjStatus pj_file_write(const char *path, const void *data, size_t size) {
  if (strcmp(path, "-") == 0) {
    bool good = size == 0 || fwrite(data, 1, size, stdout) == size;
    good = fflush(stdout) == 0 && good;
    PJ_FAIL_IF(!good, UNAVAILABLE, "cannot write to standard output: %s", strerror(errno));
    return PJ_STATUS_OK;
  }
  FILE *file = fopen(path, "wb");
  PJ_FAIL_IF(!file, UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
  struct stat info;
  bool regular = fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode);
  bool good = size == 0 || fwrite(data, 1, size, file) == size;
  int reason = errno;
  if (fclose(file) != 0) {
    reason = good ? errno : reason;
    good = false;
  }
  if (!good && regular)
    remove(path);
  PJ_FAIL_IF(!good, UNAVAILABLE, "cannot write %s: %s", path, strerror(reason));
  return PJ_STATUS_OK;
}
