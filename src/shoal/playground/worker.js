/** The worker: takes orders, trains, reports. */

import { Trainer } from "./trainer.js";

const trainer = new Trainer();

addEventListener("message", ({ data: { id, order } }) => {
  postMessage({ id, report: trainer.run(order) });
});
