// `pjrt inspect` of a compiled program.
#include <string.h>

#include "file.h"
#include "inspect.h"
#include "show.h"

// --- The optimised program -----------------------------------------------------------------------

static PjStatus report_optimized(PjReport *report, PjMissing *missing,
                                 const PjhExecutable *executable, const char *out) {
  char *code;
  size_t size;
  const char *format;
  if (!pj_inspect_given(missing, "optimized_program",
                        pjh_executable_program(executable, &code, &size, &format))) {
    PJ_FAIL_IF(out, UNIMPLEMENTED, "the plugin does not give the optimized program");
    return PJ_STATUS_OK;
  }
  pj_report_open(report, "optimized_program");
  pj_report_string(report, "format", format);
  pj_report_int(report, "bytes", (int64_t)size);
  if (strncmp(format, "hlo", 3) == 0)
    pj_inspect_hlo(report, format, (PjStr){code, size});
  else if (strcmp(format, "mlir") == 0) // what cannot be read, as other dialects, counts nothing
    pj_status_free(pj_inspect_steps(report, code, size));
  pj_report_close(report);
  PjStatus status = out ? pj_file_write(out, code, size) : PJ_STATUS_OK;
  pjh_free(code);
  return status;
}

// --- The section ---------------------------------------------------------------------------------

static void report_outputs(PjReport *report, PjMissing *missing, const PjhExecutable *executable) {
  pj_report_open_list(report, "outputs");
  for (size_t i = 0; i < pjh_executable_num_outputs(executable); ++i) {
    PJRT_Buffer_Type type;
    const int64_t *dims;
    size_t rank;
    if (!pj_inspect_given(missing, "outputs",
                          pjh_executable_output(executable, i, &type, &dims, &rank)))
      break;
    PjStrBuf text = {0};
    pj_show_type(&text, type, dims, rank);
    pj_report_text(report, NULL, text.data, text.len);
    report->text.failed |= text.failed;
    pj_strbuf_free(&text);
  }
  pj_report_close(report);
}

// Fingerprints may be any bytes: those that are no plain text are written as hexadecimal digits.
static void report_fingerprint(PjReport *report, const char *bytes, size_t size) {
  bool plain = true;
  for (size_t i = 0; i < size; ++i)
    plain = plain && bytes[i] > ' ' && bytes[i] < 0x7f;
  PjStrBuf text = {0};
  for (size_t i = 0; i < size && !plain; ++i)
    pj_strbuf_printf(&text, "%02x", (unsigned char)bytes[i]);
  pj_report_text(report, "fingerprint", plain ? bytes : text.data, plain ? size : text.len);
  report->text.failed |= text.failed;
  pj_strbuf_free(&text);
}

PjStatus pj_inspect_executable(PjReport *report, const char *source,
                               const PjhExecutable *executable, const char *optimized) {
  PjMissing missing = {0};
  pj_report_open(report, "executable");
  pj_report_string(report, "source", source);
  pj_report_string(report, "name", pjh_executable_name(executable));
  size_t replicas, partitions;
  if (pj_inspect_given(&missing, "replicas",
                       pjh_executable_replicas(executable, &replicas, &partitions))) {
    pj_report_int(report, "replicas", (int64_t)replicas);
    pj_report_int(report, "partitions", (int64_t)partitions);
  }
  report_outputs(report, &missing, executable);
  int64_t code_bytes;
  if (pj_inspect_given(&missing, "code_bytes", pjh_executable_code_size(executable, &code_bytes)))
    pj_report_int(report, "code_bytes", code_bytes);
  void *serialized;
  size_t size;
  if (pj_inspect_given(&missing, "serialized_bytes",
                       pjh_executable_serialize(executable, &serialized, &size)))
    pj_report_int(report, "serialized_bytes", (int64_t)size);
  pjh_free(serialized);
  char *fingerprint;
  if (pj_inspect_given(&missing, "fingerprint",
                       pjh_executable_fingerprint(executable, &fingerprint, &size)))
    report_fingerprint(report, fingerprint, size);
  pjh_free(fingerprint);
  PjhValues *values;
  if (pj_inspect_given(&missing, "cost", pjh_executable_cost(executable, &values)))
    pj_report_values(report, "cost", values);
  pjh_values_free(values);
  if (pj_inspect_given(&missing, "memory", pjh_executable_memory(executable, &values)))
    pj_report_values(report, "memory", values);
  pjh_values_free(values);
  PjStatus status = report_optimized(report, &missing, executable, optimized);
  pj_inspect_missing(report, &missing);
  pj_report_close(report);
  return status;
}
