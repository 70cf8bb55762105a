/**
 * Activation functions g of the hidden layer, each beside its derivative g′, and the output
 * functions with their losses: the formulas of activations.py and losses.py.
 *
 * Exponentials are of negative numbers only, so nothing overflows, and the loss is computed from
 * the score z, never from a: at z = 40, y = 0 it is 40 where -log(1 - a) is infinite.
 */

const { abs, exp, expm1, log1p, max, min, sqrt } = Math;

/** @param {number} z */
export function sigmoid(z) {
  const e = exp(-abs(z));
  return (z >= 0 ? 1 : e) / (1 + e);
}

/** @param {number} z */
function sigmoidPrime(z) {
  const e = exp(-abs(z));
  return e / (1 + e) ** 2;
}

/** @param {number} z */
function tanhPrime(z) {
  const e = exp(-2 * abs(z));
  return (4 * e) / (1 + e) ** 2;
}

const LEAK = 0.01;
const GELU_SCALE = 2 * sqrt(2 / Math.PI);
const GELU_CUBE = 0.044715;

/** From |z| = 22 on the sigmoid is 0 or 1: the clip only keeps z³ finite. @param {number} z */
const geluClip = (z) => min(max(z, -22), 22);

/** @param {number} v */
const geluInner = (v) => GELU_SCALE * (v + GELU_CUBE * v ** 3);

/** @param {number} z */
function geluPrime(z) {
  const v = geluClip(z);
  const u = geluInner(v);
  return sigmoid(u) * (1 + v * sigmoid(-u) * GELU_SCALE * (1 + 3 * GELU_CUBE * v ** 2));
}

/**
 * @typedef {object} Activation
 * @property {(z: number) => number} g
 * @property {(z: number) => number} gPrime
 * @property {string} formula
 * @property {string} derivative
 * @property {boolean} saturates where g′ tends to 0
 * @property {boolean} kinked whether g′ jumps at 0
 * @property {number} largestDerivative
 * @property {(Z: Float64Array, A: Float64Array, D: Float64Array | null) => void} [fill] g and g′ of
 *   all entries at once, where the two share their exponential
 */

/** @type {Record<string, Activation>} */
export const ACTIVATIONS = {
  sigmoid: {
    g: sigmoid,
    gPrime: sigmoidPrime,
    formula: "1 / (1 + e^-z)",
    derivative: "g(z) (1 - g(z))",
    saturates: true,
    kinked: false,
    largestDerivative: 0.25,
  },
  tanh: {
    g: Math.tanh,
    gPrime: tanhPrime,
    formula: "(e^z - e^-z) / (e^z + e^-z)",
    derivative: "1 - g(z)²",
    saturates: true,
    kinked: false,
    largestDerivative: 1,
    fill(Z, A, D) {
      for (let i = 0; i < Z.length; i++) {
        // Of e^-2|z| both are made, and of 1 less near 0, so that neither loses digits.
        const z = Z[i];
        const u = -2 * abs(z);
        const near = u > -0.7;
        const f = near ? expm1(u) : exp(u);
        const e = near ? 1 + f : f;
        const a = (near ? -f : 1 - f) / (1 + e);
        A[i] = z < 0 ? -a : a;
        if (D) D[i] = (4 * e) / ((1 + e) * (1 + e));
      }
    },
  },
  relu: {
    g: (z) => max(0, z),
    gPrime: (z) => (z > 0 ? 1 : 0),
    formula: "max(0, z)",
    derivative: "1 if z > 0 else 0",
    saturates: false,
    kinked: true,
    largestDerivative: 1,
  },
  leaky_relu: {
    g: (z) => max(LEAK * z, z),
    gPrime: (z) => (z > 0 ? 1 : LEAK),
    formula: "max(0.01 z, z)",
    derivative: "1 if z > 0 else 0.01",
    saturates: false,
    kinked: true,
    largestDerivative: 1,
  },
  identity: {
    g: (z) => z,
    gPrime: () => 1,
    formula: "z",
    derivative: "1",
    saturates: false,
    kinked: false,
    largestDerivative: 1,
  },
  softplus: {
    g: (z) => max(z, 0) + log1p(exp(-abs(z))),
    gPrime: sigmoid,
    formula: "ln(1 + e^z)",
    derivative: "1 / (1 + e^-z)",
    saturates: true,
    kinked: false,
    largestDerivative: 1,
  },
  gelu: {
    g: (z) => z * sigmoid(geluInner(geluClip(z))),
    gPrime: geluPrime,
    formula: "z σ(2u), u = √(2/π) (z + 0.044715 z³)",
    derivative: "σ(2u) (1 + 2 z σ(-2u) du/dz)",
    saturates: true,
    kinked: false,
    largestDerivative: 1.12899307,
  },
  silu: {
    g: (z) => z * sigmoid(z),
    gPrime: (z) => sigmoid(z) * (1 + z * sigmoid(-z)),
    formula: "z / (1 + e^-z)",
    derivative: "σ(z) (1 + z σ(-z))",
    saturates: true,
    kinked: false,
    largestDerivative: 1.09983932,
  },
};

/**
 * One column of the output layer: z (n_y numbers from `Z[at]` on, `step` apart).
 *
 * @typedef {object} Output
 * @property {(Z: Float64Array, A: Float64Array, n_y: number, m: number) => void} fill A2 (Eq 4)
 * @property {(Z: Float64Array, Y: Float64Array, n_y: number, m: number) => number} total sum of
 *   the losses of all examples
 * @property {string} formula
 * @property {string} loss
 */

/** @type {Record<string, Output>} */
export const OUTPUTS = {
  sigmoid: {
    formula: "1 / (1 + e^-z)",
    loss: "-(y log a + (1 - y) log(1 - a)) = log(1 + e^z) - y z",
    fill(Z, A) {
      for (let i = 0; i < Z.length; i++) A[i] = sigmoid(Z[i]);
    },
    total(Z, Y) {
      let sum = 0;
      for (let i = 0; i < Z.length; i++) {
        const z = Z[i];
        sum += max(z, 0) - Y[i] * z + log1p(exp(-abs(z)));
      }
      return sum;
    },
  },
  softmax: {
    formula: "e^z / Σ e^z",
    loss: "-Σ y log a = log Σ e^z - Σ y z",
    fill(Z, A, n_y, m) {
      for (let i = 0; i < m; i++) {
        const largest = Z[largestOf(Z, n_y, m, i)];
        let sum = 0;
        for (let j = 0; j < n_y; j++) sum += A[j * m + i] = exp(Z[j * m + i] - largest);
        for (let j = 0; j < n_y; j++) A[j * m + i] /= sum;
      }
    },
    total(Z, Y, n_y, m) {
      let sum = 0;
      for (let i = 0; i < m; i++) {
        const at = largestOf(Z, n_y, m, i);
        let others = 0; // log1p adds the largest's 1 without losing the rest
        for (let j = 0; j < n_y; j++) {
          const z = Z[j * m + i] - Z[at];
          if (j * m + i !== at) others += exp(z);
          sum -= Y[j * m + i] * z;
        }
        sum += log1p(others);
      }
      return sum;
    },
  },
  identity: {
    formula: "z",
    loss: "(a - y)² / 2",
    fill(Z, A) {
      A.set(Z);
    },
    total(Z, Y) {
      let sum = 0;
      for (let i = 0; i < Z.length; i++) sum += (Z[i] - Y[i]) ** 2 / 2;
      return sum;
    },
  },
};

/**
 * Where the largest entry of column i is.
 * @param {Float64Array} Z @param {number} n_y @param {number} m @param {number} i
 */
export function largestOf(Z, n_y, m, i) {
  let at = i;
  for (let j = 1; j < n_y; j++) if (Z[j * m + i] > Z[at]) at = j * m + i;
  return at;
}
