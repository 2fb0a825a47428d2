"""A PyTorch model trained with torch.compile on libpjrt: pip install 'libpjrt[torch]'; python examples/torch_compile.py"""
import torch

model = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))
loss_of = torch.compile(lambda x: (model(x) - x.prod(1, keepdim=True)).square().mean(), backend="libpjrt")
optimizer = torch.optim.Adam(model.parameters(), 0.01)
losses = []
for i in range(301):
    losses.append(loss_of(torch.rand(256, 2)))
    optimizer.zero_grad(), losses[-1].backward(), optimizer.step()
print(f"loss {losses[0]:.3f} -> {losses[-1]:.6f}")
