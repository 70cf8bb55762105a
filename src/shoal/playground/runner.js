/** Hands orders to the worker, or trains on this thread where there can be no worker. */

import { Trainer } from "./trainer.js";

/**
 * @typedef {import("./trainer.js").Order} Order
 * @typedef {import("./trainer.js").Report} Report
 */

export class Runner {
  constructor() {
    /** @type {Map<number, (report: Report) => void>} */
    this.waiting = new Map();
    this.next = 0;
    /** @type {Worker | null} */
    this.worker = null;
    this.here = new Trainer();
    try {
      this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      this.worker.addEventListener("message", ({ data }) => this.answer(data.id, data.report));
      this.worker.addEventListener("error", () => this.giveUp());
    } catch {
      this.worker = null;
    }
    /** @type {Map<number, Order>} what would have to be done again without the worker */
    this.orders = new Map();
    /** @type {Order["train"]} the examples that the worker has */
    this.sent = undefined;
  }

  /** @param {Order} order with its examples; they are sent only when they are new @returns {Promise<Report>} */
  run(order) {
    return new Promise((resolve) => {
      const id = this.next++;
      this.waiting.set(id, resolve);
      this.orders.set(id, order);
      if (!this.worker) {
        setTimeout(() => this.do(id));
        return;
      }
      const { train, heldOut, ...rest } = order;
      const known = train === this.sent;
      this.sent = train;
      this.worker.postMessage({ id, order: known ? rest : order });
    });
  }

  /** @param {number} id */
  do(id) {
    const order = this.orders.get(id);
    if (order) this.answer(id, this.here.run(order));
  }

  /** @param {number} id @param {Report} report */
  answer(id, report) {
    const resolve = this.waiting.get(id);
    this.waiting.delete(id);
    this.orders.delete(id);
    resolve?.(report);
  }

  /** The worker did not start: what it was asked is done here. */
  giveUp() {
    this.worker = null;
    for (const id of [...this.waiting.keys()]) this.do(id);
  }
}
