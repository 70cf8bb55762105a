/** The small pictures on the cards: what a unit makes of the plane, and where on g the examples are. */

import { classColour, isDark, paint, paintClasses } from "./colours.js";
import { context } from "./dom.js";
import { ACTIVATIONS } from "./functions.js";
import { labelOf } from "./insight.js";
import { columnOf } from "./points.js";

/**
 * @param {import("./session.js").Session} session
 * @param {import("./field.js").Field} field
 */
export function makePictures(session, field) {
  /** @param {HTMLCanvasElement} canvas @param {(pixels: Uint32Array) => void} write */
  const picture = (canvas, write) => {
    const { n } = field;
    if (canvas.width !== n) canvas.width = canvas.height = n;
    const image = new ImageData(n, n);
    write(new Uint32Array(image.data.buffer));
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  };

  /** What unit j makes of the plane, its extremes in full colour. @param {HTMLCanvasElement} canvas
   * @param {number} j */
  const drawHeat = (canvas, j) => {
    const { A1 } = field.cache;
    const values = A1.data.subarray(j * A1.cols, (j + 1) * A1.cols);
    let size = 0;
    for (const value of values) size = Math.max(size, Math.abs(value));
    const centre = session.state.activation === "sigmoid" ? 0.5 : 0;
    if (centre) size = 0.5;
    else if (session.state.activation === "tanh") size = Math.max(size, 0.2);
    picture(canvas, (pixels) => paint(values, centre - size, centre + size, pixels));
  };

  /** @param {HTMLCanvasElement} canvas @param {number} r */
  const drawOutput = (canvas, r) => {
    const { A2 } = field.cache;
    const values = A2.data.subarray(r * A2.cols, (r + 1) * A2.cols);
    const { classes, Y } = session.state.points;
    const y = Y.data.subarray(r * Y.cols, (r + 1) * Y.cols);
    const [low, high] = classes.length ? [0, 1] : [Math.min(...y), Math.max(...y)];
    if (A2.rows > 1 && classes.length && r === 0 && A2.rows > 4)
      picture(canvas, (pixels) => paintClasses(A2, pixels));
    else picture(canvas, (pixels) => paint(values, low, high, pixels));
  };

  /** g, and where on it the examples are. @param {HTMLCanvasElement} canvas @param {number} j */
  const drawCurve = (canvas, j) => {
    const { draw, width, height } = context(canvas);
    if (!width) return;
    const { Z1, A1 } = session.trace.cache;
    const { g } = ACTIVATIONS[session.state.activation];
    const m = Z1.cols;
    const z = Z1.data.subarray(j * m, (j + 1) * m);
    const a = A1.data.subarray(j * m, (j + 1) * m);
    let reach = 2;
    for (const value of z) if (Math.abs(value) > reach) reach = Math.abs(value);
    reach *= 1.1;
    const low = Math.min(g(-reach), -0.15 * Math.abs(g(reach)));
    const high = g(reach) * 1.08 || 1;
    const pad = 4;
    const x = (/** @type {number} */ value) =>
      pad + ((value + reach) / (2 * reach)) * (width - 2 * pad);
    const y = (/** @type {number} */ value) =>
      height - pad - ((value - low * 1.08) / (high - low * 1.08)) * (height - 2 * pad);
    draw.clearRect(0, 0, width, height);
    draw.strokeStyle = isDark() ? "#4a515e" : "#c6cbd3";
    draw.lineWidth = 1;
    draw.beginPath();
    draw.moveTo(pad, y(0));
    draw.lineTo(width - pad, y(0));
    draw.moveTo(x(0), pad);
    draw.lineTo(x(0), height - pad);
    draw.stroke();
    draw.strokeStyle = isDark() ? "#aeb6c4" : "#68707e";
    draw.lineWidth = 1.3;
    draw.beginPath();
    for (let px = pad; px <= width - pad; px++) {
      const value = ((px - pad) / (width - 2 * pad)) * 2 * reach - reach;
      draw.lineTo(px, y(g(value)));
    }
    draw.stroke();
    const { Y } = session.examples.train;
    const classes = session.state.points.classes.length;
    draw.globalAlpha = m > 100 ? 0.45 : 0.85;
    const step = Math.max(1, Math.floor(m / 800));
    for (let label = 0; label < Math.max(1, classes); label++) {
      draw.fillStyle = classColour(classes ? label : 1);
      draw.beginPath();
      for (let i = 0; i < m; i += step) {
        if (!classes || labelOf(Y, i) === label) draw.rect(x(z[i]) - 1.5, y(a[i]) - 1.5, 3, 3);
      }
      draw.fill();
    }
    draw.globalAlpha = 1;
    const i = columnOf(session.state.points, session.settings.example);
    if (i < 0) return;
    draw.strokeStyle = isDark() ? "#fff" : "#111";
    draw.lineWidth = 1.5;
    draw.beginPath();
    draw.arc(x(z[i]), y(a[i]), 4, 0, 2 * Math.PI);
    draw.stroke();
  };

  return { drawHeat, drawOutput, drawCurve };
}
