"""PyTorch through torch_xla 2.9.0: PJRT_DEVICE=LIBPJRT python examples/train_torch_xla.py"""

import torch
import torch_xla

device = torch_xla.device()
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).to(device)
x = torch.randn(256, 16).to(device)
y = x.sin().sum(1, keepdim=True)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for i in range(101):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    torch_xla.sync()
    if i % 20 == 0:
        print(i, round(loss.item(), 4))
