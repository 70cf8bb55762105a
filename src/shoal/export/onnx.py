"""ONNX: one file that onnxruntime, and what is built on it, runs in a dozen languages.

The graph has as many nodes for 500 columns as for one, but for an encoder of each category:

    numbers   by broadcasting, of all columns at once: (value - center) / scale, and the share of
              each knot that the value lies at; in double, so that years and timestamps keep their
              digits
    texts     a number for each level, and Equal: 1 for the level that it is
    Eq 1-4    two products and g, in float or double; the output function in double

Nothing is newer than opset 13, of 2020; it runs in onnxruntime 1.15 as in 1.32.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from shoal import __version__
from shoal.activations import GELU_CUBE, GELU_SCALE, LEAK, Array
from shoal.errors import ShoalError
from shoal.export.dense import check_coverage, check_texts, knots, n_written, reach, ways, written
from shoal.export.onnx_graph import Graph, input_names, missing_text
from shoal.export.prepared import LARGEST_LOG, Cells, Outputs, Prepared, n_rows
from shoal.export.target import Measured, MissingRuntimeError, Target, choice

OPSET, ML_OPSET, IR = 13, 2, 7
KINDS = {"number": "number", "boolean": "0 or 1", "date": "days since 1970-01-01"}
TOLERANCE = {"float": 1e-6, "double": 1e-12}


# A part of the inputs (m, n), and its weights (n_out, n) by those of x (n_out, n_x).
Part: TypeAlias = tuple[str, Callable[[Array], Array]]

# ---- the columns ---------------------------------------------------------------------------------


def _numbers(prepared: Prepared, graph: Graph) -> Part | None:
    """What numbers become (m, n), in double, and what that weighs."""
    entries = [entry for entry in prepared.inputs if not entry.is_category]
    if not entries:
        return None
    if prepared.model.columns.named:
        values = [
            graph.takes(name, "double", 1, f"{KINDS[entry.column.kind]}; NaN is missing")
            for name, entry in zip(input_names(prepared), prepared.inputs, strict=True)
            if not entry.is_category
        ]
        V = graph.node("Concat", *values, axis=1)
    else:
        width = len(prepared.model.columns.columns)
        X = graph.takes("X", "double", width, "the columns in their order; NaN is missing")
        V = graph.gather(X, [entry.place for entry in entries])
    centers = graph.constant([entry.center for entry in entries])
    absent = graph.node("IsNaN", V)
    V = graph.node("Where", absent, centers, V)
    V = graph.node("Max", V, graph.constant([entry.column.low for entry in entries]))
    V = graph.node("Min", V, graph.constant([entry.column.high for entry in entries]))
    scales = graph.constant([entry.scale for entry in entries])
    parts = [graph.node("Div", graph.node("Sub", V, centers), scales)]
    slots = [entry.start for entry in entries]
    owners = list(range(len(entries)))  # which column each slot is of

    binned = [
        (k, entry.start + n, *around)
        for k, entry in enumerate(entries)
        for n, around in enumerate(knots(entry), start=1)
    ]
    if binned:
        of, their_slots, before, at, after = map(list, zip(*binned, strict=True))
        value = graph.gather(V, of)
        rise = graph.node("Sub", value, graph.constant(before))
        rise = graph.node("Div", rise, graph.constant(np.subtract(at, before)))
        fall = graph.node("Sub", graph.constant(after), value)
        fall = graph.node("Div", fall, graph.constant(np.subtract(after, at)))
        share = graph.node("Min", rise, fall)
        parts.append(graph.node("Clip", share, graph.constant(0.0), graph.constant(1.0)))
        slots += their_slots
        owners += of

    missing = np.concatenate([entry.missing for entry in entries])
    order = np.concatenate([np.arange(entry.start, entry.slots.stop) for entry in entries])
    instead = dict(zip(order.tolist(), missing.tolist(), strict=True))
    x = graph.node("Concat", *parts, axis=1)
    x = graph.node(
        "Where", graph.gather(absent, owners), graph.constant([instead[k] for k in slots]), x
    )
    indicated = [k for k, entry in enumerate(entries) if entry.column.missing > 0]
    if indicated:
        x = graph.node("Concat", x, graph.cast(graph.gather(absent, indicated), "double"), axis=1)
        slots += [entries[k].slots.stop - 1 for k in indicated]
    return x, lambda W: W[:, slots]


def _texts(prepared: Prepared, graph: Graph) -> Part | None:
    """1 for the way in which each text enters, else 0 (m, n), and what that weighs."""
    codes: list[str] = []
    owners: list[int] = []  # which code each way is of
    for name, entry in zip(input_names(prepared), prepared.inputs, strict=False):
        if not entry.is_category:
            continue
        way, absent, first = ways(entry), missing_text(entry)[0], len(owners)
        given = graph.takes(name, "string", 1, f"text; {json.dumps(absent)} is missing")
        code = graph.node(
            "LabelEncoder",
            given,
            keys_strings=[*way.texts, absent],
            values_int64s=[first + k for k in (*way.texts.values(), way.missing)],
            default_int64=first + way.unknown,
        )
        owners += [len(codes)] * n_written(entry)
        codes.append(code)
    if not codes:
        return None
    each = graph.gather(graph.node("Concat", *codes, axis=1), owners)
    is_this = graph.node("Equal", each, graph.constant(np.arange(len(owners)), np.int64))
    texts = [entry for entry in prepared.inputs if entry.is_category]
    return is_this, lambda W: np.hstack([written(entry, W) for entry in texts])


# ---- the network ---------------------------------------------------------------------------------


def _activation(name: str, Z: str, graph: Graph) -> str:
    """A = g(Z) (Eq 2), of operators that onnxruntime has in float and in double."""

    def constant(value: float) -> str:
        return graph.weights(np.array(value))

    def one_and_exp(Z: str) -> str:
        return graph.node("Add", graph.node("Exp", graph.node("Neg", Z)), constant(1.0))

    if name == "leaky_relu":
        return graph.node("Max", graph.node("Mul", Z, constant(LEAK)), Z)
    if name == "softplus":
        log = graph.node("Log", one_and_exp(graph.node("Abs", Z)))
        return graph.node("Add", graph.node("Relu", Z), log)
    if name == "silu":
        return graph.node("Div", Z, one_and_exp(Z))  # z σ(z); 1 + ∞ is well, too
    if name == "gelu":
        V = graph.node("Clip", Z, constant(-22.0), constant(22.0))
        cube = graph.node("Mul", graph.node("Mul", V, V), V)
        U = graph.node("Add", V, graph.node("Mul", cube, constant(GELU_CUBE)))
        return graph.node("Div", Z, one_and_exp(graph.node("Mul", U, constant(GELU_SCALE))))
    return Z if name == "identity" else graph.node({"relu": "Relu"}.get(name, name.title()), Z)


def _outputs(prepared: Prepared, Z2: str, graph: Graph, coverage: float) -> None:
    """What is made of the scores (m, n_y), which are double (Eq 4)."""
    kinds = graph.onnx.TensorProto
    output, names = prepared.output, ", ".join(prepared.value_names)
    if output in ("binary", "multiclass", "multilabel"):
        if output == "multiclass":
            P = graph.node("Softmax", Z2, axis=1)
            chosen = graph.node("ArgMax", Z2, axis=1, keepdims=0)
        else:
            # Of two classes each has its sigmoid: 1 - A2 would lose the digits of what is nearly 0.
            both = output == "binary"
            scores = graph.node("Concat", graph.node("Neg", Z2), Z2, axis=1) if both else Z2
            P = graph.node("Sigmoid", scores)
            chosen = graph.cast(graph.node("Greater", Z2, graph.constant(0.0)), "int64")
            if both:
                chosen = graph.node("Reshape", chosen, graph.constant([-1], np.int64))
        if prepared.classes is None:
            graph.gives("label", chosen, kinds.INT64, [prepared.n_y], f"0 or 1 for each: {names}")
        else:
            classes = np.array(prepared.classes)
            classes = classes.astype(object) if classes.dtype.kind == "U" else classes
            kind = {"O": "STRING", "i": "INT64", "f": "DOUBLE", "b": "BOOL"}[classes.dtype.kind]
            table = graph.constant(classes, classes.dtype)
            label = graph.node("Gather", table, chosen, axis=0)
            graph.gives("label", label, getattr(kinds, kind), [], "the most probable class")
        n = len(prepared.value_names)
        P = graph.cast(P, graph.dtype)
        kind = getattr(kinds, graph.dtype.upper())
        graph.gives("probabilities", P, kind, [n], f"in this order: {names}")
        return
    A2 = Z2
    if output == "sorted":
        all_of_them = graph.constant([prepared.n_y], np.int64)
        A2 = graph.node("TopK", Z2, all_of_them, axis=1, largest=0)
    elif output == "log":
        A2 = graph.node("Exp", graph.node("Min", Z2, graph.constant(LARGEST_LOG)))
    shape = [prepared.n_y]
    graph.gives("prediction", A2, kinds.DOUBLE, shape, f"in this order: {names}")
    reaches = reach(prepared, coverage)
    if reaches:
        width, said = graph.constant(reaches), f"of an interval that covers {coverage:.3g} of cases"
        graph.gives("lower", graph.node("Sub", A2, width), kinds.DOUBLE, shape, said)
        graph.gives("upper", graph.node("Add", A2, width), kinds.DOUBLE, shape, said)


def _network(prepared: Prepared, graph: Graph, coverage: float) -> None:
    """The columns, then Eq 1 to 4."""
    W1, _, W2, b2 = prepared.parameters
    parts = [part for part in (_numbers(prepared, graph), _texts(prepared, graph)) if part]
    if not parts:
        raise ShoalError(
            "a model that uses no column cannot be written as ONNX, where the number of rows is "
            "that of an input: it says the same of every row"
        )
    x = graph.node("Concat", *(graph.cast(name, "double") for name, _ in parts), axis=1)

    def weights(W: Array) -> Array:
        return np.hstack([of_part(W) for _, of_part in parts])

    A1, W = x, W2
    if not len(W1):
        W = weights(W2)
    elif graph.dtype == "double":
        A1 = _hidden(x, prepared, weights(W1), slice(None), graph)
    else:
        large = _towers(prepared)
        A1 = _hidden(graph.cast(x, "float"), prepared, weights(W1), ~large, graph)
        A1, order = graph.cast(A1, "double"), np.argsort(large, kind="stable")
        if large.any():
            exact = _hidden(x, prepared, weights(W1), large, graph.of("double"))
            A1, W = graph.node("Concat", A1, exact, axis=1), W2[:, order]
    # Few products, and in float their sum would lose digits: of 2000 give or take 5, the 5.
    Z2 = graph.node("MatMul", A1, graph.constant(W.T))
    Z2 = graph.node("Add", Z2, graph.constant(b2.T))  # Eq 3
    _outputs(prepared, Z2, graph, coverage)


def _hidden(x: str, prepared: Prepared, W1: Array, units: Any, graph: Graph) -> str:
    """A1 of some of the units."""
    Z1 = graph.node("MatMul", x, graph.weights(W1[units].T))
    Z1 = graph.node("Add", Z1, graph.weights(prepared.parameters.b1[units].T))  # Eq 1
    return _activation(prepared.model.activation, Z1, graph)  # Eq 2


def _towers(prepared: Prepared) -> Array:
    """Which units tower above the others in what they add to a score, and to its rounding errors.

    A model that was trained with a skip has two for each score, and they are nearly all its error.
    """
    W1, b1, W2, _ = prepared.parameters
    farthest = np.ones(prepared.n_x)
    for entry in prepared.inputs:
        if not entry.is_category:
            column = entry.column
            ends = (
                [column.low, column.high] if entry.bounded else [column.center + 8 * column.scale]
            )
            farthest[entry.start] = np.max(np.abs(np.subtract(ends, entry.center)) / entry.scale)
    size = np.abs(W2).max(axis=0) * (np.abs(b1[:, 0]) + np.abs(W1) @ farthest)
    return size > 8 * np.quantile(size, 0.75)


# ---- the target ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Onnx(Target):
    """The model as ONNX.

    Attributes
    ----------
    dtype : {"float", "double"}
        In which the two products and g are computed.
    coverage : float
        Of the interval of a regression, if it has one.
    """

    title = "ONNX"
    dtype: str = "float"
    coverage: float = 0.9

    def __post_init__(self) -> None:
        choice("dtype", self.dtype, tuple(TOLERANCE))
        check_coverage(self.coverage)

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        try:
            import onnx
        except ImportError:
            message = "ONNX is written by the package onnx: pip install 'shoal[onnx]'"
            raise ShoalError(message) from None
        check_texts(prepared, "ONNX")
        graph = Graph(prepared, self.dtype)
        _network(prepared, graph, self.coverage)
        title = f"{prepared.size}; {measured}"
        made = onnx.helper.make_graph(
            graph.nodes, "shoal", graph.inputs, graph.outputs, graph.constants, doc_string=title
        )
        make_opset = onnx.helper.make_opsetid
        model = onnx.helper.make_model(
            made,
            opset_imports=[make_opset("", OPSET), make_opset("ai.onnx.ml", ML_OPSET)],
            ir_version=IR,
            producer_name="shoal",
            producer_version=__version__,
            doc_string=title,
        )
        onnx.helper.set_model_props(model, _metadata(prepared, measured))
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        try:
            import onnxruntime
        except ImportError:
            message = "there is no onnxruntime here: pip install onnxruntime"
            raise MissingRuntimeError(message) from None
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        outputs = session.run(None, feed(prepared, cells))
        if prepared.model.task == "regression":
            return Outputs(None, outputs[0], None)
        labels = [str(label) for label in outputs[0].tolist()] if prepared.classes else None
        return Outputs(None, outputs[1].astype(np.float64), labels)

    def tolerance(self, prepared: Prepared) -> float:
        """Of values relative to their spread."""
        values = prepared.expected.values
        spread = 1.0
        if prepared.model.task == "regression" and values is not None and len(values) > 1:
            spread = max(1.0, float(values.std(axis=0).max()))
        return max(TOLERANCE[self.dtype] * spread, prepared.rounding)

    def usage(self, path: Path, prepared: Prepared) -> str:
        load = f"session = onnxruntime.InferenceSession({path.name!r})"
        if not prepared.model.columns.named:
            return f'{load}\nanswer = session.run(None, {{"X": X}})'
        return f"{load}\n{FRAME}\nanswer = session.run(None, inputs)"


FRAME = """\
inputs = {
    i.name: table[[i.name]].to_numpy(float) if i.type == "tensor(double)"
    else table[[i.name]].fillna("").to_numpy(str)
    for i in session.get_inputs()
}"""


def _metadata(prepared: Prepared, measured: Measured) -> dict[str, str]:
    """What the file says of itself, as JSON."""
    named = prepared.model.columns.named
    names = input_names(prepared) if named else ["X"] * len(prepared.inputs)
    columns = [
        {"column": entry.column.name, "input": name, "kind": entry.column.kind}
        | ({"missing": missing_text(entry)[0]} if entry.is_category else {})
        for name, entry in zip(names, prepared.inputs, strict=True)
    ]
    said = {
        "columns": columns,
        "target": prepared.model.target,
        "values": prepared.value_names,
        "test_vectors": prepared.tests,
    }
    return {key: json.dumps(value) for key, value in said.items()} | {"measured": str(measured)}


def feed(prepared: Prepared, cells: Cells) -> dict[str, Array]:
    """What the graph takes, of a table's rows."""
    if not prepared.model.columns.named:
        X = np.full((n_rows(cells), len(prepared.model.columns.columns)), np.nan)
        for entry, values in zip(prepared.inputs, cells, strict=True):
            X[:, entry.place] = values
        return {"X": X}
    fed = {}
    for name, entry, values in zip(input_names(prepared), prepared.inputs, cells, strict=True):
        if isinstance(values, list):
            # A text that says "missing" cannot be given; it is as good as any other unseen one.
            absent, unseen = missing_text(entry)
            texts = [absent if t is None else unseen if t == absent else t for t in values]
            values = np.array(texts, dtype=object)
        fed[name] = values.reshape(-1, 1)
    return fed


TARGET = Onnx
