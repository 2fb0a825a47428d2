"""The models that torch.compile's backends are compared on, and tested with: (name, module, input), small enough for two
cores. No torchvision: a ResNet is forty lines."""

import torch
import torch.nn.functional as F
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet18(nn.Module):
    """The residual network of 18 layers."""

    def __init__(self, classes=10, width=64):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        blocks = []
        for i in range(4):
            blocks += [ResidualBlock(widths[i], widths[i + 1], 1 if i == 0 else 2), ResidualBlock(widths[i + 1], widths[i + 1], 1)]
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))


class SmallCNN(nn.Module):
    """Two convolutions and two linear layers, as for handwritten digits."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        return F.log_softmax(self.fc2(F.relu(self.fc1(torch.flatten(x, 1)))), dim=1)


class EncoderLayer(nn.TransformerEncoderLayer):
    """PyTorch's own layer without its fused inference path, which no compiler sees into."""

    def forward(self, x):
        x = self.norm1(x + self._sa_block(x, None, None))
        return self.norm2(x + self._ff_block(x))


class GPTBlock(nn.Module):
    def __init__(self, width=256, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, words=1000, length=128, width=256, heads=4, blocks=2):
        super().__init__()
        self.token, self.position = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*[GPTBlock(width, heads) for _ in range(blocks)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1], device=tokens.device))
        return self.head(self.norm(self.blocks(x)))


def mlp(*widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _images(*shape):
    return torch.randn(*shape)


MODELS = {
    "small MLP, batch 1": lambda: (mlp(64, 64, 10), torch.randn(1, 64)),
    "MLP, batch 128": lambda: (mlp(784, 512, 512, 10), torch.randn(128, 784)),
    "small CNN, batch 16": lambda: (SmallCNN(), _images(16, 1, 28, 28)),
    "ResNet-18, 4x64x64": lambda: (ResNet18(), _images(4, 3, 64, 64)),
    "transformer encoder, 4x64": lambda: (EncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True), torch.randn(4, 64, 256)),
    "GPT block, 4x128": lambda: (GPTBlock(), torch.randn(4, 128, 256)),
    "GPT of 2 blocks, 4x128": lambda: (GPT(), torch.randint(0, 1000, (4, 128))),
}


def make(name, seed=0):
    """The module and its input, the same each time."""
    torch.manual_seed(seed)
    return MODELS[name]()
