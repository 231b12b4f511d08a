"""python reproduce.py EXPORT...: recomputes every embedding of an export from its features and texts, and compares.

Each EXPORT is a folder written by `mtls-lab export RUN --out EXPORT --what weights,features,embeddings`.
With torch installed the towers are computed a second time with torch's own layers.
"""

import sys
from pathlib import Path

import numpy as np

from mtls_lab import Model, read

try:
    import torch
except ImportError:
    torch = None

MOST = 1e-5
# Longer texts are cut in the NPZ file (docs/formats.md).
LONGEST = 2000


def reproduce(folder):
    """(name, rows, largest difference) of everything that can be compared."""
    model = Model(folder / "weights.safetensors")
    about, features = read(folder / "features.safetensors")
    with np.load(folder / "embeddings.npz") as arrays:
        image, text, texts = arrays["image"], arrays["text"], arrays["texts"]
    assert image.dtype == text.dtype == np.float32 and len(image) == len(texts) > 0
    pictures = features[f"image/{about['view']}"]
    whole = np.char.str_len(texts) < LONGEST
    found = [
        ("image features", image, model.embed_images(pictures)),
        ("text features", text, model.text.embed(features["text"])),
        ("raw texts", text[whole], model.embed_texts(texts[whole].tolist())),
    ]
    if torch:
        found.append(("image features with torch", image, model.image.embed_with_torch(torch, pictures)))
        found.append(("text features with torch", text, model.text.embed_with_torch(torch, features["text"])))
    return [(name, len(wanted), float(np.abs(got - wanted).max())) for name, wanted, got in found]


def main(folders):
    if not folders:
        sys.exit(__doc__)
    if not torch:
        print("torch is not installed: the towers are computed with numpy alone")
    failed = False
    for folder in folders:
        for name, rows, most in reproduce(Path(folder)):
            good = most <= MOST
            failed |= not good
            print(f"{'ok' if good else 'FAILED'} {folder}: {name}, {rows} rows, largest difference {most:.1e}")
    sys.exit(failed)


main(sys.argv[1:])
