/** The plane of two inputs: its grid, the lines of hidden units in it, and where a field is level. */

import { copy, matrix } from "./engine.js";

/**
 * @typedef {import("./engine.js").Matrix} Matrix
 * @typedef {import("./engine.js").Parameters} Parameters
 */

/**
 * Points of an n × n grid over a box of the plane of inputs `across` and `up`, the other inputs
 * held at `fixed`; the first row is the top one, as a picture's.
 *
 * @typedef {{x0: number, x1: number, y0: number, y1: number}} Box
 * @param {Box} box @param {number} n @param {number[]} fixed n_x values
 * @param {number} across @param {number} up @returns {Matrix} X (n_x, n²)
 */
export function grid({ x0, x1, y0, y1 }, n, fixed, across, up) {
  const X = matrix(fixed.length, n * n);
  fixed.forEach((value, k) => X.data.fill(value, k * n * n, (k + 1) * n * n));
  for (let row = 0; row < n; row++) {
    for (let col = 0; col < n; col++) {
      const at = row * n + col;
      X.data[across * n * n + at] = x0 + ((x1 - x0) * (col + 0.5)) / n;
      if (up !== across) X.data[up * n * n + at] = y1 + ((y0 - y1) * (row + 0.5)) / n;
    }
  }
  return X;
}

/**
 * The line in the plane on which a hidden unit's z is 0: a·x + b·y + c = 0.
 *
 * @typedef {{a: number, b: number, c: number}} Line
 * @typedef {{plane: [number, number], fixed: number[]}} Plane
 * @param {Parameters} parameters @param {number} j @param {Plane} plane @returns {Line}
 */
export function lineOf({ W1, b1 }, j, { plane: [across, up], fixed }) {
  const w = W1.data.subarray(j * W1.cols, (j + 1) * W1.cols);
  let c = b1.data[j];
  w.forEach((weight, k) => {
    if (k !== across && k !== up) c += weight * fixed[k];
  });
  return { a: w[across], b: up === across ? 0 : w[up], c };
}

/** The part of a line in a box, from one end to the other; null where it does not cross it.
 * @param {Line} line @param {Box} box @returns {[number, number][] | null} */
export function segment({ a, b, c }, { x0, x1, y0, y1 }) {
  /** @type {[number, number][]} */
  const ends = [];
  const near = (/** @type {[number, number]} */ p) =>
    ends.some(([x, y]) => Math.hypot(x - p[0], y - p[1]) < 1e-9 * (x1 - x0));
  const take = (/** @type {[number, number]} */ p) => {
    const [x, y] = p;
    const room = 1e-9 * (x1 - x0 + y1 - y0);
    if (x >= x0 - room && x <= x1 + room && y >= y0 - room && y <= y1 + room && !near(p))
      ends.push(p);
  };
  if (b) for (const x of [x0, x1]) take([x, -(a * x + c) / b]);
  if (a) for (const y of [y0, y1]) take([-(b * y + c) / a, y]);
  return ends.length > 1 ? ends.slice(0, 2) : null;
}

/** The unit's line moved, without turning, so that it passes through a point.
 * @param {Parameters} parameters @param {number} j @param {Plane} plane @param {[number, number]} to */
export function shiftLine(parameters, j, plane, [x, y]) {
  const { a, b, c } = lineOf(parameters, j, plane);
  const moved = copy(parameters);
  moved.b1.data[j] -= a * x + b * y + c;
  return moved;
}

/** The unit's line turned about a pivot so that it passes through a point, its weights as large as
 * before. @param {Parameters} parameters @param {number} j @param {Plane} plane
 * @param {[number, number]} pivot @param {[number, number]} to */
export function turnLine(parameters, j, plane, pivot, [x, y]) {
  const [across, up] = plane.plane;
  const { a, b } = lineOf(parameters, j, plane);
  const size = Math.hypot(a, b);
  const along = Math.hypot(x - pivot[0], y - pivot[1]);
  if (!size || !along || across === up) return parameters;
  let [p, q] = [(-(y - pivot[1]) / along) * size, ((x - pivot[0]) / along) * size];
  if (p * a + q * b < 0) [p, q] = [-p, -q];
  const turned = copy(parameters);
  const { data, cols } = turned.W1;
  data[j * cols + across] = p;
  data[j * cols + up] = q;
  return shiftLine(turned, j, plane, pivot);
}

/** The middle of a unit's line in a box, or of the box where the line is outside.
 * @param {Line} line @param {Box} box @returns {[number, number]} */
function middleOf(line, box) {
  const [[x0, y0], [x1, y1]] = segment(line, box) ?? [
    [box.x0, box.y0],
    [box.x1, box.y1],
  ];
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/** The unit's line turned by an angle about its middle. @param {Parameters} parameters
 * @param {number} j @param {Plane} plane @param {Box} box @param {number} angle */
export function turnLineBy(parameters, j, plane, box, angle) {
  const line = lineOf(parameters, j, plane);
  const [x, y] = middleOf(line, box);
  const along = Math.atan2(-line.a, line.b) + angle;
  return turnLine(parameters, j, plane, [x, y], [x + Math.cos(along), y + Math.sin(along)]);
}

/** The unit's line shifted across itself by a share of the box. @param {Parameters} parameters
 * @param {number} j @param {Plane} plane @param {Box} box @param {number} share */
export function shiftLineBy(parameters, j, plane, box, share) {
  const line = lineOf(parameters, j, plane);
  const size = Math.hypot(line.a, line.b) || 1;
  const [x, y] = middleOf(line, box);
  const by = (share * (box.x1 - box.x0)) / size;
  return shiftLine(parameters, j, plane, [x + by * line.a, y + by * line.b]);
}

/**
 * Where a field of n × n values (the first row on top) crosses a level: pieces of a line, in
 * fractions of the picture's width and height (marching squares).
 * @param {ArrayLike<number>} field @param {number} n @param {number} level
 * @returns {number[]} x, y, x, y of each piece
 */
export function contour(field, n, level) {
  /** @type {number[]} */
  const pieces = [];
  const cuts = new Float64Array(8);
  for (let row = 0; row < n - 1; row++) {
    for (let col = 0; col < n - 1; col++) {
      const at = row * n + col;
      const [a, b, c, d] = [
        field[at] - level,
        field[at + 1] - level,
        field[at + n + 1] - level,
        field[at + n] - level,
      ];
      if (a > 0 === b > 0 && b > 0 === c > 0 && c > 0 === d > 0) continue;
      let found = 0;
      const cut = (/** @type {number} */ x, /** @type {number} */ y) => {
        cuts[found++] = (col + 0.5 + x) / n;
        cuts[found++] = (row + 0.5 + y) / n;
      };
      if (a > 0 !== b > 0) cut(a / (a - b), 0);
      if (b > 0 !== c > 0) cut(1, b / (b - c));
      if (c > 0 !== d > 0) cut(1 - c / (c - d), 1);
      if (d > 0 !== a > 0) cut(0, 1 - d / (d - a));
      for (let k = 0; k < found; k++) pieces.push(cuts[k]);
    }
  }
  return pieces;
}
