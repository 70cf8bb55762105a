"""An ONNX graph in the making, and what its inputs and outputs are called."""

from copy import copy
from itertools import count
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import ShoalError
from shoal.export.prepared import Input, Prepared


def output_names(prepared: Prepared) -> list[str]:
    """What the graph gives."""
    if prepared.model.task != "regression":
        return ["label", "probabilities"]
    return ["prediction", *(["lower", "upper"] if prepared.residuals else [])]


def input_names(prepared: Prepared) -> list[str]:
    """The graph's inputs: one per column in use, of its name, or X for all of an array's.

    In ONNX an empty name says that there is no input, and runtimes end a name at a NUL; what the
    outputs are called is taken.
    """
    if not prepared.model.columns.named:
        return ["X"]
    taken, names = set(output_names(prepared)), []
    for entry in prepared.inputs:
        name = entry.column.name.replace("\0", "_") or "_"
        while name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def missing_text(entry: Input) -> tuple[str, str]:
    """What says "missing", as a text cannot be null in ONNX, and a text that is no level either.

    The empty text, if that is no level.
    """
    free = (text for text in map("?".__mul__, count()) if text not in entry.column.levels)
    return next(free), next(free)


class Graph:
    """Nodes and constants in the making. What they are called, no column is."""

    def __init__(self, prepared: Prepared, dtype: str) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.dtype = dtype
        self._taken = {*input_names(prepared), *output_names(prepared)}

    def of(self, dtype: str) -> "Graph":
        """The same graph, whose weights are of another type."""
        other = copy(self)
        other.dtype = dtype
        return other

    def _name(self, word: str) -> str:
        name = f"{word}_{len(self.nodes) + len(self.constants)}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """A tensor in the file."""
        tensor = self.onnx.numpy_helper.from_array(np.array(values, dtype), self._name("constant"))
        self.constants.append(tensor)
        return str(tensor.name)

    def weights(self, W: Array) -> str:
        """A tensor of the network, in the type it is computed in."""
        with np.errstate(over="ignore"):
            W = W.astype({"float": np.float32, "double": np.float64}[self.dtype])
        if not np.isfinite(W).all():
            raise ShoalError(
                "a weight is beyond what ONNX's float holds, 3.4e38: choose dtype=double"
            )
        return self.constant(W, W.dtype)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """An operation, and the name of what it gives."""
        domain = "ai.onnx.ml" if operator == "LabelEncoder" else ""
        name = self._name(operator)
        outputs = [name, self._name("rest")] if operator == "TopK" else [name]
        self.nodes.append(
            self.onnx.helper.make_node(operator, inputs, outputs, name, domain=domain, **attributes)
        )
        return name

    def cast(self, value: str, dtype: str) -> str:
        """The value as another type."""
        return self.node("Cast", value, to=getattr(self.onnx.TensorProto, dtype.upper()))

    def gather(self, value: str, places: Any, axis: int = 1) -> str:
        """Columns (or elements) of a value, by their places."""
        return self.node("Gather", value, self.constant(places, np.int64), axis=axis)

    def takes(self, name: str, dtype: str, width: int, said: str) -> str:
        """An input (m, width)."""
        kind = getattr(self.onnx.TensorProto, dtype.upper())
        make = self.onnx.helper.make_tensor_value_info
        self.inputs.append(make(name, kind, ["rows", width], doc_string=said))
        return name

    def gives(self, name: str, value: str, kind: int, shape: list[int], said: str) -> None:
        """An output (m, *shape) of the graph."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name))
        make = self.onnx.helper.make_tensor_value_info
        self.outputs.append(make(name, kind, ["rows", *shape], doc_string=said))
