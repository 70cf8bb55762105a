/** Time: training at a pace, steps of any size forwards and back, and any iteration reached. */

import { backward, copy, cost, forward, makeBackward, makeCache, update } from "./engine.js";
import { split } from "./points.js";
import { finite, norms } from "./trainer.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./session.js").State} State
 * @typedef {import("./trainer.js").Until} Until
 */

/** Trains at the pace of the settings until something stops it. @param {Session} session */
export async function play(session) {
  if (session.playing) return;
  const loop = begin(session);
  let due = 0;
  let last = await session.frame();
  while (session.playing && session.loop === loop) {
    const { speed } = session.settings;
    const now = await session.frame();
    due = speed === "max" ? Infinity : Math.min(due + ((now - last) * Number(speed)) / 1000, 5000);
    last = now;
    const whole = Math.floor(due);
    if (whole < 1) continue;
    const done = await train(session, whole, 12, "none");
    due = speed === "max" ? 0 : due - done;
  }
}

/**
 * Trains so many iterations, or until an event.
 * @param {Session} session @param {number} iterations @param {Until} until
 */
export async function advance(session, iterations, until = "none") {
  session.pause();
  const loop = begin(session);
  let left = iterations;
  while (left > 0 && session.playing && session.loop === loop) {
    left -= await train(session, Math.min(left, 20000), 50, until);
    await session.frame();
  }
  if (session.loop === loop) session.pause();
}

/** A new loop of training; it ends where another begins. @param {Session} session */
function begin(session) {
  if (session.stage) iterate(session); // the rest of what was begun operation by operation
  session.event = "";
  session.playing = true;
  session.notify();
  return ++session.loop;
}

/**
 * One order to the runner, and its report made the state.
 * @param {Session} session @param {number} iterations @param {number} milliseconds @param {Until} until
 * @returns {Promise<number>} iterations done
 */
async function train(session, iterations, milliseconds, until) {
  const { generation, state } = session;
  const { train, heldOut } = session.examples;
  const { parameters, learning_rate, frozen } = state;
  const report = await session.runner.run({
    train,
    heldOut,
    parameters,
    rule: { ...session.form, learning_rate, frozen },
    iterations,
    milliseconds,
    until,
    sharpness: session.settings.curve === "sharpness",
  });
  if (generation !== session.generation) return 0; // edited meanwhile
  session.history.truncate(state.iteration);
  session.timeline.truncate(state.iteration);
  session.history.append(report.records);
  const iteration = state.iteration + report.iterations;
  session.state = { ...state, parameters: report.parameters, iteration };
  session.timeline.add(session.state);
  if (report.event) {
    session.event = report.event;
    session.playing = false;
    session.facts.add(`event:${report.event}`);
  }
  session.changed();
  session.sharpness = report.sharpness;
  return report.iterations;
}

/** One iteration on this thread, so that it is there at once. @param {Session} session */
function iterate(session) {
  const { state, trace } = session;
  const parameters = copy(state.parameters);
  update(parameters, trace.backward.gradients, state.learning_rate, state.frozen); // Eq 12
  session.history.truncate(state.iteration);
  session.timeline.truncate(state.iteration);
  session.history.append(record(session));
  session.state = { ...state, parameters, iteration: state.iteration + 1 };
  session.timeline.add(session.state);
  session.event = Number.isFinite(session.trace.J) ? "" : "diverged";
  session.stage = 0;
  session.changed();
}

/** The row of the history that this state makes. @param {Session} session */
function record(session) {
  const { trace, state } = session;
  const row = [trace.J, trace.accuracy, trace.heldOutJ, trace.heldOutAccuracy];
  return Float64Array.from([
    ...row,
    ...norms(trace.backward.gradients),
    ...norms(state.parameters),
  ]);
}

/** The next operation of the iteration. @param {Session} session */
function stepOperation(session) {
  session.pause();
  session.event = "";
  session.facts.add(`op:${session.operations[session.stage]}`);
  if (session.stage === session.operations.length - 1) iterate(session);
  else session.stage++;
  session.notify();
}

/** To the end of the forward pass, of the backward pass, or of the update. @param {Session} session */
function stepHalf(session) {
  session.pause();
  const ends = [session.operations.indexOf("J") + 1, session.operations.length - 1];
  const next = ends.find((end) => end > session.stage);
  if (next === undefined) iterate(session);
  else session.stage = next;
  session.notify();
}

/** What the button "step" does, by its setting. @param {Session} session */
export async function step(session) {
  const { step } = session.settings;
  if (step === "op") stepOperation(session);
  else if (step === "half") stepHalf(session);
  else if (/^\d+$/.test(step)) await advance(session, Number(step));
  else await advance(session, Infinity, /** @type {Until} */ (step));
}

/** And the button "step back". @param {Session} session */
export function stepBack(session) {
  session.pause();
  session.facts.add("back");
  const { step } = session.settings;
  if (step === "op" || step === "half") {
    const last = session.operations.length - 1;
    const ends = [0, session.operations.indexOf("J") + 1, last];
    const { stage } = session;
    if (stage)
      session.stage = step === "op" ? stage - 1 : Math.max(...ends.filter((end) => end < stage));
    else if (session.state.iteration) {
      goTo(session, session.state.iteration - 1);
      session.stage = last;
    }
    session.notify();
    return;
  }
  goTo(session, Math.max(0, session.state.iteration - (Number(step) || 1)));
}

/**
 * The state of an earlier iteration, or of a later one that was reached before: the nearest kept
 * state before it, and the same iterations again.
 * @param {Session} session @param {number} iteration
 */
export function goTo(session, iteration) {
  session.pause();
  iteration = Math.max(iteration, session.timeline.first);
  const from = session.timeline.before(iteration);
  const parameters = copy(from.parameters);
  const { train } = split(from.points);
  const form = { activation: from.activation, output: from.output };
  const cache = makeCache(parameters, train.X, true);
  const room = makeBackward(parameters, train.X.cols);
  for (let t = from.iteration; t < iteration; t++) {
    forward(train.X, parameters, form, cache);
    const { gradients } = backward(train.X, train.Y, parameters, cache, room);
    update(parameters, gradients, from.learning_rate, from.frozen);
  }
  session.state = { ...from, parameters, iteration };
  const { activation, learning_rate } = from;
  session.settings = { ...session.settings, activation, learning_rate };
  session.stage = 0;
  session.event = "";
  session.changed();
}

/** Back to the last state from which training had not yet broken down. @param {Session} session */
export function undoEvent(session) {
  const states = session.timeline.states.filter(({ parameters }) => finite(parameters));
  const good = states.filter((state) => Number.isFinite(costOf(state)));
  goTo(session, good.length ? good[good.length - 1].iteration : 0);
}

/** @param {State} state */
function costOf({ points, parameters, activation, output }) {
  const { train } = split(points);
  return cost(forward(train.X, parameters, { activation, output }), train.Y, { output });
}
