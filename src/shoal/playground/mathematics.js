/** The mathematics of one iteration with its numbers: vectorised, as a loop, of one example. */

import { OPERATIONS } from "./cells.js";
import { fill, h, say, tabList } from "./dom.js";
import { BLOCKS } from "./engine.js";
import { short } from "./format.js";
import { makeExample } from "./example_view.js";
import { makeExplanation } from "./explanation_view.js";
import { makeLoop } from "./loop_view.js";
import { makeGrid, named } from "./matrix_view.js";
import { makePython } from "./python_view.js";
import { t } from "./strings.js";

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
  const body = h("div", {
    class: "math-body",
    id: "mathematics-view",
    role: "tabpanel",
    tabIndex: 0,
  });
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
  /** @type {ReturnType<typeof makeCollapse> | null} */
  let collapsed = null;
  /** @type {{name: string, item: HTMLElement, draw: (() => void) | null}[]} */
  let items = [];

  const build = () => {
    items = session.operations.map((name) => {
      const operation = OPERATIONS[name];
      const open = name === opened;
      const make = name === "update" ? makeUpdate : makeEquation;
      const body = open ? make(session, name) : null;
      const item = h(
        "li",
        { class: `operation${open ? " open" : ""}`, "data-testid": `operation-${name}` },
        h(
          "button",
          {
            class: "equation",
            type: "button",
            "aria-expanded": String(open),
            onclick: () => {
              opened = name;
              session.mark(`opened:${name}`);
            },
          },
          h("span", { class: "label" }, operation.equation),
          formula(session, name),
          h("span", { class: "shapes" }, shapes(session, name)),
        ),
        body?.element,
      );
      return { name, item, draw: body ? body.update : null };
    });
    collapsed =
      session.state.activation === "identity" && session.n_h ? makeCollapse(session) : null;
    fill(
      list,
      collapsed && collapsed.element,
      items.map(({ item }) => item),
    );
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
      const key = [
        operations,
        opened,
        points.X.rows,
        session.n_h,
        points.Y.rows,
        session.examples.train.X.cols,
        activation,
      ].join("|");
      if (key !== built) {
        built = key;
        build();
        if (session.stage)
          items.find(({ name }) => name === opened)?.item.scrollIntoView({ block: "nearest" });
      }
      collapsed?.update();
      for (const { name, item, draw } of items) {
        const done = session.known(name);
        item.classList.toggle("unknown", !done);
        item.classList.toggle(
          "current",
          session.stage > 0 && operations[session.stage - 1] === name,
        );
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
    else if (part === "∗")
      line.append(h("span", { class: "entrywise", title: t("math.entrywise") }, "∗"));
    else if (part === "1/m")
      line.append(h("span", { class: "fraction" }, h("sup", {}, "1"), "⁄", h("sub", {}, "m")), " ");
    else if (part === "σ" && session.state.output !== "sigmoid") line.append(session.state.output);
    else if (/^[+−←=Σ,]$/.test(part))
      line.append(part === "," ? ", " : part === "Σ" ? "Σ " : ` ${part} `);
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
  const parts = OPERATIONS[name].parts.filter(
    (part) => matrices.test(part) || /^[@+−∗Σ]$/.test(part),
  );
  return `${shape(name)} = ${parts.map((part) => (matrices.test(part) ? shape(part) : part)).join(" ")}`;
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
  const element = h(
    "div",
    { class: "spelt" },
    row,
    check
      ? h(
          "div",
          { class: "matrices check" },
          h("span", { class: "sign" }, t("math.differences")),
          check.element,
          verdict,
        )
      : null,
  );
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

/** What two layers are where g is the identity: one. @param {Session} session */
function makeCollapse(session) {
  const grids = ["W2 W1", "W2 b1 + b2"].map((name) => makeGrid(session, name, true));
  const [W, b] = grids.map(({ element }) => element);
  const sign = h("span", { class: "sign" }, "x +");
  return {
    element: h(
      "li",
      { class: "collapse" },
      t("math.collapse"),
      h("div", { class: "matrices" }, W, sign, b),
    ),
    update() {
      for (const grid of grids) grid.update();
    },
  };
}

/** The update, block by block: W1′ = W1 − α · dW1. @param {Session} session */
function makeUpdate(session) {
  const blocks = BLOCKS.filter((block) => session.n_h || /2/.test(block));
  const sign = (/** @type {string} */ text) => h("span", { class: "sign" }, text);
  const rows = blocks.map((block) => {
    const grids = [`${block}′`, block, `d${block}`].map((name) => makeGrid(session, name, false));
    const [after, before, gradient] = grids.map(({ element }) => element);
    const element = h(
      "div",
      { class: "matrices" },
      after,
      sign("="),
      before,
      sign("− α ·"),
      gradient,
    );
    return { element, grids };
  });
  return {
    element: h(
      "div",
      { class: "spelt" },
      rows.map(({ element }) => element),
    ),
    update() {
      for (const { grids } of rows) for (const grid of grids) grid.update();
    },
  };
}

/** Parts with g′ ( Z1 ) as one. @param {Session} session @param {string} name */
function equationParts(session, name) {
  const parts = OPERATIONS[name].parts.join(" ").replace("g′ ( Z1 )", "g′(Z1)").split(" ");
  return parts.map((part) =>
    part === "σ" && session.state.output !== "sigmoid" ? session.state.output : part,
  );
}
