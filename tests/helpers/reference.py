"""The formulas once more, the slow and obvious way: loops, no shortcut, for tests to compare with.

``python -m tests.by_hand`` writes the vectors that the JavaScript tests share.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

VECTORS = Path(__file__).parents[1] / "data" / "fusion.json"
UNIT_VECTORS = VECTORS.with_name("units.json")


def integrated_gradients(gradient, baseline, inputs, n_nodes):
    """r[t] = Σ_d (h - h')[t, d] Σ_k w_k g(h' + a_k (h - h'))[t, d], one point after the other.

    ``gradient`` takes one point (tokens, hidden); a_k and w_k are Gauss and Legendre's.
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    change = inputs - baseline
    total = [0.0] * len(change)
    for node, weight in zip(nodes, weights):
        found = gradient(baseline + (node + 1) / 2 * change)
        for t in range(len(change)):
            along = sum(c * g for c, g in zip(change[t].tolist(), found[t].tolist()))
            total[t] += weight / 2 * along
    return np.array(total)


def window_places(rows, columns, window, shift):
    """For each token (row by row) of Swin's grid: the window it is in, and its place there."""
    down, along = (-(-side // window) * window for side in (rows, columns))
    places = []
    for r in range(rows):
        for c in range(columns):
            r2, c2 = (r - shift) % down, (c - shift) % along
            in_window = (r2 // window) * (along // window) + c2 // window
            places.append((in_window, (r2 % window) * window + c2 % window))
    return places


def cells_of(rows, columns, merges):
    """For each token (row by row) the cell it ends in: (row, column), two by two each time."""
    return [(r // 2**merges, c // 2**merges) for r in range(rows) for c in range(columns)]


def cell_pairs(values, grid, window, shift, merges):
    """Sums of window attention values[window][query][key] over pairs of cells, pair by pair."""
    places, cells = window_places(*grid, window, shift), cells_of(*grid, merges)
    names = sorted(set(cells))
    total = np.zeros((len(names), len(names)))
    for (w, i), a in zip(places, cells):
        for (v, j), b in zip(places, cells):
            if w == v:  # others do not see each other
                total[names.index(a), names.index(b)] += values[w][i][j]
    return total


def cosine(a, b):
    """Cosine of two lists, 0 when one of them vanishes."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / length if length > 0 else 0.0


def layer_weights(inputs, exponent=6):
    """w_b = (mean over inputs of max(0, cos(r_b, r_0)))^6 over ordinary tokens, w_0 = 1."""
    n_layers = len(inputs[0][0]) - 1
    weights = []
    for b in range(n_layers):
        total = 0.0
        for r, special in inputs:
            ordinary = [t for t in range(len(special)) if not special[t]]
            total += max(0.0, cosine([r[b][t] for t in ordinary], [r[0][t] for t in ordinary]))
        weights.append((total / len(inputs)) ** exponent)
    weights[0] = 1.0
    return weights


def block_matrix(r, g, weight, lam, sign):
    """M_b^s = w_b [λ diag(relu(s r̂)) + (1 - λ) relu(s Ĝ)]."""
    n = len(r)
    r_norm = sum(abs(x) for x in r)
    columns = [sum(g[i][j] for i in range(n)) for j in range(n)]
    g_norm = sum(abs(c) for c in columns)
    matrix = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            if g_norm > 0:
                matrix[i][j] += (1 - lam) * max(0.0, sign * g[i][j] / g_norm)
            if i == j and r_norm > 0:
                matrix[i][j] += lam * max(0.0, sign * r[i] / r_norm)
            matrix[i][j] *= weight
    return matrix


def fuse(r, g, weights, lam, gamma, read_positions):
    """Supporting, opposing, what enters at each block, and R, for both channels."""
    n, n_layers = len(r[0]), len(g)
    result = {}
    for name, sign in (("supporting", 1), ("opposing", -1)):
        rollout = [[1.0 if i == j else 0.0 for j in range(n)] for i in range(n)]
        masses = []
        for b in range(n_layers):
            m = block_matrix(r[b], g[b], weights[b], lam, sign)
            added = [
                [gamma * sum(m[i][k] * rollout[k][j] for k in range(n)) for j in range(n)]
                for i in range(n)
            ]
            masses.append(sum(added[i][j] for i in range(n) if read_positions[i] for j in range(n)))
            rollout = [[rollout[i][j] + added[i][j] for j in range(n)] for i in range(n)]
        result[name] = [
            sum(rollout[i][j] for i in range(n) if read_positions[i])
            - (1 if read_positions[j] else 0)
            for j in range(n)
        ]
        result[f"entering_{name}"] = masses
        result[f"rollout_{name}"] = rollout
    result["attributions"] = [s - o for s, o in zip(result["supporting"], result["opposing"])]
    return result


def matmul(a, b):
    return [[sum(x * b[k][j] for k, x in enumerate(line)) for j in range(len(b[0]))] for line in a]


def identity(n):
    return [[float(i == j) for j in range(n)] for i in range(n)]


def over_heads(heads, gradients=None):
    """The mean over heads of A, or of relu(A ∂f/∂A)."""
    n, many = len(heads[0]), len(heads)
    value = (lambda h, i, j: heads[h][i][j]) if gradients is None else (
        lambda h, i, j: max(0.0, heads[h][i][j] * gradients[h][i][j])
    )  # fmt: skip
    return [[sum(value(h, i, j) for h in range(many)) / many for j in range(n)] for i in range(n)]


def mean_row(matrix, rows):
    rows = list(rows)
    return [sum(matrix[i][j] for i in rows) / len(rows) for j in range(len(matrix))]


def raw_attention(attentions, gradients, rows):
    """The pooled rows of the last block's attention."""
    return mean_row(over_heads(attentions[-1]), rows)


def attention_rollout(attentions, gradients, rows):
    """Ã = (A + I) / 2; the product from the last block to the first."""
    n = len(attentions[0][0])
    rollout = identity(n)
    for heads in attentions:
        a = over_heads(heads)
        mixed = [[(a[i][j] + (i == j)) / 2 for j in range(n)] for i in range(n)]
        rollout = matmul(mixed, rollout)
    return mean_row(rollout, rows)


def gradient_rollout(attentions, gradients, rows):
    """R <- R + Ē R from R = I; R - I is read."""
    n = len(attentions[0][0])
    r = identity(n)
    for heads, gradient in zip(attentions, gradients):
        added = matmul(over_heads(heads, gradient), r)
        r = [[r[i][j] + added[i][j] for j in range(n)] for i in range(n)]
    return mean_row([[r[i][j] - (i == j) for j in range(n)] for i in range(n)], rows)


def gradient_rollout_rows(attentions, gradients, rows):
    """The product of I + Ē with rows that sum to one."""
    n = len(attentions[0][0])
    r = identity(n)
    for heads, gradient in zip(attentions, gradients):
        e = over_heads(heads, gradient)
        lines = [[(i == j) + e[i][j] for j in range(n)] for i in range(n)]
        r = matmul([[x / sum(line) for x in line] for line in lines], r)
    return mean_row(r, rows)


ROLLOUTS = {
    "attention": raw_attention,
    "attention-rollout": attention_rollout,
    "gradient-rollout": gradient_rollout,
    "gradient-rollout-rows": gradient_rollout_rows,
}


def conservative_bert(user, inputs, target):
    """Conservative propagation through BERT, each rule as a sum over relevances.

    From the logit down, R of what enters from R of what leaves: a linear map gives in proportion
    to x_i w_ij of z_j, LayerNorm to x_i (δ_ij - 1/N), attention to a_ij v_j, a residual to its two
    parts, an activation as it came. Biases keep their part.
    """
    import torch

    def share(r, z):
        return torch.where(z != 0, r / torch.where(z != 0, z, 1), 0)

    def linear(x, layer, r):
        """r of z = x W' + b for x, in proportion to x_i w_ij / z_j."""
        return x * (share(r, layer(x)) @ layer.weight)

    def norm(x, layer, r):
        n = x.shape[-1]
        matrix = torch.eye(n, dtype=x.dtype) - 1 / n
        scale = 1 / (x.var(dim=-1, unbiased=False, keepdim=True) + layer.eps).sqrt()
        z = layer(x)
        return x * ((share(r, z) * scale * layer.weight) @ matrix)

    with torch.no_grad():
        h = user.bert.embeddings(input_ids=inputs["input_ids"])[0]
        steps, entering = [], [h]
        for block in user.bert.encoder.layer:
            own, heads = block.attention.self, block.attention.self.num_attention_heads
            q, k, v = (m(h).unflatten(-1, (heads, -1)).transpose(0, 1)
                       for m in (own.query, own.key, own.value))  # fmt: skip
            a = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(dim=-1)
            mixed = (a @ v).transpose(0, 1).flatten(1)
            dense = block.attention.output.dense(mixed)
            middle = block.attention.output.LayerNorm(dense + h)
            inner = block.intermediate.dense(middle)
            active = block.intermediate.intermediate_act_fn(inner)
            outer = block.output.dense(active)
            steps.append((block, h, a, v, mixed, dense, middle, active, outer))
            h = block.output.LayerNorm(outer + middle)
            entering.append(h)
        first = user.bert.pooler.dense(h[:1])
        pooled = torch.tanh(first)
        r = torch.zeros_like(user.classifier(pooled))
        r[0, target] = user.classifier(pooled)[0, target]
        r = linear(pooled, user.classifier, r)  # tanh: as it came
        r = torch.cat([linear(h[:1], user.bert.pooler.dense, r), torch.zeros_like(h[1:])])
        found = [r.sum(dim=-1)]
        for block, h, a, v, mixed, dense, middle, active, outer in reversed(steps):
            r = norm(outer + middle, block.output.LayerNorm, r)
            above = share(r, outer + middle)
            r = linear(active, block.output.dense, above * outer)  # GELU: as it came
            r = linear(middle, block.intermediate.dense, r) + above * middle
            r = norm(dense + h, block.attention.output.LayerNorm, r)
            above = share(r, dense + h)
            r = linear(mixed, block.attention.output.dense, above * dense)
            weight = share(r, mixed).unflatten(-1, (len(v), -1)).transpose(0, 1)
            values = (v * (a.transpose(1, 2) @ weight)).transpose(0, 1).flatten(1)
            r = linear(h, block.attention.self.value, values) + above * h
            found.append(r.sum(dim=-1))
    return found[::-1]


def attn_lrp_head(q, k, v, out):
    """AttnLRP through Σ out ⊙ softmax(Q Kᵀ) V: R of Q, K and V, and what softmax's rest takes.

    A product gives half to each factor, in proportion to its terms; softmax s(x) gives
    x_i (R_i - s_i Σ_j R_j).
    """
    n, d = len(q), len(q[0])
    x = [[sum(q[i][c] * k[j][c] for c in range(d)) for j in range(n)] for i in range(n)]
    s = [[math.exp(z) / sum(map(math.exp, line)) for z in line] for line in x]
    r_q, r_k, r_v = ([[0.0] * d for _ in range(n)] for _ in range(3))
    rest = 0.0
    for i in range(n):
        r_s = [0.0] * n
        for j in range(n):
            for c in range(d):
                term = s[i][j] * v[j][c] * out[i][c]  # R of the output, in proportion
                r_s[j] += term / 2
                r_v[j][c] += term / 2
        r_x = [x[i][j] * (r_s[j] - s[i][j] * sum(r_s)) for j in range(n)]
        rest += sum(r_s) - sum(r_x)
        for j in range(n):
            for c in range(d):
                term = q[i][c] * k[j][c] * r_x[j] / x[i][j]
                r_q[i][c] += term / 2
                r_k[j][c] += term / 2
    return r_q, r_k, r_v, rest


def cases():
    """Seeded inputs of several shapes, with zero rows, one token, and both read-outs."""
    rng = np.random.default_rng(7)
    settings = [
        # layers, tokens, lam, gamma, readout, calibrated
        (1, 1, 0.5, 1.0, "all", False),
        (2, 3, 0.5, 1.0, "all", False),
        (4, 7, 0.25, 1.0, "all", True),
        (4, 7, 0.8, 4.0, "pooled", False),
        (6, 12, 0.0, 1.0, "all", True),
        (6, 12, 1.0, 0.5, "all", False),
    ]
    for n_layers, n, lam, gamma, readout, calibrated in settings:
        r = rng.normal(size=(n_layers + 1, n)).round(4)
        r[1:] += 2 * r[0]
        g = (rng.normal(size=(n_layers, n, n)) / n).round(4)
        special = [1 if n > 2 and t in (0, n - 1) else 0 for t in range(n)]
        pooled = [1 if t == 0 else 0 for t in range(n)]
        if n_layers == 4:
            r[2], g[3] = 0, 0  # norms that vanish
        own = layer_weights([(r.tolist(), special)])
        weights = rng.random(n_layers).round(4).tolist() if calibrated else own
        read_positions = pooled if readout == "pooled" else [1] * n
        expected = fuse(r.tolist(), g.tolist(), weights, lam, gamma, read_positions)
        yield {
            "r": r.tolist(),
            "G": g.tolist(),
            "special": special,
            "pooled": pooled,
            "lam": lam,
            "gamma": gamma,
            "readout": readout,
            "layer_weights": weights,
            "expected": {**expected, "input_weights": own},
        }


# text, tokens with their places, words, sentences; the units by hand in UNITS below
TEXTS = {
    "pieces": (
        "Not good. So un\u00adlikely!",
        [("[CLS]", 0, 0), ("Not", 0, 3), ("good", 4, 8), (".", 8, 9), ("So", 10, 12),
         ("un", 13, 15), ("likely", 16, 22), ("!", 22, 23), ("[SEP]", 0, 0)],
        [-1, 0, 1, 2, 3, 4, 4, 5, -1],
        [-1, 0, 0, 0, 1, 1, 1, 1, -1],
    ),
    "special inside": (
        "a b c",
        [("<s>", 0, 0), ("a", 0, 1), ("</s>", 0, 0), ("b", 2, 3), ("c", 4, 5), ("</s>", 0, 0)],
        [-1, 0, -1, 1, 2, -1],
        [-1, 0, -1, 0, 1, -1],
    ),
    "one": ("x", [("x", 0, 1)], [0], [0]),
}  # fmt: skip
UNITS = {
    ("pieces", "token"): [[t] for t in range(9)],
    ("pieces", "word"): [[0], [1], [2], [3], [4], [5, 6], [7], [8]],
    ("pieces", "sentence"): [[0], [1, 2, 3], [4, 5, 6, 7], [8]],
    ("pieces", "passage"): [[0], [1, 2, 3, 4, 5, 6, 7], [8]],
    ("special inside", "token"): [[t] for t in range(6)],
    ("special inside", "word"): [[0], [1], [2], [3], [4], [5]],
    ("special inside", "sentence"): [[0], [1, 3], [2], [4], [5]],
    ("special inside", "passage"): [[0], [1, 3, 4], [2], [5]],
    ("one", "word"): [[0]],
}
NAMES = {
    ("pieces", "word"): ["[CLS]", "Not", "good", ".", "So", "un\u00adlikely", "!", "[SEP]"],
    ("pieces", "sentence"): ["[CLS]", "Not good.", "So un\u00adlikely!", "[SEP]"],
    ("special inside", "sentence"): ["<s>", "a b", "</s>", "c", "</s>"],
}


def unit_cases():
    """What is summed over what, in both languages."""
    for (name, granularity), members in UNITS.items():
        text, tokens, words, sentences = TEXTS[name]
        values = [round(0.5 * t - 1.7, 1) for t in range(len(tokens))]
        yield {
            "text": text,
            "tokens": [token for token, _, _ in tokens],
            "offsets": [[start, end] for _, start, end in tokens],
            "special": [int(word < 0) for word in words],
            "word_ids": words,
            "sentence_ids": sentences,
            "passage_ids": [min(s, 0) for s in sentences],
            "granularity": granularity,
            "values": values,
            "members": members,
            "names": NAMES.get((name, granularity)),
            "sums": [sum(values[t] for t in unit) for unit in members],
        }


def alike(one, other):
    """Whether vectors are equal but for last digits: from Python 3.12 on ``sum`` rounds better."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-15)
    return one == other


if __name__ == "__main__":
    for path, made in ((VECTORS, cases()), (UNIT_VECTORS, unit_cases())):
        path.write_text(json.dumps(list(made)) + "\n")
