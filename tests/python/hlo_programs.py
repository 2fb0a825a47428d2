"""HLO programs as text, by name: what frameworks do not send today but XLA takes. jaxlib makes protos of them."""

BINARY = "HloModule m\n{f} {{ a = {t}[] parameter(0)\n b = {t}[] parameter(1)\n ROOT r = {t}[] {op}(a, b) }}\n"


def reducer(op="add", t="f32", f="f"):
    return f"{f} {{ a = {t}[] parameter(0)\n b = {t}[] parameter(1)\n ROOT r = {t}[] {op}(a, b) }}\n"


def entry(body, before=""):
    return "HloModule m\n" + before + "ENTRY e {\n" + body + "\n}\n"


def unary(op, t="f32", more=""):
    return entry(f"p = {t}[3,4] parameter(0)\n ROOT r = {t}[3,4] {op}(p){more}")


def binary(op, t="f32"):
    return entry(f"p = {t}[3,4] parameter(0)\n q = {t}[3,4] parameter(1)\n ROOT r = {t}[3,4] {op}(p, q)")


def constant(t, values, layout="{1,0}"):
    return entry(f"ROOT c = {t}[2,3]{layout} constant({values})")


def convolution(lhs, rhs, out, labels, window, more="", t="f32"):
    return entry(f"p = {t}[{lhs}] parameter(0)\n q = {t}[{rhs}] parameter(1)\n"
                 f"ROOT r = {t}[{out}] convolution(p, q), window={{{window}}}, dim_labels={labels}{more}")


PROGRAMS = {}
for name in ("abs cbrt ceil cosine erf exponential exponential-minus-one floor log-plus-one logistic negate "
             "round-nearest-afz round-nearest-even sign sine tan tanh").split():
    for kind in ("f32", "f64", "bf16"):
        PROGRAMS[f"{name} {kind}"] = unary(name, kind)
for name in "count-leading-zeros popcnt not negate sign abs".split():
    PROGRAMS[f"{name} s32"] = unary(name, "s32")
for name in "add subtract multiply maximum minimum atan2 power remainder divide".split():
    for kind in ("f32", "f16"):
        PROGRAMS[f"{name} {kind}"] = binary(name, kind)
for name in "add subtract multiply maximum minimum and or xor shift-left shift-right-arithmetic shift-right-logical".split():
    for kind in ("s8", "u16", "s64", "u32"):
        PROGRAMS[f"{name} {kind}"] = binary(name, kind)
for name in "add multiply and or xor maximum minimum".split():
    PROGRAMS[f"{name} pred"] = binary(name, "pred")
for name in "complex".split():
    PROGRAMS[name] = entry("p = f32[3] parameter(0)\n q = f32[3] parameter(1)\n c = c64[3] complex(p, q)\n"
                           "i = f32[3] imag(c)\n a = f32[3] real(c)\n ROOT r = (c64[3], f32[3], f32[3]) tuple(c, i, a)")
for a, b in (("f32", "pred"), ("s32", "f16"), ("f32", "s8"), ("pred", "f64"), ("bf16", "f8e4m3fn"), ("s4", "s32"), ("u8", "u4"),
             ("f32", "f8e5m2"), ("s64", "u8"), ("c64", "c128")):
    PROGRAMS[f"convert {a} {b}"] = entry(f"p = {a}[3,4] parameter(0)\n ROOT r = {b}[3,4] convert(p)")
for kind, values in (("f32", "{{1,2,3},{4,5,6}}"), ("bf16", "{{1,-2,3},{0.5,5,6}}"), ("s4", "{{1,-2,7},{-8,0,3}}"), ("u4", "{{1,15,7},{8,0,3}}"),
                     ("f8e4m3fn", "{{1,-2,3},{0.5,5,6}}"), ("pred", "{{1,0,1},{0,0,1}}"), ("s64", "{{-1,2,3},{4,5,-6}}"), ("u8", "{{1,2,255},{4,5,6}}"),
                     ("f16", "{{1,nan,inf},{-inf,5,6}}"), ("c64", "{{(1,2),(0,1),(3,4)},{(5,6),(-1,0),(0,0)}}"), ("u16", "{{1,2,3},{4,5,65535}}")):
    for layout in ("{1,0}", "{0,1}"):
        PROGRAMS[f"constant {kind} {layout}"] = constant(kind, values, layout)
PROGRAMS["constant of three dimensions in memory order"] = entry("ROOT c = s32[2,2,2]{0,2,1} constant({{{1,2},{3,4}},{{5,6},{7,8}}})")

for a, r, t in (("f32", "u32", "s8"), ("f32", "u32", "s32"), ("bf16", "u16", "s8"), ("f16", "u16", "s16"), ("f64", "u64", "s64")):
    PROGRAMS[f"stochastic-convert {a} {t}"] = entry(f"p = {a}[3,4] parameter(0)\n q = {r}[3,4] parameter(1)\n"
                                                    f"ROOT r = {t}[3,4] stochastic-convert(p, q)")
PROGRAMS |= {
    "while with nested tuples": entry(
        "p = s32[] parameter(0)\n q = f32[4] parameter(1)\n i = (f32[4], s32[]) tuple(q, p)\n t = (s32[], (f32[4], s32[])) tuple(p, i)\n"
        "w = (s32[], (f32[4], s32[])) while(t), condition=c, body=b\n ROOT g = (f32[4], s32[]) get-tuple-element(w), index=1",
        "b { t = (s32[], (f32[4], s32[])) parameter(0)\n i = s32[] get-tuple-element(t), index=0\n n = (f32[4], s32[]) get-tuple-element(t), index=1\n"
        "x = f32[4] get-tuple-element(n), index=0\n k = s32[] get-tuple-element(n), index=1\n one = s32[] constant(1)\n j = s32[] add(i, one)\n"
        "y = f32[4] multiply(x, x)\n l = s32[] add(k, j)\n m = (f32[4], s32[]) tuple(y, l)\n ROOT r = (s32[], (f32[4], s32[])) tuple(j, m) }\n"
        "c { t = (s32[], (f32[4], s32[])) parameter(0)\n i = s32[] get-tuple-element(t), index=0\n n = s32[] constant(5)\n ROOT r = pred[] compare(i, n), direction=LT }\n"),
    "conditional of three branches": entry(
        "k = s32[] parameter(0)\n p = f32[4] parameter(1)\n t = (f32[4], f32[4]) tuple(p, p)\n"
        "ROOT r = (f32[4], f32[4]) conditional(k, t, p, t), branch_computations={x, y, z}",
        "x { t = (f32[4], f32[4]) parameter(0)\n ROOT r = (f32[4], f32[4]) copy(t) }\n"
        "y { a = f32[4] parameter(0)\n b = f32[4] negate(a)\n ROOT r = (f32[4], f32[4]) tuple(a, b) }\n"
        "z { t = (f32[4], f32[4]) parameter(0)\n a = f32[4] get-tuple-element(t), index=1\n b = f32[4] add(a, a)\n ROOT r = (f32[4], f32[4]) tuple(b, a) }\n"),
    "conditional of a boolean": entry(
        "k = pred[] parameter(0)\n p = f32[4] parameter(1)\n q = f32[4] parameter(2)\n"
        "ROOT r = f32[4] conditional(k, p, q), true_computation=x, false_computation=y",
        "x { a = f32[4] parameter(0)\n ROOT r = f32[4] negate(a) }\ny { a = f32[4] parameter(0)\n ROOT r = f32[4] abs(a) }\n"),
    "nested calls": entry("p = f32[4] parameter(0)\n a = f32[4] call(p), to_apply=g\n ROOT r = f32[4] call(a), to_apply=g",
                          "h { a = f32[4] parameter(0)\n ROOT r = f32[4] negate(a) }\n"
                          "g { a = f32[4] parameter(0)\n b = f32[4] call(a), to_apply=h\n ROOT r = f32[4] add(a, b) }\n"),
    "fusion": entry("p = f32[4] parameter(0)\n q = f32[4] parameter(1)\n f = (f32[4], f32[]) fusion(p, q), kind=kLoop, calls=g\n"
                    "ROOT r = f32[] get-tuple-element(f), index=1",
                    reducer() + "g { a = f32[4] parameter(1)\n b = f32[4] parameter(0)\n c = f32[4] subtract(a, b)\n z = f32[] constant(0)\n"
                    "s = f32[] reduce(c, z), dimensions={0}, to_apply=f\n ROOT t = (f32[4], f32[]) tuple(c, s) }\n"),
    "call in a reduction": entry("p = f32[4,5] parameter(0)\n z = f32[] constant(0)\n ROOT r = f32[5] reduce(p, z), dimensions={0}, to_apply=g",
                                 reducer() + "g { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] call(a, b), to_apply=f }\n"),
    "argmax": entry(
        "p = f32[4,5] parameter(0)\n i = s32[4,5] iota(), iota_dimension=1\n z = f32[] constant(-inf)\n n = s32[] constant(0)\n"
        "ROOT r = (f32[4], s32[4]) reduce(p, i, z, n), dimensions={1}, to_apply=g",
        "g { a = f32[] parameter(0)\n i = s32[] parameter(1)\n b = f32[] parameter(2)\n j = s32[] parameter(3)\n c = pred[] compare(a, b), direction=GE\n"
        "x = f32[] select(c, a, b)\n y = s32[] select(c, i, j)\n ROOT t = (f32[], s32[]) tuple(x, y) }\n"),
    "reduce of nothing": entry("p = f32[4] parameter(0)\n z = f32[] constant(0)\n ROOT r = f32[4] reduce(p, z), dimensions={}, to_apply=f", reducer()),
    "sort of three": entry(
        "p = f32[3,7] parameter(0)\n q = s32[3,7] parameter(1)\n o = pred[3,7] parameter(2)\n"
        "ROOT r = (f32[3,7], s32[3,7], pred[3,7]) sort(p, q, o), dimensions={1}, is_stable=true, to_apply=g",
        "g { a = f32[] parameter(0)\n b = f32[] parameter(1)\n c = s32[] parameter(2)\n d = s32[] parameter(3)\n e = pred[] parameter(4)\n f = pred[] parameter(5)\n"
        "ROOT r = pred[] compare(a, b), direction=GT }\n"),
    "sort of one": entry("p = f32[3,7] parameter(0)\n ROOT r = f32[3,7] sort(p), dimensions={0}, to_apply=g",
                         "g { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = pred[] compare(a, b), direction=LT, type=TOTALORDER }\n"),
    "reduce-window": entry("p = f32[4,9] parameter(0)\n z = f32[] constant(0)\n"
                           "ROOT r = f32[4,5] reduce-window(p, z), window={size=1x3 stride=1x2 pad=0_0x1_1}, to_apply=f", reducer()),
    "reduce-window dilated": entry("p = f32[4,9] parameter(0)\n z = f32[] constant(0)\n"
                                   "ROOT r = f32[4,13] reduce-window(p, z), window={size=1x3 lhs_dilate=1x2 rhs_dilate=1x2}, to_apply=f", reducer()),
    "select-and-scatter": entry(
        "p = f32[4,6] parameter(0)\n q = f32[2,3] parameter(1)\n z = f32[] constant(0)\n"
        "ROOT r = f32[4,6] select-and-scatter(p, q, z), window={size=2x2 stride=2x2}, select=g, scatter=f",
        reducer() + "g { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = pred[] compare(a, b), direction=GE }\n"),
    "map": entry("p = f32[4] parameter(0)\n q = f32[4] parameter(1)\n ROOT r = f32[4] map(p, q), dimensions={0}, to_apply=f", reducer("subtract")),
    "gather batching": entry(
        "p = f32[3,4,5] parameter(0)\n i = s32[3,2,1] parameter(1)\n ROOT r = f32[3,2,5] gather(p, i), offset_dims={2}, collapsed_slice_dims={1}, "
        "start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=2, slice_sizes={1,1,5}"),
    "scatter batching": entry(
        "p = f32[3,4,5] parameter(0)\n i = s32[3,2,1] parameter(1)\n u = f32[3,2,5] parameter(2)\n ROOT r = f32[3,4,5] scatter(p, i, u), update_window_dims={2}, "
        "inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, input_batching_dims={0}, scatter_indices_batching_dims={0}, index_vector_dim=2, to_apply=f",
        reducer()),
    "scatter of two": entry(
        "p = f32[6] parameter(0)\n q = s32[6] parameter(1)\n i = s32[4,1] parameter(2)\n u = f32[4] parameter(3)\n v = s32[4] parameter(4)\n"
        "ROOT r = (f32[6], s32[6]) scatter(p, q, i, u, v), update_window_dims={}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, "
        "index_vector_dim=1, to_apply=g",
        "g { a = f32[] parameter(0)\n b = s32[] parameter(1)\n c = f32[] parameter(2)\n d = s32[] parameter(3)\n x = f32[] add(a, c)\n y = s32[] maximum(b, d)\n"
        "ROOT t = (f32[], s32[]) tuple(x, y) }\n"),
    "dynamic-slice": entry("p = f32[5,6] parameter(0)\n i = s32[] parameter(1)\n j = s32[] parameter(2)\n ROOT r = f32[2,3] dynamic-slice(p, i, j), dynamic_slice_sizes={2,3}"),
    "dynamic-update-slice": entry("p = f32[5,6] parameter(0)\n u = f32[2,3] parameter(1)\n i = s64[] parameter(2)\n j = s64[] parameter(3)\n"
                                  "ROOT r = f32[5,6] dynamic-update-slice(p, u, i, j)"),
    "pad": entry("p = f32[4,5] parameter(0)\n z = f32[] parameter(1)\n ROOT r = f32[7,11] pad(p, z), padding=1_2_0x-1_3_1"),
    "slice": entry("p = f32[9,8] parameter(0)\n ROOT r = f32[3,4] slice(p), slice={[1:8:3], [0:8:2]}"),
    "reverse": entry("p = f32[4,5] parameter(0)\n ROOT r = f32[4,5] reverse(p), dimensions={0,1}"),
    "concatenate": entry("p = f32[4,5] parameter(0)\n q = f32[4,2] parameter(1)\n ROOT r = f32[4,12] concatenate(p, q, p), dimensions={1}"),
    "broadcast that permutes": entry("p = f32[3,4] parameter(0)\n ROOT r = f32[4,2,3] broadcast(p), dimensions={2,0}"),
    "transpose with a layout": entry("p = f32[3,4,5] parameter(0)\n ROOT r = f32[5,3,4]{0,2,1} transpose(p), dimensions={2,0,1}"),
    "bitcast of a transposed layout": entry("p = f32[3,4] parameter(0)\n c = f32[3,4]{0,1} copy(p)\n b = f32[4,3]{1,0} bitcast(c)\n ROOT n = f32[4,3] negate(b)"),
    "select of a scalar": entry("k = pred[] parameter(0)\n p = f32[4] parameter(1)\n q = f32[4] parameter(2)\n ROOT r = f32[4] select(k, p, q)"),
    "clamp by scalars": entry("a = f32[] constant(-1)\n p = f32[4,5] parameter(0)\n b = f32[] constant(1)\n ROOT r = f32[4,5] clamp(a, p, b)"),
    "compare": entry("p = f32[9] parameter(0)\n q = f32[9] parameter(1)\n ROOT r = pred[9] compare(p, q), direction=LE, type=TOTALORDER"),
    "dot": entry("p = f32[2,3,4] parameter(0)\n q = f32[2,4,5] parameter(1)\n ROOT r = f32[2,3,5] dot(p, q), lhs_batch_dims={0}, rhs_batch_dims={0}, "
                 "lhs_contracting_dims={2}, rhs_contracting_dims={1}"),
    "dot of vectors": entry("p = f32[7] parameter(0)\n q = f32[7] parameter(1)\n ROOT r = f32[] dot(p, q), lhs_contracting_dims={0}, rhs_contracting_dims={0}"),
    "dot to a wider type": entry("p = bf16[3,4] parameter(0)\n q = bf16[4,5] parameter(1)\n ROOT r = f32[3,5] dot(p, q), lhs_contracting_dims={1}, rhs_contracting_dims={0}"),
    "dot of integers": entry("p = s8[3,4] parameter(0)\n q = s8[4,5] parameter(1)\n ROOT r = s32[3,5] dot(p, q), lhs_contracting_dims={1}, rhs_contracting_dims={0}"),
    "dot by an algorithm": entry("p = f32[3,4] parameter(0)\n q = f32[4,5] parameter(1)\n ROOT r = f32[3,5] dot(p, q), lhs_contracting_dims={1}, "
                                 "rhs_contracting_dims={0}, algorithm=dot_f32_f32_f32"),
    "dot outer": entry("p = f32[3] parameter(0)\n q = f32[5] parameter(1)\n ROOT r = f32[3,5] dot(p, q)"),
    "convolution": convolution("2,8,8,3", "3,3,3,4", "2,4,4,4", "b01f_01io->b01f", "size=3x3 stride=2x2 pad=0_1x1_0"),
    "convolution nchw": convolution("2,3,8,8", "4,3,3,3", "2,4,6,6", "bf01_oi01->bf01", "size=3x3"),
    "convolution dilated": convolution("1,8,8,2", "3,3,2,4", "1,4,4,4", "b01f_01io->b01f", "size=3x3 rhs_dilate=2x2"),
    "convolution transposed": convolution("1,4,4,2", "3,3,2,4", "1,9,9,4", "b01f_01io->b01f", "size=3x3 pad=2_2x2_2 lhs_dilate=2x2"),
    "convolution grouped": convolution("1,6,6,4", "3,3,2,8", "1,4,4,8", "b01f_01io->b01f", "size=3x3", ", feature_group_count=2"),
    "convolution of batch groups": convolution("4,6,6,3", "3,3,3,8", "2,4,4,8", "b01f_01io->b01f", "size=3x3", ", batch_group_count=2"),
    "convolution reversed": convolution("1,6,6,2", "3,3,2,4", "1,4,4,4", "b01f_01io->b01f", "size=3x3 rhs_reversal=1x1"),
    "convolution 1d": convolution("2,9,3", "3,3,4", "2,9,4", "b0f_0io->b0f", "size=3 pad=1_1"),
    "convolution 3d": convolution("1,5,5,5,2", "2,2,2,2,3", "1,4,4,4,3", "b012f_012io->b012f", "size=2x2x2"),
    "convolution of no dimension": convolution("3,4", "4,5", "3,5", "bf_io->bf", ""),
    "batch-norm-training": entry("p = f32[2,3,4] parameter(0)\n s = f32[3] parameter(1)\n o = f32[3] parameter(2)\n"
                                 "ROOT r = (f32[2,3,4], f32[3], f32[3]) batch-norm-training(p, s, o), epsilon=0.001, feature_index=1"),
    "batch-norm-grad": entry("p = f32[2,3,4] parameter(0)\n s = f32[3] parameter(1)\n m = f32[3] parameter(2)\n v = f32[3] parameter(3)\n w = f32[3] multiply(v, v)\n g = f32[2,3,4] parameter(4)\n"
                             "ROOT r = (f32[2,3,4], f32[3], f32[3]) batch-norm-grad(p, s, m, w, g), epsilon=0.1, feature_index=1"),
    "fft": entry("p = c64[4,8] parameter(0)\n ROOT r = c64[4,8] fft(p), fft_type=IFFT, fft_length={8}"),
    "rfft": entry("p = f32[4,8] parameter(0)\n ROOT r = c64[4,5] fft(p), fft_type=RFFT, fft_length={8}"),
    "triangular-solve": entry("a = f32[3,3] parameter(0)\n b = f32[3,2] parameter(1)\n ROOT r = f32[3,2] triangular-solve(a, b), left_side=true, lower=true, "
                              "unit_diagonal=true, transpose_a=NO_TRANSPOSE"),
    "reduce-precision": entry("p = f32[40] parameter(0)\n s = f32[40] sine(p)\n ROOT r = f32[40] reduce-precision(s), exponent_bits=5, mantissa_bits=3"),
    "iota": entry("ROOT r = s32[3,4] iota(), iota_dimension=1"),
    "rng-bit-generator": entry("s = u64[2] parameter(0)\n ROOT r = (u64[2], u32[5]) rng-bit-generator(s), algorithm=rng_three_fry"),
    "rng-bit-generator by default": entry("s = u64[2] parameter(0)\n ROOT r = (u64[2], u32[5]) rng-bit-generator(s), algorithm=rng_default"),
    "topk": entry("p = f32[3,8] parameter(0)\n ROOT r = (f32[3,2], s32[3,2]) topk(p), k=2, largest=true"),
    "bitcast-convert": entry("p = f32[4] parameter(0)\n a = s32[4] bitcast-convert(p)\n ROOT r = s16[4,2] bitcast-convert(a)"),
    "opt-barrier": entry("p = f32[4] parameter(0)\n q = s32[] parameter(1)\n t = (f32[4], s32[]) tuple(p, q)\n ROOT r = (f32[4], s32[]) opt-barrier(t)"),
    "get-dimension-size": entry("p = f32[4,5] parameter(0)\n ROOT r = s32[] get-dimension-size(p), dimensions={1}"),
    "constants of tuples": entry("c = (f32[2], (s32[], pred[2])) constant(({1, 2.5}, (7, {1, 0})))\n a = f32[2] get-tuple-element(c), index=0\n"
                                 "t = (s32[], pred[2]) get-tuple-element(c), index=1\n n = s32[] get-tuple-element(t), index=0\n"
                                 "p = pred[2] get-tuple-element(t), index=1\n ROOT r = (f32[2], s32[], pred[2]) tuple(a, n, p)"),
    "bounded with static": entry("p = f32[6] parameter(0)\n q = f32[6] parameter(1)\n n = s32[] constant(4)\n"
                                 "d = f32[<=6] set-dimension-size(p, n), dimensions={0}\n a = f32[<=6] add(d, q)\n"
                                 "c = pred[<=6] compare(q, a), direction=LT\n m = f32[<=6] select(c, a, d)\n z = f32[] constant(0)\n"
                                 "ROOT s = f32[] reduce(m, z), dimensions={0}, to_apply=f", reducer()),
    "sum of a bounded array": entry("p = f32[9] parameter(0)\n n = s32[] constant(5)\n d = f32[<=9] set-dimension-size(p, n), dimensions={0}\n z = f32[] constant(0)\n"
                                    "ROOT r = f32[] reduce(d, z), dimensions={0}, to_apply=f", reducer()),
    "softmax of a bounded array": entry(
        "p = f32[9] parameter(0)\n n = s32[] constant(5)\n d = f32[<=9] set-dimension-size(p, n), dimensions={0}\n z = f32[] constant(0)\n"
        "w = f32[] reduce(d, z), dimensions={0}, to_apply=f\n b = f32[<=9] broadcast(w), dimensions={}\n s = f32[<=9] subtract(d, b)\n"
        "e = f32[<=9] exponential(s)\n t = f32[] reduce(e, z), dimensions={0}, to_apply=f\n c = f32[<=9] broadcast(t), dimensions={}\n"
        "q = f32[<=9] divide(e, c)\n k = pred[<=9] compare(q, b), direction=GT\n"
        "v = f32[<=9] select(k, q, b)\n ROOT r = f32[] reduce(v, z), dimensions={0}, to_apply=f", reducer()),
    "bounded and static arrays": entry(
        "p = f32[9] parameter(0)\n g = f32[9] parameter(1)\n n = s32[] constant(5)\n d = f32[<=9] set-dimension-size(p, n), dimensions={0}\n"
        "h = f32[<=9] set-dimension-size(g, n), dimensions={0}\n i = f32[9] iota(), iota_dimension=0\n a = f32[<=9] multiply(d, i)\n"
        "b = f32[<=9] multiply(a, h)\n z = f32[] constant(0)\n ROOT r = f32[] reduce(b, z), dimensions={0}, to_apply=f", reducer()),
    "all-reduce of one": entry("p = f32[4] parameter(0)\n ROOT r = f32[4] all-reduce(p), replica_groups={}, to_apply=f", reducer()),
    "all-to-all of one": entry("p = f32[4] parameter(0)\n ROOT r = (f32[4]) all-to-all(p), replica_groups={{0}}"),
    "collective-permute": entry("p = f32[4] parameter(0)\n ROOT r = f32[4] collective-permute(p), source_target_pairs={{0,0}}"),
    "all-gather of one": entry("p = f32[4] parameter(0)\n ROOT r = f32[4] all-gather(p), dimensions={0}, replica_groups={{0}}"),
    "reduce-scatter of one": entry("p = f32[4] parameter(0)\n ROOT r = f32[4] reduce-scatter(p), dimensions={0}, replica_groups={{0}}, to_apply=f", reducer()),
    "no result": entry("ROOT r = () tuple()"),
    "unused parameter": entry("p = f32[4] parameter(0)\n q = s32[] parameter(1)\n ROOT r = f32[4] negate(p)"),
    "parameter as root": entry("q = s32[] parameter(1)\n ROOT p = f32[4] parameter(0)"),
    "tuple as parameter": entry("t = (f32[4], (s32[], f32[4])) parameter(0)\n a = f32[4] get-tuple-element(t), index=0\n n = (s32[], f32[4]) get-tuple-element(t), index=1\n"
                                "b = f32[4] get-tuple-element(n), index=1\n ROOT r = f32[4] subtract(a, b)"),
    "add-dependency": entry("p = f32[4] parameter(0)\n t = token[] after-all()\n ROOT r = f32[4] add-dependency(p, t)"),
    "Sharding": entry("p = f32[4] parameter(0)\n ROOT r = f32[4] custom-call(p), custom_call_target=\"Sharding\""),
}
