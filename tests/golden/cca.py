"""Golden values for src/analyze/cca.rs: regularised CCA another way, as a generalised eigenvalue problem.

    C_xy (C_yy + r_y I)^-1 C_yx w = rho^2 (C_xx + r_x I) w,   w' (C_xx + r_x I) w = 1

    pip install numpy scipy
    python cca.py > cca.json
"""
import json

import numpy as np
from scipy.linalg import eigh, solve

rng = np.random.default_rng(20260102)


def cca(x, y, dim, ridge, power):
    x, y = x.astype(np.float64), y.astype(np.float64)
    n, dx, dy = len(x), x.shape[1], y.shape[1]
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    cxx, cyy, cxy = x.T @ x / n, y.T @ y / n, x.T @ y / n
    cxx += max(ridge, 1e-10) * np.trace(cxx) / dx * np.eye(dx)
    cyy += max(ridge, 1e-10) * np.trace(cyy) / dy * np.eye(dy)
    keep = min(dim, dx, dy)
    squared, w = eigh(cxy @ solve(cyy, cxy.T, assume_a="pos"), cxx)
    squared, w = squared[::-1][:keep], w[:, ::-1][:, :keep]
    rho = np.sqrt(np.maximum(squared, 0))
    w_y = solve(cyy, cxy.T @ w, assume_a="pos") / rho
    x_map, y_map, correlations = np.zeros((dx, dim)), np.zeros((dy, dim)), np.zeros(dim)
    for c in range(keep):
        # The sign is that of the largest entry of the x direction.
        sign = np.sign(w[np.argmax(np.abs(w[:, c])), c])
        x_map[:, c] = sign * w[:, c] * rho[c] ** power
        y_map[:, c] = sign * w_y[:, c] * rho[c] ** power
        correlations[c] = rho[c]
    return x_mean, x_map, y_map, correlations


def pairs(n, dx, dy, hidden, noise):
    z = rng.normal(size=(n, hidden))
    side = lambda d: z @ rng.normal(size=(hidden, d)) + noise * rng.normal(size=(n, d)) + rng.normal(size=d)
    # Few digits keep the file small; both implementations read the same numbers.
    return np.round(side(dx), 3).astype(np.float32), np.round(side(dy), 3).astype(np.float32)


def digits(a):
    return [digits(v) for v in a] if np.ndim(a) > 1 else [float(f"{v:.8g}") for v in a]


def case(name, x, y, dim, ridge, power):
    x_mean, x_map, y_map, correlations = cca(x, y, dim, ridge, power)
    inputs = lambda a: [[round(float(v), 3) for v in row] for row in a]
    return {
        "name": name, "x": inputs(x), "y": inputs(y), "dim": dim, "ridge": ridge, "power": power,
        "correlations": digits(correlations), "x_mean": digits(x_mean), "x_map": digits(x_map), "y_map": digits(y_map),
    }


cases = [
    case("wide x", *pairs(60, 7, 4, 3, 0.5), 4, 0.1, 1.0),
    case("wide y, no ridge, unit variance", *pairs(80, 4, 6, 3, 1.0), 3, 0.0, 0.0),
    case("more dimensions than directions", *pairs(40, 3, 5, 2, 0.5), 6, 0.01, 0.5),
    case("fewer pairs than features", *pairs(8, 12, 10, 3, 0.5), 4, 0.5, 1.0),
    case("one dimension each", *pairs(20, 1, 1, 1, 0.7), 1, 0.1, 1.0),
]
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
