// Whether a file is a plugin, told from the file: nothing of it runs.
#include "host/find.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#else
enum { OWN_MACHINE = EM_NONE }; // any
#endif

// A whole file, of which every offset is hostile.
typedef struct Image {
  const unsigned char *bytes;
  size_t size;
} Image;

// |count| records of |size| bytes at |offset|, or null. Copy records out: they may be unaligned.
static const unsigned char *part(const Image *image, uint64_t offset, uint64_t count, size_t size) {
  if (offset > image->size || count > (image->size - offset) / size)
    return NULL;
  return image->bytes + offset;
}

// Whether one symbol table defines GetPjrtApi.
static bool defines_entry(const Image *image, const Elf64_Shdr *symbols, const Elf64_Shdr *names) {
  static const char entry[] = "GetPjrtApi";
  uint64_t count = symbols->sh_size / sizeof(Elf64_Sym);
  const unsigned char *at = part(image, symbols->sh_offset, count, sizeof(Elf64_Sym));
  const unsigned char *text = part(image, names->sh_offset, names->sh_size, 1);
  if (!at || !text)
    return false;
  for (uint64_t i = 0; i < count; i++) {
    Elf64_Sym symbol;
    memcpy(&symbol, at + i * sizeof symbol, sizeof symbol);
    if (symbol.st_shndx != SHN_UNDEF && symbol.st_name < names->sh_size &&
        names->sh_size - symbol.st_name >= sizeof entry &&
        memcmp(text + symbol.st_name, entry, sizeof entry) == 0)
      return true;
  }
  return false;
}

static bool read_head(const Image *image, Elf64_Ehdr *head) {
  if (image->size < sizeof *head)
    return false;
  memcpy(head, image->bytes, sizeof *head);
  return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0;
}

static const char cut_off[] = "it is cut off: perhaps it was not downloaded to the end";

// Null unless a part that is to be loaded lies behind the end: whoever maps such a file dies of
// SIGBUS.
static const char *judge_size(const Image *image) {
  Elf64_Ehdr head;
  if (!read_head(image, &head) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      head.e_phentsize != sizeof(Elf64_Phdr))
    return NULL;
  const unsigned char *table = part(image, head.e_phoff, head.e_phnum, sizeof(Elf64_Phdr));
  if (!table)
    return cut_off;
  for (unsigned i = 0; i < head.e_phnum; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, table + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD && !part(image, segment.p_offset, segment.p_filesz, 1))
      return cut_off;
  }
  return NULL;
}

static const char *judge(const Image *image) {
  Elf64_Ehdr head;
  if (!read_head(image, &head))
    return "it is no ELF file";
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
      (OWN_MACHINE != EM_NONE && head.e_machine != OWN_MACHINE))
    return "it is for another kind of machine";
  if (head.e_type != ET_DYN)
    return "it is no shared library";
  if (judge_size(image))
    return cut_off;
  if (head.e_shentsize != sizeof(Elf64_Shdr))
    return "it has no table of symbols";
  const unsigned char *table = part(image, head.e_shoff, head.e_shnum, sizeof(Elf64_Shdr));
  for (unsigned i = 0; table && i < head.e_shnum; i++) {
    Elf64_Shdr section, names;
    memcpy(&section, table + i * sizeof section, sizeof section);
    if (section.sh_type != SHT_DYNSYM || section.sh_link >= head.e_shnum)
      continue;
    memcpy(&names, table + section.sh_link * sizeof names, sizeof names);
    return defines_entry(image, &section, &names) ? NULL : "it does not export GetPjrtApi";
  }
  return "it has no table of symbols";
}

// What |judge_by| says of the file, or that it cannot be asked.
static const char *look_into(const char *path, const char *(*judge_by)(const Image *image),
                             char reason[PJH_REASON_MAX]) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0) {
    snprintf(reason, PJH_REASON_MAX, "it cannot be read: %s", strerror(errno));
    if (file >= 0)
      close(file);
    return reason;
  }
  const char *verdict = "it is no ELF file";
  if (S_ISREG(info.st_mode) && info.st_size > 0) {
    size_t size = (size_t)info.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes != MAP_FAILED) {
      verdict = judge_by(&(Image){bytes, size});
      munmap(bytes, size);
    } else {
      verdict = "it cannot be mapped into memory";
    }
  }
  close(file);
  snprintf(reason, PJH_REASON_MAX, "%s", verdict ? verdict : "it exports GetPjrtApi");
  return verdict;
}

bool pjh__elf_is_plugin(const char *path, char reason[PJH_REASON_MAX]) {
  return !look_into(path, judge, reason);
}

bool pjh__elf_is_cut(const char *path) {
  char reason[PJH_REASON_MAX];
  return look_into(path, judge_size, reason) == cut_off;
}
