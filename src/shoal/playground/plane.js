/** The data and the decision: points, the output over the plane, the units' lines. */

import { classColour } from "./colours.js";
import { h, icon, svg } from "./dom.js";
import { short } from "./format.js";
import { shiftLine, turnLine } from "./geometry.js";
import { labelOf, predictions } from "./insight.js";
import { makePicture } from "./plane_picture.js";
import { addPoint, erasePoint, flipPoint, heightOf, movePoint, nearest } from "./points.js";
import { t } from "./strings.js";

const REACH = 14; // pixels within which a point or a handle is taken

const ICONS = {
  move: "M10 2l3 3h-2v4h4V7l3 3-3 3v-2h-4v4h2l-3 3-3-3h2v-4H5v2l-3-3 3-3v2h4V5H7z",
  flip: "M4 7h9V4l4 4-4 4V9H4zM16 13H7v3l-4-4",
  erase: "M3 12l7-8 6 5-6 7H7z M9 16h8",
};

/**
 * @param {import("./session.js").Session} session
 * @param {import("./field.js").Field} field
 */
export function makePlane(session, field) {
  let tool = "move";
  /** @type {{kind: "point" | "shift" | "turn", i: number, pivot: [number, number]} | null} */
  let drag = null;
  /** @type {[number, number] | null} where it began, until it has moved */
  let pressed = null;
  /** @type {[number, number] | null} the keyboard's cursor, in the plane */
  let cursor = null;
  let hovered = -1;

  const canvas = h("canvas", {
    id: "plane",
    class: "plane-canvas",
    tabIndex: 0,
    role: "application",
    "aria-label": t("plane.help"),
    "data-testid": "plane",
  });
  const tools = h("div", { class: "tools", role: "group", "aria-label": t("plane.tools") });
  const element = h("div", { class: "plane" }, tools, h("div", { class: "plane-frame" }, canvas));
  const picture = makePicture(session, field, canvas);
  const { frame, toScreen, toPlane, place, handles } = picture;

  // ---- acting ----------------------------------------------------------------------------------

  /** @param {[number, number]} at @param {string} how */
  const act = (at, how) => {
    const { points } = session.state;
    if (how.startsWith("add")) session.editPoints(addPoint(points, ...at, Number(how.slice(3))));
    else {
      const { i, distance } = nearest(points, ...at);
      if (i < 0 || distance * (frame().w / (field.box.x1 - field.box.x0)) > 2 * REACH) return;
      if (how === "flip") session.editPoints(flipPoint(points, i));
      else if (how === "erase") session.editPoints(erasePoint(points, i));
      else session.set("example", i);
    }
  };
  const locked = () => element.closest("[data-locked]") !== null;
  const position = (/** @type {PointerEvent} */ event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return /** @type {[number, number]} */ ([event.clientX - left, event.clientY - top]);
  };
  const distance = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    Math.hypot(a[0] - b[0], a[1] - b[1]);
  /** What is under the pointer. @param {[number, number]} at @returns {typeof drag} */
  const hit = (at) => {
    const grips = handles();
    if (grips) {
      if (distance(at, toScreen(...grips.end)) < REACH)
        return { kind: "turn", i: session.selected, pivot: grips.middle };
      if (distance(at, toScreen(...grips.middle)) < REACH)
        return { kind: "shift", i: session.selected, pivot: grips.middle };
    }
    const { i } = nearest(session.state.points, ...toPlane(...at));
    if (i >= 0 && distance(at, place(i)) < REACH) return { kind: "point", i, pivot: [0, 0] };
    return null;
  };

  canvas.addEventListener("pointerdown", (event) => {
    const at = position(event);
    if (tool !== "move" && !locked()) {
      act(toPlane(...at), tool);
      return;
    }
    const taken = hit(at);
    if (taken?.kind === "point") session.set("example", taken.i);
    if (!taken || locked()) return;
    canvas.setPointerCapture(event.pointerId);
    drag = taken;
    pressed = at;
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = position(event);
    if (!drag) {
      const under = tool === "move" ? hit(at) : null;
      canvas.style.cursor = tool === "move" ? (under ? "grab" : "default") : "crosshair";
      return;
    }
    if (pressed) {
      if (distance(at, pressed) < 2) return; // a click that trembled
      pressed = null;
      session.beginGesture();
    }
    const [x, y] = toPlane(...at);
    const { points, parameters } = session.state;
    if (drag.kind === "point") session.editPoints(movePoint(points, drag.i, x, y));
    else if (drag.kind === "shift")
      session.editParameters(shiftLine(parameters, drag.i, points, [x, y]));
    else session.editParameters(turnLine(parameters, drag.i, points, drag.pivot, [x, y]));
    if (drag.kind !== "point") session.facts.add("dragged line");
  });
  const release = () => {
    if (drag) session.endGesture();
    drag = pressed = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  // A finger scrolls the page, unless it takes something.
  canvas.addEventListener(
    "touchstart",
    (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      const { clientX, clientY } = event.touches[0];
      if (tool !== "move" || hit([clientX - left, clientY - top])) event.preventDefault();
    },
    { passive: false },
  );

  canvas.addEventListener("keydown", (event) => {
    const { box } = field;
    const step = (event.shiftKey ? 0.005 : 0.02) * (box.x1 - box.x0);
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    });
    const move = moves[event.key];
    const { points } = session.state;
    const { example } = session.settings;
    const m = points.X.cols;
    if (move) {
      const { X, plane } = points;
      if (event.altKey) {
        if (locked()) return;
        const [x, y] = [X.data[plane[0] * m + example], heightOf(points, example)];
        session.editPoints(movePoint(points, example, x + move[0], y + move[1]));
        cursor = [x + move[0], y + move[1]];
      } else {
        cursor ??= [X.data[plane[0] * m + example], heightOf(points, example)];
        cursor = [cursor[0] + move[0], cursor[1] + move[1]];
      }
    } else if (event.key === "n" || event.key === "p") {
      session.set("example", (example + (event.key === "n" ? 1 : m - 1)) % m);
      cursor = null;
    } else if (!cursor && event.key !== "Delete") return;
    else if (event.key === " " || event.key === "Enter")
      act(/** @type {[number, number]} */ (cursor), locked() ? "move" : tool);
    else if (/^[0-9]$/.test(event.key) && Number(event.key) < points.classes.length && !locked()) {
      act(/** @type {[number, number]} */ (cursor), `add${event.key}`);
    } else if ((event.key === "Delete" || event.key === "Backspace") && !locked()) {
      session.editPoints(erasePoint(points, example));
    } else if (event.key === "f" && !locked()) session.editPoints(flipPoint(points, example));
    else if (event.key === "Escape") cursor = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
    session.notify();
  });
  canvas.addEventListener("blur", () => {
    cursor = null;
    session.notify();
  });

  const makeTools = () => {
    const { classes } = session.state.points;
    const list = [
      "move",
      ...classes.slice(0, 10).map((_, label) => `add${label}`),
      ...(classes.length ? ["flip"] : []),
      "erase",
    ];
    if (list.join() === tools.dataset.list) return;
    tools.dataset.list = list.join();
    tools.replaceChildren(
      ...list.map((name) => {
        const label = Number(name.slice(3));
        const text = name.startsWith("add")
          ? t("plane.add", { class: classes[label] })
          : t(`plane.${name}`);
        const picture = name.startsWith("add")
          ? classIcon(label)
          : icon(ICONS[/** @type {keyof typeof ICONS} */ (name)]);
        const choose = () => {
          tool = name;
          for (const button of tools.children)
            button.setAttribute("aria-pressed", String(button === own));
        };
        const own = h(
          "button",
          {
            class: "tool",
            type: "button",
            title: text,
            "aria-label": text,
            "aria-pressed": String(name === tool),
            "data-testid": `tool-${name}`,
            onclick: choose,
          },
          picture,
        );
        return own;
      }),
    );
  };

  return {
    element,
    /** @param {number} j */
    hover(j) {
      hovered = j;
    },
    update() {
      makeTools();
      picture.draw(hovered, cursor);
    },
    /** The rows of the table behind the picture. */
    table() {
      const { inputs, X, Y, targets, classes, heldOut } = session.state.points;
      const { train } = session.examples;
      const guesses = predictions(session.trace.cache);
      const head = [
        "i",
        ...inputs.map(({ name }) => name),
        ...targets.slice(0, classes.length ? 1 : Y.rows),
        "A2",
        t("table.group"),
      ];
      let column = -1;
      const rows = Array.from({ length: Math.min(X.cols, 1000) }, (_, i) => {
        const out = heldOut[i];
        if (!out) column++;
        const y = classes.length ? classes[labelOf(Y, i)] : short(Y.data[i]);
        const a = out
          ? ""
          : train.Y.rows > 1 && classes.length
            ? classes[guesses[column]]
            : short(session.trace.cache.A2.data[column]);
        return [
          String(i + 1),
          ...inputs.map((_, k) => short(X.data[k * X.cols + i])),
          y,
          a,
          t(out ? "table.heldOut" : "table.train"),
        ];
      });
      return { head, rows };
    },
  };
}

/** @param {number} label */
function classIcon(label) {
  const shapes = [
    () => svg("circle", { cx: 10, cy: 10, r: 6 }),
    () => svg("path", { d: "M10 2.5L17.5 10 10 17.5 2.5 10z" }),
    () => svg("rect", { x: 4.5, y: 4.5, width: 11, height: 11 }),
    () => svg("path", { d: "M10 3l7 13H3z" }),
  ];
  const shape = shapes[label % 4]();
  shape.setAttribute("fill", classColour(label));
  return svg("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" }, shape);
}
