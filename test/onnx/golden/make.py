"""Exports five small networks with PyTorch, and what PyTorch computes with them: python3 make.py (torch 1.13).

Each NAME.onnx has its input in NAME.x.f32 and its output in NAME.y.f32: float32, row-major.
"""
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, stride, 1)
        self.norm = nn.InstanceNorm3d(outputs, eps=1e-5, affine=True)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -0.5, 0.5)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), 0.01)


class NnUnet(nn.Module):
    """A network like nnU-Net's, of three resolutions."""

    def __init__(self, widths=(2, 3, 4), classes=3):
        super().__init__()
        pairs = list(zip((1, *widths), widths))
        self.down = nn.ModuleList(
            nn.Sequential(Block(i, o, 1 if level == 0 else 2), Block(o, o, 1))
            for level, (i, o) in enumerate(pairs)
        )
        levels = range(len(widths) - 2, -1, -1)
        self.up = nn.ModuleList(nn.ConvTranspose3d(widths[i + 1], widths[i], 2, 2) for i in levels)
        self.stages = nn.ModuleList(
            nn.Sequential(Block(2 * widths[i], widths[i], 1), Block(widths[i], widths[i], 1)) for i in levels
        )
        self.head = nn.Conv3d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        skips.pop()
        for up, stage in zip(self.up, self.stages):
            x = stage(torch.cat([up(x), skips.pop()], 1))
        return self.head(x)


class Images(nn.Module):
    """A classifier of images: grouped and dilated convolutions, batch normalisation, a head."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, 2, 1, groups=2)
        self.norm = nn.BatchNorm2d(6)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)
        self.second = nn.Conv2d(6, 8, (3, 5), padding=(2, 4), dilation=2)
        self.slope = nn.PReLU(8)
        self.head = nn.Sequential(nn.Linear(8, 9), nn.Tanh(), nn.LayerNorm(9), nn.Linear(9, 5, bias=False))

    def forward(self, x):
        x = F.max_pool2d(self.norm(F.relu(self.first(x))), 3, 2, 1)
        x = F.avg_pool2d(self.slope(self.second(x)), 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Volumes(nn.Module):
    """Resampling to half and double, padding, group normalisation, gates; sizes are computed from the input's."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -1, 1)
        self.second = nn.Conv3d(8, 4, 3, padding=1)
        self.head = nn.Conv3d(4, 3, 1)

    def forward(self, x):
        a = F.elu(self.norm(self.first(x)))
        nearest = F.interpolate(F.max_pool3d(a, 2), scale_factor=2, mode='nearest')
        linear = F.interpolate(F.avg_pool3d(a, 2), size=a.shape[2:], mode='trilinear')
        gated = torch.sigmoid(self.second(torch.cat([nearest, linear], 1))) * torch.tanh(a) + 0.5 * a
        return F.softmax(self.head(F.pad(gated, (1, 1, 0, 0, 2, 1))), 1)


class Attention(nn.Module):
    """Self-attention of sequences [B, T, 12] in four heads, after a layer normalisation."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(12)
        self.qkv = nn.Linear(12, 36)
        self.out = nn.Linear(12, 12)

    def forward(self, x):
        batch, places, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, places, 3, 4, 3).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) / 3**0.5, -1)
        return x + self.out((weights @ v).transpose(1, 2).reshape(batch, places, width))


class Modern(nn.Module):
    """A segmentation of images as networks of the 2020s do it: GELU, channels last, attention by einsum, pixel shuffle."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 2, 2)
        self.depthwise = nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.scale = nn.Parameter(torch.randn(8))
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(9, 2))
        self.register_buffer('index', torch.arange(25).remainder(9).view(5, 5))
        self.qkv = nn.Linear(8, 24)
        self.gate = nn.Conv2d(8, 8, 1)
        self.head = nn.Conv2d(8, 12, 1)

    def forward(self, x):
        x = self.stem(x)
        block = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        x = x + (self.scale * self.mlp(block)).permute(0, 3, 1, 2)
        batch, width = x.shape[:2]
        pooled = F.adaptive_avg_pool2d(x, 2).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(batch, -1, -1), pooled], 1)
        q, k, v = self.qkv(tokens).view(batch, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        scores = torch.einsum('bhid,bhjd->bhij', q, k) + self.positions[self.index].permute(2, 0, 1)
        attended = torch.einsum('bhij,bhjd->bihd', scores.softmax(-1), v).reshape(batch, 5, width)
        x = x * F.hardsigmoid(attended[:, 0])[:, :, None, None] + F.mish(self.gate(F.hardswish(x)))
        x = torch.where(x > 0.25, x, x.abs().mean((2, 3), keepdim=True))
        return F.log_softmax(F.pixel_shuffle(self.head(x), 2), 1)


def export(name, network, x, **options):
    torch.manual_seed(1)
    folder = Path(__file__).parent
    network.eval()
    with torch.no_grad():
        y = network(x)
    names = {'input_names': ['x'], 'output_names': ['y']}
    torch.onnx.export(network, x, str(folder / f'{name}.onnx'), **names, **options)
    x.numpy().tofile(folder / f'{name}.x.f32')
    y.numpy().tofile(folder / f'{name}.y.f32')


torch.manual_seed(1)
sizes = {'x': {2: 'd', 3: 'h', 4: 'w'}}
export('nnunet', NnUnet(), torch.randn(1, 1, 8, 12, 4), opset_version=14)
export('images', Images(), torch.randn(2, 2, 17, 21), opset_version=11, do_constant_folding=False)
export('volumes', Volumes(), torch.randn(1, 1, 8, 12, 6), opset_version=16, dynamic_axes=sizes)
export('attention', Attention(), torch.randn(2, 7, 12), opset_version=13)
export('modern', Modern(), torch.randn(2, 1, 12, 16), opset_version=16)
