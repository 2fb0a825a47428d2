"""Loops, branches, calls, and random numbers, which are drawn from the program's seed."""

import math

from libpjrt.torch.builder.types import LoweringError, type_text


class Control:
    """Methods of Builder."""

    def while_loop(self, initials, condition, body):
        """`condition(b, *values)` gives a scalar i1, `body(b, *values)` the next values. A list of Values."""
        types = [(v.shape, v.dtype) for v in initials]
        first, _ = self.region(types, condition)
        second, _ = self.region(types, body)
        return self.emit_many(self._generic("stablehlo.while", initials, "", types, f"{first}, {second}"), types)

    def if_else(self, predicate, then, otherwise):
        """`then(b)` or `otherwise(b)`, which give Values of the same types. A list of Values."""
        first, results = self.region([], then)
        second, _ = self.region([], otherwise)
        types = [(v.shape, v.dtype) for v in results]
        return self.emit_many(self._generic("stablehlo.if", [predicate], "", types, f"{first}, {second}"), types)

    def custom_call(self, target, operands, types, attributes=""):
        """A call that the plugin knows by name. A list of Values."""
        text = f'call_target_name = "{target}"' + (", " + attributes if attributes else "")
        return self.emit_many(self._generic("stablehlo.custom_call", operands, text, types), types)

    # --- Random numbers ---------------------------------------------------------------------------------------------

    def random_bits(self, shape, dtype="ui32"):
        """Bits of a generator that every execution seeds anew from PyTorch's default generator: each call in a program
        has a stream of its own, and torch.manual_seed makes all of them repeatable. `dtype`: ui32 or ui64."""
        if self._seeds is None:
            raise LoweringError("random numbers in a program without a seed")
        row = self._seeds()
        shape = tuple(shape)
        types = [((2,), "ui64"), (shape, dtype)]
        state = self.bitcast_convert(row, "ui64")
        return self.emit_many(f"stablehlo.rng_bit_generator {state.name}, algorithm = THREE_FRY : ({state.type}) -> "
                              f"({state.type}, {type_text(shape, dtype)})", types)[1]

    def random_uniform(self, shape, dtype):
        """Numbers in [0, 1) of a float type, from as many bits as its mantissa has."""
        wide = dtype == "f64"
        bits = self.random_bits(shape, "ui64" if wide else "ui32")
        digits = {"f64": 53, "f32": 24, "f16": 11, "bf16": 8}.get(dtype)
        if digits is None:
            raise LoweringError(f"uniform random numbers of type {dtype}")
        top = self.binary("stablehlo.shift_right_logical", bits, (64 if wide else 32) - digits)
        computed = "f64" if wide else "f32"
        return self.convert(self.multiply(self.convert(top, computed), 2.0**-digits), dtype)

    def random_normal(self, shape, dtype):
        """Numbers of the standard normal distribution, by the inverse of its distribution function."""
        computed = "f64" if dtype == "f64" else "f32"
        u = self.random_uniform(shape, computed)
        # Odd multiples of half a step: never -1 or 1.
        centred = self.add(self.multiply(u, 2.0), 2.0 ** (-53 if computed == "f64" else -24) - 1.0)
        return self.convert(self.multiply(self.unary("chlo.erf_inv", centred), math.sqrt(2.0)), dtype)
