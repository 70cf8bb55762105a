/** What was recorded of each iteration, and the states from which any of them can be made again. */

import { RECORDED } from "./trainer.js";

const WIDTH = RECORDED.length;
const ROWS = 1 << 15;

/**
 * Rows of RECORDED, one per iteration at first; when there are too many every second is dropped, so
 * that a run of a million iterations takes no more room than one of fifty thousand.
 */
export class History {
  /** @param {number} [first] iteration */
  constructor(first = 0) {
    this.first = first;
    this.stride = 1;
    this.length = first; // the iteration that comes next
    this.rows = new Float64Array(256 * WIDTH);
  }

  get count() {
    return Math.ceil((this.length - this.first) / this.stride);
  }

  /** @param {number} row */
  iterationOf(row) {
    return this.first + row * this.stride;
  }

  /** @param {Float64Array} records rows of the iterations from `length` on */
  append(records) {
    for (let at = 0; at < records.length; at += WIDTH, this.length++) {
      if (this.count === ROWS) this.thin();
      const done = this.length - this.first;
      if (done % this.stride) continue;
      const start = (done / this.stride) * WIDTH;
      if (start + WIDTH > this.rows.length) this.grow();
      this.rows.set(records.subarray(at, at + WIDTH), start);
    }
  }

  grow() {
    const larger = new Float64Array(2 * this.rows.length);
    larger.set(this.rows);
    this.rows = larger;
  }

  thin() {
    const count = this.count;
    for (let n = 0; 2 * n < count; n++) {
      this.rows.copyWithin(n * WIDTH, 2 * n * WIDTH, (2 * n + 1) * WIDTH);
    }
    this.stride *= 2;
  }

  /** Forgets the iterations from this one on. @param {number} iteration */
  truncate(iteration) {
    this.length = Math.max(this.first, Math.min(this.length, iteration));
  }

  /** One column of a recorded row. @param {number} row @param {number} column */
  at(row, column) {
    return this.rows[row * WIDTH + column];
  }

  /** A copy, for the runs that are kept. */
  clone() {
    const other = new History(this.first);
    other.stride = this.stride;
    other.length = this.length;
    other.rows = this.rows.slice(0, this.count * WIDTH);
    return other;
  }
}

const CHECKPOINTS = 400;

/**
 * States at some iterations, oldest first. An edit makes a second state of the same iteration.
 * @template {{iteration: number}} State
 */
export class Timeline {
  constructor() {
    /** @type {{state: State, edited: boolean}[]} */
    this.checkpoints = [];
  }

  /** @param {State} state @param {boolean} [edited] such a state cannot be made from an earlier one */
  add(state, edited = false) {
    this.checkpoints.push({ state, edited });
    if (this.checkpoints.length <= CHECKPOINTS) return;
    const half = this.checkpoints.length >> 1;
    this.checkpoints = this.checkpoints.filter(
      (checkpoint, k) => k === 0 || k >= half || checkpoint.edited || k % 2 === 0,
    );
  }

  get first() {
    return this.checkpoints[0].state.iteration;
  }

  /** The last state at or before an iteration. @param {number} iteration @returns {State} */
  before(iteration) {
    let found = this.checkpoints[0];
    for (const checkpoint of this.checkpoints) {
      if (checkpoint.state.iteration > iteration) break;
      found = checkpoint;
    }
    return found.state;
  }

  /** Forgets the states after an iteration. @param {number} iteration */
  truncate(iteration) {
    this.checkpoints = this.checkpoints.filter(
      ({ state }, k) => !k || state.iteration <= iteration,
    );
  }

  /** @returns {State[]} */
  get states() {
    return this.checkpoints.map(({ state }) => state);
  }
}
