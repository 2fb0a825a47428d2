// What LLVM's archives want of zlib and zstd, so that the plugin needs neither: they compress debug
// sections, of which generated code has none. Should one be called all the same, it reports
// failure, and LLVM raises its error.
//
// Only the plugin links the archives and this file with them; its version script hides the names.
#include <stddef.h>

enum { Z_FAILURE = -2 };

int compress2(unsigned char *dest, unsigned long *dest_len, const unsigned char *source,
              unsigned long len, int level);
int uncompress(unsigned char *dest, unsigned long *dest_len, const unsigned char *source,
               unsigned long len);
unsigned long compressBound(unsigned long len);
unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned len);
void *ZSTD_createCCtx(void);
size_t ZSTD_freeCCtx(void *context);
size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value);
size_t ZSTD_compress2(void *context, void *dest, size_t capacity, const void *source, size_t size);
size_t ZSTD_compressBound(size_t size);
size_t ZSTD_decompress(void *dest, size_t capacity, const void *source, size_t size);
unsigned ZSTD_isError(size_t code);
const char *ZSTD_getErrorName(size_t code);

int compress2(unsigned char *dest, unsigned long *dest_len, const unsigned char *source,
              unsigned long len, int level) {
  return Z_FAILURE;
}
int uncompress(unsigned char *dest, unsigned long *dest_len, const unsigned char *source,
               unsigned long len) {
  return Z_FAILURE;
}
unsigned long compressBound(unsigned long len) {
  return len;
}
unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned len) {
  for (unsigned i = 0; i < len; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320ul : 0);
  }
  return crc;
}
void *ZSTD_createCCtx(void) {
  return NULL;
}
size_t ZSTD_freeCCtx(void *context) {
  return 0;
}
size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value) {
  return (size_t)-1;
}
size_t ZSTD_compress2(void *context, void *dest, size_t capacity, const void *source, size_t size) {
  return (size_t)-1;
}
size_t ZSTD_compressBound(size_t size) {
  return size;
}
size_t ZSTD_decompress(void *dest, size_t capacity, const void *source, size_t size) {
  return (size_t)-1;
}
unsigned ZSTD_isError(size_t code) {
  return code > (size_t)-120;
}
const char *ZSTD_getErrorName(size_t code) {
  return "built without compression";
}
