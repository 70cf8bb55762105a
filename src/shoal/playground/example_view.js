/** One example through the network: values above each node, gradients below. */

import { gradientsOfExample } from "./cells.js";
import { fill, h, svg } from "./dom.js";
import { short } from "./format.js";
import { sub } from "./points.js";
import { t } from "./strings.js";

const UNITS = 6;
const WIDTH = 400;

/** @param {import("./session.js").Session} session */
export function makeExample(session) {
  const note = h("p", { class: "hint" });
  const frame = h("div", { class: "example" });
  const choose = h("div", { class: "row" });
  const element = h("div", {}, choose, frame, note);
  const step = (/** @type {number} */ by) => () => {
    const m = session.state.points.X.cols;
    session.set("example", (session.settings.example + by + m) % m);
  };
  const label = h("span", { class: "which" });
  fill(
    choose,
    h(
      "button",
      { type: "button", class: "small", onclick: step(-1), "aria-label": t("example.previous") },
      "‹",
    ),
    label,
    h(
      "button",
      { type: "button", class: "small", onclick: step(1), "aria-label": t("example.next") },
      "›",
    ),
  );
  return {
    element,
    update() {
      const { example } = session.settings;
      const { points } = session.state;
      fill(
        label,
        `${t("example.which", { i: example + 1, m: points.X.cols })}${points.heldOut[example] ? ` (${t("table.heldOut")})` : ""}`,
      );
      const made = gradientsOfExample(session, example);
      fill(frame, draw(session, made));
      fill(note, t("example.legend"));
    },
  };
}

/** @param {import("./session.js").Session} session @param {ReturnType<typeof gradientsOfExample>} made */
function draw(session, made) {
  const { points } = session.state;
  const inputs = points.inputs
    .slice(0, UNITS)
    .map(({ name }, k) => ({ name, up: made.x[k], down: null }));
  const units = made.a1.slice(0, UNITS);
  const gap = 58;
  const rows = Math.max(inputs.length, units.length, made.a2.length);
  const height = rows * gap + 8;
  const middle = (/** @type {number} */ count, /** @type {number} */ n) =>
    (height - count * gap) / 2 + n * gap + gap / 2;
  const root = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`,
    class: "graph",
    role: "img",
    "aria-label": t("math.example"),
  });
  const shown = (/** @type {string} */ op) => session.known(op);
  /** @param {number} x @param {number} y @param {string} name @param {number | null} up
   * @param {number | null} down @param {[string, string]} ops */
  const node = (x, y, name, up, down, ops) => {
    root.append(
      svg("rect", { x: x - 30, y: y - 13, width: 60, height: 26, rx: 6, class: "graph-node" }),
      svg("text", { x, y: y + 4, class: "graph-name" }, name.slice(0, 8)),
    );
    if (up !== null)
      root.append(
        svg("text", { x, y: y - 17, class: "graph-value" }, shown(ops[0]) ? short(up) : "·"),
      );
    if (down !== null)
      root.append(
        svg("text", { x, y: y + 24, class: "graph-gradient" }, shown(ops[1]) ? short(down) : "·"),
      );
  };
  const line = (/** @type {number[]} */ [x0, y0, x1, y1]) =>
    root.append(svg("path", { d: `M${x0} ${y0}L${x1} ${y1}`, class: "graph-line" }));
  const x = units.length ? [34, 118, 202, 286, 366] : [34, 0, 0, 200, 366];
  inputs.forEach((_, k) => {
    const end = units.length ? units.length : made.z2.length;
    for (let j = 0; j < end; j++)
      line([
        x[0] + 30,
        middle(inputs.length, k),
        (units.length ? x[1] : x[3]) - 30,
        middle(end, j),
      ]);
  });
  units.forEach((_, j) => {
    line([x[1] + 30, middle(units.length, j), x[2] - 30, middle(units.length, j)]);
    made.z2.forEach((__, r) =>
      line([x[2] + 30, middle(units.length, j), x[3] - 30, middle(made.z2.length, r)]),
    );
  });
  inputs.forEach((input, k) =>
    node(x[0], middle(inputs.length, k), input.name, input.up, null, ["", ""]),
  );
  units.forEach((_, j) => {
    node(x[1], middle(units.length, j), `z₁${sub(j + 1)}`, made.z1[j], made.dz1[j], ["Z1", "dZ1"]);
    node(x[2], middle(units.length, j), `a₁${sub(j + 1)}`, made.a1[j], made.da1[j], ["A1", "dZ1"]);
  });
  made.z2.forEach((_, r) => {
    const y = middle(made.z2.length, r);
    line([x[3] + 30, y, x[4] - 30, y]);
    node(x[3], y, made.z2.length > 1 ? `z₂${sub(r + 1)}` : "z₂", made.z2[r], made.dz2[r], [
      "Z2",
      "dZ2",
    ]);
    node(x[4], y, `a₂, y=${short(made.y[r], 1)}`, made.a2[r], null, ["A2", "dZ2"]);
  });
  return root;
}
