// The first process of an emulated machine (tools/check-amx): runs /test where the kernel refuses
// tiles, then where it grants them, and says on the console how each ended.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void run(const char *name, char *const *environment) {
  const pid_t child = fork();
  if (!child) {
    execve("/test", (char *[]){"/test", NULL}, environment);
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  printf("check-amx: %s ended with %d\n", name, status);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  const int module = open("/tiles.ko", O_RDONLY);
  if (module < 0 || syscall(SYS_finit_module, module, "", 0))
    perror("check-amx: tiles.ko");
  run("refused", (char *[]){"PJRT_LOG=fallback", "TILES=refused", NULL});
  run("granted", (char *[]){"PJRT_LOG=fallback", "LD_PRELOAD=/grant.so", NULL});
  tcdrain(STDOUT_FILENO);
  reboot(RB_POWER_OFF);
}
