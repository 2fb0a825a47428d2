// Keeps or replaces the element chosen so far, in |n| windows: where !(best[j] OP x[j]), best
// becomes x and place |where|.
#define CHOOSE(NAME, T, OP)                                                                \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, void *pbest, int32_t *place, const void *px, \
                                   int32_t where) {                                        \
    T *best = pbest;                                                                       \
    const T *x = px;                                                                       \
    PJ_IVDEP for (int64_t j = 0; j < n; ++j) {                                             \
      const bool keep = best[j] OP x[j];                                                   \
      best[j] = keep ? best[j] : x[j];                                                     \
      place[j] = keep ? place[j] : where;                                                  \
    }                                                                                      \
  }
#define CHOICES(S, T) \
  CHOOSE(ge_##S, T, >=) CHOOSE(gt_##S, T, >) CHOOSE(le_##S, T, <=) CHOOSE(lt_##S, T, <)
CHOICES(f32, float)
CHOICES(f64, double)
CHOICES(s8, int8_t)
CHOICES(s16, int16_t)
CHOICES(s32, int32_t)
CHOICES(s64, int64_t)
CHOICES(u8, uint8_t)
CHOICES(u16, uint16_t)
CHOICES(u32, uint32_t)
CHOICES(u64, uint64_t)
#define ROW(S)                                                                          \
  {                                                                                     \
    [PJ_CMP_GE] = PJ_V(ge_##S), [PJ_CMP_GT] = PJ_V(gt_##S), [PJ_CMP_LE] = PJ_V(le_##S), \
    [PJ_CMP_LT] = PJ_V(lt_##S)                                                          \
  }
static ChooseFn *const PJ_V(choices)[PJ_DT_COUNT][PJ_CMP_LT + 1] = {
    [PJ_DT_F32] = ROW(f32), [PJ_DT_F64] = ROW(f64), [PJ_DT_S8] = ROW(s8),   [PJ_DT_S16] = ROW(s16),
    [PJ_DT_S32] = ROW(s32), [PJ_DT_S64] = ROW(s64), [PJ_DT_U8] = ROW(u8),   [PJ_DT_U16] = ROW(u16),
    [PJ_DT_U32] = ROW(u32), [PJ_DT_U64] = ROW(u64), [PJ_DT_PRED] = ROW(u8),
};
#undef CHOOSE
#undef CHOICES
#undef ROW
