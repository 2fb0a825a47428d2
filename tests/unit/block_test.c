// Blocks: sizes, alignment, reuse, bounds, threads that hand blocks to each other, exhaustion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/chunks.h"
#include "base/pages.h"

static void sizes_fit_and_are_aligned(void **state) {
  for (size_t size = 0; size <= PJ_BLOCK_SMALL + 100; size += size < 2048 ? 1 : 61) {
    size_t room = pj_block_size(size);
    assert_true(room >= size && (size <= 64 || room <= size + size / 4 + 64));
    assert_int_equal(pj_block_size(room), room);
    unsigned char *block = pj_block_alloc(size), *other = pj_block_alloc(size);
    assert_true(block && other && block != other);
    assert_int_equal((uintptr_t)block % 64, 0);
    memset(block, 0xAA, size);
    memset(other, 0x55, size);
    for (size_t i = 0; i < size; i += 1 + size / 8)
      assert_int_equal(block[i], 0xAA);
    pj_block_free(block, size);
    pj_block_free(other, size);
    block = pj_block_calloc(size);
    for (size_t i = 0; i < size; ++i)
      assert_int_equal(block[i], 0);
    pj_block_free(block, size);
  }
  pj_block_free(NULL, 100);
}

// As many as fill lists, the store, and more.
static void many_blocks_keep_their_contents(void **state) {
  enum { COUNT = 30000 };
  uint32_t **blocks = malloc(COUNT * sizeof *blocks);
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < COUNT; ++i) {
      blocks[i] = pj_block_alloc(64 + i % 3 * 64);
      assert_non_null(blocks[i]);
      blocks[i][0] = blocks[i][15] = i;
    }
    for (uint32_t i = 0; i < COUNT; ++i)
      assert_true(blocks[i][0] == i && blocks[i][15] == i);
    for (uint32_t i = 0; i < COUNT; ++i)
      pj_block_free(blocks[i], 64 + i % 3 * 64);
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
    uint64_t *fresh = pj_block_alloc(256);
    if (!fresh)
      return arg;
    for (int k = 0; k < 32; ++k)
      fresh[k] = seed;
    uint64_t *old = atomic_exchange(&slots[seed >> 58], fresh);
    for (int k = 1; old && k < 32; ++k)
      if (old[k] != old[0])
        return arg;
    pj_block_free(old, 256);
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
    pj_block_free(slots[i], 256);
}

static void a_child_of_fork_goes_on(void **state) {
  void *block = pj_block_alloc(100);
  pid_t child = fork();
  if (child == 0) {
    pj_block_free(block, 100);
    for (int i = 0; i < 1000; ++i)
      pj_block_free(pj_block_alloc(100), 100);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pj_block_free(block, 100);
}

#ifndef __SANITIZE_ADDRESS__
enum { MIB = 1 << 20 };

static void large_blocks_are_kept(void **state) {
  pj_pages_trim();
  assert_int_equal(pj_pages_kept(), 0);
  char *block = pj_block_alloc(5 * MIB);
  assert_int_equal((uintptr_t)block % 64, 0);
  memset(block, 1, 5 * MIB);
  pj_block_free(block, 5 * MIB);
  assert_int_equal(pj_pages_kept(), (int64_t)pj_block_size(5 * MIB));
  // The same class comes back.
  char *again = pj_block_alloc(5 * MIB - 100);
  assert_ptr_equal(again, block);
  assert_int_equal(pj_pages_kept(), 0);
  pj_block_free(again, 5 * MIB - 100);
  pj_pages_trim();
  assert_int_equal(pj_pages_kept(), 0);
}

static void what_is_kept_is_bounded(void **state) {
  pj_pages_trim();
  // Block after block of another size: in use are 20 MiB at most at a time. What is kept goes to
  // make room, so that the whole stays within a few times that.
  for (size_t size = 10 * MIB; size < 20 * MIB; size += 300000) {
    char *block = pj_block_alloc(size);
    assert_non_null(block);
    block[0] = block[size - 1] = 1;
    pj_block_free(block, size);
    assert_true(pj_pages_kept() < 64 * MIB + 20 * MIB);
  }
  pj_pages_trim();
}

static bool is_mapped(const void *at) {
  return msync((void *)((uintptr_t)at & ~(uintptr_t)4095), 4096, MS_ASYNC) == 0;
}

// Blocks that are cut from chunks lie apart, and the system has the chunks again when the last
// block of each has gone, in whatever order.
static void blocks_of_chunks_go_back(void **state) {
  enum { COUNT = 60 };
  unsigned char *blocks[COUNT];
  size_t sizes[COUNT];
  pj_pages_trim();
  for (size_t i = 0; i < COUNT; ++i) {
    sizes[i] = PJ_BLOCK_SMALL + 1 + i * 76543 % (PJ_CHUNK_LARGEST - PJ_BLOCK_SMALL);
    blocks[i] = pj_block_alloc(sizes[i]);
    assert_non_null(blocks[i]);
    memset(blocks[i], (int)i, sizes[i]);
  }
  for (size_t i = 0; i < COUNT; ++i)
    for (size_t at = 0; at < sizes[i]; at += 777)
      assert_int_equal(blocks[i][at], i);
  for (size_t i = 0; i < COUNT; ++i) { // 7 and 60 have no factor in common
    size_t k = i * 7 % COUNT;
    pj_block_free(blocks[k], sizes[k]);
    if (i % 10 == 0)
      pj_pages_trim();
  }
  pj_pages_trim();
  for (size_t i = 0; i < COUNT; ++i)
    assert_false(is_mapped(blocks[i]));
}

static void a_request_that_cannot_be_met_is_null(void **state) {
  assert_null(pj_block_alloc((size_t)1 << 47));
  assert_null(pj_block_alloc(SIZE_MAX - 100));
  assert_null(pj_block_alloc(PTRDIFF_MAX));
}
#endif

static void large_sizes_fit(void **state) {
  for (size_t size = PJ_BLOCK_SMALL + 1; size < (size_t)9 << 20; size += size / 9 + 1) {
    size_t room = pj_block_size(size);
    assert_true(room >= size && room <= size + size / 8 + 1 && pj_block_size(room) == room);
    char *block = pj_block_alloc(size);
    assert_int_equal((uintptr_t)block % 64, 0);
    memset(block, 1, size);
    pj_block_free(block, size);
  }
}

static void failing_allocations_fail_here_too(void **state) {
  // Also where a free block is at hand.
  pj_block_free(pj_block_alloc(100), 100);
  pj_alloc_fail_after(0);
  void *none = pj_block_alloc(100), *large = pj_block_alloc(PJ_BLOCK_SMALL + 1),
       *zeroed = pj_block_calloc(1);
  pj_alloc_fail_after(-1);
  assert_true(!none && !large && !zeroed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_fit_and_are_aligned),
      cmocka_unit_test(many_blocks_keep_their_contents),
      cmocka_unit_test(blocks_move_between_threads),
      cmocka_unit_test(a_child_of_fork_goes_on),
      cmocka_unit_test(large_sizes_fit),
#ifndef __SANITIZE_ADDRESS__
      cmocka_unit_test(large_blocks_are_kept),
      cmocka_unit_test(what_is_kept_is_bounded),
      cmocka_unit_test(blocks_of_chunks_go_back),
      cmocka_unit_test(a_request_that_cannot_be_met_is_null),
#endif
      cmocka_unit_test(failing_allocations_fail_here_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
