"""PyTorch through torchax and JAX: pip install 'libpjrt[torchax]'; JAX_PLATFORMS=pjrt_cpu,cpu python examples/train_torchax.py"""
import libpjrt.torchax, torch, torchax  # in this order
from torchax.interop import jax_jit, jax_value_and_grad
torchax.enable_globally()

model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).to("jax")
x, weights, losses = torch.randn(256, 16).to("jax"), dict(model.named_parameters()), []
step = jax_jit(jax_value_and_grad(lambda w: (torch.func.functional_call(model, w, x) - x.sin().sum(1, keepdim=True)).square().mean()))
for i in range(101):
    loss, slopes = step(weights)
    weights, losses = {name: w - 0.05 * slopes[name] for name, w in weights.items()}, [*losses, loss.item()]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
