/** The number that was opened, as the sum that it is. */

import { explain, matrixNamed } from "./cells.js";
import { h, say } from "./dom.js";
import { exact, short } from "./format.js";
import { numberField } from "./number_field.js";
import { t } from "./strings.js";

/** @param {import("./session.js").Session} session */
export function makeExplanation(session) {
  const title = h("b", {});
  const sum = h("p", { class: "sum" });
  const check = h("p", { class: "check" });
  const edit = h("span", {});
  const close = h(
    "button",
    { class: "close", type: "button", "aria-label": t("close"), onclick: () => session.open(null) },
    "×",
  );
  const element = h(
    "aside",
    { class: "explanation", "aria-live": "polite", "data-testid": "explanation", hidden: true },
    title,
    edit,
    close,
    sum,
    check,
  );
  let opened = "";
  /** @type {(() => void) | null} */
  let drawField = null;
  return {
    element,
    update() {
      const { cell } = session;
      element.hidden = !cell;
      if (!cell) return;
      const { name, row, col } = cell;
      const A = matrixNamed(session, name);
      if (row >= A.rows || col >= A.cols) {
        session.cell = null;
        element.hidden = true;
        return;
      }
      const key = `${name} ${row} ${col}`;
      const k = row * A.cols + col;
      if (opened !== key) {
        opened = key;
        say(title, name === "J" ? "J" : `${name}[${row + 1}, ${col + 1}]`);
        drawField = null;
        edit.replaceChildren();
        if (/^[Wb][12]$/.test(name)) {
          const block = /** @type {import("./engine.js").Block} */ (name);
          const field = numberField({
            label: t("weight.help"),
            get: () => session.state.parameters[block].data[k],
            set: (value) => session.editWeight(block, k, value),
            begin: () => session.beginGesture(),
            end: () => session.endGesture(),
            frozen: () => session.isFrozen(block, k),
            freeze: (frozen) => session.freeze(block, k, frozen),
          });
          drawField = field.draw;
          edit.append(" = ", field.element);
        }
      }
      drawField?.();
      if (session.playing) {
        say(sum, short(A.data[k], 6));
        say(check, "");
        return;
      }
      const made = explain(session, name, row, col);
      say(sum, drawField ? "" : spell(made));
      const { difference, value } = made;
      say(
        check,
        difference === undefined
          ? ""
          : t("math.check", {
              difference: short(difference, 6),
              error: short(Math.abs(difference - value), 2),
              mark: Math.abs(difference - value) <= 1e-6 * Math.max(1, Math.abs(value)) ? "✓" : "✗",
            }),
      );
    },
  };
}

/** @param {import("./cells.js").Explanation} made */
function spell({ value, terms, plus, divide, factor, call, minus }) {
  const number = (/** @type {number} */ x) => (x < 0 ? `(${short(x)})` : short(x));
  const end = ` = ${exact(Number(value.toPrecision(7)))}`;
  if (call) return `${call.name}(${short(call.of, 4)}), ${call.name}(z) = ${call.formula}${end}`;
  if (!terms) return end.slice(3);
  const product = (/** @type {{a: number, b?: number}} */ { a, b }) =>
    b === undefined ? number(a) : `${number(a)}·${number(b)}`;
  const written = terms.map(product);
  if (minus) return `${written[0]} − ${product(minus)}${end}`;
  const many = written.length > 6;
  let text = many
    ? `${written.slice(0, 3).join(" + ")} + ⋯ + ${written[written.length - 1]}`
    : written.join(" + ");
  if (plus !== undefined) text += ` + ${number(plus)}`;
  if (divide !== undefined) text = `1/${divide} · (${text})`;
  if (factor !== undefined) text = `(${text}) ∗ ${number(factor)}`;
  return text + (many ? ` [${t("math.terms", { n: terms.length })}]` : "") + end;
}
