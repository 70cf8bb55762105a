/**
 * The network of the course "One hidden layer neural network", in its notation: the twin of
 * network.py, in float64. Examples are columns: X (n_x, m), Y (n_y, m). The labels Eq 1 to Eq 12
 * are those of docs/equations.md.
 *
 * With n_h = 0 there is no hidden layer: W1 is (0, n_x), W2 is (n_y, n_x), and A1 is X.
 */

import { ACTIVATIONS, OUTPUTS } from "./functions.js";
import { RandomState } from "./random.js";

/**
 * Numbers in rows: entry (j, i) is data[j * cols + i].
 * @typedef {{rows: number, cols: number, data: Float64Array}} Matrix
 *
 * W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1). Gradients come in the same shape.
 * @typedef {{W1: Matrix, b1: Matrix, W2: Matrix, b2: Matrix}} Parameters
 *
 * What the forward pass computes: Z1, A1 (n_h, m), Z2, A2 (n_y, m), and g′(Z1) for the backward
 * pass where it is wanted.
 * @typedef {{Z1: Matrix, A1: Matrix, Z2: Matrix, A2: Matrix, slope: Matrix | null}} Cache
 *
 * What the backward pass computes: the gradients, and the dZ2 and dZ1 on the way, of which each
 * has the factor 1/m in it, once for all.
 * @typedef {{dZ2: Matrix, dZ1: Matrix, gradients: Parameters}} Backward
 *
 * @typedef {"W1" | "b1" | "W2" | "b2"} Block
 * @typedef {{activation: string, output: string}} Form
 */

export const BLOCKS = /** @type {const} */ (["W1", "b1", "W2", "b2"]);
export const SCHEMES = /** @type {const} */ (["normal", "zeros", "xavier", "he"]);

/**
 * @param {number} rows @param {number} cols @param {ArrayLike<number>} [data]
 * @returns {Matrix}
 */
export function matrix(rows, cols, data) {
  return { rows, cols, data: data ? Float64Array.from(data) : new Float64Array(rows * cols) };
}

/** @param {number[][]} rows @param {number} [cols] needed only where there is no row */
export function matrixOf(rows, cols) {
  return matrix(rows.length, rows[0]?.length ?? cols ?? 0, rows.flat());
}

/** @param {Matrix} A @returns {number[][]} */
export function rowsOf(A) {
  return Array.from({ length: A.rows }, (_, j) =>
    Array.from(A.data.subarray(j * A.cols, (j + 1) * A.cols)),
  );
}

/** @param {Parameters} parameters @returns {Parameters} */
export function copy({ W1, b1, W2, b2 }) {
  const one = (/** @type {Matrix} */ A) => matrix(A.rows, A.cols, A.data);
  return { W1: one(W1), b1: one(b1), W2: one(W2), b2: one(b2) };
}

/**
 * Random weights and zero biases: W1 and then W2 from NumPy's legacy stream of the seed.
 *
 * @param {number} n_x @param {number} n_h @param {number} n_y
 * @param {{scheme?: string, scale?: number, random_state?: number}} [how]
 * @returns {Parameters}
 */
export function initialize(
  n_x,
  n_h,
  n_y,
  { scheme = "normal", scale = 0.01, random_state = 2 } = {},
) {
  const random = new RandomState(random_state);
  /** @param {number} n_out @param {number} n_in */
  const weights = (n_out, n_in) => {
    const spread = /** @type {Record<string, number>} */ ({
      normal: scale,
      zeros: 0,
      xavier: Math.sqrt(2 / Math.max(1, n_in + n_out)),
      he: Math.sqrt(2 / Math.max(1, n_in)),
    })[scheme];
    const W = matrix(n_out, n_in, random.randn(n_out * n_in));
    W.data.forEach((w, k) => (W.data[k] = w * spread + 0)); // + 0 makes the zeros' -0 a 0
    return W;
  };
  const W1 = weights(n_h, n_x);
  return { W1, b1: matrix(n_h, 1), W2: weights(n_y, n_h || n_x), b2: matrix(n_y, 1) };
}

/**
 * Room for a forward pass, to be used again and again while training.
 *
 * @param {Parameters} parameters @param {Matrix} X @param {boolean} [training]
 * @returns {Cache}
 */
export function makeCache({ W1, W2 }, X, training = false) {
  const m = X.cols;
  const hidden = () => matrix(W1.rows, m);
  return {
    Z1: hidden(),
    A1: W1.rows ? hidden() : X,
    Z2: matrix(W2.rows, m),
    A2: matrix(W2.rows, m),
    slope: training ? hidden() : null,
  };
}

/**
 * Computes the output, all examples at once.
 *
 * @param {Matrix} X @param {Parameters} parameters @param {Form} form
 * @param {Cache} [cache] that of `makeCache`, to write into
 */
export function forward(X, parameters, form, cache = makeCache(parameters, X, true)) {
  const { W1, b1, W2, b2 } = parameters;
  const { Z1, A1, Z2, A2, slope } = cache;
  if (W1.rows) {
    affine(W1, X, b1, Z1); // Eq 1: Z1 = W1 X + b1
    activate(form.activation, Z1.data, A1.data, slope && slope.data); // Eq 2: A1 = g(Z1)
  }
  affine(W2, A1, b2, Z2); // Eq 3: Z2 = W2 A1 + b2
  OUTPUTS[form.output].fill(Z2.data, A2.data, Z2.rows, Z2.cols); // Eq 4: A2 = output(Z2)
  return cache;
}

/** Z = W A + b. @param {Matrix} W @param {Matrix} A @param {Matrix} b @param {Matrix} Z */
function affine(W, A, b, Z) {
  const m = A.cols;
  const z = Z.data;
  const a = A.data;
  for (let j = 0; j < W.rows; j++) {
    z.fill(b.data[j], j * m, (j + 1) * m);
    for (let k = 0; k < W.cols; k++) {
      const w = W.data[j * W.cols + k];
      for (let i = j * m, end = i + m, n = k * m; i < end; i++, n++) z[i] += w * a[n];
    }
  }
}

/**
 * @param {string} name @param {Float64Array} Z @param {Float64Array} A
 * @param {Float64Array | null} slope
 */
function activate(name, Z, A, slope) {
  const { g, gPrime, fill } = ACTIVATIONS[name];
  if (fill) return fill(Z, A, slope);
  for (let i = 0; i < Z.length; i++) A[i] = g(Z[i]);
  if (slope) for (let i = 0; i < Z.length; i++) slope[i] = gPrime(Z[i]);
}

/**
 * Average loss of the examples, computed from Z2.
 *
 * @param {Pick<Cache, "Z2">} cache @param {Matrix} Y @param {Pick<Form, "output">} form
 */
export function cost({ Z2 }, Y, form) {
  return OUTPUTS[form.output].total(Z2.data, Y.data, Z2.rows, Z2.cols) / Z2.cols; // Eq 5: J
}

/** @param {Parameters} parameters @param {number} m @returns {Backward} room for `backward` */
export function makeBackward(parameters, m) {
  return {
    dZ2: matrix(parameters.W2.rows, m),
    dZ1: matrix(parameters.W1.rows, m),
    gradients: copy(parameters),
  };
}

/**
 * Gradients of the cost J by backpropagation, in the shapes of the parameters.
 *
 * @param {Matrix} X @param {Matrix} Y @param {Parameters} parameters
 * @param {Cache} cache of `forward` on the same X and parameters
 * @param {Backward} [into] that of `makeBackward`, to write into
 */
export function backward(X, Y, parameters, cache, into = makeBackward(parameters, X.cols)) {
  const { W1, W2 } = parameters;
  const { A1, A2, slope } = cache;
  const { dZ2, dZ1, gradients } = into;
  const m = X.cols;
  for (let i = 0; i < dZ2.data.length; i++) {
    dZ2.data[i] = (A2.data[i] - Y.data[i]) / m; // Eq 6: dZ2 = A2 - Y, with the 1/m of Eq 7 to 11
  }
  timesTransposed(dZ2, A1, gradients.W2); // Eq 7: dW2 = dZ2 A1ᵀ
  sumOfRows(dZ2, gradients.b2); // Eq 8: db2 = Σ dZ2
  if (!W1.rows || !slope) return into;
  const d1 = dZ1.data;
  const d2 = dZ2.data;
  const gPrime = slope.data;
  for (let j = 0; j < W1.rows; j++) {
    d1.fill(0, j * m, (j + 1) * m);
    for (let k = 0; k < W2.rows; k++) {
      const w = W2.data[k * W2.cols + j];
      for (let i = j * m, end = i + m, n = k * m; i < end; i++, n++) d1[i] += w * d2[n];
    }
  }
  for (let i = 0; i < d1.length; i++) d1[i] *= gPrime[i]; // Eq 9: dZ1 = W2ᵀ dZ2 ∗ g′(Z1)
  timesTransposed(dZ1, X, gradients.W1); // Eq 10: dW1 = dZ1 Xᵀ
  sumOfRows(dZ1, gradients.b1); // Eq 11: db1 = Σ dZ1
  return into;
}

/** P = D Aᵀ. @param {Matrix} D @param {Matrix} A @param {Matrix} P */
function timesTransposed(D, A, P) {
  const m = D.cols;
  const d = D.data;
  const a = A.data;
  for (let j = 0; j < D.rows; j++) {
    for (let k = 0; k < A.rows; k++) {
      let sum = 0;
      for (let i = j * m, end = i + m, n = k * m; i < end; i++, n++) sum += d[i] * a[n];
      P.data[j * P.cols + k] = sum;
    }
  }
}

/** @param {Matrix} D @param {Matrix} s */
function sumOfRows(D, s) {
  for (let j = 0; j < D.rows; j++) {
    let sum = 0;
    for (let i = 0; i < D.cols; i++) sum += D.data[j * D.cols + i];
    s.data[j] = sum;
  }
}

/**
 * Which parameters stay as they are: sets of indices into a block's data.
 * @typedef {{[block: string]: number[]}} Frozen
 *
 * One step of gradient descent, in place.
 *
 * @param {Parameters} parameters @param {Parameters} gradients @param {number} learning_rate
 * @param {Frozen} [frozen]
 */
export function update(parameters, gradients, learning_rate, frozen = {}) {
  for (const block of BLOCKS) {
    const theta = parameters[block].data;
    const dTheta = gradients[block].data;
    const kept = (frozen[block] ?? []).map((k) => /** @type {const} */ ([k, theta[k]]));
    for (let k = 0; k < theta.length; k++) theta[k] -= learning_rate * dTheta[k]; // Eq 12
    for (const [k, value] of kept) theta[k] = value;
  }
}
