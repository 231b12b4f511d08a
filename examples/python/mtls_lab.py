"""A trained run in Python, from the file that MTLS Lab exports as weights: texts and image features to embeddings.

Needs numpy and safetensors. The formats are specified in docs/formats.md, the formulas in src/features/text.rs and
src/model/tower.rs; names and order of the steps are the same here.
"""

import bisect
import json
import math
from collections import Counter

import numpy as np
from safetensors import safe_open

WORD, GRAM = 1, 2
MASK = (1 << 64) - 1


def read(path):
    """A safetensors file of ours: what it says about itself, and its tensors by name."""
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["mtls-lab"])
        return about, {name: file.get_tensor(name) for name in file.keys()}


def ranges(text):
    """The characters of "a-z 5" as a set of code points."""
    points = set()
    for part in text.split():
        first, _, last = part.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return points


# Unicode's white space, which `str.isspace` is not quite.
SPACE = ranges("9-d 20 85 a0 1680 2000-200a 2028 2029 202f 205f 3000")
# Accents, joiners and viramas: inside a word, but no word alone.
JOINER = ranges("300-36f 200c 200d 94d 9cd a4d acd bcd c4d ccd d4d")
CJK = ranges("1100-11ff 3005-3007 3040-312f 31f0-31ff 3400-4dbf 4e00-9fff ac00-d7af f900-faff ff66-ff9f 20000-3ffff")


class TextFeatures:
    """Hashed TF-IDF of words and character n-grams on the basis that the run has fitted."""

    def __init__(self, about, tensors):
        self.buckets = about["buckets"]
        self.without = set(about["without"])
        self.basis = tensors["features/text/basis"]
        self.idf = tensors["features/text/idf"][0]
        self.row = {int(bucket): row for row, bucket in enumerate(tensors["features/text/used"][0])}
        spans = tensors["features/text/alphanumeric"].astype(int)
        self.starts, self.ends = spans[:, 0].tolist(), spans[:, 1].tolist()

    def alphanumeric(self, character):
        at = bisect.bisect_right(self.starts, ord(character)) - 1
        return at >= 0 and ord(character) <= self.ends[at]

    def in_word(self, character):
        return self.alphanumeric(character) or ord(character) in JOINER

    def kept(self, text):
        """The text without the words that the run leaves out."""
        if not self.without:
            return text
        pieces = runs(text, self.in_word, others=True)
        return "".join(piece for piece in pieces if piece.lower() not in self.without)

    def terms(self, text):
        """Every word and n-gram as (kind, term), repeats included."""
        lower = text.lower()
        symbols = not any(map(self.alphanumeric, lower))
        belongs = (lambda c: ord(c) not in SPACE) if symbols else self.in_word
        for word in runs(lower, belongs):
            if not symbols and not any(map(self.alphanumeric, word)):
                continue
            yield WORD, word
            yield from grams(f" {word} ", 3, 5)
            for run in runs(word, lambda c: ord(c) in CJK):
                yield from grams(run, 1, 2)

    def count(self, text):
        """((bucket, kind), count), ascending."""
        hashes = ((fnv(kind, term), kind) for kind, term in self.terms(self.kept(text)))
        return sorted(Counter(((h ^ (h >> 32)) % self.buckets, kind) for h, kind in hashes).items())

    def transform(self, texts):
        """Rows [n, d_y], of unit length; zero for an empty text."""
        return np.stack([self.one(text) for text in texts]).astype(np.float32)

    def one(self, text):
        counted = self.count(text)
        known = [
            (self.row[bucket], kind, (1 + math.log(count)) * self.idf[self.row[bucket]])
            for (bucket, kind), count in counted
            if bucket in self.row
        ]
        block = {kind: math.sqrt(sum(v * v for _, k, v in known if k == kind)) for kind in (WORD, GRAM)}
        weights = Counter()
        for row, kind, value in known:
            weights[row] += value / block[kind]
        total = math.sqrt(sum(v * v for v in weights.values()))
        out = np.zeros(self.basis.shape[1])
        for row, weight in weights.items():
            out += weight / total * self.basis[row]
        if np.linalg.norm(out) < 1e-5:
            # Nothing known, or nothing of it in the basis: a direction that depends on the terms alone.
            for (bucket, kind), _ in counted:
                out += unseen(bucket, kind, len(out))
        length = np.linalg.norm(out)
        return out / length if length > 0 else out


def runs(text, belongs, others=False):
    """Runs of characters that belong together; with `others`, also what stands between them."""
    found, run, inside = [], "", False
    for character in text:
        now = belongs(character)
        if now != inside and run:
            found.append((inside, run))
            run = ""
        inside = now
        run += character
    found.append((inside, run))
    return [run for inside, run in found if run and (inside or others)]


def grams(text, shortest, longest):
    """The n-grams of a text; a text shorter than n counts whole, once."""
    for n in range(shortest, longest + 1):
        if len(text) <= n:
            yield GRAM, text
            return
        for start in range(len(text) - n + 1):
            yield GRAM, text[start : start + n]


def fnv(kind, term):
    """FNV-1a, 64 bits, over the kind and the bytes of the term."""
    value = 0xCBF29CE484222325
    for byte in bytes([kind]) + term.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def unseen(bucket, kind, columns):
    """The pseudo-random vector of a term that no training text has (src/rng.rs; PCG MCG 128 XSL RR 64)."""

    def mix(z):
        z = (z + 0x9E3779B97F4A7C15) & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    def turned(value, by, bits):
        return (value >> by | value << (bits - by)) & ((1 << bits) - 1)

    projection = 9
    seed = bucket
    for part in (projection, 1 + kind):
        seed = mix(seed ^ mix((part + 0x9E3779B97F4A7C15) & MASK))
    # The 64-bit seed fills the 128-bit state by a PCG 32.
    state = 0
    for word in range(4):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & MASK
        state |= turned((seed >> 18 ^ seed) >> 27 & 0xFFFFFFFF, seed >> 59, 32) << 32 * word
    state |= 1
    drawn = np.empty(columns)
    for column in range(columns):
        state = state * 0x2360ED051FC65DA44385DF649FCCF645 & ((1 << 128) - 1)
        value = turned((state >> 64 ^ state) & MASK, state >> 122, 64)
        drawn[column] = (value & 0xFFFFFFFF) >> 8
    return drawn / 2**24 - 0.5


class Tower:
    """`image` or `text` features to embeddings, in numpy or, given `torch`, in torch."""

    def __init__(self, side, about, tensors):
        self.model = about["config"]["model"]
        self.absolute = about["score"] == "order"
        self.conv = side == "image" and self.model["stem"] == "conv"
        self.mean, self.scale = (tensors[f"features/{side}/{name}"] for name in ("mean", "scale"))
        prefix = f"weights/{side}/"
        self.weights = {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}

    def embed(self, features):
        """[n, d_in] to [n, d], rows of unit length."""
        w = self.weights
        x = (features - self.mean) * self.scale
        if self.conv:
            x = np.concatenate([self.stem(part) for part in np.array_split(x, max(1, len(x) // 64))])
        out = np.zeros((len(x), self.model["dim"]), np.float32)
        if self.model["tower"] != "mlp":
            out = out + x @ w["linear/weight"] + w["linear/bias"]
        if self.model["tower"] != "linear":
            h = x @ w["hidden/weight"] + w["hidden/bias"]
            if self.model["norm"] != "none":
                if self.model["norm"] == "batch":
                    mean, variance = w["norm/running/mean"], w["norm/running/variance"]
                else:
                    mean, variance = h.mean(1, keepdims=True), h.var(1, keepdims=True)
                h = (h - mean) / np.sqrt(variance + np.float32(1e-5)) * w["norm/gain"] + w["norm/bias"]
            out = out + np.maximum(h, 0) @ w["out/weight"] + w["out/bias"]
        out = out / np.sqrt((out * out).sum(1, keepdims=True) + np.float32(1e-12))
        return np.abs(out) if self.absolute else out

    def stem(self, pixels):
        """Three convolutions of 3 x 3 with stride 2 and a ReLU, then means over a 4 x 4 grid: [n, 1024]."""
        x = pixels.reshape(-1, 64, 64, 3).transpose(0, 3, 1, 2)
        for layer in range(3):
            weight, bias = self.weights[f"stem/{layer}/weight"], self.weights[f"stem/{layer}/bias"]
            padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::2, ::2]
            kernel = weight.reshape(len(weight), -1, 3, 3)
            x = np.einsum("nchwij,ocij->nohw", windows, kernel, optimize=True) + bias.reshape(1, -1, 1, 1)
            x = np.maximum(x, 0)
        return x.reshape(len(x), 64, 4, 2, 4, 2).mean((3, 5)).reshape(len(x), -1)

    def embed_with_torch(self, torch, features):
        """The same as `embed`, written with torch's own layers."""
        w = {name: torch.from_numpy(t) for name, t in self.weights.items()}
        functional = torch.nn.functional
        x = torch.from_numpy((features - self.mean) * self.scale)
        if self.conv:
            x = x.reshape(-1, 64, 64, 3).permute(0, 3, 1, 2)
            for layer in range(3):
                weight, bias = w[f"stem/{layer}/weight"], w[f"stem/{layer}/bias"][0]
                x = functional.conv2d(x, weight.reshape(len(weight), -1, 3, 3), bias, stride=2, padding=1).relu()
            x = functional.avg_pool2d(x, 2).flatten(1)
        out = torch.zeros(len(x), self.model["dim"])
        if self.model["tower"] != "mlp":
            out = out + functional.linear(x, w["linear/weight"].T, w["linear/bias"][0])
        if self.model["tower"] != "linear":
            h = functional.linear(x, w["hidden/weight"].T, w["hidden/bias"][0])
            if self.model["norm"] == "layer":
                h = functional.layer_norm(h, h.shape[1:], w["norm/gain"][0], w["norm/bias"][0], 1e-5)
            elif self.model["norm"] == "batch":
                running = w["norm/running/mean"][0], w["norm/running/variance"][0]
                h = functional.batch_norm(h, *running, w["norm/gain"][0], w["norm/bias"][0], eps=1e-5)
            out = out + functional.linear(h.relu(), w["out/weight"].T, w["out/bias"][0])
        out = functional.normalize(out, eps=1e-6)
        return (out.abs() if self.absolute else out).numpy()


class Model:
    """What stands in `weights.safetensors`."""

    def __init__(self, path):
        self.about, tensors = read(path)
        if self.about["format"] != "mtls-lab-weights" or self.about["version"] != 1:
            raise ValueError(f"{path} is not a file of MTLS Lab weights, version 1")
        self.features = TextFeatures(self.about["text"], tensors)
        self.image, self.text = (Tower(side, self.about, tensors) for side in ("image", "text"))

    def embed_texts(self, texts):
        """Any texts, [n, d]."""
        return self.text.embed(self.features.transform(texts))

    def embed_images(self, features):
        """Image features as `features.safetensors` holds them, [n, d]."""
        return self.image.embed(features)

    def scores(self, image, text):
        """How well pictures and texts belong together, by what the run was trained for: [n, m]."""
        if self.about["score"] == "cosine":
            return image @ text.T
        return -(np.maximum(text[None] - image[:, None], 0) ** 2).sum(2)
