"""A PyTorch model trained with torch.compile on libpjrt: pip install dist/libpjrt-*.whl torch, then run this."""
import torch

model = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))
step = torch.compile(lambda x, y: (model(x) - y).square().mean(), backend="libpjrt")
optimizer = torch.optim.Adam(model.parameters(), 0.01)
for i in range(301):
    x = torch.rand(256, 2)
    loss = step(x, (x[:, :1] * x[:, 1:]))
    optimizer.zero_grad(), loss.backward(), optimizer.step()
    if i % 100 == 0:
        print(f"step {i}: loss {loss.item():.6f}")
