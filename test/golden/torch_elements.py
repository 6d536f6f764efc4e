"""Writes torch-elements.safetensors: element-wise and sampling ops of PyTorch with their gradients, for
torch-elements.test.ts. A case `name` has its inputs, `name.out`, a gradient of the output `name.gout` and those of the
inputs, `name.gx` and so on. Volumes are [N, C, D, H, W]; images have depth 1, and grids x, y and z as channels.

    python3 test/golden/torch_elements.py

Needs torch (written with 1.13) and numpy.
"""

import json
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(12)
tensors = {}


def case(name, f, **inputs):
    """Stores the inputs, the output of f and, if there is one, the gradient of <gout, out>."""
    leaves = {field: value.clone().requires_grad_() for field, value in inputs.items()}
    out = f(*leaves.values())
    for field, value in inputs.items():
        tensors[f"{name}.{field}"] = value
    tensors[f"{name}.out"] = out.detach().float()
    if out.requires_grad:
        gout = torch.rand(out.shape) * 2 - 1
        out.backward(gout)
        tensors[f"{name}.gout"] = gout
        for field, leaf in leaves.items():
            if leaf.grad is not None:
                tensors[f"{name}.g{field}"] = leaf.grad


def levels(*shape):
    """Few levels, so that ties and kinks are met."""
    return torch.round(4 * (torch.rand(*shape) * 2 - 1)) / 4


volume, channel = (2, 3, 2, 3, 5), (1, 3, 1, 1, 1)
case("minimum", torch.minimum, a=levels(*volume), b=levels(*channel))
case("maximum", torch.maximum, a=levels(*volume), b=levels(*channel))
for name in ("eq", "ne", "gt", "ge", "lt", "le"):
    case(name, getattr(torch, name), a=levels(*volume), b=levels(*channel))
case("clamp", lambda x: torch.clamp(x, -0.5, 0.25), x=levels(*volume))
case("clamp_min", lambda x: torch.clamp(x, min=0.25), x=levels(*volume))
case("where", lambda mask, a, b: torch.where(mask > 0, a, b), mask=levels(*volume), a=torch.randn(*volume), b=torch.randn(*channel))
for exponent in (2, 3, -1, 0):
    case(f"pow_{exponent}", lambda x: torch.pow(x, exponent), x=torch.randn(*volume))
case("pow_0.5", lambda x: torch.pow(x, 0.5), x=torch.rand(*volume) + 0.1)
case("pow", torch.pow, a=torch.rand(*volume) + 0.1, b=torch.randn(*channel))
case("sin", torch.sin, x=5 * torch.randn(*volume))
case("cos", torch.cos, x=5 * torch.randn(*volume))

for mode in ("bilinear", "nearest"):
    for padding in ("zeros", "border"):
        for align in (False, True):
            # Voxel centres and borders are among the levels; the others lie anywhere, outside too. Releases of PyTorch
            # differ in which of two voxels is nearest to a position halfway.
            grid = 1.4 * (torch.rand(1, 3, 4, 2, 3) * 2 - 1)
            if mode == "bilinear":
                grid[:, :, :2] = levels(1, 3, 2, 2, 3)

            def sample(x, grid):
                return F.grid_sample(x, grid.permute(0, 2, 3, 4, 1), mode, padding, align)

            case(f"grid_sample_{mode}_{padding}_{align}", sample, x=torch.randn(1, 2, 3, 4, 5), grid=grid)
for align in (False, True):
    case(
        f"affine_grid_{align}",
        lambda theta: F.affine_grid(theta, (2, 1, 3, 5, 2), align).permute(0, 4, 1, 2, 3),
        theta=torch.randn(2, 3, 4),
    )

case("conv1d", lambda x, w, b: F.conv1d(x[:, :, 0, 0], w, b, stride=2, padding=1)[:, :, None, None],
     x=torch.randn(2, 3, 1, 1, 11), w=torch.randn(4, 3, 3), b=torch.randn(4))  # fmt: skip
case("conv2d", lambda x, w, b: F.conv2d(x[:, :, 0], w, b, stride=(2, 1), padding=1)[:, :, None],
     x=torch.randn(2, 3, 1, 7, 6), w=torch.randn(4, 3, 3, 3), b=torch.randn(4))  # fmt: skip
case("conv2d_groups", lambda x, w, b: F.conv2d(x[:, :, 0], w, b, padding=2, dilation=2, groups=2)[:, :, None],
     x=torch.randn(1, 4, 1, 7, 6), w=torch.randn(6, 2, 3, 3), b=torch.randn(6))  # fmt: skip
case("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(x[:, :, 0], w, b, stride=2, padding=1, output_padding=1)[:, :, None],
     x=torch.randn(2, 3, 1, 4, 5), w=torch.randn(3, 4, 3, 3), b=torch.randn(4))  # fmt: skip

case("amax", lambda x: torch.amax(x, (1, 3), keepdim=True), x=levels(*volume))
case("amin", lambda x: torch.amin(x, (0, 2, 4), keepdim=True), x=levels(*volume))
case("erf", torch.erf, x=2 * torch.randn(*volume))

header, data = {"__metadata__": {"torch": torch.__version__}}, b""
for name, tensor in tensors.items():
    raw = tensor.contiguous().numpy().astype("<f4").tobytes()
    header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
Path(__file__).with_name("torch-elements.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
