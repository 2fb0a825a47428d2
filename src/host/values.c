// Lists of named values, copied out of a plugin's: one block, so that it depends on nothing.
#include "host/host.h"

#include <string.h>

struct PjhValues {
  size_t count;
  PjhValue values[]; // then the numbers of lists, then names and texts
};

// Bytes behind the values: numbers first, since they need alignment.
static void add_up(const PJRT_NamedValue *value, size_t *numbers, size_t *bytes) {
  *bytes += (value->name ? value->name_size : 0) + 1;
  if (value->type == PJRT_NamedValue_kInt64List && value->int64_array_value)
    *numbers += value->value_size;
  if (value->type == PJRT_NamedValue_kString && value->string_value)
    *bytes += value->value_size + 1;
}

static const char *put_text(char **at, const char *text, size_t size) {
  char *begin = *at;
  if (size)
    memcpy(begin, text, size);
  begin[size] = 0;
  *at += size + 1;
  return begin;
}

static void put_value(const PJRT_NamedValue *from, PjhValue *to, int64_t **numbers, char **text) {
  to->type = from->type;
  to->text = "";
  to->name = put_text(text, from->name, from->name ? from->name_size : 0);
  switch (from->type) {
  case PJRT_NamedValue_kString:
    if (from->string_value)
      to->text = put_text(text, from->string_value, from->value_size);
    break;
  case PJRT_NamedValue_kInt64:
    to->integer = from->int64_value;
    break;
  case PJRT_NamedValue_kInt64List:
    to->list = *numbers;
    if (from->int64_array_value && from->value_size) {
      to->list_size = from->value_size;
      memcpy(*numbers, from->int64_array_value, from->value_size * sizeof **numbers);
      *numbers += from->value_size;
    }
    break;
  case PJRT_NamedValue_kFloat:
    to->real = (double)from->float_value;
    break;
  case PJRT_NamedValue_kBool:
    to->integer = from->bool_value;
    break;
  }
}

PjhError *pjh__values_copy(const PJRT_NamedValue *values, size_t count, PjhValues **out) {
  *out = NULL;
  size_t num_numbers = 0, num_bytes = 0;
  for (size_t i = 0; i < count; i++)
    add_up(&values[i], &num_numbers, &num_bytes);
  PjhValues *copy = pj_calloc(1, sizeof *copy + count * sizeof *copy->values +
                                     num_numbers * sizeof(int64_t) + num_bytes);
  if (!copy)
    return pjh__out_of_memory();
  copy->count = count;
  int64_t *numbers = (int64_t *)(void *)(copy->values + count);
  char *text = (char *)(numbers + num_numbers);
  for (size_t i = 0; i < count; i++)
    put_value(&values[i], &copy->values[i], &numbers, &text);
  *out = copy;
  return NULL;
}

size_t pjh_values_count(const PjhValues *values) {
  return values ? values->count : 0;
}

const PjhValue *pjh_values_get(const PjhValues *values, size_t index) {
  return index < pjh_values_count(values) ? &values->values[index] : NULL;
}

const PjhValue *pjh_values_find(const PjhValues *values, const char *name) {
  for (size_t i = 0; i < pjh_values_count(values); i++)
    if (strcmp(values->values[i].name, name) == 0)
      return &values->values[i];
  return NULL;
}

void pjh_values_free(PjhValues *values) {
  pj_free(values);
}

// --- Options -------------------------------------------------------------------------------------

static PJRT_NamedValue option(const char *name, PJRT_NamedValue_Type type) {
  return (PJRT_NamedValue){.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                           .name = name,
                           .name_size = strlen(name),
                           .type = type,
                           .value_size = 1};
}

PJRT_NamedValue pjh_option_int(const char *name, int64_t value) {
  PJRT_NamedValue made = option(name, PJRT_NamedValue_kInt64);
  made.int64_value = value;
  return made;
}

PJRT_NamedValue pjh_option_bool(const char *name, bool value) {
  PJRT_NamedValue made = option(name, PJRT_NamedValue_kBool);
  made.bool_value = value;
  return made;
}

PJRT_NamedValue pjh_option_float(const char *name, float value) {
  PJRT_NamedValue made = option(name, PJRT_NamedValue_kFloat);
  made.float_value = value;
  return made;
}

PJRT_NamedValue pjh_option_string(const char *name, const char *text) {
  PJRT_NamedValue made = option(name, PJRT_NamedValue_kString);
  made.string_value = text;
  made.value_size = strlen(text);
  return made;
}

// --- Copies --------------------------------------------------------------------------------------

char *pjh__copy_string(const char *text, size_t size) {
  char *copy = pj_malloc(size + 1);
  if (!copy)
    return NULL;
  if (size)
    memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

void pjh_free(void *memory) {
  pj_free(memory);
}
