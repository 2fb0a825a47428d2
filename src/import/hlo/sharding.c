// OpSharding: how values lie on the devices of a program. It becomes the text that GSPMD has for it
// in StableHLO (mhlo.sharding), so that src/partition reads one form.
#include <inttypes.h>
#include <stdio.h>

#include "import/hlo/hlo.h"

// OpSharding.Type.
typedef enum Kind { REPLICATED, MAXIMAL, TUPLE, OTHER, MANUAL, UNKNOWN, UNREDUCED } Kind;

static const char *const kind_names[] = {"replicated", "maximal", "tuple",    "other",
                                         "manual",     "unknown", "unreduced"};
enum { NUM_KINDS = sizeof kind_names / sizeof *kind_names };

// A text in memory of the arena that has room for it.
typedef struct Writer {
  char *text;
  size_t len, room;
} Writer;

enum { NUMBER_ROOM = 24, FIXED_ROOM = 128 }; // of one number or name, of everything else

static void put(Writer *w, const char *text) {
  size_t len = strlen(text);
  memcpy(w->text + w->len, text, len);
  w->len += len;
}

static void put_numbers(Writer *w, const char *before, const PjHloInts *numbers,
                        const char *behind) {
  put(w, before);
  for (size_t i = 0; i < numbers->len; ++i)
    w->len += (size_t)snprintf(w->text + w->len, w->room - w->len, "%s%" PRId64, i ? "," : "",
                               numbers->data[i]);
  put(w, behind);
}

static PjStatus write_tiles(PjHlo *h, const PjHloShardingMsg *msg, PjStr *out) {
  size_t numbers = msg->tile_assignment_dimensions.len + msg->tile_assignment_devices.len +
                   msg->iota_reshape_dims.len + msg->iota_transpose_perm.len +
                   msg->last_tile_dims.len,
         room = numbers * NUMBER_ROOM + FIXED_ROOM;
  Writer w = {pj_arena_alloc(h->arena, room), 0, room};
  put_numbers(&w, "{devices=[", &msg->tile_assignment_dimensions, "]");
  if (msg->iota_reshape_dims.len)
    put_numbers(&w, "<=[", &msg->iota_reshape_dims, "]");
  else
    put_numbers(&w, "", &msg->tile_assignment_devices, "");
  if (msg->iota_transpose_perm.len)
    put_numbers(&w, "T(", &msg->iota_transpose_perm, ")");
  if (msg->replicate_on_last_tile_dim)
    put(&w, " last_tile_dim_replicate");
  for (size_t i = 0; i < msg->last_tile_dims.len; ++i) {
    int64_t kind = msg->last_tile_dims.data[i];
    PJ_FAIL_IF(kind < 0 || kind >= NUM_KINDS, UNIMPLEMENTED, "a sharding of type %" PRId64, kind);
    put(&w, i ? ", " : " last_tile_dims={");
    put(&w, kind_names[kind]);
  }
  put(&w, msg->last_tile_dims.len ? "}}" : "}");
  *out = (PjStr){w.text, w.len};
  return PJ_STATUS_OK;
}

// The sharding of one array.
static PjStatus array_sharding(PjHlo *h, const PjHloShardingMsg *msg, const PjAttr **out) {
  PjStr text;
  PJ_FAIL_IF(msg->named_sharding.ptr, UNIMPLEMENTED, "a sharding by names of axes");
  switch (msg->type) {
  case OTHER:
    PJ_TRY(write_tiles(h, msg, &text));
    break;
  case MAXIMAL:
    PJ_FAIL_IF(msg->tile_assignment_devices.len != 1, INVALID_ARGUMENT,
               "a sharding to one device names %zu", msg->tile_assignment_devices.len);
    text = pj_str(pj_arena_printf(h->arena, "{maximal device=%" PRId64 "}",
                                  msg->tile_assignment_devices.data[0]));
    break;
  case REPLICATED:
  case MANUAL:
  case UNKNOWN:
  case UNREDUCED:
    text = pj_str(pj_arena_printf(h->arena, "{%s}", kind_names[msg->type]));
    break;
  default:
    return PJ_ERROR(INVALID_ARGUMENT, "a sharding of type %" PRId64 " for one array", msg->type);
  }
  *out = pj_attr_string(h->arena, text);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_shardings(PjHlo *h, PjStr bytes, uint32_t num_leaves, const PjAttr **out) {
  PjHloShardingMsg msg = {0};
  for (uint32_t i = 0; i < num_leaves; ++i)
    out[i] = NULL;
  if (!bytes.ptr)
    return PJ_STATUS_OK;
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_Sharding, &msg));
  PJ_FAIL_IF(msg.type == TUPLE && msg.tuple_shardings.len != num_leaves, INVALID_ARGUMENT,
             "shardings of %zu arrays where there are %u", msg.tuple_shardings.len, num_leaves);
  for (uint32_t i = 0; i < num_leaves; ++i) {
    PjHloShardingMsg leaf = msg;
    if (msg.type == TUPLE) {
      leaf = (PjHloShardingMsg){0};
      PJ_TRY(pj_hlo_decode(h, msg.tuple_shardings.data[i], PJ_HLO_Sharding, &leaf));
    }
    PJ_TRY(array_sharding(h, &leaf, &out[i]));
  }
  return PJ_STATUS_OK;
}

bool pj_hlo_is_mark(PjStr target) {
  return pj_str_is(target, "Sharding") || pj_str_is(target, "SPMDFullToShardShape") ||
         pj_str_is(target, "SPMDShardToFullShape");
}

PjStatus pj_hlo_mark(PjHloSite *s, PjStr target, const PjAttr *sharding, PjStr config,
                     PjValue *value, const PjType *type, PjValue **out) {
  PjArena *arena = s->h->arena;
  PjOp *op = pj_hlo_op(s, PJ_OP_CUSTOM_CALL, 1, 1, 0);
  const PjStr name = PJ_STR("mhlo.sharding");
  op->operands[0] = value;
  op->extra = pj_attr_dict(arena, 1, &name, &sharding);
  PJ_HLO_SET(op, call_target_name, pj_attr_string(arena, target));
  PJ_HLO_SET(op, backend_config, pj_attr_string(arena, config));
  return pj_hlo_append_one(s, op, type, out);
}
