/**
 * What there is to know about a network and its data beside the twelve equations: accuracy, the
 * health of each unit, numerical gradients, sharpness, slices of the cost. No page in here.
 */

import { ACTIVATIONS, largestOf } from "./functions.js";
import { BLOCKS, backward, copy, cost, forward, makeBackward, makeCache, matrix } from "./engine.js";
import { RandomState } from "./random.js";

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
    return { meanSlope, dead, saturated: saturates && meanSlope < SATURATED, twin: twin(W1, b1, j) };
  });
}

export const SATURATED = 0.05;

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
      const theta = centre.map((c, k) => c + s * u[k] + t * v[k]);
      J.data[row * n + col] = cost(forward(X, unflat(theta, parameters), form, cache), Y, form);
    }
  }
  return J;
}

/** The vector less its part along u, made of length 1. @param {Float64Array} v @param {Float64Array} u */
export function orthogonal(v, u) {
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
  if (kind === "weights") return { u: unit(chosen[0]), v: unit(chosen[1]), centre: theta, reach: 3 };
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
export function swapped(parameters, j, k) {
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

/** Where a vector lies in a slice: its s and t.
 * @param {Float64Array} theta @param {{u: Float64Array, v: Float64Array, centre: Float64Array}} slice
 * @returns {[number, number]} */
export function project(theta, { u, v, centre }) {
  const from = theta.map((x, k) => x - centre[k]);
  return [dot(from, u), dot(from, v)];
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
    if (x >= x0 - room && x <= x1 + room && y >= y0 - room && y <= y1 + room && !near(p)) ends.push(p);
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
  const [[x0, y0], [x1, y1]] = segment(line, box) ?? [[box.x0, box.y0], [box.x1, box.y1]];
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
      const [a, b, c, d] = [field[at] - level, field[at + 1] - level, field[at + n + 1] - level, field[at + n] - level];
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
