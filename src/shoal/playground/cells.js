/**
 * Every number of one iteration, how it is made, and of what: for the panel that spells them out.
 * In the course's form: dZ2 = A2 - Y and dZ1 without the factor 1/m, which stands in dW and db.
 */

import { ACTIVATIONS, OUTPUTS } from "./functions.js";
import { backward, copy, forward, matrix, update } from "./engine.js";
import { collapse, difference } from "./insight.js";

/**
 * @typedef {import("./engine.js").Matrix} Matrix
 * @typedef {import("./engine.js").Block} Block
 * @typedef {import("./session.js").Session} Session
 *
 * What an operation is made of: names of matrices, and signs between them.
 * @typedef {{name: string, equation: string, parts: string[], code: string}} Operation
 */

/** @type {Record<string, Operation>} */
export const OPERATIONS = {
  Z1: {
    name: "Z1",
    equation: "Eq 1",
    parts: ["W1", "@", "X", "+", "b1"],
    code: "Z1 = W1 @ X + b1",
  },
  A1: { name: "A1", equation: "Eq 2", parts: ["g", "(", "Z1", ")"], code: "A1 = g(Z1)" },
  Z2: {
    name: "Z2",
    equation: "Eq 3",
    parts: ["W2", "@", "A1", "+", "b2"],
    code: "Z2 = W2 @ A1 + b2",
  },
  A2: { name: "A2", equation: "Eq 4", parts: ["σ", "(", "Z2", ")"], code: "A2 = output(Z2)" },
  J: {
    name: "J",
    equation: "Eq 5",
    parts: ["1/m", "Σ", "L", "(", "A2", ",", "Y", ")"],
    code: "J = losses(Z2, Y).mean()",
  },
  dZ2: { name: "dZ2", equation: "Eq 6", parts: ["A2", "−", "Y"], code: "dZ2 = A2 - Y" },
  dW2: {
    name: "dW2",
    equation: "Eq 7",
    parts: ["1/m", "dZ2", "@", "A1ᵀ"],
    code: "dW2 = dZ2 @ A1.T / m",
  },
  db2: {
    name: "db2",
    equation: "Eq 8",
    parts: ["1/m", "Σ", "dZ2"],
    code: "db2 = dZ2.sum(axis=1, keepdims=True) / m",
  },
  dZ1: {
    name: "dZ1",
    equation: "Eq 9",
    parts: ["W2ᵀ", "@", "dZ2", "∗", "g′", "(", "Z1", ")"],
    code: "dZ1 = (W2.T @ dZ2) * g_prime(Z1)",
  },
  dW1: {
    name: "dW1",
    equation: "Eq 10",
    parts: ["1/m", "dZ1", "@", "Xᵀ"],
    code: "dW1 = dZ1 @ X.T / m",
  },
  db1: {
    name: "db1",
    equation: "Eq 11",
    parts: ["1/m", "Σ", "dZ1"],
    code: "db1 = dZ1.sum(axis=1, keepdims=True) / m",
  },
  update: {
    name: "update",
    equation: "Eq 12",
    parts: ["θ", "←", "θ", "−", "α", "dθ"],
    code: "theta = theta - alpha * d_theta",
  },
};

/** A matrix of this iteration by its name, in the course's form. @param {Session} session
 * @param {string} name @returns {Matrix} */
export function matrixNamed(session, name) {
  const { cache, backward, J } = session.trace;
  const { train } = session.examples;
  const { parameters } = session.state;
  const { gradients } = backward;
  const m = train.X.cols;
  switch (name) {
    case "X":
    case "Y":
      return train[name];
    case "W1":
    case "b1":
    case "W2":
    case "b2":
      return parameters[name];
    case "Z1":
    case "Z2":
    case "A1":
    case "A2":
      return cache[name];
    case "J":
      return matrix(1, 1, [J]);
    case "dZ2":
      return { ...backward.dZ2, data: backward.dZ2.data.map((d) => d * m) };
    case "dZ1":
      return { ...backward.dZ1, data: backward.dZ1.data.map((d) => d * m) };
    case "dW1":
      return gradients.W1;
    case "db1":
      return gradients.b1;
    case "dW2":
      return gradients.W2;
    case "db2":
      return gradients.b2;
    case "g′(Z1)":
      return /** @type {Matrix} */ (cache.slope);
    case "W2 W1":
      return collapse(parameters).W;
    case "W2 b1 + b2":
      return collapse(parameters).b;
    case "W1′":
    case "b1′":
    case "W2′":
    case "b2′":
      return updated(session, /** @type {Block} */ (name.slice(0, 2)));
    default:
      throw new Error(`no matrix ${name}`);
  }
}

/** A block after the update. @param {Session} session @param {Block} block */
function updated({ state, trace }, block) {
  const theta = copy(state.parameters);
  update(theta, trace.backward.gradients, state.learning_rate, state.frozen); // Eq 12
  return theta[block];
}

/**
 * How one number is made: (Σ a·b, or Σ a, + plus) · factor, or f of one number.
 *
 * @typedef {object} Explanation
 * @property {number} value
 * @property {{a: number, b?: number}[]} [terms]
 * @property {number} [plus] a bias
 * @property {number} [divide] by m
 * @property {number} [factor] entry by entry
 * @property {{name: string, formula: string, of: number}} [call]
 * @property {{a: number, b?: number}} [minus] what is taken off
 * @property {number} [difference] the numerical derivative, beside a gradient
 */

/** @param {Session} session @param {string} name @param {number} row @param {number} col
 * @returns {Explanation} */
export function explain(session, name, row, col) {
  const get = (/** @type {string} */ other, /** @type {number} */ r, /** @type {number} */ c) => {
    const A = matrixNamed(session, other);
    return A.data[r * A.cols + c];
  };
  const { train } = session.examples;
  const { parameters, activation, output } = session.state;
  const m = train.X.cols;
  const value = get(name, row, col);
  /** Σ over the columns of two matrices' rows. @param {string} A @param {number} r @param {string} B @param {number} s */
  const along = (A, r, B, s) => {
    const [P, Q] = [matrixNamed(session, A), matrixNamed(session, B)];
    return Array.from({ length: m }, (_, i) => ({ a: P.data[r * m + i], b: Q.data[s * m + i] }));
  };
  const slopeOf = (/** @type {import("./engine.js").Block} */ block, /** @type {number} */ k) =>
    difference(train, parameters, session.form, block, k);
  const { gPrime, formula } = ACTIVATIONS[activation];
  switch (name) {
    case "Z1": {
      const terms = Array.from({ length: train.X.rows }, (_, k) => ({
        a: get("W1", row, k),
        b: get("X", k, col),
      }));
      return { value, terms, plus: get("b1", row, 0) };
    }
    case "A1":
      return { value, call: { name: "g", formula, of: get("Z1", row, col) } };
    case "Z2": {
      const { cols } = parameters.W2;
      const terms = Array.from({ length: cols }, (_, k) => ({
        a: get("W2", row, k),
        b: get("A1", k, col),
      }));
      return { value, terms, plus: get("b2", row, 0) };
    }
    case "A2":
      return {
        value,
        call: { name: "σ", formula: OUTPUTS[output].formula, of: get("Z2", row, col) },
      };
    case "J":
      return { value, terms: lossesOf(session).map((a) => ({ a })), divide: m };
    case "dZ2":
      return { value, terms: [{ a: get("A2", row, col) }], minus: { a: get("Y", row, col) } };
    case "dW2":
      return {
        value,
        terms: along("dZ2", row, "A1", col),
        divide: m,
        difference: slopeOf("W2", row * parameters.W2.cols + col),
      };
    case "db2":
      return {
        value,
        terms: rowTerms(session, "dZ2", row),
        divide: m,
        difference: slopeOf("b2", row),
      };
    case "dZ1": {
      const terms = Array.from({ length: parameters.W2.rows }, (_, k) => ({
        a: get("W2", k, row),
        b: get("dZ2", k, col),
      }));
      return { value, terms, factor: gPrime(get("Z1", row, col)) };
    }
    case "dW1":
      return {
        value,
        terms: along("dZ1", row, "X", col),
        divide: m,
        difference: slopeOf("W1", row * parameters.W1.cols + col),
      };
    case "db1":
      return {
        value,
        terms: rowTerms(session, "dZ1", row),
        divide: m,
        difference: slopeOf("b1", row),
      };
    case "W1′":
    case "b1′":
    case "W2′":
    case "b2′": {
      const block = name.slice(0, 2);
      const step = { a: session.state.learning_rate, b: get(`d${block}`, row, col) };
      return { value, terms: [{ a: get(block, row, col) }], minus: step };
    }
    case "g′(Z1)":
      return {
        value,
        call: { name: "g′", formula: ACTIVATIONS[activation].derivative, of: get("Z1", row, col) },
      };
    default:
      return { value };
  }
}

/** @param {Session} session @param {string} name @param {number} row */
function rowTerms(session, name, row) {
  const A = matrixNamed(session, name);
  return Array.from(A.data.subarray(row * A.cols, (row + 1) * A.cols), (a) => ({ a }));
}

/** The loss of each example learnt from. @param {Session} session */
export function lossesOf(session) {
  const { Z2 } = session.trace.cache;
  const { Y } = session.examples.train;
  const { total } = OUTPUTS[session.state.output];
  const column = (/** @type {Matrix} */ A, /** @type {number} */ i) =>
    Float64Array.from({ length: A.rows }, (_, j) => A.data[j * A.cols + i]);
  return Array.from({ length: Y.cols }, (_, i) => total(column(Z2, i), column(Y, i), Y.rows, 1));
}

/** The numerical derivatives beside a gradient's block. @param {Session} session
 * @param {import("./engine.js").Block} block @returns {Matrix} */
export function differences(session, block) {
  const { parameters } = session.state;
  const like = parameters[block];
  const values = Array.from(like.data, (_, k) =>
    difference(session.examples.train, parameters, session.form, block, k),
  );
  return matrix(like.rows, like.cols, values);
}

/** Sums over the first n examples, as the loop over m has them: J, dW1, db1, dW2, db2 so far.
 * @param {Session} session @param {number} n */
export function partialSums(session, n) {
  const { train } = session.examples;
  const { dZ2, dZ1 } = session.trace.backward;
  const { A1 } = session.trace.cache;
  const m = train.X.cols;
  /** @param {Matrix} D @param {Matrix | null} A */
  const sums = (D, A) => {
    const S = matrix(D.rows, A ? A.rows : 1);
    for (let j = 0; j < D.rows; j++) {
      for (let k = 0; k < S.cols; k++) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += D.data[j * m + i] * (A ? A.data[k * m + i] : 1);
        S.data[j * S.cols + k] = sum;
      }
    }
    return S;
  };
  return {
    dW2: sums(dZ2, A1),
    db2: sums(dZ2, null),
    dW1: sums(dZ1, train.X),
    db1: sums(dZ1, null),
  };
}

/** One example's values and the derivatives of its own loss. @param {Session} session @param {number} i */
export function gradientsOfExample(session, i) {
  const { points, parameters, activation } = session.state;
  const only = (/** @type {Matrix} */ A) =>
    matrix(
      A.rows,
      1,
      Array.from({ length: A.rows }, (_, j) => A.data[j * A.cols + i]),
    );
  const x = only(points.X);
  const y = only(points.Y);
  const { Z1, A1, Z2, A2, slope } = forward(x, parameters, session.form);
  const { dZ2, dZ1 } = backward(x, y, parameters, { Z1, A1, Z2, A2, slope });
  const { gPrime } = ACTIVATIONS[activation];
  const list = (/** @type {Matrix} */ A) => Array.from(A.data);
  const { W2 } = parameters;
  const da1 = list(Z1).map((_, j) => {
    let sum = 0;
    for (let r = 0; r < W2.rows; r++) sum += W2.data[r * W2.cols + j] * dZ2.data[r];
    return sum;
  });
  return {
    x: list(x),
    y: list(y),
    z1: list(Z1),
    a1: parameters.W1.rows ? list(A1) : [],
    z2: list(Z2),
    a2: list(A2),
    dz2: list(dZ2),
    da1,
    dz1: list(dZ1),
    slope: list(Z1).map(gPrime),
  };
}
