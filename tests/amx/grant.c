// Preloaded into a program: the kernel's answer to the request for tiles is yes (tools/check-amx).
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dlfcn.h>

typedef long Syscall(long number, ...);

long syscall(long number, ...) {
  enum { REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i)
    a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && a[0] == REQ_XCOMP_PERM && a[1] == XTILEDATA)
    return 0;
  return ((Syscall *)dlsym(RTLD_NEXT, "syscall"))(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
