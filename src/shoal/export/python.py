"""Python: one file on the standard library alone."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np

from shoal import __version__
from shoal.activations import ACTIVATIONS
from shoal.export.prepared import (
    LARGEST_LOG,
    Cells,
    Outputs,
    Prepared,
    as_rows,
    harmless,
    identifier,
    record,
)
from shoal.export.target import Measured, Target, fill, run_program

FILE = '''\
"""Predicts @target@: a network with one hidden layer, @size@.

    import @name@
    @name@.predict([row, ...])  # for each row @predict_words@
    @name@.@values@([row, ...])  # for each row @values_words@

A row is a dict by the names of the columns, or a list in this order; None or NaN is missing.

@columns@

Written by shoal @version@; @measured@.
`python @name@.py` measures it again.
"""

import bisect
@datetime@import math


def predict(rows):
    """For each row @predict_words@."""
@predict@


def @values@(rows):
    """For each row @values_words@."""
    return [output(scores(row)) for row in rows]


@interval@# ---- the network ----


def scores(row):
    """Z2 of one row; the inputs x that are not 0 come as pairs (index, value)."""
    x = inputs(row)
@layers@
    return Z2


@g@def output(Z2):
    """Eq 4: A2 of Z2, @output_words@."""
@output@


@sigmoid@# ---- from the columns of the table to the inputs of the network ----


def inputs(row):
    """The inputs that are not 0, as pairs (index, value)."""
    if isinstance(row, dict):
        row = [row[column["name"]] for column in COLUMNS]
    if len(row) != len(COLUMNS):
        raise ValueError(f"a row has {len(COLUMNS)} values, not {len(row)}")
    x, start = [], 0
    for column, cell in zip(COLUMNS, row):
        if cell is None or cell != cell:
            slots = enumerate(column["missing"])
        elif column["kind"] == "category":
            slots = level(column, cell)
        else:
            slots = number(column, cell)
        x += [(start + k, value) for k, value in slots if value]
        start += len(column["missing"])
    return x


def level(column, text):
    """A level is one input that is 1."""
    if isinstance(text, float) and text.is_integer():
        text = int(text)
    levels = column["levels"]
    return [(levels.index(str(text)), 1.0)] if str(text) in levels else enumerate(column["unknown"])


def number(column, value):
    """A number, and the knots of its bins: 1 - f of the one below it and f of the one above."""
@use_days@    if isinstance(value, str):
        raise TypeError(f"column {column['name']!r} needs a number, not {value!r}")
    bounded = min(max(value, column["low"]), column["high"])
    slots = [(0, (bounded - column["center"]) / column["scale"])]
    knots = column["knots"]
    if knots:
        value = min(max(value, knots[0]), knots[-1])
        t = min(bisect.bisect_right(knots, value), len(knots) - 1)
        f = (value - knots[t - 1]) / (knots[t] - knots[t - 1])
        slots += [(t, f), (t - 1, 1.0 - f)] if t > 1 else [(t, f)]
    return slots


@days@# ---- the numbers ----

@numbers@

# ---- test vectors: rows, and what shoal computes of them in float64 ----

@tests@


def largest_deviation():
    """Of scores and of @values@, relative to what is above 1."""
    largest = 0.0
    for row, Z2, A2 in zip(TEST_ROWS, TEST_SCORES, TEST_VALUES):
        for got, right in zip(scores(row) + @values@([row])[0], Z2 + A2):
            largest = max(largest, abs(got - right) / max(1.0, abs(right)))
    return largest


if __name__ == "__main__":
    print(f"{len(TEST_ROWS)} rows, largest deviation {largest_deviation():.2g}")
'''

LAYERS = """\
Z1 = [b + sum(w[k] * v for k, v in x) for w, b in zip(W1, b1)]  # Eq 1: Z1 = W1 x + b1
A1 = [g(z) for z in Z1]  # Eq 2: A1 = g(Z1)
Z2 = [b + sum(w * a for w, a in zip(W, A1)) for W, b in zip(W2, b2)]  # Eq 3: Z2 = W2 A1 + b2"""
NO_LAYER = """\
Z2 = [b + sum(w[k] * v for k, v in x) for w, b in zip(W2, b2)]  # Eq 3, where A1 is x"""
SIGMOID = '''\
def sigmoid(z):
    """1 / (1 + e^-z), computed from e^-|z|, which does not overflow."""
    e = math.exp(-abs(z))
    return (1.0 if z >= 0 else e) / (1.0 + e)


'''
G = {
    "sigmoid": "return sigmoid(z)",
    "tanh": "return math.tanh(z)",
    "relu": "return max(0.0, z)",
    "leaky_relu": "return max(0.01 * z, z)",
    "identity": "return z",
    "softplus": "return max(z, 0.0) + math.log1p(math.exp(-abs(z)))",
    "gelu": """\
v = min(max(z, -22.0), 22.0)  # beyond, sigmoid is 0 or 1
return z * sigmoid(2 * math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))""",
    "silu": "return z * sigmoid(z)",
}
OUTPUT = {
    "binary": ("the sigmoid, for both classes", "return [sigmoid(-Z2[0]), sigmoid(Z2[0])]"),
    "multilabel": ("the sigmoid", "return [sigmoid(z) for z in Z2]"),
    "multiclass": (
        "the softmax",
        """\
largest = max(Z2)
E = [math.exp(z - largest) for z in Z2]
total = sum(E)
return [e / total for e in E]""",
    ),
    "identity": ("as it is", "return Z2"),
    "sorted": ("sorted, so that quantiles do not cross", "return sorted(Z2)"),
    "log": (
        "of which it is the logarithm",
        f"return [math.exp(min(z, {LARGEST_LOG})) for z in Z2]",
    ),
}
PREDICT = {
    "binary": "return [CLASSES[int(scores(row)[0] > 0)] for row in rows]",
    "multiclass": "return [CLASSES[Z2.index(max(Z2))] for Z2 in map(scores, rows)]",
    "multilabel": "return [[int(z > 0) for z in scores(row)] for row in rows]",
    "regression": "return values(rows)",
    "value": "return [A2[0] for A2 in values(rows)]",
}
INTERVAL = '''\
def intervals(rows, coverage=0.9):
    """For each value of each row (low, high), between which a share `coverage` of cases lies."""
    at = coverage * (len(RESIDUALS[0]) - 1)
    k = min(int(at), len(RESIDUALS[0]) - 2)
    reach = [r[k] + (at - k) * (r[k + 1] - r[k]) for r in RESIDUALS]
    return [[(a - r, a + r) for a, r in zip(A2, reach)] for A2 in values(rows)]


'''
DAYS = '''\
def days(date):
    """Days since 1970-01-01 of a date or a time; a time without a zone is UTC's."""
    if not isinstance(date, datetime.datetime):
        return date.toordinal() - 719163
    return date.replace(tzinfo=date.tzinfo or datetime.timezone.utc).timestamp() / 86400


'''
USE_DAYS = """\
    if isinstance(value, datetime.date):
        value = days(value)
"""


@dataclass(frozen=True)
class Python(Target):
    """One file on the standard library alone."""

    title = "Python"

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        return source_text(prepared, name, measured).encode()

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        return run_source(path.read_text(encoding="utf-8"), {}, prepared, cells)

    def usage(self, path: Path, prepared: Prepared) -> str:
        stem = identifier(path.stem)
        return f"import {stem}; {stem}.predict([row, ...]), where a row is a dict or a list"


TARGET = Python


def source_text(prepared: Prepared, name: str, measured: Measured) -> str:
    """The file: what it is and how to call it, the code, the numbers, the test vectors."""
    model = prepared.model
    columns = [record(entry) for entry in prepared.inputs]
    numbers: dict[str, Any] = {"COLUMNS": columns, "CLASSES": prepared.classes}
    numbers |= {block: value.tolist() for block, value in prepared.blocks.items()}
    numbers |= {"RESIDUALS": prepared.residuals}
    tests = {f"TEST_{key.upper()}": value for key, value in prepared.tests.items()}
    predict = PREDICT["value" if prepared.single else model.task]
    output_words, output = OUTPUT[prepared.output]
    g = G[model.activation]
    dates = any(column["kind"] == "date" for column in columns)
    return fill(
        FILE,
        name=identifier(Path(name).stem),
        target=harmless(", ".join(model.target)),
        size=prepared.size,
        version=__version__,
        measured=str(measured),
        columns="\n".join(f"    {entry.words}" for entry in prepared.inputs),
        predict_words=prepared.predict_words,
        predict=indent(predict, "    "),
        values="values" if model.task == "regression" else "probabilities",
        values_words=prepared.values_words,
        interval=INTERVAL if prepared.residuals else "",
        layers=indent(LAYERS if prepared.n_h else NO_LAYER, "    "),
        g=_g(model.activation) if prepared.n_h else "",
        output_words=output_words,
        output=indent(output, "    "),
        sigmoid=SIGMOID if "sigmoid(" in output + (g if prepared.n_h else "") else "",
        datetime="import datetime\n" if dates else "",
        days=DAYS if dates else "",
        use_days=USE_DAYS if dates else "",
        numbers="\n".join(_assignment(*item) for item in numbers.items() if item[1] is not None),
        tests="\n".join(_assignment(*item) for item in tests.items()),
    )


def _g(activation: str) -> str:
    """The function of Eq 2."""
    formula = ACTIVATIONS[activation].formula
    return f'def g(z):\n    """{activation}, {formula}."""\n{indent(G[activation], "    ")}\n\n\n'


def _assignment(name: str, value: Any) -> str:
    """A name and its list, one item a line, in ASCII, so that no character has a meaning."""
    if value and isinstance(value[0], (list, dict)):
        lines = "".join(f"    {line!a},\n" for line in value)
        return f"{name} = [\n{lines}]"
    return f"{name} = {value!a}"


# ---- running it ---------------------------------------------------------------------------------

RUN = """\
import json, sys
module, given = {"__name__": "model"}, json.load(sys.stdin)
exec(compile(given["source"], "model.py", "exec"), module)
module.update(given["numbers"])
values, rows = module.get("values") or module["probabilities"], given["rows"]
chosen, classes = module["predict"](rows), module.get("CLASSES")
chosen = [classes.index(label) for label in chosen] if classes else None
print(json.dumps([[module["scores"](row) for row in rows], values(rows), chosen]))
"""


def run_source(
    source: str, numbers: Mapping[str, Any], prepared: Prepared, cells: Cells
) -> Outputs:
    """What such a file answers with other numbers in the place of its own."""
    given = json.dumps({"source": source, "numbers": numbers, "rows": as_rows(cells)})
    return from_json(run_program([sys.executable, "-I", "-c", RUN], given.encode()), prepared)


def from_json(answer: bytes, prepared: Prepared) -> Outputs:
    """Outputs from a list of scores, values and indices of classes."""
    scores, values, chosen = json.loads(answer)
    labels = prepared.labels(chosen) if chosen else None
    return Outputs(np.array(scores, float), np.array(values, float), labels)
