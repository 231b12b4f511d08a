"""Golden values for src/analyze/silhouette.rs from scikit-learn.

    pip install scikit-learn numpy
    python silhouette.py > silhouette.json
"""
import json

import numpy as np
from sklearn.metrics import silhouette_score

rng = np.random.default_rng(20261125)


def case(n, d, k, alone=False):
    x = rng.normal(size=(n, d)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    labels = rng.integers(0, k, n)
    if alone:
        labels[0] = k
    return {
        "rows": [[round(float(v), 7) for v in row] for row in x],
        "labels": [int(v) for v in labels],
        "silhouette": float(silhouette_score(x.astype(np.float64), labels)),
    }


cases = [case(12, 3, 2), case(30, 5, 4), case(20, 4, 3, alone=True), case(9, 2, 9)]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
