"""The extension on its own: what it promises, and that wrong use is an exception."""

import pytest
import torch

from libpjrt import host

TEXT = """func.func @main(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<3xf32>) {
  %0 = stablehlo.add %x, %x : tensor<2x3xf32>
  %1 = stablehlo.negate %y : tensor<3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<3xf32>
}
"""
INPUTS = [("f32", (2, 3)), ("f32", (3,))]
OUTPUTS = [((2, 3), (3, 1)), ((3,), (1,))]


def compile_it(text=TEXT, inputs=INPUTS, outputs=OUTPUTS):
    return host.client().compile(text, inputs, outputs, torch.Tensor)


def test_run():
    x, y = torch.randn(2, 3), torch.randn(3)
    a, b = compile_it()([x, y])
    assert torch.equal(a, x + x) and torch.equal(b, -y)


def test_results_with_strides():
    x, y = torch.randn(2, 3), torch.randn(3)
    a, _ = compile_it(outputs=[((3, 2), (1, 3)), ((3,), (1,))])([x, y])
    assert torch.equal(a, (x + x).t())


def test_a_result_into_a_parameter():
    run = compile_it(outputs=[((2, 3), (3, 1)), 1])
    x, y = torch.randn(2, 3), torch.randn(3)
    want = -y
    (a,) = run([x, y])
    assert torch.equal(a, x + x) and torch.equal(y, want)


def test_a_donated_parameter_is_changed_where_it_lies():
    text = TEXT.replace("%y: tensor<3xf32>", "%y: tensor<3xf32> {tf.aliasing_output = 1 : i32}")
    run = compile_it(text, outputs=[((2, 3), (3, 1)), 1])
    y = torch.randn(3)
    want = -y
    run([torch.randn(2, 3), y])
    assert torch.equal(y, want)


@pytest.mark.parametrize("inputs, outputs, message", [
    (INPUTS, OUTPUTS[:1], "2"), ([("f33", (2, 3)), INPUTS[1]], OUTPUTS, "f33"), (INPUTS, [((2, 3), (3, 2)), OUTPUTS[1]], "past its end"),
    (INPUTS, [((2, 3), (3,)), OUTPUTS[1]], "rank"), (INPUTS, [((2, -3), (3, 1)), OUTPUTS[1]], "negative"),
    (INPUTS, [1, OUTPUTS[1]], "overwrite"), (INPUTS, [((2, 3), (3, 1)), 7], "overwrite"), (INPUTS, [0, 0], "overwrite"),
    (INPUTS, [((2, 3), (1 << 62, 1 << 62)), OUTPUTS[1]], "past its end"),
])
def test_wrong_descriptions(inputs, outputs, message):
    with pytest.raises(ValueError, match=message):
        compile_it(inputs=inputs, outputs=outputs)


def test_wrong_calls():
    run = compile_it()
    with pytest.raises(TypeError, match="1 tensors for 2 parameters"):
        run([torch.randn(2, 3)])
    with pytest.raises(TypeError, match="argument 1 is no"):
        run([torch.randn(2, 3), 5])
    with pytest.raises(TypeError):
        run(5)
    with pytest.raises(TypeError):
        host.native().Executable()


def test_a_wrong_description_of_a_parameter_is_the_plugins_error():
    with pytest.raises(host.native().Error):
        compile_it(inputs=[("f32", (2, 4)), INPUTS[1]])([torch.randn(2, 4), torch.randn(3)])


def test_a_wrong_program():
    with pytest.raises(host.native().Error, match="INVALID_ARGUMENT"):
        compile_it("func.func @main( {")
    with pytest.raises(host.native().Error, match="no_such"):
        compile_it(TEXT.replace("stablehlo.negate", "stablehlo.no_such"))


def test_a_plugin_that_is_not_there():
    with pytest.raises(host.native().Error, match="NOT_FOUND"):
        host.native().Client("/nowhere/pjrt_plugin_none.so")
    with pytest.raises(host.native().Error):
        host.native().Client(str(host.libpjrt.plugin_path()), {"no_such_option": 1})


def test_a_client_of_its_own_outlives_its_name():
    client = host.native().Client(str(host.libpjrt.plugin_path()), {"threads": 1})
    assert "cpu" in client.platform
    run = client.compile(TEXT, INPUTS, OUTPUTS, torch.Tensor)
    del client
    a, _ = run([torch.ones(2, 3), torch.ones(3)])
    del run
    assert a.sum().item() == 12


@pytest.mark.parametrize("tensor", [torch.randn(2, 3, dtype=torch.float64), torch.randn(3, 2), torch.randn(3, 2).t(), torch.randn(2, 4)[:, :3],
                                    torch.randn(6), torch.randn(1, 3).expand(2, 3), torch.randn(2, 3, device="meta"),
                                    torch.randint(0, 9, (2, 3), dtype=torch.int32)])
def test_tensors_that_lie_otherwise_are_refused(tensor):
    with pytest.raises((ValueError, BufferError, RuntimeError)):
        compile_it()([tensor, torch.randn(3)])


def test_tensors_with_another_order():
    run = compile_it(inputs=[("f32", (2, 3), (1, 0)), INPUTS[1]])
    x = torch.randn(3, 2)
    a, _ = run([x.t().contiguous().t(), torch.ones(3)])
    assert torch.equal(a, (x + x).t())
    with pytest.raises(ValueError, match="argument 0"):
        run([x, torch.ones(3)])
    one = compile_it(TEXT.replace("2x3", "1x3"), [("f32", (1, 3), (0, 1)), INPUTS[1]], [((1, 3), (3, 1)), OUTPUTS[1]])
    assert one([torch.ones(1, 3).as_strided((1, 3), (77, 1)), torch.ones(3)])[0].sum() == 6  # the stride of one element says nothing


@pytest.mark.parametrize("order", [(0,), (0, 0), (0, 2), (0, -1), (1, 0, 2)])
def test_wrong_orders(order):
    with pytest.raises(ValueError, match="order"):
        compile_it(inputs=[("f32", (2, 3), order), INPUTS[1]])


@pytest.mark.parametrize("kind", [int, 5, type("Tensor", (), {"__dlpack_c_exchange_api__": 3})])
def test_types_that_are_no_tensors(kind):
    with pytest.raises((TypeError, AttributeError, ValueError)):
        host.client().compile(TEXT, INPUTS, OUTPUTS, kind)
