/** Which data: the generators, a person's own table, what is held out, and how inputs are scaled. */

import { LARGEST_FILE, TableError, isClass, parseTable, pointsOfTable, rankInputs } from "./csv.js";
import { DATASETS } from "./datasets.js";
import { choice, fill, h, say } from "./dom.js";
import { exact, short, whole } from "./format.js";
import { numberField } from "./number_field.js";
import { t } from "./strings.js";

/** @typedef {import("./session.js").Session} Session */

/** @param {Session} session */
export function makeData(session) {
  const names = [...Object.keys(DATASETS), "own"];
  const select = choice(
    { "aria-label": t("data.choose"), "data-testid": "data" },
    names.map((name) => [name, t(`data.${name}`)]),
    session.settings.data,
    (value) => session.set("data", value),
  );
  /** @param {string} name @param {string} label @param {string} help @param {object} [how] */
  const field = (name, label, help, how = {}) => {
    const made = numberField({
      label: t(help),
      testid: name,
      get: () => session.settings[name],
      set: (value) => session.set(name, value),
      ...how,
    });
    return {
      ...made,
      box: h("label", { class: "labelled" }, h("span", {}, t(label)), made.element),
    };
  };
  const fields = [
    field("m", "data.m", "data.m.help", {
      step: 20,
      low: 4,
      high: 5000,
      show: (/** @type {number} */ v) => String(v),
    }),
    field("noise", "data.noise", "data.noise", { step: 0.02, low: 0, high: 10, show: exact }),
    field("data_seed", "data.seed", "data.seed.help", {
      step: 1,
      low: 0,
      show: (/** @type {number} */ v) => String(v),
    }),
  ];
  const heldOut = field("held_out", "data.heldOut", "data.heldOut.help", {
    step: 0.05,
    low: 0,
    high: 0.9,
    show: (/** @type {number} */ v) => `${Math.round(100 * v)} %`,
    get: () => heldOutShare(session.state.points),
  });
  const file = h("input", {
    type: "file",
    class: "unseen",
    tabIndex: -1,
    "aria-hidden": "true",
    accept: ".csv,.tsv,.txt,text/csv,text/plain",
    "data-testid": "csv-file",
    onchange: () => file.files?.[0] && readFile(session, file.files[0]),
  });
  const open = h(
    "button",
    {
      type: "button",
      class: "small",
      title: t("data.file.help"),
      "data-testid": "csv-open",
      onclick: () => file.click(),
    },
    t("data.file"),
  );
  const drawn = h(
    "span",
    { class: "row" },
    fields.map(({ box }) => box),
  );
  const axes = h("div", { class: "row axes" });
  const sliders = h("details", { class: "sliders" });
  const scaling = h("div", { class: "scaling", "data-testid": "scaling" });
  const head = h("div", { class: "row" }, select, open, file);
  const element = h(
    "div",
    { class: "data-controls", "data-control": "data" },
    h("div", { class: "row" }, drawn, heldOut.box),
    axes,
    sliders,
    scaling,
  );
  let built = "";

  return {
    head,
    element,
    update() {
      const { points } = session.state;
      if (select.value !== session.settings.data) select.value = session.settings.data;
      for (const { draw } of fields) draw();
      heldOut.draw();
      drawn.hidden = session.settings.data === "own";
      const key = JSON.stringify([points.inputs, points.plane, points.note]);
      if (key === built) return;
      built = key;
      const shown = [...new Set(points.plane)].map((k) => points.inputs[k]);
      const scaled = [...shown, ...points.inputs.filter((input) => !shown.includes(input))].filter(
        ({ center, scale }) => center !== 0 || scale !== 1,
      );
      const formulas = scaled.slice(0, 2).map(({ name, center, scale }) => {
        const centred =
          Math.abs(center) < 1e-9 * scale
            ? name
            : center < 0
              ? `(${name} + ${short(-center)})`
              : `(${name} − ${short(center)})`;
        return `${name} → ${centred} / ${short(scale)}`;
      });
      const text = scaled.length
        ? t("data.scaled", { formulas: formulas.join(", ") + (scaled.length > 2 ? ", …" : "") })
        : t("data.unscaled");
      fill(
        scaling,
        h("p", {}, text),
        points.note &&
          h("details", {}, h("summary", {}, t("data.about")), h("p", { tabIndex: 0 }, points.note)),
      );
      fill(axes);
      fill(sliders);
      sliders.hidden = points.inputs.length < 3;
      if (points.inputs.length < 3) return;
      const options = points.inputs.map(
        ({ name }, k) => /** @type {const} */ ([String(k), name.slice(0, 30)]),
      );
      const put = (/** @type {number} */ n) => (/** @type {string} */ value) => {
        const plane = /** @type {[number, number]} */ (points.plane.slice());
        if (plane[1 - n] === Number(value)) plane[1 - n] = plane[n];
        plane[n] = Number(value);
        session.view({ ...session.state.points, plane });
      };
      fill(
        axes,
        h(
          "label",
          { class: "labelled" },
          h("span", {}, t("data.across")),
          choice({ "data-testid": "axis-0" }, options, String(points.plane[0]), put(0)),
        ),
        h(
          "label",
          { class: "labelled" },
          h("span", {}, t("data.up")),
          choice({ "data-testid": "axis-1" }, options, String(points.plane[1]), put(1)),
        ),
      );
      fill(
        sliders,
        h("summary", {}, t("data.others")),
        points.inputs.map((input, k) =>
          points.plane.includes(k) ? null : slider(session, input, k),
        ),
      );
    },
  };
}

/** @param {Session} session @param {import("./points.js").Input} input @param {number} k */
function slider(session, { name, center, scale, fixed, levels }, k) {
  const { value, min, max } = fixed ?? { value: 0, min: -2, max: 2 };
  const shown = h("output", {}, short(center + scale * session.state.points.fixed[k], 2));
  const set = (/** @type {number} */ scaled) => {
    const all = session.state.points.fixed.slice();
    all[k] = scaled;
    say(shown, short(center + scale * scaled, 2));
    session.view({ ...session.state.points, fixed: all });
  };
  const control = levels
    ? choice(
        { "aria-label": name },
        levels.map((level) => [String(level.value), level.name]),
        String(session.state.points.fixed[k]),
        (text) => set(Number(text)),
      )
    : h("input", {
        type: "range",
        "aria-label": name,
        min: String(min),
        max: String(max),
        step: "any",
        value: String(session.state.points.fixed[k] ?? value),
        oninput: (/** @type {Event} */ event) =>
          set(Number(/** @type {HTMLInputElement} */ (event.target).value)),
      });
  return h(
    "label",
    { class: "slider" },
    h("span", { title: name }, name),
    control,
    levels ? null : shown,
  );
}

/** @param {import("./points.js").Points} points */
function heldOutShare({ heldOut }) {
  return heldOut.filter(Boolean).length / heldOut.length;
}

/** Reads a dropped or chosen file. @param {Session} session @param {File} file */
export async function readFile(session, file) {
  const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / 1e6);
  if (file.size > LARGEST_FILE) {
    complain(t("csv.big", { size: megabytes(file.size), most: megabytes(LARGEST_FILE) }));
    return;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder("windows-1252").decode(bytes);
  }
  if (text.includes("\0")) complain(t("csv.binary"));
  else readTable(session, text);
}

/** Asks which columns of a table to use. @param {Session} session @param {string} text */
export function readTable(session, text) {
  try {
    ask(session, parseTable(text));
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    complain(t(error.key, error.values));
  }
}

/** @param {string} text */
function complain(text) {
  const box = dialog(t("data.title"), h("p", { role: "alert", "data-testid": "complaint" }, text));
  box.showModal();
}

/** A dialog with a title and a way to close it, which is gone when it is closed.
 * @param {string} title @param {...(Node | null)} content */
export function dialog(title, ...content) {
  const box = h(
    "dialog",
    { "aria-label": title, onclose: () => box.remove() },
    h(
      "header",
      {},
      h("h2", {}, title),
      h(
        "button",
        { type: "button", class: "close", "aria-label": t("close"), onclick: () => box.close() },
        "×",
      ),
    ),
    ...content.filter((node) => node !== null),
  );
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  return box;
}

/** @param {Session} session @param {import("./csv.js").Column[]} columns */
function ask(session, columns) {
  // The target that most tables mean: the last column that can be one.
  let target = columns.findLastIndex(isClass);
  if (target < 0) target = columns.length - 1;
  let inputs = rankInputs(columns, target);
  if (!inputs.length) throw new TableError("csv.noInput");
  const wide = () => inputs.some((k) => (columns[k].numbers ?? []).some((v) => Math.abs(v) > 20));
  const list = h("div", { class: "checks" });
  const scaled = h("input", { type: "checkbox", checked: wide(), "data-testid": "csv-scale" });
  const fault = h("p", { role: "alert", class: "fault" });
  const shownName = (/** @type {number} */ k) => columns[k].name.slice(0, 60);
  const show = () =>
    fill(
      list,
      rankInputs(columns, target).map((k) =>
        h(
          "label",
          { class: "check" },
          h("input", {
            type: "checkbox",
            checked: inputs.includes(k),
            onchange: (/** @type {Event} */ event) => {
              const on = /** @type {HTMLInputElement} */ (event.target).checked;
              inputs = rankInputs(columns, target).filter((other) =>
                other === k ? on : inputs.includes(other),
              );
            },
          }),
          shownName(k),
        ),
      ),
    );
  const goal = choice(
    { "data-testid": "csv-target" },
    columns.map((_, k) => [String(k), shownName(k)]),
    String(target),
    (value) => {
      target = Number(value);
      inputs = rankInputs(columns, target);
      show();
    },
  );
  const use = h(
    "button",
    {
      type: "button",
      class: "wide",
      "data-testid": "csv-use",
      onclick: () => {
        try {
          const { points, dropped, sampled } = pointsOfTable(columns, {
            inputs,
            target,
            scaled: scaled.checked,
          });
          const notes = [
            dropped && t("csv.dropped", { n: whole(dropped) }),
            sampled && t("csv.sampled", { n: whole(sampled) }),
          ];
          session.load({ ...points, note: notes.filter(Boolean).join(" ") });
          box.close();
        } catch (error) {
          if (!(error instanceof TableError)) throw error;
          say(fault, t(error.key, error.values));
        }
      },
    },
    t("csv.use"),
  );
  show();
  const box = dialog(
    t("csv.title"),
    h(
      "p",
      { class: "hint" },
      t("csv.rows", { rows: whole(columns[0].texts.length), columns: columns.length }),
    ),
    h("label", { class: "labelled" }, h("span", {}, t("csv.target")), goal),
    h("fieldset", {}, h("legend", {}, t("csv.inputs")), list),
    h("label", { class: "check" }, scaled, t("csv.scale")),
    fault,
    use,
  );
  box.showModal();
  use.focus();
}
