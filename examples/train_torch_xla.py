"""PyTorch through torch_xla 2.9.0: pip install 'libpjrt[torch_xla]'; PJRT_DEVICE=LIBPJRT python examples/train_torch_xla.py"""
import torch, torch_xla

model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).to(torch_xla.device())
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x = torch.randn(256, 16, device=torch_xla.device())
losses = []
for i in range(101):
    losses.append((model(x) - x.sin().sum(1, keepdim=True)).square().mean())
    optimizer.zero_grad(), losses[-1].backward(), optimizer.step(), torch_xla.sync()
print(f"loss {losses[0].item():.3f} -> {losses[-1].item():.3f}")
