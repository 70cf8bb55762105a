/** A table from text: commas, semicolons or tabs; quotes; a decimal comma where it is not the comma. */

import { matrix } from "./engine.js";
import { pointsOf } from "./points.js";
import { RandomState } from "./random.js";

export const LARGEST_FILE = 50e6; // bytes
const MOST_ROWS = 20000;
const MOST_INPUTS = 30;
const MOST_CLASSES = 10;

/** A fault of the table, by the name of its text. */
export class TableError extends Error {
  /** @param {string} key @param {Record<string, string | number>} [values] */
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/**
 * @typedef {{name: string, texts: string[], numbers: Float64Array | null}} Column
 *
 * @param {string} text @returns {Column[]}
 */
export function parseTable(text) {
  const rows = cells(text.replace(/^﻿/, ""));
  if (rows.length < 2) throw new TableError("csv.short");
  const width = rows[0].length;
  const bad = rows.findIndex((row) => row.length !== width);
  if (bad >= 0)
    throw new TableError("csv.ragged", { line: bad + 1, cells: rows[bad].length, width });
  const named = rows[0].some((cell) => cell !== "" && !Number.isFinite(number(cell, false)));
  const body = named ? rows.slice(1) : rows;
  return rows[0].map((name, k) => {
    const texts = body.map((row) => row[k]);
    return { name: named && name ? name : `x${k + 1}`, texts, numbers: numbersOf(texts) };
  });
}

/** @param {string} text @returns {string[][]} */
function cells(text) {
  const first = text.slice(0, (text.indexOf("\n") + 1 || text.length + 1) - 1);
  const comma = [";", "\t", ","].reduce((a, b) =>
    first.split(b).length > first.split(a).length ? b : a,
  );
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell.trim());
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
    cell = "";
  };
  for (let k = 0; k < text.length; k++) {
    const letter = text[k];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[k + 1] === '"') cell += text[k++];
      else quoted = false;
    } else if (letter === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (letter === comma) {
      row.push(cell.trim());
      cell = "";
    } else if (letter === "\n" || letter === "\r") endRow();
    else cell += letter;
  }
  if (quoted) throw new TableError("csv.quote");
  endRow();
  return rows;
}

/** @param {string} text @param {boolean} decimalComma */
function number(text, decimalComma) {
  if (text === "" || /^(na|nan|null|none|n\/a|\?)$/i.test(text)) return NaN;
  return /^[-+−]?[\d.,]+(e[-+]?\d+)?$/i.test(text)
    ? Number((decimalComma ? text.replace(",", ".") : text).replace("−", "-"))
    : NaN;
}

/** A column's numbers, missing ones as NaN; null where it holds other text. @param {string[]} texts */
function numbersOf(texts) {
  const decimalComma =
    texts.some((text) => /^[-+−]?\d+,\d+$/.test(text)) && !texts.some((text) => text.includes("."));
  const numbers = Float64Array.from(texts, (text) => number(text, decimalComma));
  const strange = texts.some(
    (text, k) =>
      Number.isNaN(numbers[k]) && text !== "" && !/^(na|nan|null|none|n\/a|\?)$/i.test(text),
  );
  return strange || numbers.every(Number.isNaN) ? null : numbers;
}

/** Whether a target is a class: text, or few different whole numbers. @param {Column} column */
export function isClass({ texts, numbers }) {
  return (
    !numbers ||
    (new Set(texts.filter(Boolean)).size <= MOST_CLASSES &&
      numbers.every((v) => Number.isNaN(v) || Number.isInteger(v)))
  );
}

/**
 * The numeric columns that could be inputs, the most telling about the target first: by the share
 * of their variance that is between the classes, or by their correlation with the target.
 * @param {Column[]} columns @param {number} target
 */
export function rankInputs(columns, target) {
  const inputs = columns
    .map((_, k) => k)
    .filter((k) => k !== target && columns[k].numbers && spread(columns[k].numbers).scale > 0);
  const goal = columns[target];
  const codes = goal.numbers && !isClass(goal) ? goal.numbers : null;
  const telling = (/** @type {number} */ k) => {
    const x = /** @type {Float64Array} */ (columns[k].numbers);
    return codes ? correlation(x, codes) ** 2 : between(x, goal.texts);
  };
  const ranked = inputs.map((k) => ({ k, value: telling(k) }));
  ranked.sort((a, b) => b.value - a.value);
  return ranked.map(({ k }) => k);
}

/** @param {Float64Array} x @param {Float64Array} y */
function correlation(x, y) {
  const [a, b] = [spread(x), spread(y)];
  let sum = 0;
  let n = 0;
  x.forEach((v, i) => {
    if (Number.isNaN(v) || Number.isNaN(y[i])) return;
    sum += (v - a.center) * (y[i] - b.center);
    n++;
  });
  return sum / n / (a.scale * b.scale || 1);
}

/** @param {Float64Array} x @param {string[]} labels */
function between(x, labels) {
  const { center, scale } = spread(x);
  /** @type {Map<string, {sum: number, n: number}>} */
  const groups = new Map();
  x.forEach((v, i) => {
    if (Number.isNaN(v)) return;
    const group = groups.get(labels[i]) ?? { sum: 0, n: 0 };
    group.sum += v;
    group.n++;
    groups.set(labels[i], group);
  });
  let total = 0;
  for (const { sum, n } of groups.values()) total += n * (sum / n - center) ** 2;
  return total / (x.length * scale ** 2 || 1);
}

/** Mean and standard deviation of what is there. @param {Float64Array | null} values */
function spread(values) {
  const there = (values ?? new Float64Array()).filter((v) => !Number.isNaN(v));
  const center = there.reduce((sum, v) => sum + v, 0) / (there.length || 1);
  const scale = Math.sqrt(
    there.reduce((sum, v) => sum + (v - center) ** 2, 0) / (there.length || 1),
  );
  return { center, scale };
}

/**
 * Points of a table: the chosen columns as inputs, the first two as the plane.
 * @param {Column[]} columns @param {{inputs: number[], target: number, scaled: boolean}} chosen
 * @returns {{points: import("./points.js").Points, dropped: number, sampled: number}}
 */
export function pointsOfTable(columns, { inputs, target, scaled }) {
  const used = inputs.slice(0, MOST_INPUTS);
  if (!used.length) throw new TableError("csv.noInput");
  const goal = columns[target];
  const classy = isClass(goal);
  let rows = goal.texts
    .map((_, i) => i)
    .filter(
      (i) =>
        goal.texts[i] !== "" &&
        used.every((k) => !Number.isNaN(columns[k].numbers?.[i])) &&
        (classy || !Number.isNaN(goal.numbers?.[i])),
    );
  const dropped = goal.texts.length - rows.length;
  if (rows.length < 2) throw new TableError("csv.empty");
  const before = rows.length;
  if (rows.length > MOST_ROWS) rows = sample(rows, MOST_ROWS);
  const labels = [...new Set(rows.map((i) => goal.texts[i]))].sort(
    (a, b) => Number(a) - Number(b) || (a < b ? -1 : 1),
  );
  if (classy && labels.length > MOST_CLASSES)
    throw new TableError("csv.classes", { n: labels.length, most: MOST_CLASSES });
  if (classy && labels.length < 2) throw new TableError("csv.oneClass", { class: labels[0] });
  const m = rows.length;
  const X = matrix(used.length, m);
  const described = used.map((k, row) => {
    const values = Float64Array.from(rows, (i) => columns[k].numbers?.[i] ?? NaN);
    const { center, scale } = scaled ? spread(values) : { center: 0, scale: 1 };
    values.forEach((v, i) => (X.data[row * m + i] = (v - center) / (scale || 1)));
    const sorted = X.data.slice(row * m, (row + 1) * m).sort();
    return {
      name: columns[k].name,
      center,
      scale: scale || 1,
      fixed: { value: sorted[m >> 1], min: sorted[0], max: sorted[m - 1] },
    };
  });
  const n_y = classy && labels.length > 2 ? labels.length : 1;
  const Y = matrix(n_y, m);
  rows.forEach((i, column) => {
    const label = labels.indexOf(goal.texts[i]);
    if (!classy) Y.data[column] = goal.numbers?.[i] ?? NaN;
    else if (n_y === 1) Y.data[column] = label;
    else Y.data[label * m + column] = 1;
  });
  const points = {
    ...pointsOf(X, Y),
    inputs: described,
    targets: [goal.name],
    classes: classy ? labels : [],
    plane: /** @type {[number, number]} */ (used.length > 1 ? [0, 1] : [0, 0]),
    fixed: described.map(({ fixed }) => fixed.value),
  };
  return { points, dropped, sampled: before - m };
}

/** @param {number[]} rows @param {number} n */
function sample(rows, n) {
  const random = new RandomState(0);
  return rows
    .map((row) => ({ row, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, n)
    .map(({ row }) => row)
    .sort((a, b) => a - b);
}
