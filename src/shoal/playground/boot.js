/**
 * What the host hands over: the data, the network and the settings to begin with.
 *
 * A page in one file, a report and the notebook hold it as `<script type="application/json"
 * id="shoal-boot">`; the server answers `boot.json`. What is missing is the course's exercise.
 */

import { matrixOf } from "./engine.js";
import { accepted } from "./settings.js";

/**
 * @typedef {object} Boot
 * @property {1} version
 * @property {"en" | "it"} [language]
 * @property {object} [data]
 * @property {{name: string, center: number, scale: number,
 *   fixed?: {value: number, min: number, max: number},
 *   levels?: {name: string, value: number}[]}[]} data.inputs raw = center + scale · scaled
 * @property {number[][]} data.X (n_x, m) in scaled units
 * @property {number[][]} data.Y (n_y, m)
 * @property {string[]} data.targets
 * @property {string[]} [data.classes]
 * @property {boolean[]} data.held_out by example
 * @property {[number, number]} data.plane
 * @property {string} [data.note]
 * @property {{activation: string, output: string, W1: number[][], b1: number[][], W2: number[][],
 *   b2: number[][]}} [network] in scaled units
 * @property {Record<string, string | number>} [settings]
 */

/** @returns {Promise<Boot>} */
export async function readBoot() {
  const held = document.getElementById("shoal-boot")?.textContent;
  if (held) return JSON.parse(held);
  try {
    const answer = await fetch(`boot.json${location.search}`, { credentials: "same-origin" });
    if (answer.ok) return await answer.json();
  } catch {
    // From disk, or a static host: the exercise.
  }
  return { version: 1 };
}

/** @param {NonNullable<Boot["data"]>} data @returns {import("./points.js").Points} */
export function pointsOfBoot({ inputs, X, Y, targets, classes = [], held_out, plane, note = "" }) {
  const names = classes.length ? classes : [];
  return {
    inputs,
    X: matrixOf(X),
    Y: matrixOf(Y),
    targets,
    classes: names,
    heldOut: held_out,
    plane,
    fixed: inputs.map(({ fixed }) => fixed?.value ?? 0),
    note,
  };
}

/** @param {NonNullable<Boot["network"]>} network @param {number} n_x
 * @returns {import("./engine.js").Parameters} */
export function parametersOfBoot({ W1, b1, W2, b2 }, n_x) {
  return { W1: matrixOf(W1, n_x), b1: matrixOf(b1, 1), W2: matrixOf(W2), b2: matrixOf(b2) };
}

/** @param {Boot} boot @returns {import("./settings.js").Settings} */
export function settingsOfBoot({ settings = {}, network, data }) {
  const all = {
    ...settings,
    ...(network && { activation: network.activation, n_h: network.W1.length }),
    ...(data && { data: "own" }),
  };
  const known = Object.entries(all).map(([name, value]) => [name, accepted(name, value)]);
  return Object.fromEntries(known.filter(([, value]) => value !== undefined));
}
