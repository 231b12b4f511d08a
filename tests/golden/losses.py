"""Golden values for src/loss: every loss and its gradient by PyTorch's autograd, in double precision.

    pip install torch
    python losses.py > losses.json

The formulas are written down here once more from their papers (and softplus, cross-entropy and log-sigmoid are PyTorch's
own), not translated from the Rust code. Inputs are rows of any length, made unit rows before the loss, as a tower does;
gradients pass through that.
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(20261125)
torch.set_default_dtype(torch.float64)
B, D = 7, 5


def rows():
    return torch.randn(B, D)


def unit(x):
    return F.normalize(x, dim=1)


def negatives(known):
    """True where (i, j) is a negative of i."""
    mask = ~torch.eye(B, dtype=torch.bool)
    return mask if known is None else mask & ~known


def hinge(s, known, margin, k, reduce):
    total = 0.0
    for s, known in ((s, known), (s.T, None if known is None else known.T)):
        mask = negatives(known)
        for i in range(B):
            cost = torch.relu(margin + s[i] - s[i, i])
            # A pair that is no negative costs nothing, and still counts among the K: the loss is a mean over K places.
            cost = torch.where(mask[i], cost, torch.zeros_like(cost))
            cost = torch.cat([cost[:i], cost[i + 1:]])
            cost = cost.sort(descending=True).values[: k or B - 1]
            total = total + (cost.sum() if reduce == "sum" else cost.mean())
    return total / B


def info_nce(s, known, log_scale):
    logits = s * log_scale.exp()
    target = torch.arange(B)
    drop = torch.zeros(B, B, dtype=torch.bool) if known is None else known
    rows = F.cross_entropy(logits.masked_fill(drop, -torch.inf), target)
    columns = F.cross_entropy(logits.T.masked_fill(drop.T, -torch.inf), target)
    return (rows + columns) / 2


def siglip(s, known, log_scale, bias):
    z = 2 * torch.eye(B) - 1
    each = -F.logsigmoid(z * (s * log_scale.exp() + bias))
    if known is not None:
        each = each.masked_fill(known, 0.0)
    return each.sum() / B


def order_scores(v, t):
    v, t = v.abs(), t.abs()
    return torch.stack([-(torch.relu(t - v[i]) ** 2).sum(1) for i in range(B)])


def squared(a, i, j):
    return ((a[i] - a[j]) ** 2).sum()


def transfer(student, teacher, config):
    """All triplets, by loops over the definition."""
    terms = []
    for i in range(B):
        for j in range(B):
            for k in range(B):
                if len({i, j, k}) < 3:
                    continue
                gap = squared(teacher, i, k) - squared(teacher, i, j)
                p = (gap > 0).double() if config["order"] == "hard" else torch.sigmoid(gap / config["tau"])
                z = squared(student, i, k) - squared(student, i, j)
                if config["form"] == "hinge":
                    m = config["margin"]
                    terms.append(p * torch.relu(m - z) + (1 - p) * torch.relu(m + z))
                else:
                    terms.append(F.binary_cross_entropy_with_logits(config["gamma"] * z, p))
    return torch.stack(terms).mean()


def within(e, partner, same, margin, k, reduce):
    total = 0.0
    for i in range(B):
        near = squared(e, i, partner[i])
        cost = torch.stack([
            torch.relu(margin + near - squared(e, i, x)) if x != i and not same[i][x] else torch.zeros(())
            for x in range(B)
            if x != i
        ])
        cost = cost.sort(descending=True).values[: k or B - 1]
        total = total + (cost.sum() if reduce == "sum" else cost.mean())
    return total / B


def record(name, loss, config, leaves, **extra):
    value = loss()
    grads = torch.autograd.grad(value, list(leaves.values()))
    return {
        "name": name,
        "config": config,
        "value": value.item(),
        "inputs": {n: x.detach().flatten().tolist() for n, x in leaves.items()},
        "gradients": {n: g.flatten().tolist() for n, g in zip(leaves, grads)},
        **extra,
    }


cases = []
known = torch.zeros(B, B, dtype=torch.bool)
for a, b in ((0, 3), (3, 0), (2, 5)):
    known[a, b] = True
for mask in (None, known):
    listed = {"known": [] if mask is None else mask.nonzero().tolist()}
    for loss in ("hinge", "order"):
        for k, reduce in ((0, "sum"), (1, "mean"), (3, "mean")):
            v, t = rows().requires_grad_(), rows().requires_grad_()
            margin = 0.2 if loss == "hinge" else 0.3
            score = (lambda v, t: v @ t.T) if loss == "hinge" else order_scores
            config = {"loss": loss, "margin": margin, "negatives": k, "reduce": reduce}
            cases.append(record("retrieval", lambda: hinge(score(unit(v), unit(t)), mask, margin, k, reduce), config, {"v": v, "t": t}, **listed))
    for loss in ("info_nce", "sigmoid"):
        v, t = rows().requires_grad_(), rows().requires_grad_()
        scale, bias = torch.tensor([[1.7]], requires_grad=True), torch.tensor([[-2.5]], requires_grad=True)
        leaves = {"v": v, "t": t, "log_scale": scale}
        if loss == "sigmoid":
            leaves["bias"] = bias
            term = lambda: siglip(unit(v) @ unit(t).T, mask, scale, bias)
        else:
            term = lambda: info_nce(unit(v) @ unit(t).T, mask, scale)
        cases.append(record("retrieval", term, {"loss": loss}, leaves, **listed))
for order in ("hard", "soft"):
    for form in ("softplus", "hinge"):
        student, teacher = rows().requires_grad_(), unit(rows())
        config = {"triplets": "all", "order": order, "form": form, "gamma": 5.0, "tau": 0.1, "margin": 0.2}
        cases.append(record("transfer", lambda: transfer(unit(student), teacher, config), config, {"student": student},
                            teacher=teacher.flatten().tolist()))
# Items 0, 1, 2 in two slots and one more pair of item 0.
item = [0, 1, 2, 0, 1, 2, 0]
partner = [3, 4, 5, 6, 1, 2, 0]
same = [[i != j and item[i] == item[j] for j in range(B)] for i in range(B)]
for k, reduce in ((0, "sum"), (2, "mean")):
    e = rows().requires_grad_()
    config = {"margin": 0.4, "negatives": k, "reduce": reduce}
    cases.append(record("within", lambda: within(unit(e), partner, same, 0.4, k, reduce), config, {"e": e},
                        partner=partner, known=[[i, j] for i in range(B) for j in range(B) if same[i][j]]))
print(json.dumps({"batch": B, "dim": D, "cases": cases}))
