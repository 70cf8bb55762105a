/** The network over the plane, once for all the pictures that show it. */

import { forward, makeCache } from "./engine.js";
import { grid } from "./geometry.js";
import { boxOf } from "./points.js";

/** @typedef {import("./geometry.js").Box} Box */

export class Field {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
    this.generation = -1;
    this.n = 0;
    /** @type {Box} */
    this.box = boxOf(session.state.points);
    this.boxOf = session.state.points;
  }

  /** Hidden and output values on the grid, of the state as it is now. */
  get cache() {
    const { session } = this;
    if (this.generation !== session.generation || !this.values) {
      this.generation = session.generation;
      this.fit();
      const { points, parameters } = session.state;
      this.n = parameters.W1.rows > 16 ? 64 : 96;
      const [across, up] = points.plane;
      const X = grid(this.box, this.n, points.fixed, across, up);
      this.values = forward(X, parameters, session.form, makeCache(parameters, X));
    }
    return this.values;
  }

  /** Keeps the box as long as the points are in it, so that a dragged point does not move it. */
  fit() {
    const { points } = this.session.state;
    if (points === this.boxOf) return;
    const fresh = boxOf(points);
    const { x0, x1, y0, y1 } = this.box;
    const same =
      points.inputs === this.boxOf.inputs && String(points.plane) === String(this.boxOf.plane);
    const inside =
      fresh.x0 >= x0 - 0.15 * (x1 - x0) &&
      fresh.x1 <= x1 + 0.15 * (x1 - x0) &&
      fresh.y0 >= y0 - 0.15 * (y1 - y0) &&
      fresh.y1 <= y1 + 0.15 * (y1 - y0);
    this.boxOf = points;
    if (!same || (!inside && !this.session.gesture)) this.box = fresh;
  }
}
