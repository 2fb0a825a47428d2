// Lets user programs have tiles on an emulated processor whose kernel does not (tools/check-amx):
// the emulator lacks what Linux asks of processors with tiles, to give each task their memory only
// when it uses them. One program at a time may use them, for the kernel saves none.
#include <linux/module.h>

static int __init tiles_init(void) {
  enum { TILES = 3 << 17 }; // configuration and data, in XCR0
  u32 low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  asm volatile("xsetbv" : : "a"(low | TILES), "d"(high), "c"(0));
  return 0;
}
module_init(tiles_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("tiles for user programs");
