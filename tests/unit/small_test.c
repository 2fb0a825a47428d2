// Small blocks: sizes, alignment, reuse, threads that hand blocks to each other, exhaustion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/small.h"

static void sizes_fit_and_are_aligned(void **state) {
  for (size_t size = 0; size <= PJ_SMALL_MAX + 100; size += size < 2048 ? 1 : 61) {
    size_t room = pj_small_size(size);
    assert_true(room >= size && (size <= 64 || room <= size + size / 4 + 64));
    assert_int_equal(pj_small_size(room), room);
    unsigned char *block = pj_small_alloc(size), *other = pj_small_alloc(size);
    assert_true(block && other && block != other);
    assert_int_equal((uintptr_t)block % 64, 0);
    memset(block, 0xAA, size);
    memset(other, 0x55, size);
    for (size_t i = 0; i < size; i += 1 + size / 8)
      assert_int_equal(block[i], 0xAA);
    pj_small_free(block, size);
    pj_small_free(other, size);
    block = pj_small_calloc(size);
    for (size_t i = 0; i < size; ++i)
      assert_int_equal(block[i], 0);
    pj_small_free(block, size);
  }
  pj_small_free(NULL, 100);
}

// As many as fill lists, the store, and more.
static void many_blocks_keep_their_contents(void **state) {
  enum { COUNT = 30000 };
  uint32_t **blocks = malloc(COUNT * sizeof *blocks);
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < COUNT; ++i) {
      blocks[i] = pj_small_alloc(64 + i % 3 * 64);
      assert_non_null(blocks[i]);
      blocks[i][0] = blocks[i][15] = i;
    }
    for (uint32_t i = 0; i < COUNT; ++i)
      assert_true(blocks[i][0] == i && blocks[i][15] == i);
    for (uint32_t i = 0; i < COUNT; ++i)
      pj_small_free(blocks[i], 64 + i % 3 * 64);
  }
  free(blocks);
}

enum { SLOTS = 64, TURNS = 20000 };
static uint64_t *_Atomic slots[SLOTS];

// Takes blocks that other threads made and leaves its own in their place.
static void *exchange_blocks(void *arg) {
  uint64_t seed = (uintptr_t)arg * 0x9E3779B97F4A7C15u + 1;
  for (int i = 0; i < TURNS; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t *fresh = pj_small_alloc(256);
    if (!fresh)
      return arg;
    for (int k = 0; k < 32; ++k)
      fresh[k] = seed;
    uint64_t *old = atomic_exchange(&slots[seed >> 58], fresh);
    for (int k = 1; old && k < 32; ++k)
      if (old[k] != old[0])
        return arg;
    pj_small_free(old, 256);
  }
  return NULL;
}

static void blocks_move_between_threads(void **state) {
  for (int round = 0; round < 3; ++round) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; ++i)
      assert_int_equal(pthread_create(&threads[i], NULL, exchange_blocks, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; ++i) {
      void *failed;
      pthread_join(threads[i], &failed);
      assert_null(failed);
    }
  }
  for (int i = 0; i < SLOTS; ++i)
    pj_small_free(slots[i], 256);
}

static void a_child_of_fork_goes_on(void **state) {
  void *block = pj_small_alloc(100);
  pid_t child = fork();
  if (child == 0) {
    pj_small_free(block, 100);
    for (int i = 0; i < 1000; ++i)
      pj_small_free(pj_small_alloc(100), 100);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pj_small_free(block, 100);
}

static void failing_allocations_fail_here_too(void **state) {
  // Also where a free block is at hand.
  pj_small_free(pj_small_alloc(100), 100);
  pj_alloc_fail_after(0);
  void *none = pj_small_alloc(100), *large = pj_small_alloc(PJ_SMALL_MAX + 1),
       *zeroed = pj_small_calloc(1);
  pj_alloc_fail_after(-1);
  assert_true(!none && !large && !zeroed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_fit_and_are_aligned),
      cmocka_unit_test(many_blocks_keep_their_contents),
      cmocka_unit_test(blocks_move_between_threads),
      cmocka_unit_test(a_child_of_fork_goes_on),
      cmocka_unit_test(failing_allocations_fail_here_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
