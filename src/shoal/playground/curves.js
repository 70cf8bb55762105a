/** How training went: cost, accuracy, gradients, sharpness, the landscape, and the runs before. */

import { makeChart } from "./chart.js";
import { fill, h, tabList } from "./dom.js";
import { exact, percent, short, whole } from "./format.js";
import { makeLandscape } from "./landscape_view.js";
import { SETTINGS } from "./settings.js";
import { RECORDED } from "./trainer.js";
import { sharpness } from "./surface.js";
import { t } from "./strings.js";

/** @typedef {import("./session.js").Session} Session */

const COLUMN = Object.fromEntries(RECORDED.map((name, k) => [name, k]));
const COLOURS = {
  J: "#2f6fb5",
  heldOut: "#c2571a",
  accuracy: "#2c8a57",
  layer1: "#7b4fb0",
  layer2: "#b08a14",
};

/** @param {Session} session @param {Node} extra shown beside the tabs */
export function makeCurves(session, extra) {
  const left = makeChart({ label: t("curve.cost.help"), testid: "cost-chart" });
  const right = makeChart({ label: t("curve.accuracy.help"), testid: "accuracy-chart" });
  const landscape = makeLandscape(session);
  const runs = h("div", { class: "runs" });
  const body = h("div", { class: "curves-body" });
  const names = (SETTINGS.curve.of ?? []).map(
    (name) => /** @type {const} */ ([name, t(`curve.${name}`)]),
  );
  const tabs = tabList(t("curve.title"), "curve", names, (name) => session.set("curve", name));
  const logged = h(
    "label",
    { class: "check" },
    h("input", {
      type: "checkbox",
      checked: session.settings.log,
      "data-testid": "log",
      onchange: (/** @type {Event} */ event) =>
        session.set("log", /** @type {HTMLInputElement} */ (event.target).checked),
    }),
    t("curve.log"),
  );
  const element = h(
    "div",
    { class: "curves" },
    h(
      "div",
      { class: "curves-head" },
      tabs.element,
      h("span", { class: "stretch" }),
      logged,
      extra,
    ),
    body,
  );
  let chosen = "";
  /** @type {{iteration: number, value: number}[]} */
  let sharp = [];
  let sharpHistory = session.history;
  let measured = -1; // the state whose sharpness is the last

  /** @param {number} column @param {string} name @param {string} colour @param {boolean} [dashed]
   * @param {number} [live] the value of the state as it is now */
  const own = (column, name, colour, dashed = false, live = NaN) => {
    const { history, state } = session;
    const recorded = history.count;
    const extra = state.iteration >= history.length ? 1 : 0;
    return {
      name,
      colour,
      dashed,
      count: recorded + extra,
      x: (/** @type {number} */ n) => (n < recorded ? history.iterationOf(n) : state.iteration),
      y: (/** @type {number} */ n) => (n < recorded ? history.at(n, column) : live),
    };
  };
  const ghosts = (/** @type {number} */ column) =>
    session.runs.map(({ history, number }) => ({
      name: `#${number}`,
      colour: "#8a93a1",
      faint: true,
      width: 1.2,
      count: history.count,
      x: (/** @type {number} */ n) => history.iterationOf(n),
      y: (/** @type {number} */ n) => history.at(n, column),
    }));

  const draw = {
    cost() {
      const { trace, state, settings } = session;
      const out = session.examples.heldOut !== null;
      const heldOutJ = out
        ? [own(COLUMN.heldOutJ, t("curve.heldOut"), COLOURS.heldOut, true, trace.heldOutJ)]
        : [];
      const heldOutAccuracy = out
        ? [
            own(
              COLUMN.heldOutAccuracy,
              t("curve.heldOut"),
              COLOURS.heldOut,
              true,
              trace.heldOutAccuracy,
            ),
          ]
        : [];
      const marker = state.iteration < session.history.length ? state.iteration : undefined;
      left.update(
        [
          ...ghosts(COLUMN.J),
          own(COLUMN.J, t("curve.train"), COLOURS.J, false, trace.J),
          ...heldOutJ,
        ],
        {
          title: t("curve.J"),
          log: settings.log,
          marker,
        },
      );
      const regression = state.output === "identity";
      right.update(
        [
          ...ghosts(COLUMN.accuracy),
          own(COLUMN.accuracy, t("curve.train"), COLOURS.accuracy, false, trace.accuracy),
          ...heldOutAccuracy,
        ],
        {
          title: t(regression ? "curve.r2" : "curve.accuracy"),
          marker,
          ...(regression ? { high: 1 } : { high: 1.01 }),
        },
      );
    },
    gradients() {
      const { settings } = session;
      left.update(
        [
          own(COLUMN.dLayer1, "‖dW₁, db₁‖", COLOURS.layer1),
          own(COLUMN.dLayer2, "‖dW₂, db₂‖", COLOURS.layer2),
        ],
        {
          title: t("curve.gradients.title"),
          log: settings.log,
        },
      );
      right.update(
        [
          own(COLUMN.layer1, "‖W₁, b₁‖", COLOURS.layer1),
          own(COLUMN.layer2, "‖W₂, b₂‖", COLOURS.layer2),
        ],
        {
          title: t("curve.weights.title"),
          log: settings.log,
        },
      );
    },
    sharpness() {
      const { state, history } = session;
      if (sharpHistory !== history) [sharp, sharpHistory, measured] = [[], history, -1];
      if (measured !== session.generation) {
        measured = session.generation;
        const { train } = session.examples;
        const value = session.sharpness ?? sharpness(train, state.parameters, session.form);
        sharp = sharp.filter(({ iteration }) => iteration < state.iteration);
        sharp.push({ iteration: state.iteration, value });
      }
      const { value } = sharp[sharp.length - 1];
      left.update(
        [
          {
            name: "λ",
            colour: COLOURS.heldOut,
            count: sharp.length,
            x: (n) => sharp[n].iteration,
            y: (n) => sharp[n].value,
          },
        ],
        {
          title: t("curve.sharpness.title", { value: short(value) }),
          level: 2 / state.learning_rate,
          levelName: `2/α = ${short(2 / state.learning_rate)}`,
          low: 0,
        },
      );
      right.update([own(COLUMN.J, t("curve.train"), COLOURS.J, false, session.trace.J)], {
        title: t("curve.J"),
        log: true,
      });
    },
    landscape() {
      landscape.update();
    },
    runs() {
      fill(runs, runTable(session));
    },
  };

  return {
    element,
    update() {
      const { curve } = session.settings;
      if (curve !== chosen) {
        chosen = curve;
        tabs.show(curve);
        if (curve === "landscape") fill(body, landscape.element);
        else if (curve === "runs") fill(body, runs);
        else fill(body, left.element, right.element);
        logged.hidden = curve === "landscape" || curve === "runs" || curve === "sharpness";
      }
      draw[/** @type {keyof typeof draw} */ (curve)]();
    },
    table() {
      const { history } = session;
      const step = Math.max(1, Math.ceil(history.count / 200));
      const rows = [];
      for (let n = 0; n < history.count; n += step) {
        rows.push([
          whole(history.iterationOf(n)),
          ...RECORDED.slice(0, 4).map((_, k) => short(history.at(n, k), 6)),
        ]);
      }
      const { trace, state } = session;
      rows.push([
        whole(state.iteration),
        short(trace.J, 6),
        short(trace.accuracy, 6),
        short(trace.heldOutJ, 6),
        short(trace.heldOutAccuracy, 6),
      ]);
      return {
        head: [
          t("time.iteration"),
          "J",
          t("curve.accuracy"),
          `J, ${t("curve.heldOut")}`,
          `${t("curve.accuracy")}, ${t("curve.heldOut")}`,
        ],
        rows,
      };
    },
  };
}

/** @param {Session} session */
function runTable(session) {
  const head = [
    "#",
    "n_h",
    "g",
    "α",
    t("runs.start"),
    t("data.title"),
    t("time.iteration"),
    "J",
    t("time.accuracy"),
  ];
  /** @type {import("./settings.js").Settings} */
  const settings = { ...session.settings, n_h: session.n_h };
  const now = {
    number: session.runNumber,
    settings,
    iteration: session.state.iteration,
    J: session.trace.J,
    accuracy: session.trace.accuracy,
  };
  const rows = [...session.runs, now].map(({ number, settings, iteration, J, accuracy }) => [
    String(number),
    String(settings.n_h),
    t(`g.${settings.activation}`),
    exact(settings.learning_rate),
    settings.scheme === "normal"
      ? `${exact(settings.scale)}, ${settings.random_state}`
      : `${t(`scheme.${settings.scheme}`)}, ${settings.random_state}`,
    t(`data.${settings.data}`),
    whole(iteration),
    short(J, 6),
    percent(accuracy),
  ]);
  return [
    h(
      "table",
      { "data-testid": "runs" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((text) => h("th", { scope: "col" }, text)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((cells, k) =>
          h(
            "tr",
            { class: k === rows.length - 1 ? "now" : "" },
            cells.map((text) => h("td", {}, text)),
          ),
        ),
      ),
    ),
    session.runs.length
      ? h(
          "button",
          { type: "button", class: "small", onclick: () => session.forgetRuns() },
          t("runs.forget"),
        )
      : h("p", { class: "hint" }, t("runs.none")),
  ];
}
