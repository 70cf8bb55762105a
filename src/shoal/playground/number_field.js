/**
 * A number that can be typed (point or comma), scrubbed by dragging sideways, and stepped by the
 * arrow keys; Z makes it 0 and F freezes it, where that is possible.
 */

import { h } from "./dom.js";
import { short } from "./format.js";
import { readNumber } from "./settings.js";
import { t } from "./strings.js";

/**
 * @param {object} how
 * @param {string} how.label
 * @param {string} [how.testid]
 * @param {() => number} how.get
 * @param {(value: number) => void} how.set
 * @param {() => void} [how.begin] a gesture of many changes begins
 * @param {() => void} [how.end]
 * @param {() => boolean} [how.frozen]
 * @param {(frozen: boolean) => void} [how.freeze]
 * @param {number} [how.low]
 * @param {number} [how.high]
 * @param {number} [how.step] of an arrow key, or by the size of the number
 * @param {boolean} [how.ratio] whether steps multiply
 * @param {(value: number) => string} [how.show]
 */
export function numberField(how) {
  const { label, testid, get, set, begin, end, frozen, freeze, ratio = false, show = short } = how;
  const low = how.low ?? -Infinity;
  const high = how.high ?? Infinity;
  const input = h("input", {
    class: "number",
    type: "text",
    inputMode: "decimal",
    autocomplete: "off",
    spellcheck: false,
    "aria-label": label,
    role: "spinbutton",
    "data-testid": testid,
    title: label,
  });
  /** @type {{x: number, value: number, moved: boolean} | null} */
  let drag = null;
  let typed = false;

  const stepOf = (/** @type {number} */ value) =>
    how.step ?? Math.max(0.001, 10 ** Math.floor(Math.log10(Math.abs(value) || 0.01)) / 10);
  const clip = (/** @type {number} */ value) => Math.min(high, Math.max(low, value));
  const stepped = (/** @type {number} */ value, /** @type {number} */ steps) =>
    clip(
      ratio
        ? Number((value * 1.1 ** steps).toPrecision(3)) || 0.001
        : rounded(value + steps * stepOf(value), stepOf(value)),
    );

  let shown = "";
  let icy = false;
  const draw = () => {
    if (icy !== (frozen?.() ?? false)) {
      icy = !icy;
      input.classList.toggle("frozen", icy);
    }
    const text = show(get());
    if (typed || (text === shown && input.value === text)) return;
    shown = text;
    input.value = text;
    const value = get();
    if (Math.abs(value) < 1e20) input.setAttribute("aria-valuenow", value.toFixed(9));
    else input.removeAttribute("aria-valuenow");
    input.setAttribute("aria-valuetext", text);
  };
  const commit = () => {
    if (!typed) return;
    typed = false;
    const value = readNumber(input.value);
    const fits = Number.isFinite(value);
    input.classList.toggle("wrong", !fits);
    if (fits) set(clip(value));
    draw();
  };

  input.addEventListener("focus", () => input.select());
  input.addEventListener("input", () => (typed = true));
  input.addEventListener("blur", commit);
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (steps) {
      commit();
      set(stepped(get(), steps));
    } else if (event.key === "Enter") {
      commit();
      input.select();
    } else if (event.key === "Escape") typed = false;
    else if (freeze && /^f$/i.test(event.key)) freeze(!frozen?.());
    else if (freeze && /^z$/i.test(event.key)) set(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
    draw();
  });
  input.addEventListener("pointerdown", (event) => {
    if (document.activeElement === input || input.disabled) return;
    drag = { x: event.clientX, value: get(), moved: false };
    input.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  input.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const steps = Math.round((event.clientX - drag.x) / 3);
    if (!drag.moved && !steps) return;
    if (!drag.moved) begin?.();
    drag.moved = true;
    const step = stepOf(drag.value);
    set(ratio ? stepped(drag.value, steps) : clip(rounded(drag.value + steps * step, step)));
    draw();
  });
  const release = () => {
    if (!drag) return;
    if (drag.moved) end?.();
    else input.focus();
    drag = null;
  };
  input.addEventListener("pointerup", release);
  input.addEventListener("pointercancel", release);
  draw();
  return { element: freeze ? withButtons() : input, input, draw };

  /** The two things that keys do, for the mouse: shown while the field has the focus. */
  function withButtons() {
    const button = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      h(
        "button",
        {
          type: "button",
          tabIndex: -1, // the keys Z and F do the same
          title: t(`weight.${name}`),
          "aria-label": t(`weight.${name}`),
          "data-testid": `${testid}-${name}`,
          onpointerdown: (/** @type {Event} */ event) => {
            event.preventDefault(); // the field keeps the focus
            act();
            draw();
          },
        },
        name === "zero" ? "0" : "❄",
      );
    const zero = button("zero", () => set(0));
    const ice = button("freeze", () => freeze?.(!frozen?.()));
    return h("span", { class: "field" }, input, h("span", { class: "field-buttons" }, zero, ice));
  }
}

/** Without the dust of binary fractions. @param {number} value @param {number} step */
function rounded(value, step) {
  const places = Math.max(0, -Math.floor(Math.log10(step)) + 1);
  return places > 15 ? value : Number(value.toFixed(places));
}
