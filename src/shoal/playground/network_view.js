/** The network drawn: inputs, a card for each hidden unit, the output, and a line for each weight. */

import { signColour } from "./colours.js";
import { fill, h, say, sizeOf, svg } from "./dom.js";
import { percent, short } from "./format.js";
import { numberField } from "./number_field.js";
import { columnOf, sub } from "./points.js";
import { shiftLineBy, turnLineBy } from "./geometry.js";
import { norm } from "./insight.js";
import { t } from "./strings.js";
import { makePictures } from "./unit_pictures.js";

const CARDS = 8; // so many units have a card; of more, the first few do
const FIRST = 6;

/**
 * @typedef {import("./engine.js").Block} Block
 * @param {import("./session.js").Session} session
 * @param {import("./field.js").Field} field
 * @param {(j: number) => void} hover
 */
export function makeNetwork(session, field, hover) {
  const edges = svg("svg", { class: "edges", "aria-hidden": "true" });
  const inputs = h("div", { class: "layer inputs" });
  const hidden = h("div", { class: "layer hidden" });
  const outputs = h("div", { class: "layer outputs" });
  const element = h(
    "div",
    { class: "network", "data-testid": "network" },
    edges,
    inputs,
    hidden,
    outputs,
  );
  const { drawHeat, drawOutput, drawCurve } = makePictures(session, field);
  let built = "";
  /** @type {(() => void)[]} texts and numbers, and pictures */
  let parts = [];
  /** @type {(() => void)[]} */
  let pictures = [];
  /** @type {{path: SVGElement, from: Element, to: Element, block: Block, k: number}[]} */
  let links = [];
  let placed = "";
  let badged = 0; // changes of badges or sizes, which move the cards
  let locked = false;

  /** A weight or bias that can be edited. @param {Block} block @param {number} k @param {string} name */
  const weight = (block, k, name) => {
    const { element, input, draw } = numberField({
      label: `${name}: ${t("weight.help")}`,
      testid: `${block}-${k}`,
      get: () => session.state.parameters[block].data[k],
      set: (value) => session.editWeight(block, k, value),
      begin: () => session.beginGesture(),
      end: () => session.endGesture(),
      frozen: () => session.isFrozen(block, k),
      freeze: (frozen) => session.freeze(block, k, frozen),
    });
    parts.push(() => {
      draw();
      input.disabled = locked;
    });
    return h("span", { class: "weight" }, h("i", {}, name), element);
  };

  // ---- building --------------------------------------------------------------------------------

  /** The units that have a card. */
  const shown = () => {
    const { n_h, selected } = session;
    if (n_h <= CARDS) return Array.from({ length: n_h }, (_, j) => j);
    const units = Array.from({ length: FIRST }, (_, j) => j);
    if (selected >= FIRST) units[FIRST - 1] = selected;
    return units;
  };

  const build = () => {
    const { points, parameters } = session.state;
    const n_x = points.X.rows;
    const units = shown();
    parts = [];
    pictures = [];
    links = [];
    placed = "";
    edges.replaceChildren();

    const inputNodes = points.inputs.map((input, k) => {
      const value = h("span", { class: "value" });
      parts.push(() =>
        say(value, short(points.X.data[k * points.X.cols + session.settings.example], 2)),
      );
      const axis = points.plane.includes(k) ? " on-plane" : "";
      return h(
        "div",
        { class: `node input${axis}`, title: input.name },
        h("i", {}, input.name),
        n_x > 10 ? null : value,
      );
    });
    const one = h("div", { class: "node bias", title: t("network.bias") }, "1");
    fill(inputs, inputNodes, session.n_h ? one : null);

    const cards = units.map((j) => unitCard(j));
    const note = h("p", { class: "note" }, t("network.none"));
    fill(hidden, session.n_h ? cards : note, session.n_h > CARDS ? more(units) : null);
    const n_y = points.Y.rows;
    const from = session.n_h ? cards : inputNodes;
    const two = h("div", { class: "node bias", title: t("network.bias") }, "1");
    const ends = Array.from({ length: n_y }, (_, r) => outputCard(r, n_y));
    fill(outputs, ends, two);

    const link = (
      /** @type {Element} */ a,
      /** @type {Element} */ b,
      /** @type {Block} */ block,
      /** @type {number} */ k,
    ) => {
      const path = svg("path", { class: "edge" });
      edges.append(path);
      links.push({ path, from: a, to: b, block, k });
    };
    if (session.n_h) {
      units.forEach((j, n) => {
        inputNodes.forEach((node, k) => link(node, cards[n], "W1", j * n_x + k));
        link(one, cards[n], "b1", j);
      });
    }
    ends.forEach((end, r) => {
      const sources = session.n_h ? units : inputNodes.map((_, k) => k);
      sources.forEach((j, n) => link(from[n], end, "W2", r * parameters.W2.cols + j));
      link(two, end, "b2", r);
    });
  };

  /** @param {number} j */
  const unitCard = (j) => {
    const { points } = session.state;
    const n_x = points.X.rows;
    const heat = h("canvas", { class: "heat", "aria-hidden": "true" });
    const curve = h("canvas", { class: "curve", "aria-hidden": "true" });
    const badges = h("span", { class: "badges" });
    const value = h("output", { class: "value" });
    const facts = h("span", { class: "facts" });
    const named = n_x <= 3 ? points.inputs.map((_, k) => k) : [...new Set(points.plane)];
    const fields = h(
      "div",
      { class: "fields" },
      named.map((k) =>
        weight("W1", j * n_x + k, `w${sub(j + 1)}${n_x > 9 ? "," : ""}${sub(k + 1)}`),
      ),
      weight("b1", j, `b${sub(j + 1)}`),
      points.Y.rows === 1
        ? h("span", { class: "outgoing" }, weight("W2", j, `W2${sub(j + 1)}`))
        : null,
    );
    const card = h(
      "section",
      {
        class: "unit",
        tabIndex: 0,
        role: "group",
        "aria-label": t("network.unit", { j: j + 1 }),
        "data-testid": `unit-${j}`,
        onfocus: () => session.select(j),
        onclick: () => session.select(j),
        onmouseenter: () => (hover(j), session.notify()),
        onmouseleave: () => (hover(-1), session.notify()),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          if (event.target !== card) return;
          if (event.key === "Escape") session.select(-1);
          else if (event.altKey && moveLine(j, event.key)) event.preventDefault();
        },
      },
      h("header", {}, h("b", {}, `a${sub(j + 1)}`), value, badges),
      h("div", { class: "pictures" }, heat, curve),
      fields,
      facts,
    );
    parts.push(() => {
      const { cache, health, backward } = session.trace;
      const unit = health[j];
      card.classList.toggle("selected", session.selected === j);
      const m = cache.A1.cols;
      const i = columnOf(points, session.settings.example);
      say(value, i < 0 ? "" : short(cache.A1.data[j * m + i]));
      const now = [
        unit.dead && "dead",
        unit.saturated && "saturated",
        unit.twin >= 0 && `twin ${unit.twin + 1}`,
      ]
        .filter(Boolean)
        .join("|");
      if (badges.dataset.now !== now) {
        badges.dataset.now = now;
        badged++;
        fill(
          badges,
          now
            .split("|")
            .filter(Boolean)
            .map((name) => {
              const [kind, k] = name.split(" ");
              return h(
                "span",
                { class: `badge ${kind}`, title: t(`badge.${kind}.help`) },
                t(`badge.${kind}`, { k }),
              );
            }),
        );
      }
      const { W1 } = backward.gradients;
      const row = W1.data.subarray(j * W1.cols, (j + 1) * W1.cols);
      say(facts, t("network.facts", { slope: short(unit.meanSlope), gradient: short(norm(row)) }));
    });
    pictures.push(() => {
      drawHeat(heat, j);
      drawCurve(curve, j);
    });
    return card;
  };

  /** Turns or shifts a unit's line by a key. @param {number} j @param {string} key */
  const moveLine = (j, key) => {
    const turn = { ArrowLeft: 1, ArrowRight: -1 }[key];
    const shift = { ArrowUp: 1, ArrowDown: -1 }[key];
    const { parameters, points } = session.state;
    if (turn)
      session.editParameters(turnLineBy(parameters, j, points, field.box, turn * (Math.PI / 60)));
    else if (shift)
      session.editParameters(shiftLineBy(parameters, j, points, field.box, shift * 0.02));
    else return false;
    session.facts.add("dragged line");
    return true;
  };

  /** The units without a card. @param {number[]} units that have one */
  const more = (units) => {
    const rest = Array.from({ length: session.n_h }, (_, j) => j).filter((j) => !units.includes(j));
    const tiles = rest.map((j) => {
      const heat = h("canvas", { class: "tile-heat" });
      pictures.push(() => drawHeat(heat, j));
      return h(
        "button",
        {
          class: "tile",
          type: "button",
          "aria-label": t("network.unit", { j: j + 1 }),
          title: t("network.unit", { j: j + 1 }),
          onclick: () => session.select(j),
        },
        heat,
      );
    });
    return h(
      "div",
      { class: "more" },
      h("span", {}, t("network.more", { n: rest.length })),
      h("div", { class: "tiles" }, tiles),
    );
  };

  /** @param {number} r @param {number} n_y */
  const outputCard = (r, n_y) => {
    const { points, parameters } = session.state;
    const { classes, targets } = points;
    const value = h("output", { class: "value" });
    const name = n_y === 1 ? "ŷ" : (classes[r] ?? targets[r]);
    const heat = n_y <= 4 ? h("canvas", { class: "heat", "aria-hidden": "true" }) : null;
    const weights =
      session.n_h || n_y > 1
        ? []
        : points.inputs
            .slice(0, 6)
            .map((_, k) => weight("W2", r * parameters.W2.cols + k, `w${sub(k + 1)}`));
    const card = h(
      "section",
      { class: "unit output", "data-testid": `output-${r}` },
      h("header", {}, h("b", {}, name), value),
      heat,
      h("div", { class: "fields" }, weights, weight("b2", r, n_y === 1 ? "b2" : `b2${sub(r + 1)}`)),
    );
    parts.push(() => {
      const { A2 } = session.trace.cache;
      const i = columnOf(points, session.settings.example);
      say(value, i < 0 ? "" : short(A2.data[r * A2.cols + i]));
    });
    if (heat) pictures.push(() => drawOutput(heat, r));
    return card;
  };

  // ---- drawing ---------------------------------------------------------------------------------

  /** Cards as large as there is room for. */
  const fit = () => {
    const units = shown();
    const room = (sizeOf(element).height - (session.n_h > CARDS ? 104 : 0)) / units.length;
    const size =
      room >= 142
        ? "huge"
        : room >= 102
          ? "large"
          : room >= 80
            ? "middle"
            : room >= 58
              ? "small"
              : "tiny";
    if (hidden.dataset.size === size) return;
    hidden.dataset.size = size;
    badged++;
  };

  /** Puts the ends of the lines where the boxes are; only when those moved. */
  const place = () => {
    const sizes = [element, hidden].map(sizeOf);
    const key = [
      ...sizes.flatMap(({ width, height }) => [width, height]),
      badged,
      session.selected,
    ].join();
    if (key === placed || !sizes[0].width) return;
    placed = key;
    const frame = element.getBoundingClientRect();
    edges.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const boxes = new Map();
    const box = (/** @type {Element} */ node) => {
      if (!boxes.has(node)) boxes.set(node, node.getBoundingClientRect());
      return boxes.get(node);
    };
    for (const { path, from, to, block } of links) {
      const a = box(from);
      const b = box(to);
      const above = block === "b2"; // the output's bias stands below it
      const x0 = (above ? (a.left + a.right) / 2 : a.right) - frame.left;
      const y0 = (above ? a.top : (a.top + a.bottom) / 2) - frame.top;
      const x1 = (above ? (b.left + b.right) / 2 : b.left) - frame.left;
      const y1 = (above ? b.bottom : (b.top + b.bottom) / 2) - frame.top;
      const bend = above ? 0 : (x1 - x0) / 2;
      path.setAttribute("d", `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`);
    }
  };

  const drawEdges = () => {
    const { parameters } = session.state;
    for (const { path, block, k } of links) {
      const w = parameters[block].data[k];
      const width = Number.isFinite(w) ? Math.min(7, 0.5 + 2.4 * Math.sqrt(Math.abs(w))) : 0;
      const key = `${width.toFixed(1)}${w < 0}${session.isFrozen(block, k)}`;
      if (path.dataset.key === key) continue;
      path.dataset.key = key;
      path.setAttribute("stroke-width", width.toFixed(1));
      path.setAttribute("stroke", signColour(w));
      path.setAttribute("stroke-dasharray", w < 0 ? "6 3" : "none");
      path.setAttribute("opacity", session.isFrozen(block, k) ? "1" : "0.7");
    }
  };

  return {
    element,
    /** @param {boolean} whole whether texts and numbers too, which nobody reads at full speed */
    update(whole) {
      const { points } = session.state;
      locked = element.closest("[data-locked]") !== null;
      const folded = session.n_h > CARDS ? shown().join() : "";
      const key = [
        session.n_h,
        points.inputs.map(({ name }) => name),
        points.Y.rows,
        points.plane,
        folded,
        points.classes,
      ].join("|");
      if (key !== built) {
        built = key;
        build();
      }
      if (whole) for (const part of parts) part();
      for (const draw of pictures) draw();
      fit();
      place();
      drawEdges();
    },
    table() {
      const { parameters } = session.state;
      const { health } = session.trace;
      const { inputs } = session.state.points;
      const head = [
        t("table.unit"),
        ...inputs.map((_, k) => `w${sub(k + 1)}`),
        "b",
        "W2",
        "g′",
        t("table.state"),
      ];
      const { W1, b1, W2 } = parameters;
      const rows = health.map((unit, j) => [
        String(j + 1),
        ...inputs.map((_, k) => short(W1.data[j * W1.cols + k], 4)),
        short(b1.data[j], 4),
        Array.from({ length: W2.rows }, (_, r) => short(W2.data[r * W2.cols + j], 4)).join(" "),
        percent(unit.meanSlope),
        [
          unit.dead && t("badge.dead"),
          unit.saturated && t("badge.saturated"),
          unit.twin >= 0 && t("badge.twin", { k: unit.twin + 1 }),
        ]
          .filter(Boolean)
          .join(", "),
      ]);
      return { head, rows };
    },
  };
}
