/** The state in a link: settings, own points, weights, and what a teacher locks or hides. */

import { dialog } from "./data_view.js";
import { choice, h, say } from "./dom.js";
import { BLOCKS, matrix } from "./engine.js";
import { flat, unflat } from "./insight.js";
import { drawPoints, packPoints, unpackPoints } from "./points.js";
import { initialSettings, readLink, squeeze, toBytes, toText, writeLink } from "./settings.js";
import { t } from "./strings.js";

/** @typedef {import("./session.js").Session} Session */

export const CONTROLS = ["data", "network", "start", "learning_rate", "time", "mathematics", "curves", "lessons"];

/** @param {Session} session @param {{lock: string[], hide: string[], weights: boolean}} what */
export async function linkOf(session, { lock, hide, weights }) {
  const { state, settings } = session;
  const own = settings.data === "own" && state.points.X.rows === 2 && state.points.classes.length;
  const points = own ? toText(await squeeze(packPoints(state.points), "compress")) : "";
  const theta = weights ? toText(new Uint8Array(flat(state.parameters).buffer)) : "";
  const frozen = Object.entries(state.frozen).flatMap(([block, list]) => list.map((k) => `${block}.${k}`)).join(" ");
  const hash = `#${writeLink(settings, {
    w: theta,
    t: weights && state.iteration ? String(state.iteration) : "",
    p: points,
    f: frozen,
    lock: lock.join(" "),
    hide: hide.join(" "),
  })}`;
  return hash;
}
/** The hash that this page wrote itself. */
linkOf.written = "";

/** Makes the state that a link says. @param {Session} session @param {string} hash */
export async function applyLink(session, hash) {
  if (hash.length < 2) return;
  const { settings, more } = readLink(hash);
  session.settings = { ...initialSettings(), ...(more.p || Object.keys(settings).length ? {} : session.settings), ...settings };
  session.locks = (more.lock ?? "").split(" ").filter((name) => CONTROLS.includes(name));
  session.hidden = (more.hide ?? "").split(" ").filter((name) => CONTROLS.includes(name));
  let points = session.settings.data === "own" ? session.state.points : drawPoints(session.settings);
  try {
    if (more.p) points = unpackPoints(await squeeze(toBytes(more.p), "decompress"));
  } catch {
    session.settings.data = "flower"; // a link cut short
    points = drawPoints(session.settings);
  }
  if (session.settings.data === "own") session.ownPoints = points;
  session.begin(points);
  if (more.w) applyWeights(session, more.w, Number(more.t ?? 0));
  applyFrozen(session, more.f ?? "");
}

/** @param {Session} session @param {string} text @param {number} iteration */
function applyWeights(session, text, iteration) {
  const { parameters } = session.state;
  let bytes = new Uint8Array();
  try {
    bytes = new Uint8Array(toBytes(text));
  } catch {
    return;
  }
  const size = flat(parameters).length;
  if (bytes.length !== 8 * size) return;
  const theta = unflat(new Float64Array(bytes.buffer), parameters);
  if (BLOCKS.some((block) => theta[block].data.some((v) => !Number.isFinite(v)))) return;
  session.continueFrom(theta, Number.isInteger(iteration) && iteration > 0 ? iteration : 0);
}

/** @param {Session} session @param {string} text */
function applyFrozen(session, text) {
  /** @type {import("./engine.js").Frozen} */
  const frozen = {};
  for (const item of text.split(" ").filter(Boolean)) {
    const [block, k] = item.split(".");
    const one = BLOCKS.find((name) => name === block);
    if (one && Number(k) < (session.state.parameters[one] ?? matrix(0, 0)).data.length) (frozen[one] ??= []).push(Number(k));
  }
  if (Object.keys(frozen).length) session.edit({ frozen });
}

/** The dialog that makes a link. @param {Session} session */
export function share(session) {
  /** @type {Record<string, string>} */
  const choices = {};
  const text = h("input", { type: "text", readOnly: true, class: "link", "aria-label": t("share.title"), "data-testid": "link" });
  const weights = h("input", { type: "checkbox", checked: session.state.iteration > 0, onchange: () => write() });
  const write = async () => {
    const chosen = (/** @type {string} */ what) => CONTROLS.filter((name) => choices[name] === what);
    const hash = await linkOf(session, { lock: chosen("lock"), hide: chosen("hide"), weights: weights.checked });
    text.value = location.href.split("#")[0].replace(/[?&]token=[^&]*/, "") + hash;
    linkOf.written = hash;
    try {
      history.replaceState(null, "", hash);
    } catch {
      // in a frame of a report there is no address to change
    }
  };
  const copied = h("button", { type: "button", class: "wide", "data-testid": "copy-link", onclick: async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      say(copied, t("copied"));
    } catch {
      // the text is selected, to be copied by hand
    }
  } }, t("share.copy"));
  const locks = CONTROLS.map((name) =>
    h("label", { class: "labelled" }, h("span", {}, t(`control.${name}`)),
      choice({ "data-testid": `teacher-${name}` }, [["", "–"], ["lock", t("share.lock")], ["hide", t("share.hide")]], "", (value) => {
        choices[name] = value;
        write();
      })));
  const note = session.settings.data === "own" && session.state.points.X.rows > 2 ? t("share.noData") : t("share.help");
  const box = dialog(t("share.title"), h("p", { class: "hint" }, note), text, h("label", { class: "check" }, weights, t("share.weights")), copied, h("fieldset", { class: "locks" }, h("legend", {}, t("share.teacher")), ...locks));
  box.showModal();
  write();
}
