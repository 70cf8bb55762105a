/** The same in Python: the library's lines of this step, and a script that gives these numbers. */

import { BLOCKS, rowsOf } from "./engine.js";
import { OPERATIONS } from "./cells.js";
import { fill, h } from "./dom.js";
import { t } from "./strings.js";

/** @param {import("./session.js").Session} session */
export function makePython(session) {
  const lines = h("pre", { class: "code" });
  const script = h("pre", { class: "code", "data-testid": "python-script", tabIndex: 0 });
  const copied = h(
    "button",
    {
      type: "button",
      class: "small",
      onclick: () =>
        navigator.clipboard?.writeText(scriptOf(session)).then(
          () => (copied.textContent = t("copied")),
          () => {},
        ),
    },
    t("copy"),
  );
  const element = h(
    "div",
    {},
    h("h3", {}, t("python.step")),
    lines,
    h("h3", {}, t("python.whole"), " ", copied),
    script,
  );
  return {
    element,
    update() {
      const { operations, stage } = session;
      const current = stage ? operations[stage - 1] : "";
      fill(
        lines,
        operations.map((name) =>
          h(
            "div",
            { class: name === current ? "current" : "" },
            OPERATIONS[name].code,
            h("span", { class: "live" }, `  # ${OPERATIONS[name].equation}`),
          ),
        ),
      );
      const text = scriptOf(session);
      if (script.textContent !== text) script.textContent = text;
    },
  };
}

/** A script for the state as it is: its data and start by name where they have one.
 * @param {import("./session.js").Session} session */
export function scriptOf(session) {
  const { settings, state } = session;
  const { points, iteration } = state;
  const usual = settings.data !== "flower" || settings.noise === 0.2; // the library's has no other
  const own = settings.data === "own" || !usual || points.heldOut.includes(true);
  const noise = settings.data === "flower" ? "" : `, noise=${settings.noise}`;
  const data = own
    ? [`X = np.array(...)  # ${t("python.own")}, (n_x, m)`, "Y = np.array(...)  # (n_y, m)"]
    : [
        `X, Y = shoal.datasets.${settings.data}(`,
        `    m=${points.X.cols}${noise}, random_state=${settings.data_seed}`,
        ")",
      ];
  const how =
    settings.scheme === "normal" ? `scale=${settings.scale}` : `scheme="${settings.scheme}"`;
  const edited = session.timeline.checkpoints.filter(({ edited: by }) => by).length > 1;
  const begin = edited
    ? [
        `# ${t("python.edited", { iteration })}`,
        "parameters = shoal.Parameters(",
        ...BLOCKS.map((block) => `    ${block}=${nested(state.parameters[block])},`),
        ")",
      ]
    : [
        "parameters = shoal.initialize(",
        `    n_x=${points.X.rows}, n_h=${session.n_h}, n_y=${points.Y.rows},`,
        `    ${how}, random_state=${settings.random_state},`,
        ")",
      ];
  const train = [
    "parameters, costs = shoal.gradient_descent(",
    "    X, Y, parameters, **form,",
    `    learning_rate=${state.learning_rate}, n_iterations=${iteration},`,
    ")",
  ];
  return [
    ...(own || edited ? ["import numpy as np"] : []),
    "import shoal",
    "",
    ...data,
    `form = dict(activation="${state.activation}", output="${state.output}")`,
    ...begin,
    ...(edited || !iteration ? [] : train),
    "cache = shoal.forward(X, parameters, **form)",
    `print(shoal.cost(cache, Y, output="${state.output}"))`,
  ].join("\n");
}

/** @param {import("./engine.js").Matrix} A */
function nested(A) {
  return A.rows ? `np.array(${JSON.stringify(rowsOf(A))})` : `np.zeros((0, ${A.cols}))`;
}
