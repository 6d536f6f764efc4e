"""Writes torch-ops-shape.safetensors: what PyTorch computes for the ops that move, multiply and sum elements.

    python3 test/golden/torch_ops.py

It needs torch and numpy (Debian: python3-torch), in any version. For each case there are tensors NAME.x (and .y, .indices),
NAME.output, NAME.grad_output and NAME.grad_x (and .grad_y), which test/golden/torch-ops-shape.test.ts compares with.
"""

import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

torch.manual_seed(7)
volume = (2, 2, 4, 3, 3)
tensors: dict[str, np.ndarray] = {}


def case(name, shapes, f, indices=None):
    """Records inputs of these shapes, the output of f and all gradients."""
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    output = f(*inputs) if indices is None else f(*inputs, torch.tensor(indices))
    grad_output = torch.randn(output.shape)
    grads = torch.autograd.grad(output, inputs, grad_output)
    for letter, value, grad in zip("xy", inputs, grads):
        tensors[f"{name}.{letter}"] = value.detach().numpy()
        tensors[f"{name}.grad_{letter}"] = grad.numpy()
    if indices is not None:
        tensors[f"{name}.indices"] = np.array(indices, dtype=np.int32)
    tensors[f"{name}.output"] = output.detach().numpy()
    tensors[f"{name}.grad_output"] = grad_output.numpy()


case("reshape", [(4, 6, 5)], lambda x: x.reshape(8, 15))
case("reshape_volume", [volume], lambda x: x.reshape(2, 9, -1))
case("reshape_to_volume", [(6, 24)], lambda x: x.reshape(volume))
case("transpose", [(4, 6, 5)], lambda x: x.permute(2, 0, 1))
case("transpose_volume", [volume], lambda x: x.permute(0, 4, 3, 1, 2))
case("slice", [(7, 9)], lambda x: x[1:6:2, 3:-1])
case("slice_volume", [volume], lambda x: x[:, 1:, ::3, 1:, :2])
case("mirror_volume", [volume], lambda x: x.flip(2))
case("pad", [(4, 6)], lambda x: functional.pad(x, (1, 2, 3, -1), value=1.5))
case("pad_reflect_volume", [volume], lambda x: functional.pad(x, (1, 2, 2, 0, 2, 3), mode="reflect"))
case("pad_edge_volume", [volume], lambda x: functional.pad(x, (1, 2, 2, 0, 2, 3), mode="replicate"))
case("expand", [(3, 1, 4)], lambda x: x.expand(2, 3, 5, 4))
case("concat", [(3, 4), (3, 2)], lambda x, y: torch.cat([x, y], 1))
case("concat_volume", [volume, (2, 2, 2, 3, 3)], lambda x, y: torch.cat([x, y], 2))
case("stack", [(3, 4), (3, 4)], lambda x, y: torch.stack([x, y], -1))
case("split", [(3, 7)], lambda x: torch.split(x, [2, 4, 1], 1)[1])
case("embedding", [(6, 5)], lambda x, i: functional.embedding(i, x), [[1, 5, 1], [0, 1, 3]])
case("index_select_volume", [volume], lambda x, i: x.index_select(2, i), [3, 0, 3, 1, 1])
case("matmul", [(5, 7), (7, 4)], torch.matmul)
case("matmul_batches", [(2, 1, 5, 7), (3, 7, 4)], torch.matmul)
case("matmul_tiled", [(2, 17, 18), (18, 19)], torch.matmul)
case("softmax_last", [(4, 6, 9)], lambda x: (3 * x).softmax(-1))
case("softmax_depth_volume", [volume], lambda x: (3 * x).softmax(2))
case("log_softmax_first", [(5, 8)], lambda x: (3 * x).log_softmax(0))
case("log_softmax_width_volume", [volume], lambda x: (3 * x).log_softmax(4))
case("sum", [(4, 6, 5)], lambda x: x.sum((0, -1)))
case("sum_volume", [volume], lambda x: x.sum((2, 4), keepdim=True))
case("mean", [(4, 6, 5)], lambda x: x.mean(1))
case("mean_volume", [volume], lambda x: x.mean((0, 1, 3)))

header: dict[str, object] = {"__metadata__": {"torch": torch.__version__}}
data = b""
for name, array in sorted(tensors.items()):
    contents = np.ascontiguousarray(array).tobytes()
    kind = "I32" if array.dtype == np.int32 else "F32"
    header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(data), len(data) + len(contents)]}
    data += contents
head = json.dumps(header).encode()
head += b" " * (-len(head) % 8)
path = Path(__file__).parent / "torch-ops-shape.safetensors"
path.write_bytes(struct.pack("<Q", len(head)) + head + data)
print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
