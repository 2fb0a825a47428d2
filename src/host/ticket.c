// See event.h. What a plugin is handed is a number and no address: one that calls a callback twice,
// however late, finds that the number is gone, and touches no memory that has become something
// else.
#include <pthread.h>

#include "host/event.h"

typedef struct Ticket Ticket;
struct Ticket {
  uintptr_t number;
  const PjhPlugin *plugin;
  PjhEndFn *fn;
  void *user;
  Ticket *next; // in its list
};

enum { NUM_LISTS = 256 }; // by the last bits of the number

static struct {
  pthread_mutex_t lock;
  uintptr_t last; // number that was given out
  Ticket *lists[NUM_LISTS];
} tickets = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(Ticket *ticket) {
  pthread_mutex_lock(&tickets.lock);
  ticket->number = ++tickets.last;
  Ticket **list = &tickets.lists[ticket->number % NUM_LISTS];
  ticket->next = *list;
  *list = ticket;
  pthread_mutex_unlock(&tickets.lock);
}

// The ticket of |number|, now the caller's; NULL when someone has it already.
static Ticket *take(uintptr_t number) {
  pthread_mutex_lock(&tickets.lock);
  Ticket **place = &tickets.lists[number % NUM_LISTS];
  while (*place && (*place)->number != number)
    place = &(*place)->next;
  Ticket *ticket = *place;
  if (ticket)
    *place = ticket->next;
  pthread_mutex_unlock(&tickets.lock);
  return ticket;
}

static void on_ready(PJRT_Error *error, void *user) {
  Ticket *ticket = take((uintptr_t)user);
  if (!ticket) // Whose |error| is that? It may be the one of the first call, which is gone.
    return;
  ticket->fn(pjh__take(ticket->plugin, error), ticket->user);
  pj_free(ticket);
}

PjhError *pjh__when_ended(const PjhPlugin *plugin, PJRT_Event *event, PjhEndFn *fn, void *user) {
  if (!event) {
    fn(NULL, user);
    return NULL;
  }
  Ticket *ticket = pj_malloc(sizeof *ticket);
  if (!ticket)
    return pjh__out_of_memory();
  *ticket = (Ticket){.plugin = plugin, .fn = fn, .user = user};
  put(ticket);
  uintptr_t number = ticket->number;
  PJH_ARGS(Event_OnReady, args);
  args.event = event;
  args.callback = on_ready;
  args.user_arg = (void *)number;
  PjhError *error = PJH_CALL(plugin, Event_OnReady, &args);
  if (!error)
    return NULL;
  ticket = take(number);
  if (ticket) {
    pj_free(ticket);
    return error;
  }
  pjh_error_free(error); // It was called although it could not be registered: that counts.
  return NULL;
}
