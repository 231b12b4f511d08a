"""The reference step in PyTorch and JAX, and k-means, PCA and a kNN graph in scikit-learn, on the inputs that
`mtls-lab bench --inputs FOLDER` wrote: the same weights, features and rows as this project's own measurements.

    python peers.py FOLDER --threads 2 --repeat 30 --peers torch,jax,sklearn

Prints one JSON object a line, with the field names of `mtls-lab bench --json` and the peer's name and version; a peer
that is not there is a line with "error".
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

RATE, MARGIN, COMPARED_STEP, WARM_UP = 1e-3, 0.2, 5, 0.3
TOWERS = {"image": "x", "text": "y"}


def timed(run, repeat, warm_up):
    """Median and 95th percentile in milliseconds, as `quantiles` in src/bench.rs; what run number `warm_up` gave."""
    check = None
    began = time.perf_counter()
    for _ in range(warm_up):
        check = run()
    while time.perf_counter() - began < WARM_UP:
        run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    at = lambda hundredths: times[max(-(-len(times) * hundredths // 100), 1) - 1]
    return {"median_ms": at(50), "p95_ms": at(95), "runs": repeat, "check": check}


def steps(folder, name, step_of, repeat):
    from safetensors.numpy import load_file

    for batch in (128, 512):
        tables = load_file(folder / f"step-{batch}.safetensors")
        measured = timed(step_of(tables), repeat, COMPARED_STEP)
        yield {"what": "step", "batch": batch, "peer": name, **measured}


def torch(folder, threads, repeat):
    import torch

    torch.set_num_threads(threads)

    def step_of(tables):
        given = {name: torch.tensor(table) for name, table in tables.items()}
        inputs = {side: given.pop(key) for side, key in TOWERS.items()}
        weights = {name: table.requires_grad_() for name, table in given.items()}
        # The fastest form it has.
        adam = torch.optim.Adam(weights.values(), lr=RATE, fused=True)

        def tower(side):
            w = lambda name: weights[f"{side}/{name}"]
            hidden = torch.relu(torch.addmm(w("hidden/bias"), inputs[side], w("hidden/weight")))
            return torch.nn.functional.normalize(torch.addmm(w("out/bias"), hidden, w("out/weight")))

        def step():
            scores = tower("image") @ tower("text").T
            own = scores.diagonal()
            other = 1 - torch.eye(len(scores))
            hardest = lambda s: (((s - own[:, None] + MARGIN).clamp(min=0)) * other).amax(1).mean()
            loss = hardest(scores) + hardest(scores.T)
            adam.zero_grad()
            loss.backward()
            adam.step()
            return loss.item()

        return step

    yield from steps(folder, f"PyTorch {torch.__version__}", step_of, repeat)


def jax(folder, threads, repeat):
    import jax
    import jax.numpy as np

    def step_of(tables):
        weights = {name: np.asarray(table) for name, table in tables.items()}
        inputs = {side: weights.pop(key) for side, key in TOWERS.items()}

        def loss_of(weights):
            def tower(side):
                w = lambda name: weights[f"{side}/{name}"]
                hidden = jax.nn.relu(inputs[side] @ w("hidden/weight") + w("hidden/bias"))
                out = hidden @ w("out/weight") + w("out/bias")
                return out / np.linalg.norm(out, axis=1, keepdims=True)

            scores = tower("image") @ tower("text").T
            own, other = np.diag(scores), 1 - np.eye(len(scores))
            hardest = lambda s: (np.maximum(s - own[:, None] + MARGIN, 0) * other).max(1).mean()
            return hardest(scores) + hardest(scores.T)

        @jax.jit
        def update(weights, first, second, t):
            loss, gradient = jax.value_and_grad(loss_of)(weights)
            moved = lambda beta, old, new: jax.tree.map(lambda a, b: beta * a + (1 - beta) * b, old, new)
            first = moved(0.9, first, gradient)
            second = moved(0.999, second, jax.tree.map(np.square, gradient))
            adam = lambda w, m, v: w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            return jax.tree.map(adam, weights, first, second), first, second, loss

        zeros = jax.tree.map(np.zeros_like, weights)
        state = [weights, zeros, zeros, 0]

        def step():
            state[3] += 1
            *state[:3], loss = update(state[0], state[1], state[2], np.float32(state[3]))
            jax.block_until_ready(state[0])
            return float(loss)

        return step

    yield from steps(folder, f"JAX {jax.__version__}", step_of, repeat)


def sklearn(folder, threads, repeat):
    import sklearn
    from safetensors.numpy import load_file
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.neighbors import kneighbors_graph

    rows = load_file(folder / "rows.safetensors")["rows"]
    n, dim = rows.shape
    name = f"scikit-learn {sklearn.__version__}"
    shape = {"rows": n, "dim": dim, "peer": name}
    kmeans = lambda: KMeans(8, n_init=10, random_state=1).fit(rows).inertia_
    yield {"what": "kmeans", "k": 8, "restarts": 10, **shape, **timed(kmeans, max(repeat // 3, 1), 1)}
    for dims in (2, 3):
        pca = lambda: float((PCA(dims, random_state=1).fit_transform(rows) ** 2).sum() / n)
        yield {"what": "projection", "dims": dims, **shape, **timed(pca, repeat, 2)}
    # Brute force is the fastest that it has for this many columns.
    def graph():
        kneighbors_graph(rows, 10, metric="cosine", mode="connectivity", n_jobs=threads)

    yield {"what": "neighbours", "k": 10, **shape, **timed(graph, max(repeat // 3, 1), 1)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeat", type=int, default=30)
    arguments.add_argument("--peers", default="torch,jax,sklearn")
    given = arguments.parse_args()
    for peer in given.peers.split(","):
        try:
            for line in {"torch": torch, "jax": jax, "sklearn": sklearn}[peer](given.folder, given.threads, given.repeat):
                print(json.dumps({**line, "threads": given.threads}), flush=True)
        except ImportError as error:
            print(json.dumps({"peer": peer, "error": f"cannot be imported: {error}"}), flush=True)


if __name__ == "__main__":
    # Thread pools read these when they are loaded, and JAX has no other way: it takes as many threads as it may use cores.
    threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "2"
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = threads
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: int(threads)])
    main()
