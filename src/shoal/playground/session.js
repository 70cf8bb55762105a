/**
 * The state of the playground and all that can be done to it: begin, set, edit, undo; time.js trains.
 * Views read it and call it; they never write into it.
 */

import { backward, copy, cost, forward, initialize } from "./engine.js";
import { accuracy, health } from "./insight.js";
import { History, Timeline } from "./history.js";
import { drawPoints, holdOut, split } from "./points.js";
import { SETTINGS, accepted } from "./settings.js";
import { finite } from "./trainer.js";

/**
 * @typedef {import("./engine.js").Parameters} Parameters
 * @typedef {import("./engine.js").Block} Block
 * @typedef {import("./points.js").Points} Points
 * @typedef {import("./settings.js").Settings} Settings
 *
 * All that decides what comes next. States are never changed, only replaced.
 * @typedef {object} State
 * @property {Points} points
 * @property {Parameters} parameters
 * @property {Parameters} start what "rewind" goes back to
 * @property {import("./engine.js").Frozen} frozen
 * @property {number} iteration
 * @property {string} activation
 * @property {string} output
 * @property {number} learning_rate
 *
 * A run that was left for another, kept for comparison.
 * @typedef {object} Run
 * @property {number} number
 * @property {Settings} settings
 * @property {History} history
 * @property {number} iteration
 * @property {number} J
 * @property {number} accuracy
 */

/** One iteration, operation by operation. */
const FORWARD = ["Z1", "A1", "Z2", "A2", "J"];
const BACKWARD = ["dZ2", "dW2", "db2", "dZ1", "dW1", "db1"];
const HIDDEN_ONLY = ["Z1", "A1", "dZ1", "dW1", "db1"];

/** Settings that begin anew when they change. */
const OF_DATA = ["data", "m", "noise", "data_seed"];
const OF_START = ["n_h", "scheme", "scale", "random_state"];
const RUNS_KEPT = 8;
const UNDOS_KEPT = 100;

export class Session {
  /**
   * @param {object} begin
   * @param {Settings} begin.settings
   * @param {Points} [begin.points] the settings say which, if not given
   * @param {Parameters} [begin.parameters] likewise
   * @param {string} [begin.output]
   * @param {{run: (order: import("./trainer.js").Order) => Promise<import("./trainer.js").Report>}} begin.runner
   * @param {() => Promise<number>} begin.frame resolves when the next picture is due, to its time
   */
  constructor({ settings, points, parameters, output, runner, frame }) {
    this.settings = settings;
    this.runner = runner;
    this.frame = frame;
    /** @type {(() => void)[]} */
    this.listeners = [];
    /** @type {Run[]} */
    this.runs = [];
    this.runNumber = 1;
    /** @type {object[]} */
    this.undos = [];
    /** @type {object[]} */
    this.redos = [];
    this.gesture = false;
    /** @type {string[]} controls that a link locks, and those that it hides */
    this.locks = [];
    /** @type {string[]} */
    this.hidden = [];
    this.playing = false;
    this.loop = 0; // of training, so that only the last one goes on
    this.generation = 0; // of the state, so that a report on an older one is dropped
    this.stage = 0; // operations done in this iteration
    this.event = ""; // why training stopped by itself
    /** @type {number | null} */
    this.sharpness = null;
    this.selected = -1; // hidden unit
    /** @type {{name: string, row: number, col: number} | null} the cell that is spelt out */
    this.cell = { name: "Z1", row: 0, col: 0 };
    this.facts = new Set(); // what lessons ask whether it was done
    this.history = new History();
    /** @type {Timeline<State>} */
    this.timeline = new Timeline();
    /** @type {ReturnType<Session["compute"]> | null} */
    this.traced = null;
    /** @type {{points: Points, examples: ReturnType<typeof split>} | null} */
    this.halves = null;
    /** What the host handed over, to come back to. */
    this.host = { settings, points, parameters };
    /** @type {Points | null} */
    this.ownPoints = points ?? null;
    this.begin(this.drawn(), parameters, output);
  }

  // ---- beginnings ------------------------------------------------------------------------------

  /**
   * @param {Points} points @param {Parameters} [parameters] @param {string} [output]
   * @param {import("./engine.js").Frozen} [frozen]
   */
  begin(points, parameters, output = outputOf(points), frozen = {}) {
    const { n_h, activation, learning_rate } = this.settings;
    const start = parameters ?? initialize(points.X.rows, n_h, points.Y.rows, this.startOf());
    /** @type {State} */
    this.state = {
      points,
      start,
      parameters: copy(start),
      frozen,
      iteration: 0,
      activation,
      output,
      learning_rate,
    };
    this.history = new History();
    this.timeline = new Timeline();
    this.timeline.add(this.state, true);
    if (this.selected >= start.W1.rows) this.selected = -1;
    if (this.settings.example >= points.X.cols) this.settings.example = 0;
    this.changed();
  }

  /** The points that the settings say. */
  drawn() {
    return this.settings.data === "own" && this.ownPoints
      ? this.ownPoints
      : drawPoints(this.settings);
  }

  /** Another's weights, from the middle of their run: rewind goes to the start of the settings.
   * @param {Parameters} parameters @param {number} iteration */
  continueFrom(parameters, iteration) {
    const start = iteration ? this.state.start : copy(parameters);
    this.state = { ...this.state, parameters, iteration, start };
    this.history = new History(iteration);
    this.timeline = new Timeline();
    this.timeline.add(this.state, true);
    this.changed();
  }

  startOf() {
    const { scheme, scale, random_state } = this.settings;
    return { scheme, scale, random_state };
  }

  /** Back to iteration 0 and the same start; what was learnt is kept as a run. */
  rewind() {
    this.remember();
    this.keepRun();
    const { points, start, output, frozen } = this.state;
    this.pause();
    this.begin(points, start, output, frozen);
  }

  /** Another start: the next seed. */
  newStart() {
    this.set("random_state", this.settings.random_state + 1);
  }

  keepRun() {
    const { iteration } = this.state;
    if (iteration < 1) return;
    const { J, accuracy } = this.trace;
    const settings = { ...this.settings, n_h: this.n_h };
    const history = this.history.clone();
    this.runs.push({ number: this.runNumber++, settings, history, iteration, J, accuracy });
    if (this.runs.length > RUNS_KEPT) this.runs.shift();
  }

  forgetRuns() {
    this.runs = [];
    this.runNumber = 1;
    this.notify();
  }

  // ---- what there is to see --------------------------------------------------------------------

  get n_h() {
    return this.state.parameters.W1.rows;
  }

  /** @returns {import("./engine.js").Form} */
  get form() {
    return { activation: this.state.activation, output: this.state.output };
  }

  /** The examples of the state, split; the same objects as long as the points are. */
  get examples() {
    const { points } = this.state;
    if (this.halves?.points !== points) this.halves = { points, examples: split(points) };
    return this.halves.examples;
  }

  /** All that Eq 1 to 11 compute of the state, on the examples learnt from. */
  get trace() {
    return (this.traced ??= this.compute());
  }

  compute() {
    const { parameters } = this.state;
    const { train, heldOut } = this.examples;
    const cache = forward(train.X, parameters, this.form);
    const out = heldOut && forward(heldOut.X, parameters, this.form);
    return {
      cache,
      J: cost(cache, train.Y, this.form),
      accuracy: accuracy(cache, train.Y, this.form),
      heldOutJ: heldOut && out ? cost(out, heldOut.Y, this.form) : NaN,
      heldOutAccuracy: heldOut && out ? accuracy(out, heldOut.Y, this.form) : NaN,
      backward: backward(train.X, train.Y, parameters, cache),
      health: health(parameters, cache, this.form),
    };
  }

  /** The operations of one iteration of this network. */
  get operations() {
    const all = [...FORWARD, ...BACKWARD, "update"];
    return this.n_h ? all : all.filter((name) => !HIDDEN_ONLY.includes(name));
  }

  /** Whether the number of an operation is known at this stage. @param {string} name */
  known(name) {
    return this.stage === 0 || this.operations.indexOf(name) < this.stage;
  }

  // ---- listening -------------------------------------------------------------------------------

  /** @param {() => void} listener */
  subscribe(listener) {
    this.listeners.push(listener);
  }

  /** Says that something changed; the trace is made again when it is next read. */
  changed() {
    this.generation++;
    this.traced = null;
    this.sharpness = null;
    this.notify();
  }

  notify() {
    for (const listener of this.listeners) listener();
  }

  /** @param {string} fact */
  mark(fact) {
    this.facts.add(fact);
    this.notify();
  }

  /** @param {number} j a hidden unit, or -1 */
  select(j) {
    this.selected = j;
    this.notify();
  }

  /** @param {Session["cell"]} cell */
  open(cell) {
    this.cell = cell;
    if (cell) this.facts.add(`cell:${cell.name}`);
    this.notify();
  }

  // ---- settings --------------------------------------------------------------------------------

  /** @param {string} name @param {unknown} value @returns {boolean} whether it was accepted */
  set(name, value) {
    const ready = accepted(name, value);
    if (ready === undefined || !(name in SETTINGS)) return false;
    if (ready === this.settings[name]) return true;
    const begins = OF_DATA.includes(name) || OF_START.includes(name);
    if (begins) this.leave();
    else if (["activation", "learning_rate", "held_out"].includes(name)) this.remember();
    this.settings = { ...this.settings, [name]: ready };
    if (OF_DATA.includes(name)) this.newData(name);
    else if (OF_START.includes(name)) this.begin(this.state.points, undefined, this.state.output);
    else if (name === "activation" || name === "learning_rate") this.edit({ [name]: ready });
    else if (name === "held_out") this.edit({ points: holdOut(this.state.points, Number(ready)) });
    else this.notify();
    return true;
  }

  /** @param {string} name of the setting that changed */
  newData(name) {
    const { data } = this.settings;
    if (data === "own") {
      this.begin(this.ownPoints ?? this.state.points);
      return;
    }
    if (name === "data")
      this.settings.noise = data === "flower" ? 0.2 : data === "blobs" ? 0.5 : 0.1;
    this.begin(drawPoints(this.settings));
  }

  /** Other examples, from a file or the host. @param {Points} points */
  load(points) {
    this.leave();
    this.settings = { ...this.settings, data: "own" };
    this.ownPoints = points;
    this.begin(points);
  }

  /** Before the run is left for another. */
  leave() {
    this.pause();
    this.remember();
    this.keepRun();
  }

  // ---- edits and undo --------------------------------------------------------------------------

  /** Replaces part of the state, in the middle of the run. @param {Partial<State>} change */
  edit(change) {
    this.state = { ...this.state, ...change };
    this.stage = 0;
    this.event = "";
    this.history.truncate(this.state.iteration);
    this.timeline.truncate(this.state.iteration);
    this.timeline.add(this.state, true);
    this.changed();
  }

  /** @param {Points} points @param {boolean} [own] whether the points are the person's own now */
  editPoints(points, own = true) {
    this.remember();
    if (own) {
      this.settings = { ...this.settings, data: "own" };
      this.ownPoints = points;
    }
    if (this.settings.example >= points.X.cols) this.settings.example = points.X.cols - 1;
    this.edit({ points });
    this.facts.add("edited points");
  }

  /** Shows other inputs, or the same ones elsewhere; the examples are the same.
   * @param {Points} points */
  view(points) {
    this.state = { ...this.state, points };
    if (this.ownPoints && this.settings.data === "own") this.ownPoints = points;
    this.changed();
  }

  /** @param {Block} block @param {number} k index into its data @param {number} value */
  editWeight(block, k, value) {
    const parameters = copy(this.state.parameters);
    parameters[block].data[k] = value;
    this.editParameters(parameters);
  }

  /** @param {Parameters} parameters */
  editParameters(parameters) {
    if (!finite(parameters)) return;
    this.remember();
    this.facts.add("edited weights");
    // Before the first iteration the edit is a start of one's own, and rewind goes back to it.
    const start = this.state.iteration ? this.state.start : copy(parameters);
    this.edit({ parameters, start });
  }

  /** @param {Block} block @param {number} k */
  isFrozen(block, k) {
    return this.state.frozen[block]?.includes(k) ?? false;
  }

  /** @param {Block} block @param {number} k @param {boolean} frozen */
  freeze(block, k, frozen) {
    this.remember();
    const others = (this.state.frozen[block] ?? []).filter((other) => other !== k);
    this.edit({ frozen: { ...this.state.frozen, [block]: frozen ? [...others, k] : others } });
  }

  /** Everything between its two calls is undone at once. */
  beginGesture() {
    this.remember();
    this.gesture = true;
  }

  endGesture() {
    this.gesture = false;
  }

  remember() {
    if (this.gesture) return;
    this.undos.push(this.snapshot());
    if (this.undos.length > UNDOS_KEPT) this.undos.shift();
    this.redos = [];
  }

  snapshot() {
    const { state, settings, history, timeline, ownPoints } = this;
    return { state, settings, history, timeline, ownPoints };
  }

  undo() {
    this.exchange(this.undos, this.redos);
  }

  redo() {
    this.exchange(this.redos, this.undos);
  }

  /** @param {object[]} from @param {object[]} to */
  exchange(from, to) {
    const snapshot = from.pop();
    if (!snapshot) return;
    this.pause();
    to.push(this.snapshot());
    Object.assign(this, snapshot);
    this.history.truncate(this.state.iteration);
    this.timeline.truncate(this.state.iteration);
    this.timeline.add(this.state, true);
    this.stage = 0;
    this.event = "";
    this.changed();
  }

  // ---- time ------------------------------------------------------------------------------------

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.notify();
  }

  /** Takes the message about an event away. */
  dismiss() {
    this.event = "";
    this.notify();
  }

  /** The last iteration that was reached. */
  get reached() {
    return Math.max(this.history.length, this.state.iteration);
  }
}

/** @param {Points} points */
function outputOf({ classes, Y }) {
  if (!classes.length) return "identity";
  return Y.rows === 1 ? "sigmoid" : "softmax";
}
