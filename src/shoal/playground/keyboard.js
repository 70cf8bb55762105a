/** The keyboard, files that are dropped, and tables that are pasted. */

import { dialog, readFile, readTable } from "./data_view.js";
import { h } from "./dom.js";
import { t } from "./strings.js";
import { play, step, stepBack } from "./time.js";

/** @typedef {import("./session.js").Session} Session */

/** Keys, files and pasted tables. @param {Session} session @param {AbortSignal} signal */
export function listen(session, signal) {
  const allowed = (/** @type {string} */ control) =>
    !session.locks.includes(control) && !session.hidden.includes(control);
  addEventListener(
    "keydown",
    (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const writing =
        target.closest?.("input:not([type=checkbox], [type=range]), select, textarea, dialog") !==
        null;
      const modifier = event.ctrlKey || event.metaKey;
      if (modifier && /^[zy]$/i.test(event.key) && !writing) {
        if (/y/i.test(event.key) || event.shiftKey) session.redo();
        else session.undo();
      } else if (modifier || event.altKey || writing || !allowed("time")) return;
      else if (event.key === " " && !target.closest("button, summary, [role=application]")) {
        if (session.playing) session.pause();
        else play(session);
      } else if (event.key === "ArrowRight" && !target.closest("[role=tab], [type=range], .cell"))
        step(session);
      else if (event.key === "ArrowLeft" && !target.closest("[role=tab], [type=range], .cell"))
        stepBack(session);
      else if (/^r$/i.test(event.key)) session.rewind();
      else if (/^n$/i.test(event.key) && allowed("start")) session.newStart();
      else return;
      event.preventDefault();
    },
    { signal },
  );
  addEventListener("dragover", (event) => event.preventDefault(), { signal });
  addEventListener(
    "drop",
    (event) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file && allowed("data")) readFile(session, file);
    },
    { signal },
  );
  addEventListener(
    "paste",
    (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const target = /** @type {HTMLElement} */ (event.target);
      if (!text.includes("\n") || target.closest?.("input, textarea") || !allowed("data")) return;
      event.preventDefault();
      readTable(session, text);
    },
    { signal },
  );
}

/** A list of the keys. */
export function showKeys() {
  const keys = /** @type {const} */ ([
    ["␣", "help.space"],
    ["→ ←", "help.arrows"],
    ["R", "help.r"],
    ["N", "help.n"],
    ["Ctrl+Z, Ctrl+Y", "help.undo"],
    ["↑ ↓", "help.number"],
    ["⌖", "help.plane"],
    ["a₁", "help.unit"],
    ["⟦ ⟧", "help.cells"],
  ]);
  dialog(
    t("help.title"),
    h(
      "dl",
      { class: "keys" },
      keys.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(text))]),
    ),
  ).showModal();
}
