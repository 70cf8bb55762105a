// Answers calls of the playground's engine: JSON lines of calls on stdin, JSON lines on stdout.
// A matrix is {rows, cols, data}; a number that JSON lacks (NaN, Infinity) is its name as text.

import { readFileSync } from "node:fs";

const folder = new URL("../src/shoal/playground/", import.meta.url);
const [datasets, engine, functions, insight, random, surface, trainer] = await Promise.all(
  ["datasets", "engine", "functions", "insight", "random", "surface", "trainer"].map(
    (name) => import(new URL(`${name}.js`, folder)),
  ),
);

const calls = {
  ...engine,
  ...insight,
  ...datasets,

  stream: ({ seed, kinds }) => {
    const state = new random.RandomState(seed);
    return kinds.map((kind) => (kind === "rand" ? state.uniform() : state.normal()));
  },

  activation: ({ name, Z }) => {
    const { g, gPrime, fill } = functions.ACTIVATIONS[name];
    const filled = [new Float64Array(Z.length), new Float64Array(Z.length)];
    fill?.(Float64Array.from(Z), ...filled);
    return { g: Z.map(g), gPrime: Z.map(gPrime), filled: fill ? filled : null };
  },

  /** Everything that one iteration computes. */
  iteration: ({ X, Y, parameters, form, learning_rate }) => {
    const cache = engine.forward(X, parameters, form);
    const { dZ2, dZ1, gradients } = engine.backward(X, Y, parameters, cache);
    const updated = engine.copy(parameters);
    engine.update(updated, gradients, learning_rate);
    const J = engine.cost(cache, Y, form);
    return { ...cache, cost: J, dZ2, dZ1, gradients, updated };
  },

  train: ({
    data,
    start,
    form,
    learning_rate,
    iterations,
    until = "none",
    every = 1,
    parameters,
  }) => {
    const theta = parameters ?? engine.initialize(...start.sizes, start);
    const rule = { ...form, learning_rate, frozen: {} };
    const order = { train: data, parameters: theta, rule, iterations, until };
    const all = { ...order, milliseconds: Infinity, sharpness: false };
    const report = new trainer.Trainer().run(all);
    const width = trainer.RECORDED.length;
    const costs = [];
    for (let t = 0; t < report.iterations; t += every) costs.push(report.records[t * width]);
    const cache = engine.forward(data.X, report.parameters, form);
    return {
      costs,
      event: report.event,
      iterations: report.iterations,
      parameters: report.parameters,
      cost: engine.cost(cache, data.Y, form),
      accuracy: insight.accuracy(cache, data.Y, form),
      health: insight.health(report.parameters, cache, form),
      collapsed: insight.collapse(report.parameters),
      sharpness: surface.sharpness(data, report.parameters, form),
    };
  },
};

const call = ([name, ...args]) => calls[name](...args.map(revive));

/** Data of matrices as typed arrays; the name of a data set as its points. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if ("draw" in value) return datasets.draw(value.draw, value);
  if ("rows" in value) return { ...value, data: Float64Array.from(value.data) };
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, revive(v)]));
}

const plain = (_, value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (line) console.log(JSON.stringify(call(JSON.parse(line)), plain));
}
