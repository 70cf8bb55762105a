/** The state in a link: settings, own points, weights, and what a teacher locks or hides. */

import { dialog } from "./data_view.js";
import { choice, h, say } from "./dom.js";
import { BLOCKS, matrix } from "./engine.js";
import { flat, unflat } from "./surface.js";
import { baseSettings, beginWith } from "./lessons.js";
import { packPoints, unpackPoints } from "./points.js";
import { readLink, squeeze, toBytes, toText, writeLink } from "./settings.js";
import { t } from "./strings.js";

/** @typedef {import("./session.js").Session} Session */

const CONTROLS = [
  "data",
  "network",
  "start",
  "learning_rate",
  "time",
  "mathematics",
  "curves",
  "lessons",
];

/** @param {Session} session @param {{lock?: string[], hide?: string[], weights?: boolean}} [what] */
async function linkOf(
  session,
  { lock = session.locks, hide = session.hidden, weights = trained(session) } = {},
) {
  const { state, settings } = session;
  const own =
    settings.data === "own" && state.points.X.rows === 2 && state.points.classes.length > 0;
  const points = own ? toText(await squeeze(packPoints(state.points), "compress")) : "";
  const frozen = Object.entries(state.frozen).flatMap(([block, list]) =>
    list.map((k) => `${block}.${k}`),
  );
  const more = {
    w: weights ? toText(new Uint8Array(flat(state.parameters).buffer)) : "",
    t: weights && state.iteration ? String(state.iteration) : "",
    p: points,
    f: frozen.join(" "),
    lock: lock.join(" "),
    hide: hide.join(" "),
  };
  return `#${writeLink(settings, baseOf(session, settings.lesson), more)}`;
}

/** Whether the weights are not those of the settings. @param {Session} session */
function trained(session) {
  return session.state.iteration > 0 || session.facts.has("edited weights");
}

/** What settings are where a link does not say: the lesson's, or the host's. @param {Session} session
 * @param {string} lesson */
function baseOf(session, lesson) {
  return lesson ? baseSettings(lesson) : session.host.settings;
}

let written = "";

/** Puts the state into the address, so that a reload or a bookmark comes back to it.
 * @param {Session} session @param {{lock?: string[], hide?: string[], weights?: boolean}} [what] */
export async function writeAddress(session, what) {
  const hash = await linkOf(session, what);
  if (hash === location.hash) return hash;
  written = hash;
  try {
    history.replaceState(null, "", hash);
  } catch {
    // in a frame of a report there is no address to change
  }
  return hash;
}

/** Makes the state that the address says, unless this page wrote it. @param {Session} session
 * @returns {Promise<boolean>} whether there was one */
export async function readAddress(session) {
  const { hash } = location;
  if (hash.length < 2 || hash === written) return false;
  const { settings, more } = readLink(hash);
  const complete = { ...baseOf(session, settings.lesson ?? ""), ...settings };
  const names = (/** @type {string | undefined} */ text) =>
    (text ?? "").split(" ").filter((name) => CONTROLS.includes(name));
  session.locks = names(more.lock);
  session.hidden = names(more.hide);
  let points;
  try {
    if (more.p) points = unpackPoints(await squeeze(toBytes(more.p), "decompress"));
  } catch {
    points = undefined; // a link cut short
  }
  beginWith(session, complete, points);
  if (more.w) applyWeights(session, more.w, Number(more.t ?? 0));
  applyFrozen(session, more.f ?? "");
  return true;
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
    if (one && Number(k) < (session.state.parameters[one] ?? matrix(0, 0)).data.length)
      (frozen[one] ??= []).push(Number(k));
  }
  if (Object.keys(frozen).length) session.edit({ frozen });
}

/** The dialog that makes a link. @param {Session} session */
export function share(session) {
  /** @type {Record<string, string>} */
  const choices = {};
  const text = h("input", {
    type: "text",
    readOnly: true,
    class: "link",
    "aria-label": t("share.title"),
    "data-testid": "link",
  });
  const weights = h("input", {
    type: "checkbox",
    checked: trained(session),
    onchange: () => write(),
  });
  const write = async () => {
    const chosen = (/** @type {string} */ what) =>
      CONTROLS.filter((name) => choices[name] === what);
    const hash = await writeAddress(session, {
      lock: chosen("lock"),
      hide: chosen("hide"),
      weights: weights.checked,
    });
    text.value = location.href.split("#")[0].replace(/[?&]token=[^&]*/, "") + hash;
  };
  const copied = h(
    "button",
    {
      type: "button",
      class: "wide",
      "data-testid": "copy-link",
      onclick: async () => {
        text.select();
        try {
          await navigator.clipboard.writeText(text.value);
          say(copied, t("copied"));
        } catch {
          // the text is selected, to be copied by hand
        }
      },
    },
    t("share.copy"),
  );
  const locks = CONTROLS.map((name) =>
    h(
      "label",
      { class: "labelled" },
      h("span", {}, t(`control.${name}`)),
      choice(
        { "data-testid": `teacher-${name}` },
        [
          ["", "–"],
          ["lock", t("share.lock")],
          ["hide", t("share.hide")],
        ],
        "",
        (value) => {
          choices[name] = value;
          write();
        },
      ),
    ),
  );
  const note =
    session.settings.data === "own" && session.state.points.X.rows > 2
      ? t("share.noData")
      : t("share.help");
  const box = dialog(
    t("share.title"),
    h("p", { class: "hint" }, note),
    text,
    h("label", { class: "check" }, weights, t("share.weights")),
    copied,
    h("fieldset", { class: "locks" }, h("legend", {}, t("share.teacher")), ...locks),
  );
  box.showModal();
  write();
}
