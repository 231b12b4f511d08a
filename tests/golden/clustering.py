"""Golden values for src/analyze/clustering.rs from scikit-learn.

    pip install scikit-learn numpy
    python clustering.py > clustering.json
"""
import json

import numpy as np
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    mutual_info_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

rng = np.random.default_rng(20260101)


def case(name, truth, predicted):
    truth, predicted = [int(x) for x in truth], [int(x) for x in predicted]
    table = contingency_matrix(truth, predicted, sparse=True)
    return {
        "name": name,
        "truth": truth,
        "predicted": predicted,
        "ami": float(adjusted_mutual_info_score(truth, predicted, average_method="arithmetic")),
        "ami_max": float(adjusted_mutual_info_score(truth, predicted, average_method="max")),
        "nmi": float(normalized_mutual_info_score(truth, predicted, average_method="arithmetic")),
        "ari": float(adjusted_rand_score(truth, predicted)),
        "mi": float(mutual_info_score(truth, predicted)),
        "emi": float(expected_mutual_information(table, len(truth))),
    }


def noisy(truth, share, k):
    """`truth` with a share of the labels drawn anew."""
    drawn = rng.integers(0, k, len(truth))
    return np.where(rng.random(len(truth)) < share, drawn, truth)


def skewed(n, k):
    weights = 1.0 / np.arange(1, k + 1)
    return rng.choice(k, n, p=weights / weights.sum())


ten = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
big = skewed(6248, 9)
cases = [
    case("one item", [3], [0]),
    case("two items, together and apart", [0, 0], [0, 1]),
    case("two items, apart twice", [0, 1], [5, 2]),
    case("identical", ten, ten),
    case("identical up to names", ten, [[7, 2, 4][x] for x in ten]),
    case("one cluster against classes", ten, [0] * 10),
    case("classes against one cluster", [0] * 10, ten),
    case("one cluster twice", [0] * 10, [1] * 10),
    case("singletons against classes", ten, range(10)),
    case("classes against singletons", range(10), ten),
    case("singletons twice", range(10), list(range(10))[::-1]),
    case("singletons against one cluster", range(10), [0] * 10),
    case("one item moved", ten, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]),
    case("independent by design", [0, 0, 1, 1], [0, 1, 0, 1]),
    case("worse than chance", [0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0]),
    case("finer", ten, [0, 0, 3, 1, 1, 4, 2, 2, 5, 5]),
    case("random 200", rng.integers(0, 8, 200), rng.integers(0, 8, 200)),
    case("noisy 500", (t := rng.integers(0, 20, 500)), noisy(t, 0.4, 20)),
    case("random 6248, skewed", skewed(6248, 9), skewed(6248, 8)),
    case("noisy 6248, skewed", big, noisy(big, 0.5, 9)),
    case("6248 in 100 subclasses and 8 clusters", (t := skewed(6248, 100)), noisy(t % 8, 0.3, 8)),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
