"""A reader of JSON exports, written from docs/export.md alone: it knows nothing of shoal."""

import math


def sigmoid(z):
    """1 / (1 + e^-z)."""
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))


def gelu(z):
    """In its tanh form; beyond 22 it is max(0, z)."""
    inside = 2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    return z * sigmoid(inside) if abs(z) < 22 else max(z, 0)


ACTIVATIONS = {
    "relu": lambda z: max(z, 0),
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "leaky_relu": lambda z: max(z, 0.01 * z),
    "identity": lambda z: z,
    "softplus": lambda z: max(z, 0) + math.log1p(math.exp(-abs(z))),
    "gelu": gelu,
    "silu": lambda z: z * sigmoid(z),
}


def slots(column, cell):
    """The part of x that a column becomes."""
    if cell is None:
        return column["missing"]
    x = [0.0] * len(column["missing"])
    if column["kind"] == "category":
        if cell not in column["levels"]:
            return column["unknown"]
        x[column["levels"].index(cell)] = 1.0
        return x
    bounded = min(max(cell, column["low"]), column["high"])
    x[0] = (bounded - column["center"]) / column["scale"]
    knots = column["knots"]
    for t in range(1, len(knots)):  # a hat: 1 at its knot, 0 at its neighbours; the last stays 1
        rising = (cell - knots[t - 1]) / (knots[t] - knots[t - 1])
        falling = 1.0
        if t < len(knots) - 1:
            falling = (knots[t + 1] - cell) / (knots[t + 1] - knots[t])
        x[t] = max(0.0, min(rising, falling, 1.0))
    return x


def affine(W, x, b):
    """W x + b."""
    rows = zip(W, b, strict=True)
    return [math.fsum([bias, *(w * v for w, v in zip(row, x, strict=True))]) for row, bias in rows]


def predict(document, row):
    """Scores, and probabilities or values, of a row."""
    cells = zip(document["columns"], row, strict=True)
    x = [value for column, cell in cells for value in slots(column, cell)]
    if document["activation"] is not None:
        g = ACTIVATIONS[document["activation"]]
        x = [g(z) for z in affine(document["W1"], x, document["b1"])]  # Eq 1 and 2
    Z2 = affine(document["W2"], x, document["b2"])  # Eq 3
    E = [math.exp(z - max(Z2)) for z in Z2]
    A2 = {  # Eq 4
        "binary": lambda: [sigmoid(-Z2[0]), sigmoid(Z2[0])],
        "multiclass": lambda: [e / math.fsum(E) for e in E],
        "multilabel": lambda: [sigmoid(z) for z in Z2],
        "identity": lambda: Z2,
        "sorted": lambda: sorted(Z2),
        "log": lambda: [math.exp(z) for z in Z2],
    }[document["output"]]()
    return Z2, A2
