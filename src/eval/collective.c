// Collectives (spec: "all_gather" ... "reduce_scatter", "collective_ops"): which processes form a
// group, and what the group computes from everybody's operands. grid.c brings them together.
#include <string.h>

#include "eval/grid.h"
#include "ir/sharding.h"

typedef enum Strategy {
  CROSS_REPLICA,
  CROSS_PARTITION,
  CROSS_REPLICA_AND_PARTITION,
  FLATTENED_IDS
} Strategy;

static uint32_t self_id(const PjEval *ev) {
  return ev->options->replica * pj__grid_partitions(ev->options) + ev->options->partition;
}

static uint32_t num_processes(const PjEval *ev) {
  return pj__grid_replicas(ev->options) * pj__grid_partitions(ev->options);
}

// ----------------------------------------------------------------------------------------------
// groups Replica groups given by mesh axes: devices whose positions differ along those axes only.
// As a matrix of device ids.
static PjStatus mesh_groups(PjEval *ev, const PjOp *op, const PjAttr *groups,
                            const PjAttr **out_matrix) {
  const PjAttr *axes = pj_attr_get(groups, "axes");
  PjMesh *mesh;
  if (!axes || axes->kind != PJ_ATTR_ARRAY)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "replica groups without axes");
  PJ_TRY(pj_mesh_resolve(ev->arena, ev->program->module, pj_attr_get(groups, "mesh"), &mesh));
  int64_t size = 1, *sizes = PJ_NEW_ARRAY(ev->arena, int64_t, axes->count),
          *steps = PJ_NEW_ARRAY(ev->arena, int64_t, axes->count);
  for (uint32_t a = 0; a < axes->count; ++a) {
    PJ_TRY(pj_mesh_axis(mesh, axes->elems[a], &sizes[a], &steps[a]));
    size *= sizes[a];
    if (size > mesh->num_devices)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the axes of the replica groups overlap");
  }
  int64_t *ids = PJ_NEW_ARRAY(ev->arena, int64_t, (size_t)mesh->num_devices), next = 0;
  for (int64_t first = 0; first < mesh->num_devices; ++first) {
    bool leads = true; // coordinate 0 along every axis of the group
    for (uint32_t a = 0; a < axes->count; ++a)
      leads &= first / steps[a] % sizes[a] == 0;
    if (!leads || next + size > mesh->num_devices)
      continue;
    for (int64_t member = 0; member < size; ++member) {
      int64_t position = first, rest = member;
      for (uint32_t a = axes->count; a-- > 0; rest /= sizes[a])
        position += rest % sizes[a] * steps[a];
      if (position >= mesh->num_devices)
        return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the axes of the replica groups overlap");
      ids[next++] = mesh->device_ids ? mesh->device_ids[position] : position;
    }
  }
  *out_matrix = pj_attr_matrix(ev->arena, (size_t)(next / size), (size_t)size, ids);
  return PJ_STATUS_OK;
}

static PjStatus check_id(const PjOp *op, int64_t id, uint32_t limit, const char *what) {
  if (id >= 0 && id < limit)
    return PJ_STATUS_OK;
  return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                     "replica_groups name %s %lld, but the program runs on %u", what, (long long)id,
                     limit);
}

// The ids of the group that this process belongs to; size 0 when it is in none.
static PjStatus find_group(PjEval *ev, const PjOp *op, const PjAttr *groups, Strategy strategy,
                           PjGroup *out) {
  uint32_t replicas = pj__grid_replicas(ev->options), partitions = pj__grid_partitions(ev->options),
           total = replicas * partitions;
  uint32_t *ids = PJ_NEW_ARRAY(ev->arena, uint32_t, total), self = self_id(ev);
  *out = (PjGroup){.ids = ids};
  if (groups->kind == PJ_ATTR_STRUCT) {
    PJ_TRY(mesh_groups(ev, op, groups, &groups));
    strategy = FLATTENED_IDS;
  }
  uint32_t columns = groups->columns > 0 ? (uint32_t)groups->columns : 0,
           rows = columns ? groups->count / columns : 0;
  bool everyone = rows == 0;
  for (uint32_t row = 0; row < (everyone ? 1 : rows); ++row) {
    uint32_t size = 0;
    bool mine = false;
    uint32_t width = !everyone                     ? columns
                     : strategy == CROSS_PARTITION ? partitions
                     : strategy == FLATTENED_IDS   ? total
                                                   : replicas;
    uint32_t repeats = strategy == CROSS_REPLICA_AND_PARTITION ? partitions : 1;
    for (uint32_t p = 0; p < repeats; ++p)
      for (uint32_t c = 0; c < width; ++c) {
        int64_t id = everyone ? c : groups->ints[row * columns + c];
        if (id == -1 && !everyone)
          continue; // padding of ragged groups
        if (strategy == CROSS_REPLICA) {
          PJ_TRY(check_id(op, id, replicas, "replica"));
          id = id * partitions + ev->options->partition;
        } else if (strategy == CROSS_PARTITION) {
          PJ_TRY(check_id(op, id, partitions, "partition"));
          id = ev->options->replica * partitions + id;
        } else if (strategy == CROSS_REPLICA_AND_PARTITION) {
          PJ_TRY(check_id(op, id, replicas, "replica"));
          id = id * partitions + p;
        } else {
          PJ_TRY(check_id(op, id, total, "device"));
        }
        if (size == total)
          return PJ_OP_ERROR(op, INVALID_ARGUMENT, "a replica group names a process twice");
        if (id == self) {
          mine = true;
          out->self = size;
        }
        ids[size++] = (uint32_t)id;
      }
    if (mine) {
      out->size = size;
      return PJ_STATUS_OK;
    }
  }
  return PJ_STATUS_OK;
}

static Strategy reduce_strategy(const PjOp *op) {
  bool global = PJ_ATTR(op, use_global_device_ids) && PJ_INT(op, use_global_device_ids);
  if (PJ_INT(op, channel_id) <= 0)
    return CROSS_REPLICA;
  return global ? FLATTENED_IDS : CROSS_REPLICA_AND_PARTITION;
}

static Strategy exchange_strategy(const PjOp *op) {
  return PJ_INT(op, channel_id) <= 0 ? CROSS_REPLICA : CROSS_PARTITION;
}

static PjStatus meet_in(PjEval *ev, const PjOp *op, const PjAttr *groups, Strategy strategy,
                        int64_t channel, PjTensor *const *in, PjTensor **out, PjMeetFn *fn) {
  PjGroup group;
  PJ_TRY(find_group(ev, op, groups, strategy, &group));
  if (!group.size)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "process %u is in none of the replica groups",
                       self_id(ev));
  return pj__grid_meet(ev, op, channel, &group, in, out, fn);
}

static PjStatus meet(PjEval *ev, const PjOp *op, Strategy strategy, PjTensor *const *in,
                     PjTensor **out, PjMeetFn *fn) {
  int64_t channel = PJ_ATTR(op, channel_id) ? PJ_INT(op, channel_id) : 0;
  return meet_in(ev, op, PJ_ATTR(op, replica_groups), strategy, channel, in, out, fn);
}

PjStatus pj__grid_exchange(PjEval *ev, const PjOp *op, const PjAttr *groups, int64_t channel,
                           PjTensor *const *in, PjTensor **out, PjMeetFn *fn) {
  return meet_in(ev, op, groups, channel > 0 ? CROSS_PARTITION : CROSS_REPLICA, channel, in, out,
                 fn);
}

// ----------------------------------------------------------------------------------------------
// pieces
static PjTensor *zeros_like(PjEval *ev, const PjTensor *like) {
  PjTensor *tensor = pj_eval_new_like(ev, like->dtype, like);
  memset(tensor->data, 0, tensor->bytes);
  return tensor;
}

static PjTensor *copy_of(PjEval *ev, const PjTensor *from) {
  PjTensor *tensor = pj_eval_new_like(ev, from->dtype, from);
  if (from->bytes)
    memcpy(tensor->data, from->data, from->bytes);
  return tensor;
}

// A dense array seen as outer x dims[dim] x inner bytes.
static void split_at(const PjTensor *tensor, int64_t dim, size_t *outer, size_t *inner_bytes) {
  *outer = 1;
  *inner_bytes = pj_dtype_bytes(tensor->dtype);
  for (int64_t i = 0; i < dim; ++i)
    *outer *= (size_t)tensor->dims[i];
  for (int64_t i = dim + 1; i < tensor->rank; ++i)
    *inner_bytes *= (size_t)tensor->dims[i];
}

// Copies |count| rows of dimension |dim| from row |from_at| of |from| to row |to_at| of |to|.
static void copy_rows(PjTensor *to, int64_t to_at, const PjTensor *from, int64_t from_at,
                      int64_t dim, int64_t count) {
  size_t outer, inner;
  split_at(from, dim, &outer, &inner);
  size_t to_row = (size_t)to->dims[dim] * inner, from_row = (size_t)from->dims[dim] * inner;
  for (size_t o = 0; o < outer; ++o)
    if (count)
      memcpy((char *)to->data + o * to_row + (size_t)to_at * inner,
             (char *)from->data + o * from_row + (size_t)from_at * inner, (size_t)count * inner);
}

static PjTensor *with_dim(PjEval *ev, const PjTensor *like, int64_t dim, int64_t size) {
  int64_t dims[PJ_MAX_RANK];
  memcpy(dims, like->dims, (size_t)like->rank * sizeof *dims);
  dims[dim] = size;
  return pj_eval_new(ev, like->dtype, like->rank, dims);
}

// ----------------------------------------------------------------------------------------------
// reductions |a| = computation(|a|, |b|) for every element.
static PjStatus fold(PjEval *ev, const PjRegion *computation, PjTensor *a, const PjTensor *b) {
  enum { CHUNK = 1024 };
  size_t size = pj_dtype_bytes(a->dtype);
  PjBody *body = pj_body_compile(ev, computation, CHUNK);
  for (int64_t at = 0; body && at < a->count; at += CHUNK) {
    int64_t n = a->count - at < CHUNK ? a->count - at : CHUNK;
    char *left = (char *)a->data + (size_t)at * size;
    const void *args[2] = {left, (const char *)b->data + (size_t)at * size}, *result;
    pj_body_run(body, n, args, &result);
    if (result != left)
      memmove(left, result, (size_t)n * size);
  }
  for (int64_t at = 0; !body && at < a->count; ++at) {
    PjTensor *args[2], *result;
    for (int i = 0; i < 2; ++i) {
      args[i] = pj_eval_new(ev, a->dtype, 0, NULL);
      memcpy(args[i]->data, (const char *)(i ? b : a)->data + (size_t)at * size, size);
    }
    PJ_TRY(pj_eval_region(ev, computation, args, &result, 1));
    memcpy((char *)a->data + (size_t)at * size, result->data, size);
    for (int i = 0; i < 2; ++i)
      pj_eval_drop(ev, args[i]);
    pj_eval_drop(ev, result);
  }
  return PJ_STATUS_OK;
}

static PjStatus reduce_group(PjEval *ev, const PjOp *op, const PjGroup *group,
                             PjTensor *const *const *in, uint32_t operand, PjTensor **out) {
  const PjTensor *first = in[0][operand];
  for (uint32_t m = 1; m < group->size; ++m)
    if (in[m][operand]->count != first->count || in[m][operand]->dtype != first->dtype)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the processes of a group bring operands of different shapes");
  PjDtype wanted = op->regions[0].args[0].type->dtype;
  if (wanted != first->dtype)
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "a computation on %s over operands of %s",
                       pj_dtype_text(wanted), pj_dtype_text(first->dtype));
  *out = copy_of(ev, first);
  for (uint32_t m = 1; m < group->size; ++m)
    PJ_TRY(fold(ev, &op->regions[0], *out, in[m][operand]));
  return PJ_STATUS_OK;
}

static PjStatus all_reduce(PjEval *ev, const PjOp *op, const PjGroup *group,
                           PjTensor *const *const *in, PjTensor ***out) {
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PJ_TRY(reduce_group(ev, op, group, in, i, &out[0][i]));
    for (uint32_t m = 1; m < group->size; ++m)
      out[m][i] = copy_of(ev, out[0][i]);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_ev_all_reduce(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, reduce_strategy(op), in, out, all_reduce);
}

// Index within the group of the root for operand |i|: 0, or given by the last operand.
static PjStatus find_root(const PjOp *op, const PjGroup *group, PjTensor *const *const *in,
                          uint32_t i, uint32_t *out) {
  *out = 0;
  if (!PJ_INT(op, has_dynamic_root))
    return PJ_STATUS_OK;
  const PjTensor *roots = in[0][op->num_operands - 1];
  int64_t root = i < roots->count ? ((const int32_t *)roots->data)[i] : -1;
  if (root < 0 || root >= group->size)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "root %lld of a group of %u", (long long)root,
                       group->size);
  *out = (uint32_t)root;
  return PJ_STATUS_OK;
}

static PjStatus collective_reduce(PjEval *ev, const PjOp *op, const PjGroup *group,
                                  PjTensor *const *const *in, PjTensor ***out) {
  for (uint32_t i = 0; i < op->num_results; ++i) {
    uint32_t root;
    PJ_TRY(find_root(op, group, in, i, &root));
    for (uint32_t m = 0; m < group->size; ++m) {
      if (m == root)
        PJ_TRY(reduce_group(ev, op, group, in, i, &out[m][i]));
      else
        out[m][i] = zeros_like(ev, in[m][i]);
    }
  }
  return PJ_STATUS_OK;
}

PjStatus pj_ev_collective_reduce(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, reduce_strategy(op), in, out, collective_reduce);
}

static PjStatus reduce_scatter(PjEval *ev, const PjOp *op, const PjGroup *group,
                               PjTensor *const *const *in, PjTensor ***out) {
  int64_t dim = PJ_INT(op, scatter_dimension), size = in[0][0]->dims[dim],
          part = size / group->size;
  if (size % group->size)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "dimension %lld of size %lld does not divide among %u processes",
                       (long long)dim, (long long)size, group->size);
  PjTensor *whole;
  PJ_TRY(reduce_group(ev, op, group, in, 0, &whole));
  for (uint32_t m = 0; m < group->size; ++m) {
    out[m][0] = with_dim(ev, whole, dim, part);
    copy_rows(out[m][0], 0, whole, m * part, dim, part);
  }
  pj_eval_drop(ev, whole);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_reduce_scatter(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, reduce_strategy(op), in, out, reduce_scatter);
}

static PjStatus replica_sum(PjEval *ev, const PjOp *op, const PjGroup *group,
                            PjTensor *const *const *in, PjTensor ***out) {
  PjOp add = {.kind = PJ_OP_ADD,
              .num_operands = 2,
              .num_results = 1,
              .operands = (PjValue *[]){op->operands[0], op->operands[0]},
              .results = op->results};
  PjKernel kernel;
  if (!pj_kernel_select(&add, &kernel))
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "no sum of this type");
  PjTensor *sum = copy_of(ev, in[0][0]);
  for (uint32_t m = 1; m < group->size; ++m) {
    if (in[m][0]->count != sum->count)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the processes bring operands of different shapes");
    kernel.fn(&kernel, sum->count, (const void *[]){sum->data, in[m][0]->data}, sum->data);
  }
  for (uint32_t m = 0; m < group->size; ++m)
    out[m][0] = copy_of(ev, sum);
  pj_eval_drop(ev, sum);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_cross_replica_sum(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, CROSS_REPLICA, in, out, replica_sum);
}

// ----------------------------------------------------------------------------------------------
// exchanges
static PjStatus all_gather(PjEval *ev, const PjOp *op, const PjGroup *group,
                           PjTensor *const *const *in, PjTensor ***out) {
  int64_t dim = PJ_INT(op, all_gather_dim);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    int64_t size = 0, at = 0;
    for (uint32_t m = 0; m < group->size; ++m)
      size += in[m][i]->dims[dim];
    PjTensor *whole = with_dim(ev, in[0][i], dim, size);
    for (uint32_t m = 0; m < group->size; ++m) {
      copy_rows(whole, at, in[m][i], 0, dim, in[m][i]->dims[dim]);
      at += in[m][i]->dims[dim];
    }
    out[0][i] = whole;
    for (uint32_t m = 1; m < group->size; ++m)
      out[m][i] = copy_of(ev, whole);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_ev_all_gather(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, reduce_strategy(op), in, out, all_gather);
}

static PjStatus all_to_all(PjEval *ev, const PjOp *op, const PjGroup *group,
                           PjTensor *const *const *in, PjTensor ***out) {
  int64_t split = PJ_INT(op, split_dimension), concat = PJ_INT(op, concat_dimension),
          count = PJ_INT(op, split_count);
  if (count != group->size)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "split_count is %lld, but the group has %u processes",
                       (long long)count, group->size);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    int64_t part = in[0][i]->dims[split] / count;
    for (uint32_t m = 0; m < group->size; ++m) {
      PjTensor *piece = with_dim(ev, in[0][i], split, part);
      int64_t rows = piece->dims[concat];
      out[m][i] = with_dim(ev, piece, concat, rows * count);
      for (uint32_t from = 0; from < group->size; ++from) {
        copy_rows(piece, 0, in[from][i], m * part, split, part);
        copy_rows(out[m][i], from * rows, piece, 0, concat, rows);
      }
      pj_eval_drop(ev, piece);
    }
  }
  return PJ_STATUS_OK;
}

PjStatus pj_ev_all_to_all(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return meet(ev, op, exchange_strategy(op), in, out, all_to_all);
}

static PjStatus broadcast(PjEval *ev, const PjOp *op, const PjGroup *group,
                          PjTensor *const *const *in, PjTensor ***out) {
  for (uint32_t i = 0; i < op->num_results; ++i) {
    uint32_t root;
    PJ_TRY(find_root(op, group, in, i, &root));
    for (uint32_t m = 0; m < group->size; ++m)
      out[m][i] = copy_of(ev, in[root][i]);
  }
  return PJ_STATUS_OK;
}

// A process outside all groups gets zeros.
PjStatus pj_ev_collective_broadcast(PjEval *ev, const PjOp *op, PjTensor *const *in,
                                    PjTensor **out) {
  PjGroup group;
  PJ_TRY(find_group(ev, op, PJ_ATTR(op, replica_groups), exchange_strategy(op), &group));
  if (group.size)
    return pj__grid_meet(ev, op, PJ_INT(op, channel_id), &group, in, out, broadcast);
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = zeros_like(ev, in[i]);
  return PJ_STATUS_OK;
}

// Position in the grid of |id| of a source_target_pair.
static uint32_t pair_id(const PjEval *ev, const PjOp *op, int64_t id) {
  uint32_t partitions = pj__grid_partitions(ev->options);
  return exchange_strategy(op) == CROSS_REPLICA ? (uint32_t)id * partitions + ev->options->partition
                                                : ev->options->replica * partitions + (uint32_t)id;
}

// Checks that source_target_pairs name processes of the program.
static PjStatus check_pairs(const PjEval *ev, const PjOp *op) {
  const PjAttr *pairs = PJ_ATTR(op, source_target_pairs);
  uint32_t limit = exchange_strategy(op) == CROSS_REPLICA ? pj__grid_replicas(ev->options)
                                                          : pj__grid_partitions(ev->options);
  for (uint32_t i = 0; i < pairs->count; ++i)
    if (pairs->ints[i] < 0 || pairs->ints[i] >= limit)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "source_target_pairs name process %lld, but the program runs on %u",
                         (long long)pairs->ints[i], limit);
  return PJ_STATUS_OK;
}

static PjStatus permute(PjEval *ev, const PjOp *op, const PjGroup *group,
                        PjTensor *const *const *in, PjTensor ***out) {
  const PjAttr *pairs = PJ_ATTR(op, source_target_pairs);
  for (uint32_t m = 0; m < group->size; ++m) {
    const PjTensor *source = NULL;
    for (uint32_t i = 0; i + 1 < pairs->count; i += 2) {
      if (pair_id(ev, op, pairs->ints[i + 1]) != group->ids[m])
        continue;
      for (uint32_t s = 0; s < group->size; ++s)
        if (group->ids[s] == pair_id(ev, op, pairs->ints[i]))
          source = in[s][0];
    }
    out[m][0] = source ? copy_of(ev, source) : zeros_like(ev, in[m][0]);
  }
  return PJ_STATUS_OK;
}

// The processes that any pair names meet; the others get zeros.
PjStatus pj_ev_collective_permute(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjAttr *pairs = PJ_ATTR(op, source_target_pairs);
  PJ_TRY(check_pairs(ev, op));
  uint32_t total = num_processes(ev), *ids = PJ_NEW_ARRAY(ev->arena, uint32_t, total);
  uint8_t *named = PJ_NEW_ARRAY(ev->arena, uint8_t, total);
  for (uint32_t i = 0; i < pairs->count; ++i)
    named[pair_id(ev, op, pairs->ints[i])] = 1;
  PjGroup group = {.ids = ids};
  for (uint32_t id = 0; id < total; ++id) {
    if (!named[id])
      continue;
    if (id == self_id(ev))
      group.self = group.size;
    ids[group.size++] = id;
  }
  if (named[self_id(ev)])
    return pj__grid_meet(ev, op, PJ_INT(op, channel_id), &group, in, out, permute);
  out[0] = zeros_like(ev, in[0]);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------------
// the others
static PjTensor *u32_scalar(PjEval *ev, uint32_t value) {
  PjTensor *tensor = pj_eval_new(ev, PJ_DT_U32, 0, NULL);
  *(uint32_t *)tensor->data = value;
  return tensor;
}

PjStatus pj_ev_partition_id(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)op, (void)in;
  out[0] = u32_scalar(ev, ev->options->partition);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_replica_id(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)op, (void)in;
  out[0] = u32_scalar(ev, ev->options->replica);
  return PJ_STATUS_OK;
}

// Asynchronous collectives run when they start: a future is its values.
PjStatus pj_ev_async_start(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjOp *end = pj_region_terminator(&op->regions[0]);
  uint32_t count = end->num_operands;
  PjTensor **values = PJ_NEW_ARRAY(ev->arena, PjTensor *, count);
  PJ_TRY(pj_eval_region(ev, &op->regions[0], in, values, count));
  out[0] = pj__eval_adopt(ev, pj_tensor_tuple(PJ_TENSOR_FUTURE, count, values));
  for (uint32_t i = 0; i < count; ++i)
    pj_eval_drop(ev, values[i]);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_async_done(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PJ_FAIL_IF(in[0]->num_elems != op->num_results, INTERNAL, "a future of %u values gives %u",
             in[0]->num_elems, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = pj_eval_keep(ev, in[0]->elems[i]);
  return PJ_STATUS_OK;
}

static bool goes_to_host(PjEval *ev, const PjOp *op) {
  return ev->options->host && PJ_INT(op, is_host_transfer);
}

// Without pairs a message is for whoever asks first.
static PjStatus send_to_devices(PjEval *ev, const PjOp *op, PjTensor *const *in) {
  const PjAttr *pairs = PJ_ATTR(op, source_target_pairs);
  int64_t channel = PJ_INT(op, channel_id);
  uint32_t count = op->num_operands - 1;
  if (!pairs->count)
    return pj__grid_send(ev, op, channel, PJ_ANY_PROCESS, count, in);
  PJ_TRY(check_pairs(ev, op));
  for (uint32_t i = 0; i < pairs->count; i += 2)
    if (pair_id(ev, op, pairs->ints[i]) == self_id(ev))
      PJ_TRY(pj__grid_send(ev, op, channel, pair_id(ev, op, pairs->ints[i + 1]), count, in));
  return PJ_STATUS_OK;
}

// A device that no pair names as a target gets zeros, as from collective_permute.
static PjStatus receive_from_devices(PjEval *ev, const PjOp *op, PjTensor **out) {
  const PjAttr *pairs = PJ_ATTR(op, source_target_pairs);
  int64_t channel = PJ_INT(op, channel_id);
  uint32_t count = op->num_results - 1;
  if (!pairs->count)
    return pj__grid_receive(ev, op, channel, PJ_ANY_PROCESS, count, out);
  PJ_TRY(check_pairs(ev, op));
  for (uint32_t i = 0; i < pairs->count; i += 2)
    if (pair_id(ev, op, pairs->ints[i + 1]) == self_id(ev))
      return pj__grid_receive(ev, op, channel, self_id(ev), count, out);
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = pj_eval_result(ev, op, i);
    if (out[i]->bytes)
      memset(out[i]->data, 0, out[i]->bytes);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_ev_send(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjHostEnd *host = ev->options->host;
  if (goes_to_host(ev, op))
    PJ_TRY(host->send(host->context, PJ_INT(op, channel_id), op->num_operands - 1, in));
  else
    PJ_TRY(send_to_devices(ev, op, in));
  return pj_ev_token(ev, op, in, out);
}

PjStatus pj_ev_recv(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjHostEnd *host = ev->options->host;
  uint32_t count = op->num_results - 1;
  if (goes_to_host(ev, op)) {
    for (uint32_t i = 0; i < count; ++i)
      out[i] = pj_eval_result(ev, op, i);
    PJ_TRY(host->receive(host->context, PJ_INT(op, channel_id), count, out));
  } else {
    PJ_TRY(receive_from_devices(ev, op, out));
  }
  return pj_ev_token(ev, op, in, out + count);
}

PjStatus pj_ev_infeed(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjFuncPlan *func = ev->options->grid ? pj__grid_next_infeed(ev->options->grid) : NULL;
  if (!func)
    return PJ_OP_ERROR(op, FAILED_PRECONDITION, "the infeed is empty");
  PJ_TRY(pj__eval_call_move(ev, func, NULL, out, op->num_results - 1));
  return pj_ev_token(ev, op, in, out + op->num_results - 1);
}

// Nobody reads the outfeed of an in-process run: its values are dropped.
PjStatus pj_ev_outfeed(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return pj_ev_token(ev, op, in, out);
}
