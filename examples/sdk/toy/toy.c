/* The toy accelerator: a device as unlike the host as a simulation in one file can be.
 *
 * Its memory is a private region that the host never sees: an address is an offset behind a number
 * of the board, and the host reaches it by copies alone. Copies and launches are commands in a
 * queue, which the board's own thread serves, some time after. The region is small (option
 * memory_mb), and what does not fit is RESOURCE_EXHAUSTED. Programs run "on the board": its thread
 * is the processor, which sees the region at addresses of its own.
 *
 * Options of a client: device_count (boards), memory_mb (of each, 64), latency_us (from a command
 * to its begin, 20).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <pjrt/sdk/sdk.h>

enum { MAX_BOARDS = 8, ALIGNMENT = 64, BOARD_SHIFT = 48 };

/* --- The board -----------------------------------------------------------------------------------
 *
 * What stands between here and "The driver" is hardware; a real plugin has calls of the vendor's
 * library in its place. */

typedef enum CommandKind { COPY_IN, COPY_OUT, LAUNCH } CommandKind;

typedef struct Command {
  struct Command *next;
  CommandKind kind;
  uint64_t at; /* an offset in the region */
  void *host;
  size_t size;
  const PjsLaunch *launch;
  PjsDone *done;
  struct timespec due;
} Command;

/* A free or used stretch of the region; all of them in the order of their offsets. */
typedef struct Stretch {
  struct Stretch *next;
  uint64_t at, size;
  bool used;
} Stretch;

typedef struct Board {
  int number;
  unsigned latency_us;
  char *region; /* nobody but the board's thread reads or writes it */
  uint64_t region_bytes;
  PjsOption attributes[2]; /* what hosts are told */

  pthread_mutex_t memory_lock;
  Stretch *stretches;
  int64_t in_use, peak, count, largest;

  pthread_t thread;
  pthread_mutex_t queue_lock;
  pthread_cond_t queued;
  Command *first, *last;
  bool stopping;
} Board;

struct PjsDriver {
  int board_count;
  Board *boards[MAX_BOARDS];
};

/* The processor runs a program: it turns the offsets of the arrays into addresses of its own. */
static PjsError *run_launch(Board *board, const PjsLaunch *launch) {
  const uint64_t mask = ((uint64_t)1 << BOARD_SHIFT) - 1;
  void **arrays = malloc((launch->num_inputs + launch->num_outputs + 1) * sizeof *arrays);
  if (!arrays)
    return pjs_out_of_memory();
  for (uint32_t i = 0; i < launch->num_inputs; i++)
    arrays[i] = board->region + (launch->inputs[i] & mask);
  for (uint32_t i = 0; i < launch->num_outputs; i++)
    arrays[launch->num_inputs + i] = board->region + (launch->outputs[i] & mask);
  PjsError *error = pjs_launch_run(launch, arrays, arrays + launch->num_inputs);
  free(arrays);
  return error;
}

static PjsError *do_command(Board *board, const Command *command) {
  switch (command->kind) {
  case COPY_IN:
    memcpy(board->region + command->at, command->host, command->size);
    return NULL;
  case COPY_OUT:
    memcpy(command->host, board->region + command->at, command->size);
    return NULL;
  case LAUNCH:
    return run_launch(board, command->launch);
  }
  return pjs_error(PJRT_Error_Code_INTERNAL, "a command of kind %d", (int)command->kind);
}

static void *board_main(void *arg) {
  Board *board = arg;
  pthread_mutex_lock(&board->queue_lock);
  for (;;) {
    while (!board->first && !board->stopping)
      pthread_cond_wait(&board->queued, &board->queue_lock);
    Command *command = board->first;
    if (!command)
      break;
    board->first = command->next;
    if (!board->first)
      board->last = NULL;
    pthread_mutex_unlock(&board->queue_lock);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &command->due, NULL)) {
    }
    PjsError *error = do_command(board, command);
    PjsDone *done = command->done;
    free(command);
    pjs_done(done, error);
    pthread_mutex_lock(&board->queue_lock);
  }
  pthread_mutex_unlock(&board->queue_lock);
  return NULL;
}

/* --- The driver: opening ---------------------------------------------------------------------- */

static void board_destroy(Board *board) {
  pthread_mutex_lock(&board->queue_lock);
  board->stopping = true;
  pthread_cond_signal(&board->queued);
  pthread_mutex_unlock(&board->queue_lock);
  pthread_join(board->thread, NULL);
  for (Stretch *stretch = board->stretches, *next; stretch; stretch = next) {
    next = stretch->next;
    free(stretch);
  }
  pthread_cond_destroy(&board->queued);
  pthread_mutex_destroy(&board->queue_lock);
  pthread_mutex_destroy(&board->memory_lock);
  munmap(board->region, board->region_bytes);
  free(board);
}

static Board *board_create(int number, uint64_t bytes, unsigned latency_us) {
  Board *board = calloc(1, sizeof *board);
  Stretch *all = calloc(1, sizeof *all);
  char *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!board || !all || region == MAP_FAILED) {
    if (region != MAP_FAILED)
      munmap(region, bytes);
    free(board);
    free(all);
    return NULL;
  }
  *all = (Stretch){.at = 0, .size = bytes};
  *board =
      (Board){.number = number,
              .latency_us = latency_us,
              .region = region,
              .region_bytes = bytes,
              .stretches = all,
              .attributes = {
                  {.name = "memory_bytes", .kind = PJS_OPTION_INTEGER, .integer = (int64_t)bytes},
                  {.name = "firmware", .kind = PJS_OPTION_TEXT, .text = "toy 1"}}};
  pthread_mutex_init(&board->memory_lock, NULL);
  pthread_mutex_init(&board->queue_lock, NULL);
  pthread_cond_init(&board->queued, NULL);
  if (pthread_create(&board->thread, NULL, board_main, board) == 0)
    return board;
  munmap(region, bytes);
  free(all);
  free(board);
  return NULL;
}

static void toy_close(PjsDriver *driver) {
  for (int i = 0; i < driver->board_count; i++)
    board_destroy(driver->boards[i]);
  free(driver);
}

/* Reads an option in the range; others stay as they are. */
static PjsError *read_option(const PjsOption *option, const char *name, int64_t least, int64_t most,
                             int64_t *out) {
  if (strcmp(option->name, name) != 0)
    return NULL;
  if (option->kind != PJS_OPTION_INTEGER || option->integer < least || option->integer > most)
    return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT,
                     "option %s must be an integer from %lld to %lld", name, (long long)least,
                     (long long)most);
  *out = option->integer;
  return NULL;
}

static PjsError *toy_open(const PjsOpenOptions *options, PjsDriver **out_driver) {
  int64_t memory_mb = 64, latency_us = 20;
  for (size_t i = 0; i < options->num_options; i++) {
    const PjsOption *option = &options->options[i];
    PJS_TRY(read_option(option, "memory_mb", 1, 1 << 20, &memory_mb));
    PJS_TRY(read_option(option, "latency_us", 0, 1000000, &latency_us));
    if (strcmp(option->name, "memory_mb") != 0 && strcmp(option->name, "latency_us") != 0)
      return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT,
                       "unknown option \"%s\": there are device_count, memory_mb and latency_us",
                       option->name);
  }
  int count = options->device_count ? options->device_count : 1;
  if (count > MAX_BOARDS)
    return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT, "there are %d boards at most, not %d",
                     MAX_BOARDS, count);
  PjsDriver *driver = calloc(1, sizeof *driver);
  if (!driver)
    return pjs_out_of_memory();
  for (; driver->board_count < count; driver->board_count++) {
    Board *board =
        board_create(driver->board_count, (uint64_t)memory_mb << 20, (unsigned)latency_us);
    if (!board) {
      toy_close(driver);
      return pjs_error(PJRT_Error_Code_UNAVAILABLE, "board %d does not start", driver->board_count);
    }
    driver->boards[driver->board_count] = board;
  }
  *out_driver = driver;
  return NULL;
}

static int toy_device_count(PjsDriver *driver) {
  return driver->board_count;
}

static void toy_device_info(PjsDriver *driver, int device, PjsDeviceInfo *info) {
  info->kind = "Toy 1";
  info->num_attributes = 2;
  info->attributes = driver->boards[device]->attributes;
}

/* --- The driver: memory --------------------------------------------------------------------------
 *
 * An address is the board's number plus one, and the offset: 0 is no address, and one of another
 * board is found out. */

static PjsAddress address_of(const Board *board, uint64_t offset) {
  return (PjsAddress)(board->number + 1) << BOARD_SHIFT | offset;
}

static uint64_t offset_of(PjsAddress address) {
  return address & (((uint64_t)1 << BOARD_SHIFT) - 1);
}

/* First fit. Even nothing takes a stretch, so that all addresses differ. */
static PjsError *toy_allocate(PjsDriver *driver, int device, size_t size, PjsAddress *out) {
  Board *board = driver->boards[device];
  PjsError *error = NULL;
  uint64_t wanted =
      size > board->region_bytes ? UINT64_MAX : (size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  Stretch *rest = malloc(sizeof *rest);
  if (!rest)
    return pjs_out_of_memory();
  pthread_mutex_lock(&board->memory_lock);
  Stretch *found = board->stretches;
  while (found && (found->used || found->size < wanted))
    found = found->next;
  if (!found) {
    error =
        pjs_error(PJRT_Error_Code_RESOURCE_EXHAUSTED,
                  "board %d is out of memory: %zu bytes are asked for, %lld of %llu are in use",
                  device, size, (long long)board->in_use, (unsigned long long)board->region_bytes);
  } else {
    if (found->size > wanted) {
      *rest =
          (Stretch){.next = found->next, .at = found->at + wanted, .size = found->size - wanted};
      found->next = rest;
      found->size = wanted;
      rest = NULL;
    }
    found->used = true;
    board->in_use += (int64_t)size;
    board->count++;
    if (board->in_use > board->peak)
      board->peak = board->in_use;
    if ((int64_t)size > board->largest)
      board->largest = (int64_t)size;
    *out = address_of(board, found->at);
  }
  pthread_mutex_unlock(&board->memory_lock);
  free(rest);
  return error;
}

static void join_next(Stretch *stretch) {
  Stretch *next = stretch->next;
  if (!next || next->used)
    return;
  stretch->size += next->size;
  stretch->next = next->next;
  free(next);
}

static void toy_free(PjsDriver *driver, int device, PjsAddress address, size_t size) {
  Board *board = driver->boards[device];
  pthread_mutex_lock(&board->memory_lock);
  Stretch *before = NULL, *stretch = board->stretches;
  while (stretch->at != offset_of(address)) {
    before = stretch;
    stretch = stretch->next;
  }
  stretch->used = false;
  board->in_use -= (int64_t)size;
  join_next(stretch);
  if (before && !before->used)
    join_next(before);
  pthread_mutex_unlock(&board->memory_lock);
}

static void toy_stats(PjsDriver *driver, int device, PjsDeviceStats *stats) {
  Board *board = driver->boards[device];
  pthread_mutex_lock(&board->memory_lock);
  stats->bytes_in_use = stats->pool_bytes = board->in_use;
  stats->peak_bytes_in_use = stats->peak_pool_bytes = board->peak;
  stats->num_allocs = board->count;
  stats->largest_alloc_size = board->largest;
  stats->bytes_limit = (int64_t)board->region_bytes;
  pthread_mutex_unlock(&board->memory_lock);
}

static void toy_reset_stats(PjsDriver *driver, int device) {
  Board *board = driver->boards[device];
  pthread_mutex_lock(&board->memory_lock);
  board->peak = board->in_use;
  pthread_mutex_unlock(&board->memory_lock);
}

/* --- The driver: the queue -------------------------------------------------------------------- */

/* Puts a command at the end of the board's queue; it begins when it is due, and after those before
 * it. */
static void submit(Board *board, Command command) {
  Command *queued = malloc(sizeof *queued);
  if (!queued) {
    pjs_done(command.done, pjs_out_of_memory());
    return;
  }
  clock_gettime(CLOCK_MONOTONIC, &command.due);
  command.due.tv_nsec += (long)board->latency_us * 1000;
  command.due.tv_sec += command.due.tv_nsec / 1000000000;
  command.due.tv_nsec %= 1000000000;
  *queued = command;
  pthread_mutex_lock(&board->queue_lock);
  if (board->last)
    board->last->next = queued;
  else
    board->first = queued;
  board->last = queued;
  pthread_cond_signal(&board->queued);
  pthread_mutex_unlock(&board->queue_lock);
}

/* Whether |size| bytes at |address| are in the memory of |board|. */
static bool is_own(const Board *board, PjsAddress address, size_t size) {
  uint64_t offset = offset_of(address);
  return address >> BOARD_SHIFT == (PjsAddress)(board->number + 1) &&
         offset <= board->region_bytes && size <= board->region_bytes - offset;
}

/* The same, and if they are not, the failure is told. */
static bool check(const Board *board, PjsAddress address, size_t size, PjsDone *done) {
  if (is_own(board, address, size))
    return true;
  pjs_done(done, pjs_error(PJRT_Error_Code_INVALID_ARGUMENT,
                           "%zu bytes at %#llx are not in the memory of board %d", size,
                           (unsigned long long)address, board->number));
  return false;
}

static void toy_copy_in(PjsDriver *driver, int device, PjsAddress to, const void *from, size_t size,
                        PjsDone *done) {
  Board *board = driver->boards[device];
  if (check(board, to, size, done))
    submit(board, (Command){.kind = COPY_IN,
                            .at = offset_of(to),
                            .host = (void *)(uintptr_t)from,
                            .size = size,
                            .done = done});
}

static void toy_copy_out(PjsDriver *driver, int device, void *to, PjsAddress from, size_t size,
                         PjsDone *done) {
  Board *board = driver->boards[device];
  if (check(board, from, size, done))
    submit(
        board,
        (Command){.kind = COPY_OUT, .at = offset_of(from), .host = to, .size = size, .done = done});
}

/* Boards do not see each other: copies between two go through the host, which is what libpjrt does
 * without |copy|. */

/* Whose memory it is does not matter: it is all one region. */
static bool toy_can_view(PjsDriver *driver, int device, PjsAddress address, size_t size) {
  return address % 64 == 0 && is_own(driver->boards[device], address, size);
}

static void toy_launch(PjsDriver *driver, int device, const PjsLaunch *launch, PjsDone *done) {
  for (uint32_t i = 0; i < launch->num_inputs; i++)
    if (!check(driver->boards[device], launch->inputs[i], launch->input_bytes[i], done))
      return;
  submit(driver->boards[device], (Command){.kind = LAUNCH, .launch = launch, .done = done});
}

/* ---------------------------------------------------------------------------------------------- */

static const PjsDeviceOps device = {
    .struct_size = sizeof(PjsDeviceOps),
    .open = toy_open,
    .close = toy_close,
    .device_count = toy_device_count,
    .device_info = toy_device_info,
    .allocate = toy_allocate,
    .free = toy_free,
    .copy_in = toy_copy_in,
    .copy_out = toy_copy_out,
    .launch = toy_launch,
    .stats = toy_stats,
    .reset_stats = toy_reset_stats,
    .can_view = toy_can_view,
};

static const PjsPlatform platform = {
    .struct_size = sizeof(PjsPlatform),
    .sdk_version = PJS_VERSION,
    .name = "toy",
    .version = "toy 1.0",
    .device = &device,
};

PJRT_SDK_PLUGIN(platform)
