"""C99 in integers: weights of 8 or 16 bits, for microcontrollers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from shoal.activations import Array
from shoal.export import fixed_templates as templates
from shoal.export.c import C, doubles
from shoal.export.c_parts import array, constant, double, level_index, member, prefix, run_c
from shoal.export.c_templates import CLASSES, CLASSES_DECLARED
from shoal.export.fixed_number import value_range
from shoal.export.fixed_point import TABLE_ONE, TABLES, FixedPoint
from shoal.export.prepared import Cells, Input, Outputs, Prepared, harmless, n_rows
from shoal.export.target import Measured, choice, fill

MISSING = -(2**31)  # INT32_MIN: a number that is missing


@lru_cache(maxsize=2)
def fixed_point(prepared: Prepared, dtype: str) -> FixedPoint:
    """The model in integers; writing and running a file both need it."""
    return FixedPoint(prepared, int(dtype.removeprefix("int")))


@dataclass(frozen=True)
class Fixed(C):
    """The same file in integers: it gives scores times a known scale, and the class.

    Attributes
    ----------
    dtype : {"int16", "int8"}
        Of the weights.
    levels : {"index"}
        A row says a category as the index of its level.
    """

    dtype: str = "int16"
    levels: str = "index"

    title: ClassVar = "C99 fixed point"
    number_type: ClassVar = templates.NUMBER
    number_bytes: ClassVar = (40, 4)

    def __post_init__(self) -> None:
        choice("dtype", self.dtype, ["double", "float", "int16", "int8"])
        choice(f"levels of dtype {self.dtype}", self.levels, ["index"])

    def tolerance(self, prepared: Prepared) -> float:
        return float(fixed_point(prepared, self.dtype).bound.max())

    def deviation(self, outputs: Outputs, expected: Outputs) -> float:
        """The largest of all scores, as it is: what the bound is of."""
        pairs = zip(outputs[:2], expected[:2], strict=True)
        found = [np.abs(a - b).max(initial=0) for a, b in pairs if a is not None and b is not None]
        return float(max(found))

    def within(self, prepared: Prepared, cells: Cells) -> Cells:
        """Numbers without bounds are taken to be in the range that the file is made for."""
        return [
            values if isinstance(values, list) else np.clip(values, *value_range(entry))
            for entry, values in zip(prepared.inputs, cells, strict=True)
        ]

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        fixed = fixed_point(prepared, self.dtype)
        columns: list[Iterable[float | str | None]] = [
            [level_index(entry, value) for value in values]
            if isinstance(values, list)
            else np.where(np.isnan(values), MISSING, fixed.numbers[k].integers(values))
            for k, (entry, values) in enumerate(zip(prepared.inputs, cells, strict=True))
        ]
        answer = fill(templates.ANSWER, **self._words(prepared, path.name))
        told = run_c(path, prepared, n_rows(cells), columns, answer, prepared.n_y + 1)
        scores = told[:, :-1] * fixed.scale
        labels = prepared.labels(told[:, -1].astype(int).tolist())
        if prepared.output == "sorted":
            return Outputs(None, scores, labels)
        return Outputs(scores, None, labels)

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        fixed, words = fixed_point(prepared, self.dtype), self._words(prepared, name)

        def part(template: str, when: object = True) -> str:
            return fill(template, **words) if when else ""

        has = {entry.is_category for entry in prepared.inputs}
        header = name.lower().endswith(".h")
        numbers, flash = self._numbers(prepared)
        file = fill(
            templates.FILE,
            **words,
            measured=str(measured),
            flash=f"{flash:,}",
            nearest=part(templates.NEAREST, fixed.numbers),
            declarations=part(CLASSES_DECLARED, prepared.classes),
            begin=part("\n#ifdef @P@_IMPLEMENTATION\n", header),
            numbers=numbers,
            encoders=part(templates.PUT, has)
            + part(templates.PUT_NUMBER, False in has)
            + part(templates.PUT_LEVEL, True in has),
            activate=self._g(prepared, fixed),
            encode="\n".join(self._encode(prepared)),
            layers=part(templates.LAYERS if fixed.hidden else templates.NO_LAYER),
            predict=templates.PREDICT.get(prepared.output, ""),
            definitions=part(CLASSES, prepared.classes),
            tests=part(templates.TESTS),
            end=part("\n#endif /* @P@_IMPLEMENTATION */\n", header),
        )
        return file.encode()

    def _words(self, prepared: Prepared, name: str) -> dict[str, str]:
        fixed, p, classes = fixed_point(prepared, self.dtype), prefix(name), prepared.classes
        expected = prepared.expected
        right = expected.values if prepared.output == "sorted" else expected.scores
        assert right is not None
        one = len(set(fixed.scale.tolist())) == 1
        scales = {"": fixed.scale[0]} if one else {f"_{i}": s for i, s in enumerate(fixed.scale)}
        bounds = sorted(set(fixed.bound.tolist()))
        stack = 100 + 4 * prepared.n_x + 8 * prepared.n_y
        numbers = fixed.numbers.items()
        words = super()._words(prepared, name) | {
            "bits": str(fixed.bits),
            "sum_bits": "32" if not fixed.hidden or fixed.hidden.fits_32_bits else "64",
            "call": f"{'int k = ' if classes else ''}{p}_predict(&row, Z2);",
            "scale_of": f"{p.upper()}_SCALE{'' if one else '_i'}",
            "scales": "".join(
                f"#define {p.upper()}_SCALE{i} {double(scale)}\n" for i, scale in scales.items()
            ),
            "log": " The value is e to the power of that." if prepared.output == "log" else "",
            "bound": f"{bounds[0]:.3g}" + (f" to {bounds[-1]:.3g}" if len(bounds) > 1 else ""),
            "spread": f"{right.std(axis=0).max():.3g}",
            "stack": f"{stack:,}",
            "macros": "".join(
                f"#define {p}_{member(prepared.inputs[k], k)}(v) "
                f"{p.upper()}_NEAREST((v) * {double(2.0**number.digits)})\n"
                for k, number in numbers
            ),
            "predict_words": f", and {prepared.predict_words}" if classes else "",
            "test_scores": doubles(right),
            "scale": array(map(double, fixed.scale.tolist())),
            "bounds": array(map(double, fixed.bound.tolist())),
            "returns": "int" if classes else "void",
        }
        if fixed.hidden:
            words |= {"right": str(fixed.right), "digits": str(fixed.digits)}
        return words

    def _g(self, prepared: Prepared, fixed: FixedPoint) -> str:
        """The function of Eq 2."""
        if not fixed.hidden:
            return ""
        activation = prepared.model.activation
        words = {"activation": activation, "digits": str(fixed.digits)}
        if activation not in TABLES:
            return fill(templates.G_OF, body=templates.G[activation], **words)
        table = TABLES[activation]
        return fill(
            templates.G_OF_TABLE,
            **words,
            base="max(0, z)" if table.hinge else "0",
            add="(z > 0 ? z : 0) + " if table.hinge else "",
            step=str(table.step),
            reach=str(table.reach),
            drop=str(TABLE_ONE - table.step),
        )

    # ---- a row ----

    def _number_member(self, entry: Input, name: str) -> str:
        low, high = value_range(entry)
        kinds = {"boolean": "0 or 1", "date": "days since 1970-01-01"}
        words = f"{harmless(entry.column.name)}, {low:g} to {high:g}"
        kind = kinds.get(entry.column.kind)
        return f"    int32_t {name}; /* {words}{f', {kind}' if kind else ''} */"

    def _number_cell(self, prepared: Prepared, k: int, value: float) -> str:
        if value != value:
            return "INT32_MIN"
        return str(int(fixed_point(prepared, self.dtype).numbers[k].integers(np.array(value))))

    def _number_example(self, macro: str, value: float) -> str:
        return f"{macro}({value:.6g})"

    # ---- the numbers ----

    def _numbers(self, prepared: Prepared) -> tuple[str, int]:
        fixed = fixed_point(prepared, self.dtype)
        weight = "weight", fixed.bits // 8
        blocks: list[tuple[str, Array, str, int]] = []
        if fixed.hidden:
            blocks += [
                ("W1", fixed.hidden.W, *weight),
                ("b1", fixed.hidden.b, "sum", 4 if fixed.hidden.fits_32_bits else 8),
                ("multiplier", fixed.multiplier, "int32_t", 4),
            ]
        blocks += [
            ("W2", fixed.W2, *weight),
            ("b2", fixed.b2, "int64_t", 8),
            ("shift", fixed.shift, "uint8_t", 1),
        ]
        if len(fixed.table):
            blocks.append(("table", fixed.table, "int16_t", 2))
        lines = [constant(kind, name, block, str) for name, block, kind, _ in blocks]
        lines += self._columns(prepared, "int16_t", str, *fixed.slots)
        flash = sum(block.size * size for _, block, _, size in blocks)
        return "\n".join(lines), flash + self._column_bytes(prepared, 2)

    def _number_column(self, prepared: Prepared, k: int, start: str) -> list[str]:
        number = fixed_point(prepared, self.dtype).numbers[k]
        n = len(number.knots)
        lines = [constant("int32_t", f"knots_{k}", number.knots, str)] if n else []
        values = f"{start}, {n}, {number.low}, {number.high}, {number.middle}, {number.shift}"
        pointer = f"knots_{k}" if n else "0"
        return [*lines, f"static const number column_{k} = {{{values}, {pointer}}};"]


TARGET = Fixed
