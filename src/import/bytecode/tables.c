// The container: header, sections, and the tables of strings, dialects, operation names, attribute
// and type entries, properties and resources (stablehlo-formats: MLIR bytecode, sections 0 to 8).
// Strings and properties come after the IR that uses them, so the sections are found first and read
// in the order of their dependence.
#include <inttypes.h>
#include <stdio.h>

#include "import/bytecode/reader.h"

enum {
  SECTION_STRING,
  SECTION_DIALECT,
  SECTION_ATTR_TYPE,
  SECTION_ATTR_TYPE_OFFSET,
  SECTION_IR,
  SECTION_RESOURCE,
  SECTION_RESOURCE_OFFSET,
  SECTION_DIALECT_VERSIONS,
  SECTION_PROPERTIES,
  NUM_SECTIONS,
  NEWEST_FORMAT = 6,
};

static const uint8_t magic[4] = {'M', 'L', 0xEF, 'R'};

bool pj_is_bytecode(const void *bytes, size_t size) {
  return size >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

const char *pj__bc_versions(PjBc *bc) {
  const PjVersion *from = &pj_version_minimum, *to = &pj_version_current;
  return pj_arena_printf(
      bc->arena,
      "the program was written by \"%.*s\", this reader knows StableHLO %d.%d.%d to %d.%d.%d",
      PJ_STR_ARG(bc->producer), from->major, from->minor, from->patch, to->major, to->minor,
      to->patch);
}

// ---------------------------------------------------------------------------------------- sections
PjStatus pj__bc_section(PjCursor *c, uint8_t *out_id, PjCursor *out) {
  PjCursor start = *c;
  uint8_t id;
  uint64_t size, align;
  PJ_TRY(pj__cur_byte(c, "a section", &id));
  *out_id = id & 0x7F;
  if (*out_id >= NUM_SECTIONS)
    return pj__cur_error(&start, "section id %u, expected one below %d", *out_id, NUM_SECTIONS);
  PJ_TRY(pj__cur_varint(c, "a section's size", &size));
  if (id & 0x80) {
    PJ_TRY(pj__cur_varint(c, "a section's alignment", &align));
    if (!align || align & (align - 1) || align > 1 << 20)
      return pj__cur_error(c, "section alignment %" PRIu64 ", expected a power of two", align);
    while ((uint64_t)(c->at - c->file) & (align - 1)) {
      uint8_t pad;
      PJ_TRY(pj__cur_byte(c, "section padding", &pad));
      if (pad != 0xCB)
        return pj__cur_error(c, "section padding is 0x%02X, expected 0xCB", pad);
    }
  }
  return pj__cur_take(c, "a section", size, out);
}

static PjStatus read_sections(PjBc *bc, PjCursor *c) {
  while (c->at != c->end) {
    PjCursor start = *c, data;
    uint8_t id;
    PJ_TRY(pj__bc_section(c, &id, &data));
    if (bc->sections[id].at)
      return pj__cur_error(&start, "section %u occurs twice", id);
    bc->sections[id] = data;
  }
  static const uint8_t needed[] = {SECTION_STRING, SECTION_DIALECT, SECTION_ATTR_TYPE,
                                   SECTION_ATTR_TYPE_OFFSET, SECTION_IR};
  for (size_t i = 0; i < sizeof needed; ++i)
    if (!bc->sections[needed[i]].at)
      return pj__cur_error(c, "the file ends without section %u", needed[i]);
  return PJ_STATUS_OK;
}

static void read_producer_version(PjBc *bc) {
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(bc->producer));
  bc->wrote.major = -1;
  sscanf(text, "StableHLO_v%d.%d.%d", &bc->wrote.major, &bc->wrote.minor, &bc->wrote.patch);
}

static PjStatus read_header(PjBc *bc, PjCursor *c) {
  if (!pj_is_bytecode(c->at, pj__cur_left(c)))
    return pj__cur_error(c, "no MLIR bytecode: expected it to begin with 4D 4C EF 52");
  c->at += sizeof magic;
  PjCursor start = *c;
  uint64_t version;
  PJ_TRY(pj__cur_varint(c, "the format version", &version));
  const uint8_t *nul = memchr(c->at, 0, pj__cur_left(c));
  if (!nul)
    return pj__cur_error(c, "the producer's name does not end");
  bc->producer = (PjStr){(const char *)c->at, (size_t)(nul - c->at)};
  c->at = nul + 1;
  if (version > NEWEST_FORMAT)
    return pj__cur_error(&start, "format version %" PRIu64 " (of \"%.*s\"), expected 0 to %d",
                         version, PJ_STR_ARG(bc->producer), NEWEST_FORMAT);
  bc->version = (uint32_t)version;
  read_producer_version(bc);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- strings
// All lengths, last string first, each counting a NUL; then the contents, first string first.
static PjStatus read_strings(PjBc *bc) {
  PjCursor c = bc->sections[SECTION_STRING], bytes;
  PJ_TRY(pj__cur_count(&c, "the number of strings", &bc->num_strings));
  bc->strings = PJ_NEW_ARRAY(bc->arena, PjStr, bc->num_strings);
  for (uint32_t i = bc->num_strings; i--;) {
    uint64_t size;
    PJ_TRY(pj__cur_varint(&c, "a string's size", &size));
    if (!size || size > pj__cur_left(&c))
      return pj__cur_error(&c, "string of %" PRIu64 " bytes, expected 1 to %zu", size,
                           pj__cur_left(&c));
    bc->strings[i].len = size - 1;
  }
  for (uint32_t i = 0; i < bc->num_strings; ++i) {
    PJ_TRY(pj__cur_take(&c, "a string", bc->strings[i].len + 1, &bytes));
    if (bytes.end[-1])
      return pj__cur_error(&bytes, "a string does not end with NUL");
    bc->strings[i].ptr = (const char *)bytes.at;
  }
  return pj__cur_done(&c, "the string section");
}

PjStatus pj__bc_table_index(PjCursor *c, const char *what, uint32_t count, uint64_t *out) {
  PjCursor start = *c;
  PJ_TRY(pj__cur_varint(c, what, out));
  if (*out >= count)
    return pj__cur_error(&start, "%s %" PRIu64 ", expected one below %u", what, *out, count);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_string(PjBc *bc, PjCursor *c, const char *what, PjStr *out) {
  uint64_t index;
  PJ_TRY(pj__bc_table_index(c, what, bc->num_strings, &index));
  *out = bc->strings[index];
  return PJ_STATUS_OK;
}

// A string index with a flag below it.
static PjStatus flagged_string(PjBc *bc, PjCursor *c, const char *what, PjStr *out, bool *out_bit) {
  PjCursor start = *c;
  uint64_t index;
  PJ_TRY(pj__cur_flag(c, what, &index, out_bit));
  if (index >= bc->num_strings)
    return pj__cur_error(&start, "%s: string %" PRIu64 ", expected one below %u", what, index,
                         bc->num_strings);
  *out = bc->strings[index];
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// dialects, operation names
static PjBcDialect dialect_kind(PjStr name) {
  if (pj_str_is(name, "builtin"))
    return PJ_BC_BUILTIN;
  if (pj_str_is(name, "vhlo"))
    return PJ_BC_VHLO;
  if (pj_str_is(name, "sdy"))
    return PJ_BC_SDY;
  if (pj_str_is(name, "stablehlo"))
    return PJ_BC_STABLEHLO;
  if (pj_str_is(name, "chlo"))
    return PJ_BC_CHLO;
  if (pj_str_is(name, "func"))
    return PJ_BC_FUNC;
  if (pj_str_is(name, "quant"))
    return PJ_BC_QUANT;
  return PJ_BC_OTHER;
}

static PjStatus read_dialect_names(PjBc *bc, PjCursor *c) {
  PJ_TRY(pj__cur_count(c, "the number of dialects", &bc->num_dialects));
  bc->dialects = PJ_NEW_ARRAY(bc->arena, PjBcDialectName, bc->num_dialects);
  for (uint32_t i = 0; i < bc->num_dialects; ++i) {
    PjBcDialectName *dialect = &bc->dialects[i];
    bool versioned = false;
    if (bc->version < 1)
      PJ_TRY(pj__bc_string(bc, c, "a dialect's name", &dialect->name));
    else
      PJ_TRY(flagged_string(bc, c, "a dialect's name", &dialect->name, &versioned));
    dialect->kind = dialect_kind(dialect->name);
    if (!versioned)
      continue;
    uint8_t id;
    PjCursor ignored; // the versions of dialects whose encodings we know never changed
    PJ_TRY(pj__bc_section(c, &id, &ignored));
    if (id != SECTION_DIALECT_VERSIONS)
      return pj__cur_error(c, "section %u, expected the dialect's version", id);
  }
  return PJ_STATUS_OK;
}

static PjStatus read_op_group(PjBc *bc, PjCursor *c, uint32_t capacity) {
  uint64_t dialect;
  uint32_t count;
  PJ_TRY(pj__bc_table_index(c, "dialect", bc->num_dialects, &dialect));
  PJ_TRY(pj__cur_count(c, "the number of operation names", &count));
  if (count > capacity - bc->num_ops)
    return pj__cur_error(c, "more than the %u operation names announced", capacity);
  for (uint32_t i = 0; i < count; ++i) {
    PjBcOpName *op = &bc->ops[bc->num_ops++];
    op->dialect = (uint32_t)dialect;
    op->registered = true;
    if (bc->version < 5)
      PJ_TRY(pj__bc_string(bc, c, "an operation's name", &op->name));
    else
      PJ_TRY(flagged_string(bc, c, "an operation's name", &op->name, &op->registered));
    pj__bc_resolve(bc, op);
  }
  return PJ_STATUS_OK;
}

static PjStatus read_dialects(PjBc *bc) {
  PjCursor c = bc->sections[SECTION_DIALECT];
  PJ_TRY(read_dialect_names(bc, &c));
  uint32_t capacity = (uint32_t)pj__cur_left(&c); // before version 4: a name takes at least a byte
  if (bc->version >= 4)
    PJ_TRY(pj__cur_count(&c, "the number of operation names", &capacity));
  bc->ops = PJ_NEW_ARRAY(bc->arena, PjBcOpName, capacity);
  while (c.at != c.end)
    PJ_TRY(read_op_group(bc, &c, capacity));
  if (bc->version >= 4 && bc->num_ops != capacity)
    return pj__cur_error(&c, "%u operation names, expected the %u announced", bc->num_ops,
                         capacity);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// attribute and type entries
static PjStatus read_entries(PjBc *bc, PjCursor *offsets, PjCursor *data, uint32_t count,
                             PjBcEntry *entries) {
  for (uint32_t at = 0; at < count;) {
    uint64_t dialect;
    uint32_t group;
    PJ_TRY(pj__bc_table_index(offsets, "dialect", bc->num_dialects, &dialect));
    PJ_TRY(pj__cur_count(offsets, "the number of entries of a dialect", &group));
    if (!group || group > count - at)
      return pj__cur_error(offsets, "%u entries of a dialect, expected 1 to %u", group, count - at);
    for (uint32_t end = at + group; at < end; ++at) {
      uint64_t size;
      PjCursor bytes;
      PJ_TRY(pj__cur_flag(offsets, "an entry's size", &size, &entries[at].custom));
      PJ_TRY(pj__cur_take(data, "an attribute or type", size, &bytes));
      entries[at].at = bytes.at;
      entries[at].size = size;
      entries[at].dialect = (uint32_t)dialect;
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus read_attr_types(PjBc *bc) {
  PjCursor offsets = bc->sections[SECTION_ATTR_TYPE_OFFSET], data = bc->sections[SECTION_ATTR_TYPE];
  PJ_TRY(pj__cur_count(&offsets, "the number of attributes", &bc->num_attrs));
  PJ_TRY(pj__cur_count(&offsets, "the number of types", &bc->num_types));
  bc->attrs = PJ_NEW_ARRAY(bc->arena, PjBcEntry, bc->num_attrs);
  bc->types = PJ_NEW_ARRAY(bc->arena, PjBcEntry, bc->num_types);
  PJ_TRY(read_entries(bc, &offsets, &data, bc->num_attrs, bc->attrs));
  PJ_TRY(read_entries(bc, &offsets, &data, bc->num_types, bc->types));
  PJ_TRY(pj__cur_done(&offsets, "the attribute and type offsets"));
  return pj__cur_done(&data, "the attributes and types");
}

// ----------------------------------------------------------------------------------------
// properties, resources
static PjStatus read_properties(PjBc *bc) {
  PjCursor c = bc->sections[SECTION_PROPERTIES];
  if (!c.at)
    return PJ_STATUS_OK;
  PJ_TRY(pj__cur_count(&c, "the number of properties", &bc->num_props));
  bc->props = PJ_NEW_ARRAY(bc->arena, PjCursor, bc->num_props);
  for (uint32_t i = 0; i < bc->num_props; ++i) {
    uint64_t size;
    PJ_TRY(pj__cur_varint(&c, "a property's size", &size));
    PJ_TRY(pj__cur_take(&c, "a property", size, &bc->props[i]));
  }
  return pj__cur_done(&c, "the properties");
}

// Nothing in a portable artifact refers to resources; the directory is only checked.
static PjStatus check_resources(PjBc *bc) {
  PjCursor c = bc->sections[SECTION_RESOURCE_OFFSET], data = bc->sections[SECTION_RESOURCE], entry;
  if (!c.at)
    return PJ_STATUS_OK;
  uint32_t external, count;
  PJ_TRY(pj__cur_count(&c, "the number of external resource groups", &external));
  for (uint32_t group = 0; c.at != c.end; ++group) {
    uint64_t key, size;
    bool named = group < external;
    PJ_TRY(pj__bc_table_index(&c, named ? "string" : "dialect",
                              named ? bc->num_strings : bc->num_dialects, &key));
    PJ_TRY(pj__cur_count(&c, "the number of resources", &count));
    for (uint32_t i = 0; i < count; ++i) {
      PjStr name;
      uint8_t kind;
      PJ_TRY(pj__bc_string(bc, &c, "a resource's name", &name));
      PJ_TRY(pj__cur_varint(&c, "a resource's size", &size));
      PJ_TRY(pj__cur_byte(&c, "a resource's kind", &kind));
      if (size && !data.at)
        return pj__cur_error(&c, "a resource without a resource section");
      if (size)
        PJ_TRY(pj__cur_take(&data, "a resource", size, &entry));
    }
  }
  return data.at ? pj__cur_done(&data, "the resources") : PJ_STATUS_OK;
}

PjStatus pj__bc_index(PjBc *bc, const void *bytes, size_t size) {
  PjCursor c = {bytes, (const uint8_t *)bytes + size, bytes};
  PJ_TRY(read_header(bc, &c));
  PJ_TRY(read_sections(bc, &c));
  PJ_TRY(read_strings(bc));
  PJ_TRY(read_dialects(bc));
  PJ_TRY(read_attr_types(bc));
  PJ_TRY(read_properties(bc));
  return check_resources(bc);
}
