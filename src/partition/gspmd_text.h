// The texts of GSPMD's shardings.
//
//   {replicated}  {manual}  {maximal device=0}  {devices=[4,2]<=[8]}  {devices=[2,4]<=[4,2]T(1,0)}
//   {devices=[4,1,2]<=[8] last_tile_dim_replicate}   {devices=[1,1,4,2]<=[8]
//   last_tile_dims={manual, replicated}}   {devices=[4,2]0,1,2,3,4,5,6,7}
//   {devices=[4,2]0,4,1,5,2,6,3,7}
//
// Devices are numbers in the order of a mesh [reshape] whose axes are permuted; its tiles are the
// parts.
#pragma once
#include "ir/ir.h"

enum { PJ_GSPMD_TILES = PJ_MAX_RANK + 4, PJ_GSPMD_AXES = 16 };

typedef enum PjGspmdKind {
  PJ_GSPMD_TILED,
  PJ_GSPMD_REPLICATED,
  PJ_GSPMD_MANUAL,
  PJ_GSPMD_OTHER
} PjGspmdKind;

typedef struct PjGspmdText {
  PjGspmdKind kind;
  int num_tiles, num_reshape;
  int64_t tiles[PJ_GSPMD_TILES], reshape[PJ_GSPMD_AXES], order[PJ_GSPMD_AXES];
  int num_groups;                    // of the last tiles, that cut nothing
  bool manual_group[PJ_GSPMD_TILES]; // of them, in order
} PjGspmdText;

// Reads |text|, a sharding of |devices| devices. |arena|: for a while. Errors: INVALID_ARGUMENT,
// UNIMPLEMENTED for lists of devices that no permutation of a mesh gives.
PjStatus pj_gspmd_read(PjArena *arena, int64_t devices, PjStr text, PjGspmdText *out);
