/** The cost as a surface over the parameters: its sharpness, and slices to look at. */

import {
  BLOCKS,
  backward,
  copy,
  cost,
  forward,
  makeBackward,
  makeCache,
  matrix,
} from "./engine.js";
import { norm } from "./insight.js";
import { RandomState } from "./random.js";

/**
 * @typedef {import("./engine.js").Matrix} Matrix
 * @typedef {import("./engine.js").Parameters} Parameters
 * @typedef {import("./engine.js").Form} Form
 * @typedef {import("./insight.js").Data} Data
 */

/** All parameters in one vector, W1, b1, W2, b2. @param {Parameters} parameters */
export function flat(parameters) {
  return Float64Array.from(BLOCKS.flatMap((block) => Array.from(parameters[block].data)));
}

/** @param {Float64Array} vector @param {Parameters} like @returns {Parameters} */
export function unflat(vector, like) {
  const parameters = copy(like);
  let at = 0;
  for (const block of BLOCKS) {
    const { data } = parameters[block];
    data.set(vector.subarray(at, at + data.length));
    at += data.length;
  }
  return parameters;
}

/** The gradient as a function of the parameters' vector. @param {Data} data
 * @param {Parameters} like @param {Form} form */
function gradientAt({ X, Y }, like, form) {
  const cache = makeCache(like, X, true);
  const room = makeBackward(like, X.cols);
  return (/** @type {Float64Array} */ vector) => {
    const parameters = unflat(vector, like);
    return flat(backward(X, Y, parameters, forward(X, parameters, form, cache), room).gradients);
  };
}

/**
 * Sharpness: the largest eigenvalue of the Hessian of J, by Lanczos's method, the Hessian times a
 * vector being a difference of gradients. Above 2/α gradient descent is unstable.
 *
 * @param {Data} data @param {Parameters} parameters @param {Form} form
 */
export function sharpness(data, parameters, form) {
  const gradient = gradientAt(data, parameters, form);
  const theta = flat(parameters);
  const n = theta.length;
  const h = 1e-5;
  /** @param {Float64Array} v */
  const hessianTimes = (v) => {
    const above = gradient(theta.map((t, k) => t + h * v[k]));
    const below = gradient(theta.map((t, k) => t - h * v[k]));
    return above.map((g, k) => (g - below[k]) / (2 * h));
  };
  /** @type {Float64Array[]} */
  const basis = [];
  /** @type {number[]} */
  const diagonal = [];
  /** @type {number[]} */
  const beside = [];
  let v = new RandomState(0).randn(n);
  let size = norm(v);
  while (basis.length < Math.min(n, 40) && size > 1e-9) {
    v = v.map((x) => x / size);
    basis.push(v);
    const w = hessianTimes(v);
    diagonal.push(dot(w, v));
    for (let pass = 0; pass < 2; pass++) {
      for (const q of basis) {
        const share = dot(w, q);
        q.forEach((x, k) => (w[k] -= share * x));
      }
    }
    size = norm(w);
    beside.push(size);
    v = w;
  }
  return largestEigenvalue(diagonal, beside);
}

/** @param {Float64Array} a @param {Float64Array} b */
function dot(a, b) {
  return a.reduce((sum, x, k) => sum + x * b[k], 0);
}

/** Of a symmetric tridiagonal matrix, by bisection on the number of eigenvalues above x.
 * @param {number[]} d @param {number[]} e */
function largestEigenvalue(d, e) {
  let radius = 0;
  d.forEach((x, k) => (radius = Math.max(radius, Math.abs(x) + (e[k - 1] ?? 0) + e[k])));
  let low = -radius;
  let high = radius;
  for (let step = 0; step < 60; step++) {
    const x = (low + high) / 2;
    let pivot = 1;
    let above = false;
    for (let k = 0; k < d.length && !above; k++) {
      pivot = d[k] - x - (k ? e[k - 1] ** 2 / (pivot || 1e-300) : 0);
      above = pivot > 0;
    }
    if (above) low = x;
    else high = x;
  }
  return (low + high) / 2;
}

/**
 * J over a plane through the parameters: θ + s u + t v, s and t in [-reach, reach].
 *
 * @param {Data} data @param {Parameters} parameters @param {Form} form
 * @param {{u: Float64Array, v: Float64Array, centre: Float64Array, reach: number}} slice
 * @param {number} n points each way @returns {Matrix} (n, n), the first row the largest t
 */
export function landscape({ X, Y }, parameters, form, { u, v, centre, reach }, n) {
  const J = matrix(n, n);
  const cache = makeCache(parameters, X);
  for (let row = 0; row < n; row++) {
    const t = reach - (2 * reach * row) / (n - 1);
    for (let col = 0; col < n; col++) {
      const s = -reach + (2 * reach * col) / (n - 1);
      const there = parametersAt({ u, v, centre }, [s, t], parameters);
      J.data[row * n + col] = cost(forward(X, there, form, cache), Y, form);
    }
  }
  return J;
}

/** The vector less its part along u, made of length 1. @param {Float64Array} v @param {Float64Array} u */
function orthogonal(v, u) {
  const share = dot(v, u) / (dot(u, u) || 1);
  const rest = v.map((x, k) => x - share * u[k]);
  const size = norm(rest) || 1;
  return rest.map((x) => x / size);
}

/**
 * Two directions to look at the cost along, of length 1 each.
 *
 * - "gradient": the steepest one and a random one;
 * - "weights": two chosen parameters, by their place in `flat`;
 * - "swap": towards the same network with two hidden units exchanged, and the gradient.
 *
 * @param {"gradient" | "weights" | "swap"} kind @param {[number, number]} chosen
 * @param {Data} data @param {Parameters} parameters @param {Form} form
 */
export function directions(kind, chosen, data, parameters, form) {
  const theta = flat(parameters);
  const unit = (/** @type {number} */ k) => theta.map((_, n) => (n === k ? 1 : 0));
  if (kind === "weights")
    return { u: unit(chosen[0]), v: unit(chosen[1]), centre: theta, reach: 3 };
  const zero = theta.map(() => 0);
  const gradient = orthogonal(gradientAt(data, parameters, form)(theta), zero);
  if (kind === "gradient") {
    const random = orthogonal(new RandomState(0).randn(theta.length), gradient);
    return { u: gradient, v: random, centre: theta, reach: 2 };
  }
  const across = flat(swapped(parameters, ...chosen)).map((x, k) => x - theta[k]);
  const half = norm(across) / 2;
  const u = orthogonal(across, zero);
  const centre = theta.map((x, k) => x + across[k] / 2);
  return { u, v: orthogonal(gradient, u), centre, reach: Math.max(1, 1.5 * half) };
}

/** The same network with hidden units j and k exchanged.
 * @param {Parameters} parameters @param {number} j @param {number} k */
function swapped(parameters, j, k) {
  const other = copy(parameters);
  for (const { data, cols } of [other.W1, other.b1]) {
    for (let c = 0; c < cols; c++) exchange(data, j * cols + c, k * cols + c);
  }
  for (let r = 0; r < other.W2.rows; r++) {
    exchange(other.W2.data, r * other.W2.cols + j, r * other.W2.cols + k);
  }
  return other;
}

/** @param {Float64Array} data @param {number} a @param {number} b */
function exchange(data, a, b) {
  [data[a], data[b]] = [data[b], data[a]];
}

/** The parameters at a place of a slice.
 * @param {{u: Float64Array, v: Float64Array, centre: Float64Array}} slice
 * @param {[number, number]} place its s and t @param {Parameters} like */
export function parametersAt({ u, v, centre }, [s, t], like) {
  return unflat(
    centre.map((c, k) => c + s * u[k] + t * v[k]),
    like,
  );
}

/** Where a vector lies in a slice: its s and t.
 * @param {Float64Array} theta @param {{u: Float64Array, v: Float64Array, centre: Float64Array}} slice
 * @returns {[number, number]} */
export function project(theta, { u, v, centre }) {
  const from = theta.map((x, k) => x - centre[k]);
  return [dot(from, u), dot(from, v)];
}
