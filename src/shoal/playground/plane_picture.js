/** The picture of the plane: output, boundary, points, the units' lines; and where things are in it. */

import { classColour, isDark, mark, paint, paintClasses, valueColour } from "./colours.js";
import { context, sizeOf } from "./dom.js";
import { ticks } from "./format.js";
import { contour, lineOf, segment } from "./geometry.js";
import { labelOf } from "./insight.js";
import { heightOf, isFlat } from "./points.js";

const MARGIN = { left: 34, right: 6, top: 6, bottom: 22 };

/**
 * @param {import("./session.js").Session} session
 * @param {import("./field.js").Field} field
 * @param {HTMLCanvasElement} canvas
 */
export function makePicture(session, field, canvas) {
  const heat = document.createElement("canvas");

  const frame = () => {
    const { width, height } = sizeOf(canvas);
    return { w: width - MARGIN.left - MARGIN.right, h: height - MARGIN.top - MARGIN.bottom };
  };
  const toScreen = (/** @type {number} */ x, /** @type {number} */ y) => {
    const { box } = field;
    const { w, h: high } = frame();
    return /** @type {[number, number]} */ ([
      MARGIN.left + ((x - box.x0) / (box.x1 - box.x0)) * w,
      MARGIN.top + ((box.y1 - y) / (box.y1 - box.y0)) * high,
    ]);
  };
  const toPlane = (/** @type {number} */ px, /** @type {number} */ py) => {
    const { box } = field;
    const { w, h: high } = frame();
    return /** @type {[number, number]} */ ([
      box.x0 + ((px - MARGIN.left) / w) * (box.x1 - box.x0),
      box.y1 - ((py - MARGIN.top) / high) * (box.y1 - box.y0),
    ]);
  };
  const place = (/** @type {number} */ i) => {
    const { X, plane } = session.state.points;
    return toScreen(X.data[plane[0] * X.cols + i], heightOf(session.state.points, i));
  };
  const unitLine = (/** @type {number} */ j) => {
    const { points, parameters } = session.state;
    return segment(lineOf(parameters, j, points), field.box);
  };
  /** The middle and an end of the chosen unit's line. */
  const handles = () => {
    if (session.selected < 0) return null;
    const ends = unitLine(session.selected);
    if (!ends) return null;
    const middle = /** @type {[number, number]} */ (
      [0, 1].map((n) => (ends[0][n] + ends[1][n]) / 2)
    );
    const end = /** @type {[number, number]} */ (
      [0, 1].map((n) => middle[n] + 0.7 * (ends[1][n] - middle[n]))
    );
    return { middle, end };
  };

  const drawHeat = (/** @type {CanvasRenderingContext2D} */ draw) => {
    const { A2 } = field.cache;
    const { n } = field;
    heat.width = heat.height = n;
    const image = new ImageData(n, n);
    const pixels = new Uint32Array(image.data.buffer);
    if (A2.rows > 1) paintClasses(A2, pixels);
    else paint(A2.data, ...range(), pixels);
    /** @type {CanvasRenderingContext2D} */ (heat.getContext("2d")).putImageData(image, 0, 0);
    const { w, h: high } = frame();
    draw.imageSmoothingEnabled = true;
    draw.drawImage(heat, MARGIN.left, MARGIN.top, w, high);
  };
  /** @returns {[number, number]} the output's values of the two end colours */
  const range = () => {
    const { Y, classes } = session.state.points;
    return classes.length
      ? [0, 1]
      : [Math.min(...Y.data.subarray(0, Y.cols)), Math.max(...Y.data.subarray(0, Y.cols))];
  };

  const drawContour = (/** @type {CanvasRenderingContext2D} */ draw) => {
    if (isFlat(session.state.points)) return drawOutputs(draw);
    const { Z2 } = field.cache;
    if (session.state.output !== "sigmoid" || Z2.rows > 1) return;
    const { w, h: high } = frame();
    draw.beginPath();
    const pieces = contour(Z2.data, field.n, 0);
    for (let k = 0; k < pieces.length; k += 4) {
      draw.moveTo(MARGIN.left + pieces[k] * w, MARGIN.top + pieces[k + 1] * high);
      draw.lineTo(MARGIN.left + pieces[k + 2] * w, MARGIN.top + pieces[k + 3] * high);
    }
    draw.strokeStyle = isDark() ? "#e8eaee" : "#20242b";
    draw.lineWidth = 1.6;
    draw.stroke();
  };

  /** Of one input: the outputs over it. */
  const drawOutputs = (/** @type {CanvasRenderingContext2D} */ draw) => {
    const { A2 } = field.cache;
    const { box, n } = field;
    for (let r = 0; r < A2.rows; r++) {
      draw.beginPath();
      for (let col = 0; col < n; col++) {
        draw.lineTo(
          ...toScreen(box.x0 + ((box.x1 - box.x0) * (col + 0.5)) / n, A2.data[r * n * n + col]),
        );
      }
      draw.strokeStyle = A2.rows > 1 ? classColour(r) : isDark() ? "#e8eaee" : "#20242b";
      draw.lineWidth = 2;
      draw.stroke();
    }
  };

  const drawAxes = (/** @type {CanvasRenderingContext2D} */ draw, /** @type {number} */ height) => {
    const { points } = session.state;
    const { box } = field;
    draw.fillStyle = isDark() ? "#a3abb8" : "#59616e";
    draw.font = "10.5px system-ui, sans-serif";
    const across = points.inputs[points.plane[0]];
    const up = isFlat(points)
      ? { name: points.targets[0], center: 0, scale: 1 }
      : points.inputs[points.plane[1]];
    draw.textAlign = "center";
    draw.textBaseline = "top";
    for (const { value: raw, text } of ticks(
      across.center + across.scale * box.x0,
      across.center + across.scale * box.x1,
    )) {
      const [x] = toScreen((raw - across.center) / across.scale, 0);
      draw.fillText(text, x, height - 17);
    }
    draw.textAlign = "right";
    draw.textBaseline = "middle";
    for (const { value: raw, text } of ticks(
      up.center + up.scale * box.y0,
      up.center + up.scale * box.y1,
    )) {
      const [, y] = toScreen(0, (raw - up.center) / up.scale);
      draw.fillText(text, MARGIN.left - 5, y);
    }
    draw.font = "italic 12px Georgia, 'Times New Roman', serif";
    draw.textAlign = "right";
    draw.textBaseline = "bottom";
    draw.fillText(
      across.name.slice(0, 24),
      MARGIN.left + frame().w - 4,
      MARGIN.top + frame().h - 3,
    );
    draw.textAlign = "left";
    draw.textBaseline = "top";
    draw.fillText(up.name.slice(0, 24), MARGIN.left + 5, MARGIN.top + 4);
  };

  /** An arrow to the side on which the unit's z is above 0. */
  const drawSide = (
    /** @type {CanvasRenderingContext2D} */ draw,
    /** @type {number} */ j,
    /** @type {[number, number]} */ middle,
  ) => {
    const { points, parameters } = session.state;
    const { a, b } = lineOf(parameters, j, points);
    const from = toScreen(...middle);
    const to = toScreen(middle[0] + a, middle[1] + b);
    const size = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const [dx, dy] = [(to[0] - from[0]) / size, (to[1] - from[1]) / size];
    const tip = [from[0] + 34 * dx, from[1] + 34 * dy];
    draw.strokeStyle = draw.fillStyle = isDark() ? "#e8eaee" : "#20242b";
    draw.lineWidth = 2.2;
    draw.beginPath();
    draw.moveTo(...from);
    draw.lineTo(tip[0] - 6 * dx, tip[1] - 6 * dy);
    draw.stroke();
    draw.beginPath();
    draw.moveTo(tip[0], tip[1]);
    draw.lineTo(tip[0] - 9 * dx - 5 * dy, tip[1] - 9 * dy + 5 * dx);
    draw.lineTo(tip[0] - 9 * dx + 5 * dy, tip[1] - 9 * dy - 5 * dx);
    draw.fill();
    draw.font = "11px system-ui, sans-serif";
    const [x, y] = [tip[0] + 18 * dx, tip[1] + 12 * dy];
    draw.strokeStyle = isDark() ? "#1b1f26" : "#fcfcfa";
    draw.lineWidth = 4;
    draw.strokeText("z > 0", x, y);
    draw.fillText("z > 0", x, y);
  };

  const drawLines = (
    /** @type {CanvasRenderingContext2D} */ draw,
    /** @type {number} */ hovered,
  ) => {
    const chosen = session.selected >= 0 ? session.selected : hovered;
    draw.font = "11px system-ui, sans-serif";
    draw.textAlign = "center";
    draw.textBaseline = "middle";
    /** @type {{j: number, ends: [number, number][]}[]} */
    const lines = [];
    for (let j = 0; j < session.n_h; j++) {
      if (j !== chosen && (!session.settings.lines || session.n_h > 12)) continue;
      const ends = unitLine(j)?.map((end) => toScreen(...end));
      if (ends) lines.push({ j, ends });
    }
    const ink = isDark() ? "#e8eaee" : "#20242b";
    draw.strokeStyle = ink;
    for (const strong of [false, true]) {
      draw.beginPath();
      for (const { j, ends } of lines) {
        if ((j === chosen) !== strong) continue;
        draw.moveTo(...ends[0]);
        draw.lineTo(...ends[1]);
      }
      draw.setLineDash(strong ? [] : [5, 4]);
      draw.globalAlpha = strong ? 1 : 0.45;
      draw.lineWidth = strong ? 2.2 : 1.1;
      draw.stroke();
    }
    draw.setLineDash([]);
    draw.globalAlpha = 0.85;
    const labels = lines.map(({ j, ends: [a, b] }) => {
      const along = 0.05 + 0.06 * (j % 4);
      return { j, x: a[0] + along * (b[0] - a[0]), y: a[1] + along * (b[1] - a[1]) };
    });
    draw.fillStyle = isDark() ? "#1b1f26" : "#fcfcfa";
    draw.beginPath();
    for (const { x, y } of labels) {
      draw.moveTo(x + 8, y);
      draw.arc(x, y, 8, 0, 2 * Math.PI);
    }
    draw.fill();
    draw.fillStyle = ink;
    for (const { j, x, y } of labels) draw.fillText(String(j + 1), x, y + 0.5);
    draw.globalAlpha = 1;
    const grips = handles();
    if (!grips) return;
    drawSide(draw, session.selected, grips.middle);
    for (const [kind, at] of Object.entries(grips)) {
      const [x, y] = toScreen(...at);
      draw.beginPath();
      if (kind === "middle") draw.rect(x - 5, y - 5, 10, 10);
      else draw.arc(x, y, 6, 0, 2 * Math.PI);
      draw.fillStyle = isDark() ? "#1b1f26" : "#fff";
      draw.strokeStyle = isDark() ? "#fff" : "#20242b";
      draw.lineWidth = 2;
      draw.fill();
      draw.stroke();
    }
  };

  /** The points, drawn once as long as they stay. */
  const points = document.createElement("canvas");
  let pointsKey = /** @type {unknown[]} */ ([]);
  const radiusOf = (/** @type {number} */ m) => (m > 2000 ? 2 : m > 800 ? 2.6 : m > 60 ? 3.4 : 5);
  const drawPoints = (/** @type {CanvasRenderingContext2D} */ screen) => {
    const { X, Y, heldOut, classes } = session.state.points;
    const m = X.cols;
    const radius = radiusOf(m);
    const key = [X, Y, heldOut, field.box, canvas.width, canvas.height, isDark()];
    if (key.some((part, k) => part !== pointsKey[k])) {
      pointsKey = key;
      points.width = canvas.width;
      points.height = canvas.height;
      const draw = /** @type {CanvasRenderingContext2D} */ (points.getContext("2d"));
      draw.setTransform(screen.getTransform());
      for (let i = 0; i < m; i++) {
        const [x, y] = place(i);
        if (classes.length) mark(draw, x, y, labelOf(Y, i), { radius, hollow: heldOut[i] });
        else
          mark(draw, x, y, 0, {
            radius,
            hollow: heldOut[i],
            colour: valueColour(Y.data[i], ...range()),
          });
      }
    }
    screen.save();
    screen.resetTransform();
    screen.drawImage(points, 0, 0);
    screen.restore();
  };

  const drawExample = (
    /** @type {CanvasRenderingContext2D} */ draw,
    /** @type {[number, number] | null} */ cursor,
  ) => {
    const radius = radiusOf(session.state.points.X.cols);
    const [x, y] = place(session.settings.example);
    draw.strokeStyle = isDark() ? "#fff" : "#111";
    draw.lineWidth = 1.6;
    draw.beginPath();
    draw.arc(x, y, radius + 5, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      draw.moveTo(x + dx * (radius + 5), y + dy * (radius + 5));
      draw.lineTo(x + dx * (radius + 10), y + dy * (radius + 10));
    }
    draw.stroke();
    if (!cursor) return;
    const [cx, cy] = toScreen(...cursor);
    draw.setLineDash([2, 2]);
    draw.strokeRect(cx - 8, cy - 8, 16, 16);
    draw.setLineDash([]);
  };

  return {
    frame,
    toScreen,
    toPlane,
    place,
    handles,
    /** @param {number} hovered unit @param {[number, number] | null} cursor of the keyboard */
    draw(hovered, cursor) {
      const { draw, width, height } = context(canvas);
      if (!width) return;
      draw.clearRect(0, 0, width, height);
      drawHeat(draw);
      draw.save();
      draw.beginPath();
      draw.rect(MARGIN.left, MARGIN.top, frame().w, frame().h);
      draw.clip();
      drawContour(draw);
      drawPoints(draw);
      drawExample(draw, cursor);
      drawLines(draw, hovered);
      draw.restore();
      drawAxes(draw, height);
    },
  };
}
