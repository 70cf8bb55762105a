/**
 * What there is to know about a network and its data beside the twelve equations: accuracy, the
 * health of each unit, numerical gradients, the collapse of linear layers.
 */

import { ACTIVATIONS, largestOf } from "./functions.js";
import { copy, cost, forward, matrix } from "./engine.js";

/**
 * @typedef {import("./engine.js").Matrix} Matrix
 * @typedef {import("./engine.js").Parameters} Parameters
 * @typedef {import("./engine.js").Cache} Cache
 * @typedef {import("./engine.js").Form} Form
 * @typedef {{X: Matrix, Y: Matrix}} Data
 */

/**
 * The columns of A where keep says so. @param {Matrix} A @param {(i: number) => unknown} keep
 * @returns {Matrix}
 */
export function columns(A, keep) {
  const kept = Array.from({ length: A.cols }, (_, i) => i).filter(keep);
  const B = matrix(A.rows, kept.length);
  for (let j = 0; j < A.rows; j++) {
    kept.forEach((i, n) => (B.data[j * kept.length + n] = A.data[j * A.cols + i]));
  }
  return B;
}

/**
 * The class that each example is put in: that of the largest output.
 * @param {Pick<Cache, "A2">} cache @returns {number[]}
 */
export function predictions({ A2 }) {
  return Array.from({ length: A2.cols }, (_, i) => labelOf(A2, i));
}

/** The class in column i of Y or A2. @param {Matrix} A @param {number} i */
export function labelOf(A, i) {
  if (A.rows === 1) return A.data[i] > 0.5 ? 1 : 0;
  return (largestOf(A.data, A.rows, A.cols, i) - i) / A.cols;
}

/**
 * Share of the examples put in their class; R² where the output is a quantity.
 * @param {Pick<Cache, "A2">} cache @param {Matrix} Y @param {Pick<Form, "output">} form
 */
export function accuracy({ A2 }, Y, form) {
  if (form.output === "identity") return determination(A2, Y);
  let right = 0;
  for (let i = 0; i < Y.cols; i++) if (labelOf(A2, i) === labelOf(Y, i)) right++;
  return right / Y.cols;
}

/** R² = 1 - Σ(a - y)² / Σ(y - ȳ)². @param {Matrix} A2 @param {Matrix} Y */
function determination(A2, Y) {
  let residual = 0;
  let total = 0;
  for (let j = 0; j < Y.rows; j++) {
    const y = Y.data.subarray(j * Y.cols, (j + 1) * Y.cols);
    const mean = y.reduce((sum, v) => sum + v, 0) / y.length;
    y.forEach((v, i) => {
      residual += (A2.data[j * Y.cols + i] - v) ** 2;
      total += (v - mean) ** 2;
    });
  }
  return 1 - residual / total;
}

/** @param {Float64Array} values */
export function norm(values) {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
}

/**
 * The state of each hidden unit.
 *
 * @typedef {object} Health
 * @property {number} meanSlope average of g′(z) over the examples
 * @property {boolean} dead g′(z) = 0 for every example: it can learn no more
 * @property {boolean} saturated mean g′ below 0.05, of a g that flattens out
 * @property {number} twin the first other unit with the same weights and bias, or -1
 *
 * @param {Parameters} parameters @param {Cache} cache with its slope @param {Form} form
 * @returns {Health[]}
 */
export function health({ W1, b1 }, { slope }, form) {
  if (!slope) return [];
  const { saturates } = ACTIVATIONS[form.activation];
  const m = slope.cols;
  return Array.from({ length: W1.rows }, (_, j) => {
    const d = slope.data.subarray(j * m, (j + 1) * m);
    const meanSlope = d.reduce((sum, v) => sum + v, 0) / m;
    const dead = !saturates && d.every((v) => v === 0);
    return {
      meanSlope,
      dead,
      saturated: saturates && meanSlope < SATURATED,
      twin: twin(W1, b1, j),
    };
  });
}

const SATURATED = 0.05;

/** @param {Matrix} W1 @param {Matrix} b1 @param {number} j */
function twin(W1, b1, j) {
  const n = W1.cols;
  for (let k = 0; k < W1.rows; k++) {
    if (k === j || b1.data[k] !== b1.data[j]) continue;
    let same = true;
    for (let c = 0; c < n && same; c++) same = W1.data[j * n + c] === W1.data[k * n + c];
    if (same) return k;
  }
  return -1;
}

/** The slope of J by one parameter, from two values of J: (J(θ + h) - J(θ - h)) / 2h.
 * @param {Data} data @param {Parameters} parameters @param {Form} form
 * @param {import("./engine.js").Block} block @param {number} k index into the block's data
 */
export function difference({ X, Y }, parameters, form, block, k, h = 1e-5) {
  const moved = copy(parameters);
  const theta = moved[block].data;
  const at = theta[k];
  theta[k] = at + h;
  const above = cost(forward(X, moved, form), Y, form);
  theta[k] = at - h;
  const below = cost(forward(X, moved, form), Y, form);
  return (above - below) / (2 * h);
}

/**
 * The linear model that an identity-activated network is: W = W2 W1, b = W2 b1 + b2.
 * @param {Parameters} parameters @returns {{W: Matrix, b: Matrix}}
 */
export function collapse({ W1, b1, W2, b2 }) {
  if (!W1.rows) return { W: W2, b: b2 };
  const W = matrix(W2.rows, W1.cols);
  const b = matrix(W2.rows, 1, b2.data);
  for (let r = 0; r < W2.rows; r++) {
    for (let j = 0; j < W1.rows; j++) {
      const w = W2.data[r * W2.cols + j];
      b.data[r] += w * b1.data[j];
      for (let c = 0; c < W1.cols; c++) W.data[r * W.cols + c] += w * W1.data[j * W1.cols + c];
    }
  }
  return { W, b };
}
