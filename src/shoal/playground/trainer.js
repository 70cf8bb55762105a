/**
 * Gradient descent as in the course, many iterations per call: forward, cost, backward, update.
 * Runs in the worker, and without one just as well.
 */

import {
  BLOCKS,
  backward,
  copy,
  cost,
  forward,
  makeBackward,
  makeCache,
  update,
} from "./engine.js";
import { accuracy, norm } from "./insight.js";
import { sharpness } from "./surface.js";

/**
 * What is recorded of each iteration, before its update: cost and accuracy on the examples learnt
 * from and on those held out, norms of the gradient by layer and of the weights by layer.
 */
export const RECORDED = /** @type {const} */ ([
  "J",
  "accuracy",
  "heldOutJ",
  "heldOutAccuracy",
  "dLayer1",
  "dLayer2",
  "layer1",
  "layer2",
]);

/**
 * @typedef {import("./insight.js").Data} Data
 * @typedef {import("./engine.js").Parameters} Parameters
 * @typedef {import("./engine.js").Form & {learning_rate: number,
 *   frozen: import("./engine.js").Frozen}} Rule
 *
 * @typedef {"rise" | "dead" | "accuracy" | "none"} Until
 *
 * @typedef {object} Order
 * @property {Data} [train] kept from the last order where it is missing
 * @property {Data | null} [heldOut]
 * @property {Parameters} parameters
 * @property {Rule} rule
 * @property {number} iterations at most
 * @property {number} milliseconds at most
 * @property {Until} until
 * @property {boolean} sharpness whether it is wanted too
 *
 * @typedef {object} Report
 * @property {Parameters} parameters
 * @property {number} iterations done
 * @property {Float64Array} records iterations × RECORDED.length
 * @property {string} event why it stopped early: one of Until, "diverged", or ""
 * @property {number | null} sharpness
 */

export class Trainer {
  constructor() {
    /** @type {Data | null} */
    this.train = null;
    /** @type {Data | null} */
    this.heldOut = null;
  }

  /** @param {Order} order @returns {Report} */
  run({ train, heldOut, parameters, rule, iterations, milliseconds, until, sharpness: wanted }) {
    if (train) {
      this.train = train;
      this.heldOut = heldOut ?? null;
    }
    if (!this.train) throw new Error("an order needs examples");
    const { X, Y } = this.train;
    const theta = copy(parameters);
    const cache = makeCache(theta, X, true);
    const room = makeBackward(theta, X.cols);
    const start = performance.now();
    /** @type {number[]} */
    const records = [];
    let event = "";
    let done = 0;
    let before = { J: Infinity, right: NaN, dead: Infinity };
    while (done <= iterations) {
      forward(X, theta, rule, cache);
      const J = cost(cache, Y, rule);
      const right = accuracy(cache, Y, rule);
      const dead = until === "dead" ? countDead(cache) : 0;
      if (!Number.isFinite(J)) event = "diverged";
      else if (until === "rise" && J > before.J) event = "rise";
      else if (until === "dead" && dead > before.dead) event = "dead";
      else if (until === "accuracy" && done && right !== before.right) event = "accuracy";
      before = { J, right, dead };
      if (event || done === iterations) break;
      if (performance.now() - start > milliseconds) break;
      const { gradients } = backward(X, Y, theta, cache, room);
      records.push(J, right, ...this.onHeldOut(theta, rule), ...norms(gradients), ...norms(theta));
      update(theta, gradients, rule.learning_rate, rule.frozen); // Eq 12
      done++;
    }
    return {
      parameters: theta,
      iterations: done,
      records: Float64Array.from(records),
      event,
      sharpness: wanted ? sharpness(this.train, theta, rule) : null,
    };
  }

  /** @param {Parameters} parameters @param {Rule} rule @returns {[number, number]} */
  onHeldOut(parameters, rule) {
    if (!this.heldOut) return [NaN, NaN];
    const { X, Y } = this.heldOut;
    const cache = forward(X, parameters, rule, makeCache(parameters, X));
    return [cost(cache, Y, rule), accuracy(cache, Y, rule)];
  }
}

/** By layer. @param {Parameters} blocks @returns {[number, number]} */
export function norms({ W1, b1, W2, b2 }) {
  const both = (/** @type {Float64Array} */ W, /** @type {Float64Array} */ b) =>
    Math.hypot(norm(W), norm(b));
  return [both(W1.data, b1.data), both(W2.data, b2.data)];
}

/** Units whose g′ is 0 for every example. @param {import("./engine.js").Cache} cache */
function countDead({ slope }) {
  if (!slope) return 0;
  let dead = 0;
  for (let j = 0; j < slope.rows; j++) {
    if (slope.data.subarray(j * slope.cols, (j + 1) * slope.cols).every((d) => d === 0)) dead++;
  }
  return dead;
}

/** Whether every parameter is a finite number. @param {Parameters} parameters */
export function finite(parameters) {
  return BLOCKS.every((block) => parameters[block].data.every(Number.isFinite));
}
