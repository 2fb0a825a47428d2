// See jit_link.h. Every number of the object is checked where it is read.
#include "emit/jit_link.h"

#include <elf.h>
#include <string.h>

#include "emit/codegen.h"
#include "emit/extern.h"

enum { STUB_BYTES = 16, MAX_IMAGE_BYTES = 1 << 28 };
#define NOWHERE              UINT64_MAX
#define REFUSE_IF(cond, ...) PJ_FAIL_IF(cond, INTERNAL, "object code: " __VA_ARGS__)

static bool inside(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

// ---- layout

static Elf64_Shdr section(const PjJitLink *link, uint64_t index) {
  Elf64_Shdr s;
  memcpy(&s, link->object + link->section_table + index * sizeof s, sizeof s);
  return s;
}

static PjStatus read_header(PjJitLink *link) {
  Elf64_Ehdr h;
  REFUSE_IF(link->size < sizeof h, "%llu bytes are too few", (unsigned long long)link->size);
  memcpy(&h, link->object, sizeof h);
  REFUSE_IF(memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
                h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_type != ET_REL,
            "not a relocatable ELF file");
  REFUSE_IF(h.e_machine != link->machine, "for machine %d, not %d", h.e_machine, link->machine);
  REFUSE_IF(h.e_shentsize != sizeof(Elf64_Shdr) || !h.e_shnum || h.e_shnum > PJ_JIT_MAX_SECTIONS ||
                !inside(h.e_shoff, (uint64_t)h.e_shnum * sizeof(Elf64_Shdr), link->size),
            "bad section table");
  link->section_table = h.e_shoff;
  link->num_sections = h.e_shnum;
  return NULL;
}

static PjStatus place_section(PjJitLink *link, uint64_t index, const Elf64_Shdr *s) {
  REFUSE_IF(s->sh_type != SHT_PROGBITS, "section %d of type %u in memory", (int)index, s->sh_type);
  REFUSE_IF(s->sh_flags & ~(uint64_t)(SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS),
            "section %d with flags %llx", (int)index, (unsigned long long)s->sh_flags);
  uint64_t align = s->sh_addralign ? s->sh_addralign : 1;
  REFUSE_IF(align > PJ_JIT_ALIGN || (align & (align - 1)), "section %d aligned to %llu", (int)index,
            (unsigned long long)align);
  link->image_bytes = (link->image_bytes + align - 1) & ~(align - 1);
  link->places[index] = link->image_bytes;
  link->image_bytes += s->sh_size;
  REFUSE_IF(link->image_bytes > MAX_IMAGE_BYTES, "too large");
  return NULL;
}

static PjStatus read_symbol_table(PjJitLink *link, const Elf64_Shdr *s) {
  REFUSE_IF(link->num_symbols || s->sh_entsize != sizeof(Elf64_Sym) ||
                s->sh_link >= link->num_sections,
            "bad symbol table");
  Elf64_Shdr strings = section(link, s->sh_link);
  REFUSE_IF(strings.sh_type != SHT_STRTAB ||
                !inside(strings.sh_offset, strings.sh_size, link->size) || !strings.sh_size ||
                link->object[strings.sh_offset + strings.sh_size - 1],
            "bad string table");
  link->symbols = s->sh_offset;
  link->num_symbols = s->sh_size / sizeof(Elf64_Sym);
  link->strings = strings.sh_offset;
  link->strings_size = strings.sh_size;
  return NULL;
}

static PjStatus place_sections(PjJitLink *link) {
  for (uint64_t i = 0; i < link->num_sections; ++i) {
    Elf64_Shdr s = section(link, i);
    link->places[i] = NOWHERE;
    if (s.sh_type == SHT_NULL)
      continue;
    REFUSE_IF(!inside(s.sh_offset, s.sh_size, link->size), "section %d lies outside", (int)i);
    if (s.sh_flags & SHF_ALLOC)
      PJ_TRY(place_section(link, i, &s));
    else if (s.sh_type == SHT_SYMTAB)
      PJ_TRY(read_symbol_table(link, &s));
  }
  link->image_bytes = (link->image_bytes + STUB_BYTES - 1) & ~(uint64_t)(STUB_BYTES - 1);
  link->stubs_at = link->image_bytes;
  return NULL;
}

// ---- symbols

static PjStatus symbol(const PjJitLink *link, uint64_t index, Elf64_Sym *out, const char **name) {
  REFUSE_IF(index >= link->num_symbols, "symbol %llu is missing", (unsigned long long)index);
  memcpy(out, link->object + link->symbols + index * sizeof *out, sizeof *out);
  REFUSE_IF(out->st_name >= link->strings_size, "symbol %llu has no name",
            (unsigned long long)index);
  *name = (const char *)link->object + link->strings + out->st_name;
  return NULL;
}

// The offset in the image of a symbol that the object defines.
static PjStatus local_symbol(const PjJitLink *link, const Elf64_Sym *s, uint64_t *out) {
  REFUSE_IF(s->st_shndx >= link->num_sections || link->places[s->st_shndx] == NOWHERE,
            "a symbol in section %d", s->st_shndx);
  REFUSE_IF(s->st_value > section(link, s->st_shndx).sh_size, "a symbol outside of its section");
  *out = link->places[s->st_shndx] + s->st_value;
  return NULL;
}

static PjStatus find_entry(PjJitLink *link) {
  for (uint64_t i = 0; i < link->num_symbols; ++i) {
    Elf64_Sym s;
    const char *name;
    PJ_TRY(symbol(link, i, &s, &name));
    if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx == SHN_UNDEF ||
        strcmp(name, PJ_CODEGEN_SYMBOL) != 0)
      continue;
    PJ_TRY(local_symbol(link, &s, &link->entry));
    REFUSE_IF(!(section(link, s.st_shndx).sh_flags & SHF_EXECINSTR), "the function is no code");
    return NULL;
  }
  REFUSE_IF(true, "no function " PJ_CODEGEN_SYMBOL);
}

static PjStatus find_outside(const char *name, const void **out) {
  *out = pj_emit_extern_named(name);
  REFUSE_IF(!*out, "it needs a function %.64s", name);
  return NULL;
}

// The number of the stub that jumps to |target|; -1: there is none.
static int find_stub(const PjJitLink *link, const void *target) {
  for (uint32_t i = 0; i < link->num_stubs; ++i)
    if (link->stubs[i] == target)
      return (int)i;
  return -1;
}

// ---- relocations

// Calls |visit| for each relocation of a section that is in the image.
typedef PjStatus Visit(void *context, uint64_t section, const Elf64_Rela *r);

static PjStatus each_relocation(const PjJitLink *link, Visit *visit, void *context) {
  for (uint64_t i = 0; i < link->num_sections; ++i) {
    Elf64_Shdr s = section(link, i);
    REFUSE_IF(s.sh_type == SHT_REL, "relocations without addend");
    if (s.sh_type != SHT_RELA)
      continue;
    REFUSE_IF(s.sh_info >= link->num_sections || s.sh_entsize != sizeof(Elf64_Rela),
              "bad relocations");
    if (link->places[s.sh_info] == NOWHERE)
      continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= s.sh_size; at += sizeof(Elf64_Rela)) {
      Elf64_Rela r;
      memcpy(&r, link->object + s.sh_offset + at, sizeof r);
      PJ_TRY(visit(context, s.sh_info, &r));
    }
  }
  return NULL;
}

static PjStatus plan_stub(void *context, uint64_t in_section, const Elf64_Rela *r) {
  PjJitLink *link = context;
  Elf64_Sym s;
  const char *name;
  PJ_TRY(symbol(link, ELF64_R_SYM(r->r_info), &s, &name));
  if (s.st_shndx != SHN_UNDEF)
    return NULL;
  const void *target = NULL;
  PJ_TRY(find_outside(name, &target));
  if (find_stub(link, target) >= 0)
    return NULL;
  REFUSE_IF(link->num_stubs == PJ_JIT_MAX_STUBS, "it needs too many functions");
  link->stubs[link->num_stubs++] = target;
  link->image_bytes += STUB_BYTES;
  return NULL;
}

typedef struct Patch {
  const PjJitLink *link;
  uint64_t address; // of the image
  uint8_t *image;
} Patch;

// A place to be patched: |at| in the image for which the section leaves |room| bytes, |from| its
// address.
typedef struct Place {
  uint8_t *at;
  uint64_t room, from;
} Place;

static PjStatus put32(const Place *p, uint32_t value) {
  REFUSE_IF(p->room < 4, "a relocation outside of its section");
  memcpy(p->at, &value, 4);
  return NULL;
}

static PjStatus put64(const Place *p, uint64_t value) {
  REFUSE_IF(p->room < 8, "a relocation outside of its section");
  memcpy(p->at, &value, 8);
  return NULL;
}

static PjStatus put_relative32(const Place *p, uint64_t to) {
  int64_t distance = (int64_t)(to - p->from);
  REFUSE_IF(distance != (int32_t)distance, "a distance of more than 31 bits");
  return put32(p, (uint32_t)distance);
}

static PjStatus patch_x86(const Place *p, uint32_t type, uint64_t symbol, uint64_t slot,
                          uint64_t addend) {
  switch (type) {
  case R_X86_64_PC32:
  case R_X86_64_PLT32:
    return put_relative32(p, symbol + addend);
  case R_X86_64_64:
    return put64(p, symbol + addend);
  case R_X86_64_GOTPCREL:
  case R_X86_64_GOTPCRELX:
  case R_X86_64_REX_GOTPCRELX:
    REFUSE_IF(!slot, "the address of something inside by a table");
    return put_relative32(p, slot + addend);
  default:
    REFUSE_IF(true, "relocation of kind %u", type);
  }
}

// Puts |value| into |bits| bits of an instruction, from bit |low| on.
static PjStatus put_field(const Place *p, int low, int bits, uint64_t value) {
  REFUSE_IF(p->room < 4, "a relocation outside of its section");
  uint32_t word, mask = (uint32_t)((1ull << bits) - 1) << low;
  memcpy(&word, p->at, 4);
  return put32(p, (word & ~mask) | ((uint32_t)(value << low) & mask));
}

static PjStatus put_low12(const Place *p, int shift, uint64_t to) {
  REFUSE_IF(to & ((1u << shift) - 1), "an address that is not aligned");
  return put_field(p, 10, 12, (to & 0xfff) >> shift);
}

static PjStatus patch_aarch64(const Place *p, uint32_t type, uint64_t symbol, uint64_t addend) {
  uint64_t to = symbol + addend;
  switch (type) {
  case R_AARCH64_ABS64:
    return put64(p, to);
  case R_AARCH64_PREL32:
    return put_relative32(p, to);
  case R_AARCH64_CALL26:
  case R_AARCH64_JUMP26: {
    int64_t distance = (int64_t)(to - p->from);
    REFUSE_IF(distance & 3 || distance < -(1 << 27) || distance >= 1 << 27, "a call too far");
    return put_field(p, 0, 26, (uint64_t)distance >> 2);
  }
  case R_AARCH64_ADR_PREL_PG_HI21: {
    int64_t pages = (int64_t)((to & ~0xfffull) - (p->from & ~0xfffull)) >> 12;
    REFUSE_IF(pages < -(1 << 20) || pages >= 1 << 20, "a page too far");
    PJ_TRY(put_field(p, 29, 2, (uint64_t)pages & 3));
    return put_field(p, 5, 19, (uint64_t)pages >> 2);
  }
  case R_AARCH64_ADD_ABS_LO12_NC:
  case R_AARCH64_LDST8_ABS_LO12_NC:
    return put_low12(p, 0, to);
  case R_AARCH64_LDST16_ABS_LO12_NC:
    return put_low12(p, 1, to);
  case R_AARCH64_LDST32_ABS_LO12_NC:
    return put_low12(p, 2, to);
  case R_AARCH64_LDST64_ABS_LO12_NC:
    return put_low12(p, 3, to);
  case R_AARCH64_LDST128_ABS_LO12_NC:
    return put_low12(p, 4, to);
  default:
    REFUSE_IF(true, "relocation of kind %u", type);
  }
}

static PjStatus apply(void *context, uint64_t in_section, const Elf64_Rela *r) {
  Patch *patch = context;
  const PjJitLink *link = patch->link;
  uint64_t size = section(link, in_section).sh_size;
  REFUSE_IF(r->r_offset > size, "a relocation outside of its section");
  uint64_t at = link->places[in_section] + r->r_offset;
  Place place = {patch->image + at, size - r->r_offset, patch->address + at};

  Elf64_Sym s;
  const char *name;
  PJ_TRY(symbol(link, ELF64_R_SYM(r->r_info), &s, &name));
  uint64_t to, slot = 0;
  if (s.st_shndx == SHN_UNDEF) {
    const void *target = NULL;
    PJ_TRY(find_outside(name, &target));
    to = patch->address + link->stubs_at + (uint64_t)find_stub(link, target) * STUB_BYTES;
    slot = to + 8;
  } else {
    PJ_TRY(local_symbol(link, &s, &to));
    to += patch->address;
  }
  uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
  return link->machine == PJ_JIT_X86_64 ? patch_x86(&place, type, to, slot, (uint64_t)r->r_addend)
                                        : patch_aarch64(&place, type, to, (uint64_t)r->r_addend);
}

// A jump to the address that follows it.
static void write_stub(const PjJitLink *link, uint8_t *out, const void *target) {
  static const uint8_t x86[8] = {0xff, 0x25, 2, 0, 0, 0, 0x0f, 0x0b};     // jmp *2(%rip); ud2
  static const uint8_t aarch64[8] = {0x50, 0, 0, 0x58, 0, 2, 0x1f, 0xd6}; // ldr x16, 8; br x16
  memcpy(out, link->machine == PJ_JIT_X86_64 ? x86 : aarch64, 8);
  uint64_t address = (uint64_t)(uintptr_t)target;
  memcpy(out + 8, &address, 8);
}

PjStatus pj_jit_link_plan(PjJitLink *link, PjJitMachine machine, const void *object,
                          uint64_t size) {
  *link = (PjJitLink){.object = object, .size = size, .machine = machine};
  PJ_TRY(read_header(link));
  PJ_TRY(place_sections(link));
  PJ_TRY(find_entry(link));
  return each_relocation(link, plan_stub, link);
}

PjStatus pj_jit_link_write(const PjJitLink *link, uint64_t address, uint8_t *out) {
  // Between functions and constants stands what stops a processor that runs into it.
  memset(out, link->machine == PJ_JIT_X86_64 ? 0xcc : 0, link->image_bytes);
  for (uint64_t i = 0; i < link->num_sections; ++i)
    if (link->places[i] != NOWHERE) {
      Elf64_Shdr s = section(link, i);
      if (s.sh_size)
        memcpy(out + link->places[i], link->object + s.sh_offset, s.sh_size);
    }
  for (uint32_t i = 0; i < link->num_stubs; ++i)
    write_stub(link, out + link->stubs_at + (uint64_t)i * STUB_BYTES, link->stubs[i]);
  Patch patch = {link, address, out};
  return each_relocation(link, apply, &patch);
}
