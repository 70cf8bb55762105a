/**
 * Small data sets to learn on, drawn as datasets.py draws them: the same seed, the same points.
 */

import { matrix } from "./engine.js";
import { RandomState } from "./random.js";

const { PI, cos, floor, sin, sqrt } = Math;

/**
 * @typedef {{m: number, noise: number, random_state: number}} Drawn
 * @typedef {{X: import("./engine.js").Matrix, Y: import("./engine.js").Matrix}} Data
 */

/**
 * X (2, m) and Y (1, m) of a rule that gives the label and the point without its noise. Rules that
 * need random numbers draw them all before the noise is drawn.
 *
 * @param {Drawn} how
 * @param {(random: RandomState, m: number) => (i: number) => [number, number, number]} prepare
 * @returns {Data}
 */
function noisy({ m, noise, random_state }, prepare) {
  const random = new RandomState(random_state);
  const rule = prepare(random, m);
  const X = matrix(2, m);
  const Y = matrix(1, m);
  for (let i = 0; i < m; i++) [X.data[i], X.data[m + i], Y.data[i]] = rule(i);
  const shift = random.randn(2 * m);
  X.data.forEach((x, k) => (X.data[k] = x + noise * shift[k]));
  return { X, Y };
}

/** @param {Drawn} how @returns {Data} */
function flower({ m, noise, random_state }) {
  const random = new RandomState(random_state);
  const n = floor(m / 2);
  const X = matrix(2, 2 * n);
  const Y = matrix(1, 2 * n);
  for (let j = 0; j < 2; j++) {
    const angles = random.randn(n);
    const radii = random.randn(n);
    const start = j * 3.12;
    const step = n > 1 ? ((j + 1) * 3.12 - start) / (n - 1) : 0;
    for (let i = 0; i < n; i++) {
      const last = n > 1 && i === n - 1; // linspace ends exactly where it was told to
      const t = (last ? (j + 1) * 3.12 : i * step + start) + angles[i] * noise;
      const r = 4 * sin(4 * t) + radii[i] * noise;
      X.data[n * j + i] = r * sin(t);
      X.data[2 * n + n * j + i] = r * cos(t);
      Y.data[n * j + i] = j;
    }
  }
  return { X, Y };
}

/** @param {Drawn} how @returns {Data} */
function line({ m, noise, random_state }) {
  const random = new RandomState(random_state);
  const X = matrix(2, m, random.randn(2 * m));
  const Y = matrix(1, m);
  const shift = random.randn(m);
  for (let i = 0; i < m; i++) {
    Y.data[i] = X.data[i] + X.data[m + i] + noise * shift[i] > 0 ? 1 : 0;
  }
  return { X, Y };
}

/** @type {Record<string, {noise: number, draw: (how: Drawn) => Data}>} with its usual noise */
export const DATASETS = {
  flower: { noise: 0.2, draw: flower },
  xor: {
    noise: 0.1,
    draw: (how) =>
      noisy(how, () => (i) => {
        const x = floor((i % 4) / 2) * 2 - 1;
        const y = (i % 2) * 2 - 1;
        return [x, y, x * y < 0 ? 1 : 0];
      }),
  },
  circles: {
    noise: 0.1,
    draw: (how) =>
      noisy(how, (random, m) => {
        const turn = random.rand(m);
        return (i) => {
          const t = 2 * PI * turn[i];
          const radius = i % 2 ? 0.5 : 1;
          return [radius * cos(t), radius * sin(t), i % 2];
        };
      }),
  },
  moons: {
    noise: 0.1,
    draw: (how) =>
      noisy(how, (random, m) => {
        const turn = random.rand(m);
        return (i) => {
          const t = PI * turn[i];
          return i % 2 ? [1 - cos(t), 0.5 - sin(t), 1] : [cos(t), sin(t), 0];
        };
      }),
  },
  blobs: {
    noise: 0.5,
    draw: (how) =>
      noisy(how, () => (i) => {
        const t = (PI * (i % 6)) / 3;
        return [3 * cos(t), 3 * sin(t), i % 2];
      }),
  },
  spiral: {
    noise: 0.1,
    draw: (how) =>
      noisy(how, (random, m) => {
        const square = random.rand(m);
        return (i) => {
          const r = sqrt(square[i]);
          const t = 3 * PI * r + PI * (i % 2);
          return [4 * r * cos(t), 4 * r * sin(t), i % 2];
        };
      }),
  },
  line: { noise: 0.1, draw: line },
};

/**
 * @param {string} name a key of DATASETS
 * @param {Partial<Drawn>} [how] @returns {Data}
 */
export function draw(name, { m = 400, noise = DATASETS[name].noise, random_state = 1 } = {}) {
  return DATASETS[name].draw({ m, noise, random_state });
}
