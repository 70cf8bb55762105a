// Answers calls of the playground's modules that need no page: a call as JSON on stdin, its answer
// as JSON on stdout.

import { readFileSync } from "node:fs";

globalThis.ResizeObserver = class {}; // dom.js asks for one as soon as it is imported
globalThis.matchMedia = () => ({ matches: false });

const folder = new URL("../src/shoal/playground/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, folder));
const [
  cells,
  csv,
  engine,
  geometry,
  history,
  lessons,
  points,
  python,
  sessions,
  settings,
  strings,
  time,
  trainer,
] = await Promise.all(
  [
    "cells",
    "csv",
    "engine",
    "geometry",
    "history",
    "lessons",
    "points",
    "python_view",
    "session",
    "settings",
    "strings",
    "time",
    "trainer",
  ].map(load),
);

const rows = (parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, A]) => [name, engine.rowsOf(A)]));

/** A session that trains on this thread. */
function begin(chosen = {}, more = {}) {
  const runner = new trainer.Trainer();
  return new sessions.Session({
    settings: { ...settings.initialSettings(), ...chosen },
    runner: { run: async (order) => runner.run(order) },
    frame: async () => performance.now(),
    ...more,
  });
}

const seen = (session) => ({
  iteration: session.state.iteration,
  stage: session.stage,
  J: session.trace.J,
  m: session.state.points.X.cols,
  recorded: session.history.length,
  runs: session.runs.length,
  activation: session.state.activation,
  parameters: rows(session.state.parameters),
});

const calls = {
  /** Does one thing after the other, and says the state after each. */
  session: async ({ chosen, actions }) => {
    const session = begin(chosen);
    const states = [seen(session)];
    for (const [name, ...args] of actions) {
      if (name in time) await time[name](session, ...args);
      else if (name === "erase")
        session.editPoints(points.erasePoint(session.state.points, ...args));
      else session[name](...args);
      states.push(seen(session));
    }
    return states;
  },

  history: ({ n, cut }) => {
    const kept = new history.History();
    const width = trainer.RECORDED.length;
    for (let t = 0; t < n; t += 1000) {
      const records = new Float64Array(1000 * width);
      for (let k = 0; k < 1000; k++) records[k * width] = t + k;
      kept.append(records);
    }
    const wrong = [];
    for (let row = 0; row < kept.count; row++) {
      if (kept.at(row, 0) !== kept.iterationOf(row)) wrong.push(row);
    }
    const { length, rows: numbers } = kept;
    kept.truncate(cut);
    return {
      length,
      wrong,
      numbers: numbers.length,
      after: kept.length,
      last: kept.iterationOf(kept.count - 1),
    };
  },

  link: async ({ chosen }) => {
    const base = settings.initialSettings();
    const text = settings.writeLink({ ...base, ...chosen }, base, { lock: "data time" });
    return { text, ...settings.readLink(`#${text}`) };
  },

  readLink: ({ text }) => settings.readLink(text),

  packed: async ({ flower }) => {
    const before = points.drawPoints({ ...settings.initialSettings(), ...flower });
    const text = settings.toText(await settings.squeeze(points.packPoints(before), "compress"));
    const after = points.unpackPoints(await settings.squeeze(settings.toBytes(text), "decompress"));
    const apart = before.X.data.map((x, k) => Math.abs(x - after.X.data[k]));
    return {
      length: text.length,
      apart: Math.max(...apart),
      sameY: after.Y.data.every((y, k) => y === before.Y.data[k]),
      sameHeldOut: after.heldOut.every((out, i) => out === before.heldOut[i]),
    };
  },

  table: ({ text, target, scaled }) => {
    try {
      const columns = csv.parseTable(text);
      const goal = target ?? columns.length - 1;
      const inputs = csv.rankInputs(columns, goal);
      const {
        points: made,
        dropped,
        sampled,
      } = csv.pointsOfTable(columns, { inputs, target: goal, scaled: scaled ?? false });
      return {
        names: columns.map(({ name }) => name),
        inputs: made.inputs.map(({ name, center, scale }) => [name, center, scale]),
        X: engine.rowsOf(made.X),
        Y: engine.rowsOf(made.Y),
        classes: made.classes,
        dropped,
        sampled,
      };
    } catch (error) {
      if (!(error instanceof csv.TableError)) throw error;
      return { error: strings.t(error.key, error.values) };
    }
  },

  /** Every shown number of every operation, and what its explanation adds up to. */
  explained: async ({ chosen }) => {
    const session = begin({ scale: 0.7, ...chosen });
    await time.advance(session, 5);
    const worst = {};
    const after = engine.BLOCKS.filter((block) => session.n_h || block.endsWith("2"));
    const names = session.operations.filter((name) => name !== "update");
    for (const name of [...names, ...after.map((block) => `${block}′`)]) {
      const A = cells.matrixNamed(session, name);
      for (let row = 0; row < A.rows; row++) {
        for (const col of new Set([0, A.cols >> 1, A.cols - 1])) {
          const made = cells.explain(session, name, row, col);
          let value = made.call
            ? made.value
            : (made.terms ?? []).reduce((sum, { a, b = 1 }) => sum + a * b, 0);
          value =
            ((value + (made.plus ?? 0) - (made.minus ? made.minus.a * (made.minus.b ?? 1) : 0)) /
              (made.divide ?? 1)) *
            (made.factor ?? 1);
          const apart = Math.max(
            Math.abs(value - made.value),
            Math.abs((made.difference ?? made.value) - made.value),
          );
          worst[name] = Math.max(worst[name] ?? 0, apart);
        }
      }
    }
    return worst;
  },

  script: async ({ chosen, actions }) => {
    const session = begin(chosen);
    for (const [name, ...args] of actions) {
      if (name in time) await time[name](session, ...args);
      else session[name](...args);
    }
    return { script: python.scriptOf(session), J: session.trace.J };
  },

  line: ({ to }) => {
    const session = begin({ scale: 1 });
    const { points: data, parameters } = session.state;
    const size = (theta) => Math.hypot(theta.W1.data[0], theta.W1.data[1]);
    const off = (theta) => {
      const { a, b, c } = geometry.lineOf(theta, 0, data);
      return Math.abs(a * to[0] + b * to[1] + c);
    };
    const shifted = geometry.shiftLine(parameters, 0, data, to);
    const turned = geometry.turnLine(parameters, 0, data, [0.5, 0.5], to);
    const middle = geometry.lineOf(turned, 0, data);
    return {
      shifted: off(shifted),
      sameSlope: shifted.W1.data.every((w, k) => w === parameters.W1.data[k]),
      turned: off(turned),
      pivot: Math.abs(middle.a * 0.5 + middle.b * 0.5 + middle.c),
      size: Math.abs(size(turned) - size(parameters)),
    };
  },

  lessons: () =>
    lessons.LESSONS.map(({ id, title, story, settings: chosen, predict, tasks, moral }) => ({
      id,
      settings: Object.entries(chosen).every(
        ([name, value]) => settings.accepted(name, value) === value,
      ),
      right: predict.right < predict.answers.length,
      texts: [
        title,
        story,
        moral,
        predict.question,
        ...predict.answers,
        ...tasks.map(({ text }) => text),
      ],
    })),

  texts: () => strings.TEXTS,
  numbers: ({ texts }) => texts.map((text) => settings.readNumber(text)),
};

const plain = (_, value) =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
const [name, args] = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await calls[name](args ?? {}), plain));
