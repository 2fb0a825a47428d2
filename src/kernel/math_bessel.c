// exp(-|x|) I1(x), in double also for float.
#include <math.h>

#include "kernel/math_util.h"

// exp(-z) I1(z) / z in (z - 4) / 4 up to 8, and sqrt(z) exp(-z) I1(z) in 16 / z - 1 from there on;
// errors 4.6e-18.
static const double near[] = {
    0x1.6e14eb8e5d319p-5,  -0x1.f4bb071a7752bp-5,  0x1.16c390ddb08f3p-4,  -0x1.1881379ffb5ddp-4,
    0x1.0530f817ff83ap-4,  -0x1.c4daa51341188p-5,  0x1.6df95e8be6e14p-5,  -0x1.13d5f358b4b84p-5,
    0x1.84125b0c6391bp-6,  -0x1.fe3d9bfe80251p-7,  0x1.3a0c1a0de22f4p-7,  -0x1.6ab6a3b8ddafdp-8,
    0x1.89f8a5700d3d4p-9,  -0x1.9368229596612p-10, 0x1.8656d24e0c3d5p-11, -0x1.65bf9e07ff3c6p-12,
    0x1.37425eea7b93ap-13, -0x1.01a20ce10e9edp-14, 0x1.969cea0012d7p-16,  -0x1.32882ca75776bp-17,
    0x1.b9b7aa4f2afep-19,  -0x1.3057ee573f179p-20, 0x1.9649e08007aa2p-22, -0x1.097e3aaf86ac8p-23,
    0x1.3ae00f8d1d552p-25, -0x1.3bee4280d8d5ap-27, 0x1.a3fa9d59f934ap-29, -0x1.7cbfdfcd908e5p-30,
    0x1.50e9e2ed20af1p-32};
static const double far[] = {
    0x1.8ebe783a8403p-2,    -0x1.3f796198ee632p-7,  -0x1.cbc54df1e8d95p-13, -0x1.f89c23059fd88p-17,
    -0x1.ec8e10778c3bcp-20, -0x1.7613810b804fap-22, -0x1.ad8d46a84dd5fp-24, -0x1.727973869c62fp-25,
    -0x1.9191e5733c3a9p-26, -0x1.21a465dfc9fcdp-27, 0x1.cf03a3a32ff57p-28,  0x1.e27e209b63d92p-27,
    0x1.99ab1d59a942cp-28,  -0x1.0758c48d3a3fap-27, -0x1.0de4ee7c6012ep-27, 0x1.dc3cfd8122f95p-29,
    0x1.a918f1189e9e7p-28,  -0x1.97bd65ddd508cp-30, -0x1.006c97c5ba051p-28, 0x1.34c887b5918f5p-31,
    0x1.c2f3f88d7acb9p-30,  -0x1.510731158df61p-33, -0x1.f7b33f592c239p-32, 0x1.6ed1e3036983p-36,
    0x1.07b3db7af983bp-34};

static PjKirVal i1e_double(PjKir *k, PjKirVal x) {
  PjKirVal z = ABS(x), one = C(1), inner = MADD(z, C(0.25), C(-1)), outer = SUB(DIV(C(16), z), one);
  PjKirVal close = MUL(z, pj_math__horner(k, inner, sizeof near / sizeof *near, near));
  PjKirVal distant = DIV(pj_math__horner(k, outer, sizeof far / sizeof *far, far), SQRT(z));
  return COPYSIGN(SEL(LT(z, C(8)), close, distant), x);
}

PjKirVal pj_math_bessel_i1e(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, i1e_double, x);
}
