/** A matrix with its brackets: the columns around the example, each number a button that opens. */

import { differences, matrixNamed } from "./cells.js";
import { fill, h, say } from "./dom.js";
import { short } from "./format.js";
import { columnOf } from "./points.js";

const ROWS = 8; // of a matrix that are shown
const NEIGHBOURS = 1; // columns shown on each side of the example's

/** @typedef {import("./session.js").Session} Session */

/** A matrix by its name, transposed if that says so. @param {Session} session @param {string} name */
export function named(session, name) {
  const plain = name.replace("ᵀ", "");
  const A = matrixNamed(session, plain);
  if (plain === name)
    return {
      rows: A.rows,
      cols: A.cols,
      at: (/** @type {number} */ r, /** @type {number} */ c) => A.data[r * A.cols + c],
    };
  return {
    rows: A.cols,
    cols: A.rows,
    at: (/** @type {number} */ r, /** @type {number} */ c) => A.data[c * A.cols + r],
  };
}

/**
 * A matrix with its brackets, of which the example's column and its neighbours are shown.
 * @param {Session} session @param {string} name @param {boolean} result
 * @param {boolean} [numerical] the difference quotients of a gradient
 */
export function makeGrid(session, name, result, numerical = false) {
  const table = h("div", { class: "grid", role: "group" });
  const caption = h("span", { class: "caption" });
  const element = h(
    "div",
    { class: `matrix${result ? " result" : ""}` },
    h("div", { class: "bracketed" }, table),
    caption,
  );
  let built = "";
  /** @type {{button: HTMLElement, r: number, c: number}[]} */
  let cells = [];
  let counted = -1;
  /** @type {import("./engine.js").Matrix | null} */
  let quotients = null;
  const plain = name.replace("ᵀ", "");
  const transposed = plain !== name;

  /** @param {number} count @param {number} at */
  const around = (count, at) => {
    if (count <= 4) return Array.from({ length: count }, (_, k) => k);
    const first = Math.max(0, Math.min(count - 2 * NEIGHBOURS - 1, at - NEIGHBOURS));
    return Array.from({ length: 2 * NEIGHBOURS + 1 }, (_, k) => first + k);
  };

  return {
    element,
    update() {
      const A = named(session, name);
      const m = session.examples.train.X.cols;
      const { points } = session.state;
      const followed = columnOf(points, session.settings.example);
      const overExamples = A.cols === m && m > 1 && !/^[dWb]*[Wb]/.test(plain);
      const downExamples = transposed && A.rows === m && /^[XA]/.test(plain);
      const rows = downExamples
        ? around(A.rows, followed)
        : Array.from({ length: Math.min(A.rows, ROWS) }, (_, k) => k);
      const cols =
        overExamples && !downExamples
          ? around(A.cols, followed)
          : Array.from({ length: Math.min(A.cols, ROWS) }, (_, k) => k);
      const key = [A.rows, A.cols, rows, cols, followed].join("|");
      if (key !== built) {
        built = key;
        table.style.gridTemplateColumns = `repeat(${cols.length}, auto)`;
        cells = rows.flatMap((r) => cols.map((c) => ({ r, c, button: cell(r, c) })));
        cells.forEach(({ r, c, button }) => {
          const at = downExamples ? r : c;
          button.classList.toggle("followed", (overExamples || downExamples) && at === followed);
        });
        fill(
          table,
          cells.map(({ button }) => button),
        );
        const left = cols.length < A.cols ? " ⋯" : "";
        const below = rows.length < A.rows ? " ⋮" : "";
        say(
          caption,
          numerical ? "(J(θ+h) − J(θ−h)) / 2h" : `${name} (${A.rows}, ${A.cols})${left}${below}`,
        );
      }
      const open = session.cell;
      const known = result ? session.known(name) : true;
      let worst = 0;
      if (numerical && !session.playing && counted !== session.generation) {
        counted = session.generation;
        quotients = differences(
          session,
          /** @type {import("./engine.js").Block} */ (name.slice(1)),
        );
      }
      for (const { button, r, c } of cells) {
        let value = A.at(r, c);
        if (numerical) {
          const quotient = quotients && !session.playing ? quotients.data[r * A.cols + c] : NaN;
          worst = Math.max(worst, Math.abs(quotient - value));
          value = quotient;
        }
        say(button, !known || (numerical && session.playing) ? "·" : short(value));
        const on =
          open &&
          open.name === plain &&
          (transposed ? open.row === c && open.col === r : open.row === r && open.col === c);
        button.classList.toggle("chosen", Boolean(on) && !numerical);
      }
      return worst;
    },
  };

  /** @param {number} r @param {number} c */
  function cell(r, c) {
    const [row, col] = transposed ? [c, r] : [r, c];
    const button = h("button", {
      class: "cell",
      type: "button",
      title: `${plain}[${row + 1}, ${col + 1}]`,
      "data-testid": numerical ? `difference-${plain}-${row}-${col}` : `cell-${name}-${row}-${col}`,
      onclick: () => session.open({ name: plain, row, col }),
      onkeydown: (/** @type {KeyboardEvent} */ event) => walk(event, table),
    });
    return button;
  }
}

/** The arrow keys go from cell to cell. @param {KeyboardEvent} event @param {HTMLElement} table */
function walk(event, table) {
  const all = /** @type {HTMLElement[]} */ ([...table.children]);
  const at = all.indexOf(/** @type {HTMLElement} */ (event.target));
  const across = table.style.gridTemplateColumns.match(/repeat\((\d+)/);
  const width = Number(across?.[1] ?? 1);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
  if (!step || !all[at + step]) return;
  event.preventDefault();
  all[at + step].focus();
}
