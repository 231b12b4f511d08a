"""Golden values for src/analyze/kmeans.rs from scikit-learn, on real data: its handwritten digits, 8 x 8 pixels.

    pip install scikit-learn numpy
    python kmeans.py > kmeans.json

The best of 500 starts is taken, so that both programs should end at the same clusters.
"""
import json

from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_mutual_info_score

digits = load_digits()
cases = []
for k, rows in ((4, 120), (10, 200)):
    # The first classes only, so that k clusters are there to be found.
    chosen = [i for i, label in enumerate(digits.target) if label < k][:rows]
    x, truth = digits.data[chosen], digits.target[chosen]
    found = KMeans(k, n_init=500, random_state=0, tol=0).fit(x)
    cases.append({
        "k": k,
        "cols": x.shape[1],
        "rows": [int(v) for v in x.flatten()],
        "truth": [int(t) for t in truth],
        "labels": [int(label) for label in found.labels_],
        "inertia": float(found.inertia_),
        "ami": float(adjusted_mutual_info_score(truth, found.labels_)),
    })
print(json.dumps(cases))
