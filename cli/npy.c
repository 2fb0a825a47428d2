// NumPy's .npy format, after numpy/lib/format.py: magic "\x93NUMPY", version, header length, a
// Python dictionary literal with exactly descr, fortran_order and shape, then the elements.
//
// The dictionary is parsed by a reader of just the literals it can hold. A bad file is a normal
// thing to be handed, so every message says what was found.
#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

// --- Types ---------------------------------------------------------------------------------------

// Kind letter and width of the type strings that have a meaning here.
static const struct {
  char kind;
  unsigned char size;
  PJRT_Buffer_Type type;
} type_strings[] = {
    {'b', 1, PJRT_Buffer_Type_PRED},   {'i', 1, PJRT_Buffer_Type_S8},
    {'i', 2, PJRT_Buffer_Type_S16},    {'i', 4, PJRT_Buffer_Type_S32},
    {'i', 8, PJRT_Buffer_Type_S64},    {'u', 1, PJRT_Buffer_Type_U8},
    {'u', 2, PJRT_Buffer_Type_U16},    {'u', 4, PJRT_Buffer_Type_U32},
    {'u', 8, PJRT_Buffer_Type_U64},    {'f', 2, PJRT_Buffer_Type_F16},
    {'f', 4, PJRT_Buffer_Type_F32},    {'f', 8, PJRT_Buffer_Type_F64},
    {'c', 8, PJRT_Buffer_Type_C64},    {'c', 16, PJRT_Buffer_Type_C128},
    {'f', 1, PJRT_Buffer_Type_F8E5M2}, // how ml_dtypes registers this one of its types
};

const char *pj_npy_descr(PJRT_Buffer_Type type) {
  switch (type) {
  case PJRT_Buffer_Type_PRED:
    return "|b1";
  case PJRT_Buffer_Type_S8:
  case PJRT_Buffer_Type_S4:
  case PJRT_Buffer_Type_S2:
  case PJRT_Buffer_Type_S1:
    return "|i1";
  case PJRT_Buffer_Type_S16:
    return "<i2";
  case PJRT_Buffer_Type_S32:
    return "<i4";
  case PJRT_Buffer_Type_S64:
    return "<i8";
  case PJRT_Buffer_Type_U8:
  case PJRT_Buffer_Type_U4:
  case PJRT_Buffer_Type_U2:
  case PJRT_Buffer_Type_U1:
    return "|u1";
  case PJRT_Buffer_Type_U16:
    return "<u2";
  case PJRT_Buffer_Type_U32:
    return "<u4";
  case PJRT_Buffer_Type_U64:
    return "<u8";
  case PJRT_Buffer_Type_F16:
    return "<f2";
  case PJRT_Buffer_Type_F32:
    return "<f4";
  case PJRT_Buffer_Type_F64:
    return "<f8";
  case PJRT_Buffer_Type_C64:
    return "<c8";
  case PJRT_Buffer_Type_C128:
    return "<c16";
  default:
    break;
  }
  switch (pjh_type_host_size(type)) {
  case 1:
    return "|V1";
  case 2:
    return "|V2";
  default:
    return NULL;
  }
}

// --- The header's dictionary ---------------------------------------------------------------------

typedef struct Reader {
  const char *text;
  size_t at, end; // offsets from |text|
  size_t base;    // offset of |text| in the file, for messages
} Reader;

static void skip_space(Reader *r) {
  while (r->at < r->end && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at])
    r->at++;
}

static bool accept(Reader *r, char c) {
  skip_space(r);
  if (r->at >= r->end || r->text[r->at] != c)
    return false;
  r->at++;
  return true;
}

static bool accept_word(Reader *r, const char *word) {
  size_t n = strlen(word);
  skip_space(r);
  if (r->end - r->at < n || memcmp(r->text + r->at, word, n))
    return false;
  r->at += n;
  return true;
}

static PjStatus expected(const Reader *r, const char *what) {
  if (r->at >= r->end)
    return PJ_ERROR(INVALID_ARGUMENT, ".npy header ends at byte %zu, expected %s", r->base + r->at,
                    what);
  unsigned char c = (unsigned char)r->text[r->at];
  if (c >= 0x20 && c < 0x7f)
    return PJ_ERROR(INVALID_ARGUMENT, ".npy header, byte %zu: expected %s, found '%c'",
                    r->base + r->at, what, c);
  return PJ_ERROR(INVALID_ARGUMENT, ".npy header, byte %zu: expected %s, found 0x%02x",
                  r->base + r->at, what, c);
}

// A string in either quote; escapes do not occur in these headers.
static PjStatus read_string(Reader *r, const char *what, PjStr *out) {
  skip_space(r);
  char quote = r->at < r->end ? r->text[r->at] : 0;
  if (quote != '\'' && quote != '"')
    return expected(r, what);
  const char *start = r->text + ++r->at;
  const char *close = memchr(start, quote, r->end - r->at);
  if (!close) {
    r->at = r->end;
    return expected(r, "the end of a string");
  }
  *out = (PjStr){start, (size_t)(close - start)};
  r->at += out->len + 1;
  return PJ_STATUS_OK;
}

static PjStatus read_dim(Reader *r, int64_t *out) {
  skip_space(r);
  int64_t value = 0;
  size_t start = r->at;
  for (; r->at < r->end && r->text[r->at] >= '0' && r->text[r->at] <= '9'; r->at++) {
    if (!pj_mul_i64(value, 10, &value) || !pj_add_i64(value, r->text[r->at] - '0', &value))
      return PJ_ERROR(INVALID_ARGUMENT,
                      ".npy header, byte %zu: a dimension that is no 64-bit number",
                      r->base + start);
  }
  if (r->at == start)
    return expected(r, "a dimension");
  if (r->at < r->end && r->text[r->at] == 'L')
    r->at++; // Python 2 wrote long integers so.
  *out = value;
  return PJ_STATUS_OK;
}

static PjStatus read_shape(Reader *r, PjNpy *out) {
  if (!accept(r, '('))
    return expected(r, "'(' of the shape");
  out->rank = 0;
  while (!accept(r, ')')) {
    if (out->rank == PJ_NPY_MAX_RANK)
      return PJ_ERROR(INVALID_ARGUMENT, ".npy header: more than %d dimensions", PJ_NPY_MAX_RANK);
    PJ_TRY(read_dim(r, &out->dims[out->rank++]));
    if (!accept(r, ',')) {
      // `(3)` is a number in Python, not a shape; NumPy never writes it, but it can only mean one
      // thing.
      if (!accept(r, ')'))
        return expected(r, "',' or ')' in the shape");
      break;
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus read_descr(Reader *r, PjNpy *out) {
  skip_space(r);
  if (r->at < r->end && r->text[r->at] == '[')
    return PJ_ERROR(INVALID_ARGUMENT,
                    ".npy holds a structured array; only plain element types are supported");
  PjStr descr;
  PJ_TRY(read_string(r, "the string of the dtype", &descr));
  const char *p = descr.ptr, *end = descr.ptr + descr.len;
  char order = '|';
  if (p < end && strchr("<>|=", *p) && *p)
    order = *p++;
  char kind = p < end ? *p++ : 0;
  size_t size = 0;
  bool digits = p < end && end - p <= 3;
  for (; digits && p < end; p++) {
    digits = *p >= '0' && *p <= '9';
    size = size * 10 + (size_t)(*p - '0');
  }
  if (digits && kind == 'V' && (size == 1 || size == 2)) {
    out->type = PJRT_Buffer_Type_INVALID;
    out->element_size = size;
    out->big_endian = order == '>' && size > 1;
    return PJ_STATUS_OK;
  }
  for (size_t i = 0; digits && i < sizeof type_strings / sizeof *type_strings; i++) {
    if (type_strings[i].kind != kind || type_strings[i].size != size)
      continue;
    out->type = type_strings[i].type;
    out->element_size = size;
    out->big_endian = order == '>' && size > 1;
    return PJ_STATUS_OK;
  }
  return PJ_ERROR(
      INVALID_ARGUMENT,
      ".npy holds elements of dtype '%.*s'; supported are b1, i1-i8, u1-u8, f2-f8, c8, c16, "
      "and V1, V2 for the types of ml_dtypes",
      (int)(descr.len > 40 ? 40 : descr.len), descr.ptr);
}

static PjStatus read_header(Reader *r, PjNpy *out) {
  bool has_descr = false, has_order = false, has_shape = false;
  if (!accept(r, '{'))
    return expected(r, "'{'");
  while (!accept(r, '}')) {
    PjStr key;
    PJ_TRY(read_string(r, "a key or '}'", &key));
    if (!accept(r, ':'))
      return expected(r, "':'");
    if (pj_str_is(key, "descr")) {
      has_descr = true;
      PJ_TRY(read_descr(r, out));
    } else if (pj_str_is(key, "fortran_order")) {
      has_order = true;
      if (accept_word(r, "True"))
        out->fortran_order = true;
      else if (accept_word(r, "False"))
        out->fortran_order = false;
      else
        return expected(r, "True or False");
    } else if (pj_str_is(key, "shape")) {
      has_shape = true;
      PJ_TRY(read_shape(r, out));
    } else {
      return PJ_ERROR(INVALID_ARGUMENT, ".npy header: unknown key '%.*s'",
                      (int)(key.len > 40 ? 40 : key.len), key.ptr);
    }
    if (!accept(r, ',')) {
      if (!accept(r, '}'))
        return expected(r, "',' or '}'");
      break;
    }
  }
  skip_space(r);
  while (r->at < r->end && r->text[r->at] == 0)
    r->at++; // Some writers pad with zeros.
  if (r->at != r->end)
    return expected(r, "the end of the header");
  if (!has_descr || !has_order || !has_shape)
    return PJ_ERROR(INVALID_ARGUMENT, ".npy header: no '%s'",
                    !has_descr   ? "descr"
                    : !has_order ? "fortran_order"
                                 : "shape");
  return PJ_STATUS_OK;
}

// --- Reading -------------------------------------------------------------------------------------

PjStatus pj_npy_parse(const void *bytes, size_t size, PjNpy *out) {
  const unsigned char *b = bytes;
  memset(out, 0, sizeof *out);
  PJ_FAIL_IF(size < 6 || memcmp(b, "\x93NUMPY", 6), INVALID_ARGUMENT,
             "not an .npy file: it does not start with \\x93NUMPY%s",
             size >= 2 && b[0] == 'P' && b[1] == 'K' ? " (a zip archive, such as .npz?)" : "");
  PJ_FAIL_IF(size < 10, INVALID_ARGUMENT, ".npy file ends inside its header, after %zu bytes",
             size);
  unsigned major = b[6], minor = b[7];
  PJ_FAIL_IF(major < 1 || major > 3 || minor != 0, INVALID_ARGUMENT,
             ".npy version %u.%u; known are 1.0, 2.0 and 3.0", major, minor);
  size_t start = major == 1 ? 10 : 12;
  PJ_FAIL_IF(size < start, INVALID_ARGUMENT, ".npy file ends inside its header, after %zu bytes",
             size);
  size_t length = b[8] | (size_t)b[9] << 8;
  if (major > 1)
    length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
  PJ_FAIL_IF(length > size - start, INVALID_ARGUMENT,
             ".npy header of %zu bytes does not fit into a file of %zu bytes", length, size);

  Reader reader = {.text = (const char *)b + start, .end = length, .base = start};
  PJ_TRY(read_header(&reader, out));

  // A zero anywhere makes an empty array, whatever the product of the others would be.
  bool empty = false;
  for (size_t i = 0; i < out->rank; i++)
    empty |= out->dims[i] == 0;
  size_t need = empty ? 0 : out->element_size;
  for (size_t i = 0; i < out->rank && !empty; i++)
    PJ_FAIL_IF(!pj_mul_size(need, (size_t)out->dims[i], &need), INVALID_ARGUMENT,
               ".npy header: a shape of more bytes than fit into memory");
  PJ_FAIL_IF(need > size - start - length, INVALID_ARGUMENT,
             ".npy file is cut off: its shape needs %zu bytes of elements, %zu are there", need,
             size - start - length);
  out->data = b + start + length;
  out->data_size = need;
  return PJ_STATUS_OK;
}

void pj_npy_copy_elements(const PjNpy *npy, void *dst) {
  if (npy->data_size)
    memcpy(dst, npy->data, npy->data_size);
  if (!npy->big_endian)
    return;
  bool complex_type = npy->type == PJRT_Buffer_Type_C64 || npy->type == PJRT_Buffer_Type_C128;
  size_t width = complex_type ? npy->element_size / 2 : npy->element_size;
  unsigned char *bytes = dst;
  for (size_t at = 0; at < npy->data_size; at += width) {
    for (size_t i = 0; i < width / 2; i++) {
      unsigned char t = bytes[at + i];
      bytes[at + i] = bytes[at + width - 1 - i];
      bytes[at + width - 1 - i] = t;
    }
  }
}

void pj_npy_strides(const PjNpy *npy, int64_t *strides) {
  int64_t stride = (int64_t)npy->element_size;
  for (size_t i = 0; i < npy->rank; i++) {
    size_t axis = npy->fortran_order ? i : npy->rank - 1 - i;
    strides[axis] = stride;
    // Overflow is possible in empty arrays only, where no stride is ever followed.
    if (!pj_mul_i64(stride, npy->dims[axis] ? npy->dims[axis] : 1, &stride))
      stride = 0;
  }
}

// --- Writing -------------------------------------------------------------------------------------

PjStatus pj_npy_write(const char *path, PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                      const void *data, size_t size) {
  const char *descr = pj_npy_descr(type);
  PJ_FAIL_IF(!descr, UNIMPLEMENTED, "%s: .npy has no elements of type %s", path,
             pjh_type_name(type));
  PjStrBuf header = {0};
  pj_strbuf_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (size_t i = 0; i < rank; i++)
    pj_strbuf_printf(&header, i + 1 < rank || rank == 1 ? "%lld, " : "%lld", (long long)dims[i]);
  pj_strbuf_puts(&header, "), }");
  // The elements start at a multiple of 64 bytes, so that they can be mapped.
  size_t prefix = header.len + 64 > 0xffff ? 12 : 10;
  while ((prefix + header.len + 1) % 64 && !header.failed)
    pj_strbuf_putc(&header, ' ');
  pj_strbuf_putc(&header, '\n');
  PjStatus status = pj_strbuf_status(&header);
  if (status) {
    pj_strbuf_free(&header);
    return status;
  }

  unsigned char magic[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', prefix == 12 ? 2 : 1, 0};
  for (size_t i = 8; i < prefix; i++)
    magic[i] = (unsigned char)(header.len >> 8 * (i - 8));
  FILE *file = fopen(path, "wb");
  bool good = file != NULL;
  good = good && fwrite(magic, 1, prefix, file) == prefix;
  good = good && fwrite(header.data, 1, header.len, file) == header.len;
  good = good && (size == 0 || fwrite(data, 1, size, file) == size);
  int reason = errno;
  if (file && fclose(file) != 0) {
    if (good)
      reason = errno;
    good = false;
  }
  pj_strbuf_free(&header);
  PJ_FAIL_IF(!good, UNAVAILABLE, "cannot write %s: %s", path, strerror(reason));
  return PJ_STATUS_OK;
}
