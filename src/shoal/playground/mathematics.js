/** The mathematics of one iteration with its numbers: vectorised, as a loop, of one example. */

import { OPERATIONS, explain, matrixNamed, differences } from "./cells.js";
import { fill, h, say, tabList } from "./dom.js";
import { exact, short } from "./format.js";
import { makeExample } from "./example_view.js";
import { makeLoop } from "./loop_view.js";
import { numberField } from "./number_field.js";
import { columnOf } from "./points.js";
import { makePython } from "./python_view.js";
import { t } from "./strings.js";

const ROWS = 8; // of a matrix that are shown
const NEIGHBOURS = 1; // columns shown on each side of the example's

/** @typedef {import("./session.js").Session} Session */

/** @param {Session} session */
export function makeMathematics(session) {
  const views = {
    example: makeExample(session),
    loop: makeLoop(session),
    vectorised: makeVectorised(session),
    python: makePython(session),
  };
  const names = Object.keys(views).map((name) => /** @type {const} */ ([name, t(`math.${name}`)]));
  const tabs = tabList(t("math.title"), "tab", names, (name) => session.set("tab", name));
  const body = h("div", { class: "math-body", id: "mathematics-view", role: "tabpanel", tabIndex: 0 });
  const explained = makeExplanation(session);
  const element = h("div", { class: "mathematics" }, tabs.element, body, explained.element);
  let chosen = "";
  return {
    element,
    update() {
      const { tab } = session.settings;
      if (tab !== chosen) {
        chosen = tab;
        fill(body, views[/** @type {keyof typeof views} */ (tab)].element);
        body.setAttribute("aria-labelledby", `tab-${tab}`);
        tabs.show(tab);
      }
      views[/** @type {keyof typeof views} */ (tab)].update();
      explained.update();
    },
  };
}

// ---- vectorised ----------------------------------------------------------------------------------

/** @param {Session} session */
function makeVectorised(session) {
  const list = h("ol", { class: "operations" });
  let built = "";
  let opened = "Z1";
  let stage = 0;
  /** @type {{name: string, item: HTMLElement, draw: (() => void) | null}[]} */
  let items = [];

  const build = () => {
    items = session.operations.map((name) => {
      const operation = OPERATIONS[name];
      const open = name === opened;
      const body = open && name !== "update" ? makeEquation(session, name) : null;
      const item = h(
        "li",
        { class: `operation${open ? " open" : ""}`, "data-testid": `operation-${name}` },
        h("button", {
          class: "equation",
          type: "button",
          "aria-expanded": String(open),
          onclick: () => {
            opened = name;
            session.mark(`opened:${name}`);
          },
        }, h("span", { class: "label" }, operation.equation), formula(session, name), h("span", { class: "shapes" }, shapes(session, name))),
        body?.element,
      );
      return { name, item, draw: body ? body.update : null };
    });
    fill(list, items.map(({ item }) => item));
  };

  return {
    element: list,
    update() {
      const { operations } = session;
      if (session.stage !== stage) {
        stage = session.stage;
        if (stage) opened = operations[stage - 1];
      }
      if (!operations.includes(opened)) opened = operations[0];
      const { points, activation } = session.state;
      const key = [operations, opened, points.X.rows, session.n_h, points.Y.rows, session.examples.train.X.cols, activation].join("|");
      if (key !== built) {
        built = key;
        build();
        if (session.stage) items.find(({ name }) => name === opened)?.item.scrollIntoView({ block: "nearest" });
      }
      for (const { name, item, draw } of items) {
        const done = session.known(name);
        item.classList.toggle("unknown", !done);
        item.classList.toggle("current", session.stage > 0 && operations[session.stage - 1] === name);
        draw?.();
      }
    },
  };
}

/** The equation with its two products told apart. @param {Session} session @param {string} name */
function formula(session, name) {
  const line = h("span", { class: "formula" });
  if (name !== "update") line.append(h("b", {}, name), " = ");
  for (const part of OPERATIONS[name].parts) {
    if (part === "@") line.append(h("span", { class: "product", title: t("math.product") }, "@"));
    else if (part === "∗") line.append(h("span", { class: "entrywise", title: t("math.entrywise") }, "∗"));
    else if (part === "1/m") line.append(h("span", { class: "fraction" }, h("sup", {}, "1"), "⁄", h("sub", {}, "m")), " ");
    else if (part === "σ" && session.state.output !== "sigmoid") line.append(session.state.output);
    else if (/^[+−←=Σ,]$/.test(part)) line.append(part === "," ? ", " : part === "Σ" ? "Σ " : ` ${part} `);
    else line.append(/^[()σg]/.test(part) ? part : h("i", {}, part));
  }
  return line;
}

/** (4, 400) = (4, 2) @ (2, 400) + (4, 1). @param {Session} session @param {string} name */
function shapes(session, name) {
  if (name === "update" || name === "J") return "";
  const shape = (/** @type {string} */ part) => {
    const { rows, cols } = named(session, part);
    return `(${rows},${cols})`;
  };
  const matrices = /^(W1|b1|W2|b2|X|Y|Z1|A1|Z2|A2|dZ2|dZ1)ᵀ?$/;
  const parts = OPERATIONS[name].parts.filter((part) => matrices.test(part) || /^[@+−∗Σ]$/.test(part));
  return `${shape(name)} = ${parts.map((part) => (matrices.test(part) ? shape(part) : part)).join(" ")}`;
}

/** A matrix by its name, transposed if that says so. @param {Session} session @param {string} name */
function named(session, name) {
  const plain = name.replace("ᵀ", "");
  const A = matrixNamed(session, plain);
  if (plain === name) return { rows: A.rows, cols: A.cols, at: (/** @type {number} */ r, /** @type {number} */ c) => A.data[r * A.cols + c] };
  return { rows: A.cols, cols: A.rows, at: (/** @type {number} */ r, /** @type {number} */ c) => A.data[c * A.cols + r] };
}

/** The matrices of one operation. @param {Session} session @param {string} name */
function makeEquation(session, name) {
  const grids = [makeGrid(session, name, true)];
  const row = h("div", { class: "matrices" }, grids[0].element, h("span", { class: "sign" }, "="));
  for (const part of equationParts(session, name)) {
    if (/^[A-Zbdg].*[12XY]ᵀ?\)?$|^X|^Y/.test(part)) {
      const grid = makeGrid(session, part, false);
      grids.push(grid);
      row.append(grid.element);
    } else {
      const kind = part === "@" ? "product" : part === "∗" ? "entrywise" : "sign";
      row.append(h("span", { class: kind, title: kind === "sign" ? "" : t(`math.${kind}`) }, part));
    }
  }
  const gradient = /^d[Wb]/.test(name);
  const check = gradient ? makeGrid(session, name, false, true) : null;
  const verdict = h("p", { class: "verdict" });
  const element = h("div", { class: "spelt" }, row, check ? h("div", { class: "matrices check" }, h("span", { class: "sign" }, t("math.differences")), check.element, verdict) : null);
  return {
    element,
    update() {
      for (const grid of grids) grid.update();
      if (!check) return;
      const error = check.update();
      say(verdict, session.playing ? "" : t("math.agree", { error: short(error, 2) }));
    },
  };
}

/** Parts with g′ ( Z1 ) as one. @param {Session} session @param {string} name */
function equationParts(session, name) {
  const parts = OPERATIONS[name].parts.join(" ").replace("g′ ( Z1 )", "g′(Z1)").split(" ");
  return parts.map((part) => (part === "σ" && session.state.output !== "sigmoid" ? session.state.output : part));
}

/**
 * A matrix with its brackets, of which the example's column and its neighbours are shown.
 * @param {Session} session @param {string} name @param {boolean} result
 * @param {boolean} [numerical] the difference quotients of a gradient
 */
function makeGrid(session, name, result, numerical = false) {
  const table = h("div", { class: "grid", role: "group" });
  const caption = h("span", { class: "caption" });
  const element = h("div", { class: `matrix${result ? " result" : ""}` }, h("div", { class: "bracketed" }, table), caption);
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
      const rows = downExamples ? around(A.rows, followed) : Array.from({ length: Math.min(A.rows, ROWS) }, (_, k) => k);
      const cols = overExamples && !downExamples ? around(A.cols, followed) : Array.from({ length: Math.min(A.cols, ROWS) }, (_, k) => k);
      const key = [A.rows, A.cols, rows, cols, followed].join("|");
      if (key !== built) {
        built = key;
        table.style.gridTemplateColumns = `repeat(${cols.length}, auto)`;
        cells = rows.flatMap((r) => cols.map((c) => ({ r, c, button: cell(r, c) })));
        cells.forEach(({ r, c, button }) => {
          const at = downExamples ? r : c;
          button.classList.toggle("followed", (overExamples || downExamples) && at === followed);
        });
        fill(table, cells.map(({ button }) => button));
        const left = cols.length < A.cols ? " ⋯" : "";
        const below = rows.length < A.rows ? " ⋮" : "";
        say(caption, numerical ? "(J(θ+h) − J(θ−h)) / 2h" : `${name} (${A.rows}, ${A.cols})${left}${below}`);
      }
      const open = session.cell;
      const known = result ? session.known(name) : true;
      let worst = 0;
      if (numerical && !session.playing && counted !== session.generation) {
        counted = session.generation;
        quotients = differences(session, /** @type {import("./engine.js").Block} */ (name.slice(1)));
      }
      for (const { button, r, c } of cells) {
        let value = A.at(r, c);
        if (numerical) {
          const quotient = quotients && !session.playing ? quotients.data[r * A.cols + c] : NaN;
          worst = Math.max(worst, Math.abs(quotient - value));
          value = quotient;
        }
        say(button, !known || (numerical && session.playing) ? "·" : short(value));
        const on = open && open.name === plain && (transposed ? open.row === c && open.col === r : open.row === r && open.col === c);
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

// ---- one number ----------------------------------------------------------------------------------

/** The cell that was opened, as the sum that it is. @param {Session} session */
function makeExplanation(session) {
  const title = h("b", {});
  const sum = h("p", { class: "sum" });
  const check = h("p", { class: "check" });
  const edit = h("span", {});
  const close = h("button", { class: "close", type: "button", "aria-label": t("close"), onclick: () => session.open(null) }, "×");
  const element = h("aside", { class: "explanation", "aria-live": "polite", "data-testid": "explanation", hidden: true }, title, edit, close, sum, check);
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
      say(check, difference === undefined ? "" : t("math.check", {
        difference: short(difference, 6),
        error: short(Math.abs(difference - value), 2),
        mark: Math.abs(difference - value) <= 1e-6 * Math.max(1, Math.abs(value)) ? "✓" : "✗",
      }));
    },
  };
}

/** @param {import("./cells.js").Explanation} made */
export function spell({ value, terms, plus, divide, factor, call, minus }) {
  const number = (/** @type {number} */ x) => (x < 0 ? `(${short(x)})` : short(x));
  const end = ` = ${exact(Number(value.toPrecision(7)))}`;
  if (call) return `${call.name}(${short(call.of, 4)}), ${call.name}(z) = ${call.formula}${end}`;
  if (!terms) return end.slice(3);
  const written = terms.map(({ a, b }) => (b === undefined ? number(a) : `${number(a)}·${number(b)}`));
  if (minus !== undefined) return `${written[0]} − ${number(minus)}${end}`;
  const many = written.length > 6;
  let text = many
    ? `${written.slice(0, 3).join(" + ")} + ⋯ + ${written[written.length - 1]}`
    : written.join(" + ");
  if (plus !== undefined) text += ` + ${number(plus)}`;
  if (divide !== undefined) text = `1/${divide} · (${text})`;
  if (factor !== undefined) text = `(${text}) ∗ ${number(factor)}`;
  return text + (many ? ` [${t("math.terms", { n: terms.length })}]` : "") + end;
}
