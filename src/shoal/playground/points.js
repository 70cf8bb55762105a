/**
 * The examples on the page: their inputs, targets and which are held out; points can be added,
 * moved, flipped and erased. Every change makes new data, so that old states keep theirs.
 */

import { matrix, matrixOf } from "./engine.js";
import { columns, labelOf } from "./insight.js";
import { draw } from "./datasets.js";
import { RandomState } from "./random.js";

/**
 * @typedef {import("./engine.js").Matrix} Matrix
 *
 * One input: raw = centre + scale · scaled.
 * @typedef {{name: string, center: number, scale: number,
 *   fixed?: {value: number, min: number, max: number},
 *   levels?: {name: string, value: number}[]}} Input
 *
 * @typedef {object} Points
 * @property {Input[]} inputs
 * @property {Matrix} X (n_x, m) in scaled units
 * @property {Matrix} Y (n_y, m)
 * @property {string[]} targets
 * @property {string[]} classes names of the classes; none where the target is a quantity
 * @property {boolean[]} heldOut by example
 * @property {[number, number]} plane the inputs that the picture shows
 * @property {number[]} fixed values of the inputs, for the picture where they are not its axes
 * @property {string} note
 */

/** @type {(name: string) => Input} */
const plainInput = (name) => ({ name, center: 0, scale: 1 });

/** @param {import("./settings.js").Settings} settings @returns {Points} */
export function drawPoints({ data, m, noise, data_seed, held_out }) {
  const { X, Y } = draw(data, { m: m - (m % 2), noise, random_state: data_seed });
  return holdOut(pointsOf(X, Y), held_out);
}

/** Points of two plain inputs. @param {Matrix} X @param {Matrix} Y @returns {Points} */
export function pointsOf(X, Y) {
  const inputs = Array.from({ length: X.rows }, (_, k) => plainInput(`x${sub(k + 1)}`));
  const heldOut = Array(X.cols).fill(false);
  const fixed = Array(X.rows).fill(0);
  return {
    inputs,
    X,
    Y,
    targets: ["y"],
    classes: ["0", "1"],
    heldOut,
    plane: [0, 1],
    fixed,
    note: "",
  };
}

/** @param {number} k */
export function sub(k) {
  return String(k).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);
}

/** Holds a share of the examples out, drawn by a seed. @param {Points} points @param {number} share */
export function holdOut(points, share) {
  const m = points.X.cols;
  const order = Array.from(new RandomState(0).rand(m), (r, i) => /** @type {const} */ ([r, i]));
  order.sort(([a], [b]) => a - b);
  const heldOut = Array(m).fill(false);
  for (const [, i] of order.slice(0, Math.min(m - 1, Math.round(share * m)))) heldOut[i] = true;
  return { ...points, heldOut };
}

/** The examples learnt from, and those held out if there are any. @param {Points} points */
export function split({ X, Y, heldOut }) {
  if (!heldOut.includes(true)) return { train: { X, Y }, heldOut: null };
  const kept = (/** @type {number} */ i) => !heldOut[i];
  const out = (/** @type {number} */ i) => heldOut[i];
  return {
    train: { X: columns(X, kept), Y: columns(Y, kept) },
    heldOut: { X: columns(X, out), Y: columns(Y, out) },
  };
}

/** The number of example i among those learnt from, or -1 where it is held out. @param {Points} points @param {number} i */
export function columnOf({ heldOut }, i) {
  return heldOut[i] ? -1 : heldOut.slice(0, i).filter((out) => !out).length;
}

/** The example that is column n of those learnt from. @param {Points} points @param {number} n */
export function exampleOf({ heldOut }, n) {
  let seen = -1;
  return heldOut.findIndex((out) => !out && ++seen === n);
}

/** The column of Y that says a class. @param {Points} points @param {number} label */
function target({ Y }, label) {
  return Array.from({ length: Y.rows }, (_, j) => (Y.rows === 1 ? label : Number(j === label)));
}

/** @param {Points} points @param {number} across @param {number} up @param {number} label */
export function addPoint(points, across, up, label) {
  const { X, Y, plane, fixed, heldOut } = points;
  const x = fixed.slice();
  if (!isFlat(points)) x[plane[1]] = up;
  x[plane[0]] = across;
  return {
    ...points,
    X: appended(X, x),
    Y: appended(Y, target(points, label)),
    heldOut: [...heldOut, false],
  };
}

/** @param {Matrix} A @param {number[]} column */
function appended(A, column) {
  const B = matrix(A.rows, A.cols + 1);
  for (let j = 0; j < A.rows; j++) {
    B.data.set(A.data.subarray(j * A.cols, (j + 1) * A.cols), j * B.cols);
    B.data[j * B.cols + A.cols] = column[j];
  }
  return B;
}

/** @param {Points} points @param {number} i @param {number} across @param {number} up */
export function movePoint(points, i, across, up) {
  const X = matrix(points.X.rows, points.X.cols, points.X.data);
  const Y = matrix(points.Y.rows, points.Y.cols, points.Y.data);
  X.data[points.plane[0] * X.cols + i] = across;
  if (!isFlat(points)) X.data[points.plane[1] * X.cols + i] = up;
  else if (!points.classes.length) Y.data[i] = up;
  return { ...points, X, Y };
}

/** Puts example i into the next class. @param {Points} points @param {number} i */
export function flipPoint(points, i) {
  const { Y, classes } = points;
  if (!classes.length) return points;
  const next = target(points, (labelOf(Y, i) + 1) % classes.length);
  const flipped = matrix(Y.rows, Y.cols, Y.data);
  next.forEach((value, j) => (flipped.data[j * Y.cols + i] = value));
  return { ...points, Y: flipped };
}

/** @param {Points} points @param {number} i */
export function erasePoint(points, i) {
  if (points.heldOut.filter((out) => !out).length <= 1 && !points.heldOut[i]) return points;
  const kept = (/** @type {number} */ n) => n !== i;
  return {
    ...points,
    X: columns(points.X, kept),
    Y: columns(points.Y, kept),
    heldOut: points.heldOut.filter((_, n) => n !== i),
  };
}

/** Whether there is but one input: then the picture's other axis is the target.
 * @param {Points} points */
export function isFlat({ plane }) {
  return plane[0] === plane[1];
}

/** Where example i stands in the picture, from below. @param {Points} points @param {number} i */
export function heightOf(points, i) {
  const { X, Y, plane } = points;
  if (!isFlat(points)) return X.data[plane[1] * X.cols + i];
  return Y.rows === 1 ? Y.data[i] : 1;
}

/** The example nearest to a place of the plane, and its distance there. @param {Points} points
 * @param {number} across @param {number} up */
export function nearest(points, across, up) {
  const { X, plane } = points;
  let best = { i: -1, distance: Infinity };
  for (let i = 0; i < X.cols; i++) {
    const dx = X.data[plane[0] * X.cols + i] - across;
    const dy = heightOf(points, i) - up;
    const distance = Math.hypot(dx, dy);
    if (distance < best.distance) best = { i, distance };
  }
  return best;
}

/** The part of the plane to show: the points with a margin, both axes of one unit where both are
 * plain. @param {Points} points @returns {import("./geometry.js").Box} */
export function boxOf(points) {
  const { X, plane, inputs } = points;
  const ends = [0, 1].map((axis) => {
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < X.cols; i++) {
      const value = axis ? heightOf(points, i) : X.data[plane[0] * X.cols + i];
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const room = 0.12 * (high - low) || 1;
    return [low - room, high + room];
  });
  if (!isFlat(points) && plane.every((k) => inputs[k].scale === 1)) {
    const half = Math.max(...ends.map(([low, high]) => (high - low) / 2));
    ends.forEach((end, n) => {
      const middle = (end[0] + end[1]) / 2;
      ends[n] = [middle - half, middle + half];
    });
  }
  const [[x0, x1], [y0, y1]] = ends;
  return { x0, x1, y0, y1 };
}

/** Two-dimensional points as bytes: hundredths and the class. @param {Points} points */
export function packPoints({ X, Y, plane, heldOut }) {
  const m = X.cols;
  const bytes = new DataView(new ArrayBuffer(5 * m));
  for (let i = 0; i < m; i++) {
    plane.forEach((k, n) => {
      const hundredths = Math.round(100 * X.data[k * m + i]);
      bytes.setInt16(2 * (n * m + i), Math.max(-32768, Math.min(32767, hundredths)));
    });
    bytes.setUint8(4 * m + i, labelOf(Y, i) + (heldOut[i] ? 128 : 0));
  }
  return new Uint8Array(bytes.buffer);
}

/** @param {Uint8Array} packed @returns {Points} */
export function unpackPoints(packed) {
  const m = Math.floor(packed.length / 5);
  const bytes = new DataView(packed.buffer, packed.byteOffset);
  const X = matrix(2, m);
  for (let k = 0; k < 2 * m; k++) X.data[k] = bytes.getInt16(2 * k) / 100;
  const labels = Array.from(packed.subarray(4 * m), (byte) => byte & 127);
  const n = Math.max(...labels, 1) + 1;
  const Y =
    n === 2
      ? matrix(1, m, labels)
      : matrixOf(Array.from({ length: n }, (_, j) => labels.map((label) => Number(label === j))));
  const points = pointsOf(X, Y);
  points.classes = Array.from({ length: n }, (_, j) => String(j));
  points.heldOut = Array.from(packed.subarray(4 * m), (byte) => byte > 127);
  return points;
}
