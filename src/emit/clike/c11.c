// Plain C11: needs nothing but libm. With GCC and Clang vectors are theirs; any other compiler gets
// structures of arrays, whose lane loops most compilers vectorise.
#include "emit/clike/clike.h"

static const char preamble[] =
    "// Integers are unsigned and cast where an operation looks at the sign. Lanes of masks are 0 "
    "or -1.\n"
    "// The results are exact only without fused multiply-adds of the compiler's own and without "
    "fast-math: give\n"
    "// compilers other than GCC and Clang the option for that.\n"
    "#include <math.h>\n"
    "#include <stdbool.h>\n"
    "#include <stdint.h>\n"
    "#include <string.h>\n"
    "#ifdef __FAST_MATH__\n"
    "#error \"fast-math changes results\"\n"
    "#endif\n"
    "#if defined(__GNUC__) && !defined(__clang__)\n"
    "#pragma GCC optimize(\"fp-contract=off\")\n"
    "#else\n"
    "#pragma STDC FP_CONTRACT OFF\n"
    "#endif\n"
    "// A vector is one of the machine where it fits, or two of 16 bytes, else an array;\n"
    "// operations are functions. Two ask for no more than the alignment of one: else GCC speaks\n"
    "// of ABIs.\n"
    "#if !defined(__GNUC__) || defined(PJ_PORTABLE)\n"
    "#define NATIVE 0\n"
    "#elif defined(__AVX512F__)\n"
    "#define NATIVE 64\n"
    "#else\n"
    "#define NATIVE 32\n"
    "#endif\n"
    "#ifdef __GNUC__\n"
    "#define FN static inline __attribute__((always_inline, unused))\n"
    "#else\n"
    "#define FN static inline\n"
    "#endif\n"
    "#define WHOLE(value, lanes) return value;\n"
    "#define LANES(value, lanes) lanes\n"
    "#define ARRAY(T, name, n) typedef struct { T at[n]; } name\n"
    "#define VECTOR(T, name, n) typedef struct { T at __attribute__((vector_size(sizeof(T) * n))); "
    "} name\n"
    "#define TWO_VECTORS(T, name, n) \\\n"
    "  typedef T name##_two __attribute__((vector_size(sizeof(T) * n), aligned(16))); \\\n"
    "  typedef struct { name##_two at; } name\n"
    "#if NATIVE\n"
    "#define TYPE16 VECTOR\n"
    "#define PICK16 WHOLE\n"
    "#else\n"
    "#define TYPE16 ARRAY\n"
    "#define PICK16 LANES\n"
    "#endif\n"
    "#if NATIVE >= 32 && defined(__AVX__)\n"
    "#define TYPE32 VECTOR\n"
    "#define PICK32 WHOLE\n"
    "#elif NATIVE >= 32\n"
    "#define TYPE32 TWO_VECTORS\n"
    "#define PICK32 WHOLE\n"
    "#else\n"
    "#define TYPE32 ARRAY\n"
    "#define PICK32 LANES\n"
    "#endif\n"
    "#if NATIVE >= 64\n"
    "#define TYPE64 VECTOR\n"
    "#define PICK64 WHOLE\n"
    "#else\n"
    "#define TYPE64 ARRAY\n"
    "#define PICK64 LANES\n"
    "#endif\n"
    "#define AT(v, l) (v).at[l]\n"
    "#define RAW(T) __typeof__(((T *)0)->at)\n"
    "#define CONVERT(v, T) __builtin_convertvector(v, T)\n"
    "#define SELECT(S, m, a, b) (((S)(a) & (m)) | ((S)(b) & ~(m)))\n"
    "#define EACH(T, n, value) T r; for (int l = 0; l < n; ++l) AT(r, l) = value; return r;\n";

static const PjClikePiece pieces[] = {
    {"f32_of_bits", "FN float f32_of_bits(uint32_t bits) {\n"
                    "  float value;\n"
                    "  memcpy(&value, &bits, 4);\n"
                    "  return value;\n"
                    "}\n"},
    {"f64_of_bits", "FN double f64_of_bits(uint64_t bits) {\n"
                    "  double value;\n"
                    "  memcpy(&value, &bits, 8);\n"
                    "  return value;\n"
                    "}\n"},
    {"i32_of_float", "FN uint32_t i32_of_float(float value) {\n"
                     "  uint32_t bits;\n"
                     "  memcpy(&bits, &value, 4);\n"
                     "  return bits;\n"
                     "}\n"},
    {"i64_of_float", "FN uint64_t i64_of_float(double value) {\n"
                     "  uint64_t bits;\n"
                     "  memcpy(&bits, &value, 8);\n"
                     "  return bits;\n"
                     "}\n"},
    {"f32_of_f16",
     "// Subnormals: 2^-14 times (1 + x) less 2^-14 is exact.\n"
     "FN float f32_of_f16(uint16_t half) {\n"
     "  uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7FFF;\n"
     "  uint32_t small = i32_of_float(f32_of_bits(0x38800000u | rest << 13) - 0x1p-14f);\n"
     "  uint32_t quiet = rest > 0x7C00 ? 0x400000u : 0;\n"
     "  uint32_t large = (rest << 13) + (rest >= 0x7C00 ? 0x70000000u : 0x38000000u);\n"
     "  return f32_of_bits(sign | (rest < 0x400 ? small : large | quiet));\n"
     "}\n"},
    {"f16_of_f32",
     "// Small results: adding 0.5 rounds to a multiple of 2^-24.\n"
     "FN uint16_t f16_of_f32(float value) {\n"
     "  uint32_t bits = i32_of_float(value), rest = bits & 0x7FFFFFFFu;\n"
     "  uint32_t small = i32_of_float(f32_of_bits(rest < 0x38800000u ? rest : 0) + 0.5f) - "
     "0x3F000000u;\n"
     "  uint32_t large = (rest - 0x38000000u + 0xFFFu + (rest >> 13 & 1)) >> 13;\n"
     "  uint32_t nan = 0x7E00u | (rest >> 13 & 0x3FFu);\n"
     "  uint32_t finite = rest < 0x38800000u ? small : rest < 0x477FF000u ? large : 0x7C00u;\n"
     "  return (uint16_t)((bits >> 16 & 0x8000u) | (rest > 0x7F800000u ? nan : finite));\n"
     "}\n"},
    {"umulh16", "FN uint16_t umulh16(uint16_t a, uint16_t b) { return "
                "(uint16_t)((uint32_t)a * b >> 16); }\n"},
    {"umulh32", "FN uint32_t umulh32(uint32_t a, uint32_t b) { return "
                "(uint32_t)((uint64_t)a * b >> 32); }\n"},
    {"umulh64",
     "FN uint64_t umulh64(uint64_t a, uint64_t b) {\n"
     "  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;\n"
     "  uint64_t middle = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)middle;\n"
     "  return ah * bh + (middle >> 32) + (other >> 32);\n"
     "}\n"},
    {"popcount", "FN uint32_t popcount(uint64_t x) {\n"
                 "  x -= x >> 1 & 0x5555555555555555u;\n"
                 "  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);\n"
                 "  x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu;\n"
                 "  return (uint32_t)(x * 0x0101010101010101u >> 56);\n"
                 "}\n"},
    {"leading_zeros", "FN uint32_t leading_zeros(uint64_t x, int width) {\n"
                      "  for (int shift = 1; shift < 64; shift *= 2)\n"
                      "    x |= x >> shift;\n"
                      "  return (uint32_t)width - popcount(x);\n"
                      "}\n"},
    {NULL, NULL},
};

static const PjClikeForm forms[PJ_KIR_OP_COUNT] = {
    [PJ_KIR_ADD] = {"$k($a + $b)", "a.at + b.at"},
    [PJ_KIR_SUB] = {"$k($a - $b)", "a.at - b.at"},
    [PJ_KIR_MUL] = {"$k($x$a * $b)", "a.at * b.at"},
    [PJ_KIR_UMULH] = {"umulh$w($a, $b)"},
    [PJ_KIR_UDIV] = {"$k($a / $b)"},
    [PJ_KIR_SDIV] = {"($t)($1 / $2)"},
    [PJ_KIR_UREM] = {"$k($a % $b)"},
    [PJ_KIR_SREM] = {"($t)($1 % $2)"},
    [PJ_KIR_SMIN] = {"$1 < $2 ? $a : $b", "($V)SELECT($S, ($S)a.at < ($S)b.at, a.at, b.at)", true},
    [PJ_KIR_SMAX] = {"$1 > $2 ? $a : $b", "($V)SELECT($S, ($S)a.at > ($S)b.at, a.at, b.at)", true},
    [PJ_KIR_UMIN] = {"$a < $b ? $a : $b", "($V)SELECT($S, a.at < b.at, a.at, b.at)", true},
    [PJ_KIR_UMAX] = {"$a > $b ? $a : $b", "($V)SELECT($S, a.at > b.at, a.at, b.at)", true},
    [PJ_KIR_AND] = {"$k($a & $b)", "a.at & b.at"},
    [PJ_KIR_OR] = {"$k($a | $b)", "a.at | b.at"},
    [PJ_KIR_XOR] = {"$k($a ^ $b)", "a.at ^ b.at"},
    [PJ_KIR_SHL] = {"$k(($t)$a << $n)", "a.at << (b.at & $m)"},
    [PJ_KIR_LSHR] = {"$k($a >> $n)", "a.at >> (b.at & $m)"},
    [PJ_KIR_ASHR] = {"($t)($1 >> $n)", "($V)(($S)a.at >> ($S)(b.at & $m))"},
    [PJ_KIR_CTLZ] = {"($t)leading_zeros($a, $w)"},
    [PJ_KIR_POPCNT] = {"($t)popcount($a)"},
    [PJ_KIR_FADD] = {"($a + $b)", "a.at + b.at"},
    [PJ_KIR_FSUB] = {"($a - $b)", "a.at - b.at"},
    [PJ_KIR_FMUL] = {"($a * $b)", "a.at * b.at"},
    [PJ_KIR_FDIV] = {"($a / $b)", "a.at / b.at"},
    [PJ_KIR_FMA] = {"fma$f($a, $b, $c)"},
    [PJ_KIR_FMIN] = {"$a < $b ? $a : $b", "($V)SELECT($S, a.at < b.at, a.at, b.at)", true},
    [PJ_KIR_FMAX] = {"$a > $b ? $a : $b", "($V)SELECT($S, a.at > b.at, a.at, b.at)", true},
    [PJ_KIR_FNEG] = {"(-$a)", "-a.at"},
    [PJ_KIR_FABS] = {"fabs$f($a)", "($V)(($I)a.at & ~$g)"},
    [PJ_KIR_COPYSIGN] = {"copysign$f($a, $b)", "($V)((($I)a.at & ~$g) | (($I)b.at & $g))"},
    [PJ_KIR_FSQRT] = {"sqrt$f($a)"},
    [PJ_KIR_FLOOR] = {"floor$f($a)"},
    [PJ_KIR_CEIL] = {"ceil$f($a)"},
    [PJ_KIR_FTRUNC] = {"trunc$f($a)"},
    [PJ_KIR_RINT] = {"rint$f($a)"},
    [PJ_KIR_EQ] = {"($a == $b)", "CONVERT(a.at == b.at, $V)"},
    [PJ_KIR_NE] = {"($a != $b)", "CONVERT(a.at != b.at, $V)"},
    [PJ_KIR_SLT] = {"($1 < $2)", "CONVERT(($D)a.at < ($D)b.at, $V)"},
    [PJ_KIR_SLE] = {"($1 <= $2)", "CONVERT(($D)a.at <= ($D)b.at, $V)"},
    [PJ_KIR_ULT] = {"($a < $b)", "CONVERT(a.at < b.at, $V)"},
    [PJ_KIR_ULE] = {"($a <= $b)", "CONVERT(a.at <= b.at, $V)"},
    [PJ_KIR_FEQ] = {"($a == $b)", "CONVERT(a.at == b.at, $V)"},
    [PJ_KIR_FNE] = {"($a != $b)", "CONVERT(a.at != b.at, $V)"},
    [PJ_KIR_FLT] = {"($a < $b)", "CONVERT(a.at < b.at, $V)"},
    [PJ_KIR_FLE] = {"($a <= $b)", "CONVERT(a.at <= b.at, $V)"},
    [PJ_KIR_UNO] = {"isunordered($a, $b)", "CONVERT((a.at != a.at) | (b.at != b.at), $V)"},
    [PJ_KIR_SELECT] = {"($a ? $b : $c)", "($V)SELECT($S, CONVERT(a.at, $S), b.at, c.at)"},
    [PJ_KIR_SEXT] = {"($t)$1", "($V)CONVERT(($D)a.at, $S)"},
    [PJ_KIR_ZEXT] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_TRUNC] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_SITOFP] = {"($t)$1", "CONVERT(($D)a.at, $V)"},
    [PJ_KIR_UITOFP] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_FPTOSI] = {"($t)($s)$a", "($V)CONVERT(a.at, $S)"},
    [PJ_KIR_FPTOUI] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_FPEXT] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_FPTRUNC] = {"($t)$a", "CONVERT(a.at, $V)"},
    [PJ_KIR_F16TOF32] = {"f32_of_f16($a)"},
    [PJ_KIR_F32TOF16] = {"f16_of_f32($a)"},
    [PJ_KIR_PTRADD] = {"($a + (int64_t)$b)"},
};

const PjClikeDialect pj_clike_c = {
    .name = "c",
    .elems = {"void", "bool", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "float", "double",
              "char *"},
    .signeds = {"void", "int32_t", "int8_t", "int16_t", "int32_t", "int64_t", "int32_t", "int64_t",
                "char *"},
    .preamble = preamble,
    .forms = forms,
    .pieces = pieces,
    .function = "FN",
    .signature = "void %s(void *const *buffers, const uint64_t *params, int64_t begin, int64_t "
                 "end, void *scratch)",
};
