/** Every setting of the page: what it may be, what it is at first, and how a link writes it. */

import { ACTIVATIONS } from "./functions.js";
import { SCHEMES } from "./engine.js";
import { DATASETS } from "./datasets.js";

const LINK_VERSION = 1;

/**
 * @typedef {object} Setting
 * @property {string | number | boolean} initial
 * @property {readonly string[]} [of] the names to choose from
 * @property {number} [low] of a number
 * @property {number} [high]
 * @property {boolean} [whole]
 */

/** @type {Record<string, Setting>} */
export const SETTINGS = {
  data: { initial: "flower", of: [...Object.keys(DATASETS), "own"] },
  m: { initial: 400, low: 2, high: 5000, whole: true },
  noise: { initial: 0.2, low: 0, high: 10 },
  data_seed: { initial: 1, low: 0, high: 2 ** 32 - 1, whole: true },
  held_out: { initial: 0, low: 0, high: 0.9 },
  n_h: { initial: 4, low: 0, high: 1000, whole: true },
  activation: { initial: "tanh", of: Object.keys(ACTIVATIONS) },
  learning_rate: { initial: 1.2, low: 0, high: 1e6 },
  scheme: { initial: "normal", of: SCHEMES },
  scale: { initial: 0.01, low: 0, high: 1e6 },
  random_state: { initial: 2, low: 0, high: 2 ** 32 - 1, whole: true },
  step: { initial: "1", of: ["op", "half", "1", "10", "100", "1000", "rise", "dead", "accuracy"] },
  speed: { initial: "600", of: ["1", "10", "60", "600", "6000", "max"] },
  lesson: { initial: "" },
  lines: { initial: true },
  tab: { initial: "vectorised", of: ["example", "loop", "vectorised", "python"] },
  curve: { initial: "cost", of: ["cost", "gradients", "sharpness", "landscape", "runs"] },
  log: { initial: false },
  example: { initial: 0, low: 0, high: 1e6, whole: true },
};

/** @typedef {Record<string, any>} Settings values by the names of SETTINGS */

/** @returns {Settings} */
export function initialSettings() {
  return Object.fromEntries(Object.entries(SETTINGS).map(([name, { initial }]) => [name, initial]));
}

/**
 * A value as a setting takes it: clipped into its range, or undefined where it makes no sense.
 * @param {string} name @param {unknown} value
 */
export function accepted(name, value) {
  const setting = SETTINGS[name];
  if (!setting) return undefined;
  if (typeof setting.initial === "boolean") return value === true || value === "1";
  if (typeof setting.initial === "number") {
    const number = typeof value === "string" ? readNumber(value) : Number(value);
    if (!Number.isFinite(number)) return undefined;
    const clipped = Math.min(setting.high ?? Infinity, Math.max(setting.low ?? -Infinity, number));
    return setting.whole ? Math.round(clipped) : clipped;
  }
  return !setting.of || setting.of.includes(String(value)) ? String(value) : undefined;
}

/**
 * A number that a person typed: point or comma, and any of the minus signs.
 * @param {string} text
 */
export function readNumber(text) {
  const plain = text
    .trim()
    .replace(/[−–]/g, "-")
    .replace(",", ".")
    .replace(/[\s  ]/g, "");
  return plain === "" ? NaN : Number(plain);
}

/**
 * The part of a link after "#": the version, the settings that are not the base's, and what else
 * there is (weights, points, what is locked).
 * @param {Settings} settings @param {Settings} base @param {Record<string, string>} [more]
 */
export function writeLink(settings, base, more = {}) {
  const link = new URLSearchParams({ v: String(LINK_VERSION) });
  if (settings.lesson) link.set("lesson", settings.lesson);
  for (const name of Object.keys(SETTINGS)) {
    const value = settings[name];
    if (value !== base[name])
      link.set(name, typeof value === "boolean" ? (value ? "1" : "0") : value);
  }
  for (const [name, value] of Object.entries(more)) if (value) link.set(name, value);
  return link.toString();
}

/**
 * What a link says. A link of a later version is read as far as it is understood.
 * @param {string} hash
 */
export function readLink(hash) {
  const link = new URLSearchParams(hash.replace(/^#/, ""));
  const settings = /** @type {Settings} */ ({});
  const more = /** @type {Record<string, string>} */ ({});
  for (const [name, text] of link) {
    if (name === "v") continue;
    if (!(name in SETTINGS)) {
      more[name] = text;
      continue;
    }
    const value = accepted(name, text);
    if (value !== undefined) settings[name] = value;
  }
  return { settings, more, version: Number(link.get("v") ?? LINK_VERSION) };
}

/** @param {Uint8Array} bytes */
export function toText(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text @returns {Uint8Array} */
export function toBytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/**
 * Bytes through a (de)compression stream of the browser.
 * @param {Uint8Array} bytes @param {"compress" | "decompress"} way
 */
export async function squeeze(bytes, way) {
  const stream =
    way === "compress"
      ? new CompressionStream("deflate-raw")
      : new DecompressionStream("deflate-raw");
  const squeezed = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(squeezed).arrayBuffer());
}
