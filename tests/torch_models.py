"""Four small models and batches for them, with the same numbers in every process: what the frameworks' tests train."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """A block of a ResNet: two convolutions with batch norms, around them the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return functional.relu(x + self.body(x))


class CausalBlock(nn.Module):
    """A block of a GPT: attention to what came before, then two layers, each around a residual."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.reshape(batch, length, self.heads, -1).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, tokens: int = 50, length: int = 16, width: int = 32, heads: int = 4):
        super().__init__()
        self.tokens, self.places = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.block, self.norm = CausalBlock(width, heads), nn.LayerNorm(width)
        self.head = nn.Linear(width, tokens, bias=False)

    def forward(self, x):
        h = self.tokens(x) + self.places(torch.arange(x.shape[1], device=x.device))
        return self.head(self.norm(self.block(h))).flatten(0, 1)


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn():
    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), Residual(16),
                         nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def encoder(dropout: float = 0.0):
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=dropout, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(12 * 32, 10))


MODELS = {"mlp": mlp, "cnn": cnn, "encoder": encoder, "gpt": Gpt}


def make(name: str, **options):
    """A model, its input and the classes that it should find."""
    torch.manual_seed(0)
    model = MODELS[name](**options)
    if name == "gpt":
        text = torch.randint(0, 50, (8, 17))
        return model, text[:, :-1].contiguous(), text[:, 1:].flatten()
    shape = {"mlp": (64, 64), "cnn": (16, 3, 16, 16), "encoder": (16, 12, 32)}[name]
    return model, torch.randn(shape), torch.randint(0, 10, shape[:1])
