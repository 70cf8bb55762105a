"""C99: one file on math.h, without allocation, in double or float."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any, ClassVar

import numpy as np

from shoal import __version__
from shoal.activations import ACTIVATIONS, Array
from shoal.export import c_templates as templates
from shoal.export.c_parts import (
    aligned,
    array,
    constant,
    double,
    level_index,
    levels_words,
    matrix,
    member,
    n_bytes,
    prefix,
    run_c,
    single,
    text,
)
from shoal.export.prepared import (
    LARGEST_LOG,
    Cells,
    Input,
    Outputs,
    Prepared,
    as_rows,
    harmless,
    n_rows,
)
from shoal.export.target import Measured, Target, choice, fill


@dataclass(frozen=True)
class C(Target):
    """One file: .c to include or compile, or .h, a single header.

    Attributes
    ----------
    dtype : {"double", "float"}
        Of the numbers and the arithmetic. "int16" and "int8" are `shoal.export.fixed`.
    levels : {"text", "index"}
        How a row says a category: as its text, or as the index of its level, without any texts.
    """

    dtype: str = "double"
    levels: str = "text"

    title: ClassVar = "C99"
    number_type: ClassVar = templates.NUMBER
    number_bytes: ClassVar = (56, 8)  # of one such struct, and of a knot

    def __post_init__(self) -> None:
        choice("dtype", self.dtype, ["double", "float", "int16", "int8"])
        choice("levels", self.levels, ["text", "index"])

    def tolerance(self, prepared: Prepared) -> float:
        return super().tolerance(prepared) if self.dtype == "double" else 1e-3

    def usage(self, path: Path, prepared: Prepared) -> str:
        words = self._words(prepared, path.name)
        return f'#include "{path.name}", fill a {words["p"]}_row and call {words["call"]}'

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        n_y, n_values = prepared.n_y, len(prepared.value_names)
        columns: list[Iterable[float | str | None]] = [
            [level_index(entry, value) for value in values]
            if entry.is_category and self.levels == "index"
            else values
            for entry, values in zip(prepared.inputs, cells, strict=True)
        ]
        answer = fill(templates.ANSWER, **self._words(prepared, path.name))
        told = run_c(path, prepared, n_rows(cells), columns, answer, n_y + n_values + 1)
        scores, values, chosen = np.split(told, [n_y, n_y + n_values], axis=1)
        return Outputs(scores, values, prepared.labels(chosen[:, 0].astype(int).tolist()))

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        words = self._words(prepared, name)

        def part(template: str, when: object = True, indented: str = "") -> str:
            return indent(fill(template, **words), indented) if when else ""

        has = {entry.is_category for entry in prepared.inputs}
        by_text = self.levels == "text" and True in has
        output = templates.PREDICT[prepared.output]
        g = templates.G[prepared.model.activation] if prepared.n_h else ""
        intervals, classes = prepared.residuals, prepared.classes
        header = name.lower().endswith(".h")
        layers = templates.LAYERS if prepared.n_h else templates.NO_LAYER
        numbers, flash = self._numbers(prepared)
        file = fill(
            templates.FILE,
            **words,
            measured=str(measured),
            flash=f"{flash:,}",
            declarations=part(templates.CLASSES_DECLARED, classes)
            + part(templates.INTERVAL_DECLARED, intervals),
            begin=part("\n#ifdef @P@_IMPLEMENTATION\n", header),
            string="#include <string.h>\n" if by_text else "",
            numbers=numbers,
            encoders=part(templates.PUT, has)
            + part(templates.PUT_NUMBER, False in has)
            + part(templates.LEVEL_OF, by_text)
            + part(templates.PUT_LEVEL, True in has),
            functions=part(templates.SIGMOID, "sigmoid(" in g + output)
            + part(templates.G_OF, prepared.n_h),
            encode="\n".join(self._encode(prepared)),
            layers=part(layers, indented="    "),
            predict=part(output, indented="    "),
            definitions=part(templates.CLASSES, classes) + part(templates.INTERVAL, intervals),
            tests=part(templates.TESTS),
            end=part("\n#endif /* @P@_IMPLEMENTATION */\n", header),
        )
        return file.encode()

    def _words(self, prepared: Prepared, name: str) -> dict[str, str]:
        """What the templates say only in this file."""
        model, p, classes = prepared.model, prefix(name), prepared.classes
        values = "values" if model.task == "regression" else "probabilities"
        header = name.lower().endswith(".h")
        call = f"{p}_predict(&row, {values});"
        f = "" if self.dtype == "double" else "f"
        stack = 100 + prepared.n_x * (4 + n_bytes(self.dtype))
        expected = prepared.expected
        define = f"{p.upper()}_IMPLEMENTATION"
        return {
            "p": p,
            "P": p.upper(),
            "f": f,
            "real": self.dtype,
            "file": harmless(name),
            "include": f"   // in one file after #define {define}" if header else "",
            "flags": f"-x c -D{define} " if header else "",
            "target": harmless(", ".join(model.target)),
            "size": prepared.size,
            "example": "\n".join(self._example(prepared, p)),
            "call": f"int k = {call}" if classes else call,
            "k": "k = " if classes else "",
            "call_words": f" // the class is {p}_classes[k]" if classes else "",
            "stack": f"{stack:,}",
            "version": __version__,
            "n_y": str(prepared.n_y),
            "n_values": str(len(prepared.value_names)),
            "n_x": str(max(1, prepared.n_x)),
            "n_h": str(prepared.n_h),
            "category": "text" if self.levels == "text" else "level",
            "absent": "NULL" if self.levels == "text" else "-1",
            "members": "\n".join(aligned(self._members(prepared))) or "    char nothing;",
            "values": values,
            "values_words": prepared.values_words,
            "predict_words": prepared.predict_words,
            "returns": "int" if classes else "void",
            "classes": array([text(str(label)) for label in classes or ()]),
            "activation": model.activation,
            "formula": ACTIVATIONS[model.activation].formula.translate(
                {8730: "sqrt", 963: "sigmoid"}
            ),
            "g": indent(templates.G[model.activation].replace("@f@", f), "    "),
            "largest": self._number(LARGEST_LOG if self.dtype == "double" else 44.361),
            "last": str(len(prepared.residuals[0]) - 1) if prepared.residuals else "",
            "tolerance": f"{self.tolerance(prepared):g}",
            "n_rows": str(n_rows(prepared.rows)),
            "rows": matrix(self._rows(prepared)),
            "test_scores": doubles(expected.scores),
            "test_values": doubles(expected.values),
        }

    def _number(self, value: float) -> str:
        return double(value) if self.dtype == "double" else single(value)

    # ---- a row ----

    def _members(self, prepared: Prepared) -> list[str]:
        lines = []
        for k, entry in enumerate(prepared.inputs):
            name = member(entry, k)
            if not entry.is_category:
                lines.append(self._number_member(entry, name))
            elif self.levels == "text":
                lines.append(f"    const char *{name}; /* {entry.words} */")
            else:
                lines.append(f"    int {name}; /* {levels_words(entry)} */")
        return lines

    def _number_member(self, entry: Input, name: str) -> str:
        return f"    double {name}; /* {entry.words} */"

    def _cell(self, prepared: Prepared, k: int, value: float | str | None) -> str:
        """A cell as the struct takes it."""
        if not prepared.inputs[k].is_category:
            return self._number_cell(prepared, k, np.nan if value is None else float(value))
        cell = None if value is None else str(value)
        return text(cell) if self.levels == "text" else str(level_index(prepared.inputs[k], cell))

    def _number_cell(self, prepared: Prepared, k: int, value: float) -> str:
        return double(value)

    def _example(self, prepared: Prepared, p: str) -> list[str]:
        """How to fill a row, of its first columns, with what is harmless in a comment."""
        lines = []
        for k, (entry, values) in enumerate(zip(prepared.inputs[:3], prepared.rows, strict=False)):
            name, value = member(entry, k), values[0]
            if isinstance(value, str):
                cell = f'"{harmless(value)}"' if self.levels == "text" else "0"
            else:
                cell = self._number_example(f"{p}_{name}", float(value or 0))
            lines.append(f" *     row.{name} = {cell};")
        return lines + [" *     ..."] * (len(prepared.inputs) > 3)

    def _number_example(self, macro: str, value: float) -> str:
        return f"{value:.6g}"

    def _rows(self, prepared: Prepared) -> list[list[str]]:
        rows = as_rows(prepared.rows)
        words = [[self._cell(prepared, k, value) for k, value in enumerate(row)] for row in rows]
        return [row or ["0"] for row in words]

    def _encode(self, prepared: Prepared) -> list[str]:
        lines = []
        for k, entry in enumerate(prepared.inputs):
            cell = f"row->{member(entry, k)}"
            if not entry.is_category:
                lines.append(f"    put_number(&in, {cell}, &column_{k});")
            elif self.levels == "text":
                lines.append(f"    put_level(&in, level_of({cell}, &column_{k}), &column_{k});")
            else:
                lines.append(f"    put_level(&in, {cell}, &column_{k});")
        return lines or ["    (void)row;"]

    # ---- the numbers ----

    def _numbers(self, prepared: Prepared) -> tuple[str, int]:
        """The definitions of all constants, and how many bytes they take."""
        number, size = self._number, n_bytes(self.dtype)
        lines, flash = [], 0
        for name, block in prepared.blocks.items():
            lines.append(constant("real", name, block, number))
            flash += block.size * size
        if prepared.residuals:
            residuals = np.array(prepared.residuals)
            lines.append(constant("real", "residuals", residuals, number))
            flash += residuals.size * size
        lines += self._columns(prepared, "real", number, *all_slots(prepared))
        return "\n".join(lines), flash + self._column_bytes(prepared, size)

    def _columns(
        self,
        prepared: Prepared,
        kind: str,
        word: Callable[[Any], str],
        missing: Array,
        unknown: Array,
    ) -> list[str]:
        """The definitions of how each column is read."""
        has = {entry.is_category for entry in prepared.inputs}
        lines = []
        if has:
            lines += ["", templates.MISSING, constant(kind, "missing", missing, word)]
        if True in has:
            lines.append(constant(kind, "unknown", unknown, word))
        if False in has:
            lines += ["", self.number_type]
        if True in has:
            by_text = self.levels == "text"
            lines += ["", templates.CATEGORY if by_text else templates.CATEGORY_BY_INDEX]
        lines.append("")
        for k, entry in enumerate(prepared.inputs):
            start = f"{entry.start}, {entry.column.width}"
            if entry.is_category:
                lines += self._category_column(entry, k, start)
            else:
                lines += self._number_column(prepared, k, start)
        return lines

    def _category_column(self, entry: Input, k: int, start: str) -> list[str]:
        levels = entry.column.levels
        n = len(levels)
        if self.levels == "index":
            return [f"static const category column_{k} = {{{start}, {n}}};"]
        words = array(map(text, levels))
        lines = [f"static const char *const levels_{k}[] = {words};"] if n else []
        pointer = f"levels_{k}" if n else "NULL"
        return [*lines, f"static const category column_{k} = {{{start}, {n}, {pointer}}};"]

    def _number_column(self, prepared: Prepared, k: int, start: str) -> list[str]:
        entry = prepared.inputs[k]
        column, n = entry.column, len(entry.column.edges)
        edges = array(map(double, column.edges))
        lines = [f"static const double knots_{k}[] = {edges};"] if n else []
        numbers = ", ".join(map(double, (column.low, column.high, entry.center, entry.scale)))
        values = f"{start}, {n}, {numbers}, {f'knots_{k}' if n else 'NULL'}"
        return [*lines, f"static const number column_{k} = {{{values}}};"]

    def _column_bytes(self, prepared: Prepared, slot: int) -> int:
        """Bytes of what `_columns` defines, and of the classes, where a pointer has 8."""
        n_categories = sum(entry.is_category for entry in prepared.inputs)
        size = prepared.n_x * slot * (1 + (n_categories > 0))
        for entry in prepared.inputs:
            if not entry.is_category:
                size += self.number_bytes[0] + self.number_bytes[1] * len(entry.column.edges)
            elif self.levels == "index":
                size += 12
            else:
                levels = [level.encode("utf-8", "surrogatepass") for level in entry.column.levels]
                size += 24 + sum(8 + len(level) + 1 for level in levels)
        return size + sum(8 + len(str(label).encode()) + 1 for label in prepared.classes or ())


TARGET = C


def all_slots(prepared: Prepared) -> tuple[Array, Array]:
    """What x is where everything is missing, and where everything is unknown (n_x,)."""
    missing, unknown = np.zeros((2, prepared.n_x))
    for entry in prepared.inputs:
        missing[entry.slots] = entry.missing
        if entry.is_category:
            unknown[entry.slots] = entry.unknown
    return missing, unknown


def doubles(values: Array | None) -> str:
    """Rows of doubles."""
    return "" if values is None else matrix([map(double, row) for row in values.tolist()])
