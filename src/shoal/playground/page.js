/** The page: reads what it begins with, puts the views together, and draws when something changed. */

import { parametersOfBoot, pointsOfBoot, readBoot, settingsOfBoot } from "./boot.js";
import { makeCurves } from "./curves.js";
import { makeControls } from "./controls.js";
import { dialog, makeData } from "./data_view.js";
import { isDark, setDark } from "./colours.js";
import { fill, h, icon, onResize } from "./dom.js";
import { rowsOf } from "./engine.js";
import { Field } from "./field.js";
import { listen, showKeys } from "./keyboard.js";
import { baseSettings, beginWith } from "./lessons.js";
import { makeLesson } from "./lesson_view.js";
import { readAddress, share, writeAddress } from "./link.js";
import { makeMathematics } from "./mathematics.js";
import { makeNetwork } from "./network_view.js";
import { makePlane } from "./plane.js";
import { Runner } from "./runner.js";
import { Session } from "./session.js";
import { initialSettings } from "./settings.js";
import { languageNow, setLanguage, t } from "./strings.js";
import { makeTime } from "./time_view.js";

const runner = new Runner();
const frame = () =>
  new Promise((/** @type {(time: number) => void} */ done) => requestAnimationFrame(done));

const ICONS = {
  undo: "M8 5V1L2 7l6 6V9c5 0 7 2 8 6 1-6-2-10-8-10z",
  redo: "M12 5V1l6 6-6 6V9c-5 0-7 2-8 6-1-6 2-10 8-10z",
  theme: "M10 2a8 8 0 1 0 0 16zM10 2a8 8 0 0 1 0 16",
  table: "M2 4h16v12H2zM2 8h16M2 12h16M8 4v12",
  keys: "M2 5h16v10H2z M5 8h.01M8 8h.01M11 8h.01M14 8h.01M6 12h8",
};

const started = begin();

/** Reads the boot document and the link, and builds the page. */
async function begin() {
  const boot = await readBoot();
  const preferred = boot.language ?? localStorageGet("language") ?? navigator.language;
  setLanguage(preferred);
  const settings = { ...initialSettings(), ...settingsOfBoot(boot) };
  const points = boot.data && pointsOfBoot(boot.data);
  const parameters = boot.network && parametersOfBoot(boot.network, points?.X.rows ?? 2);
  const session = new Session({
    settings,
    points,
    parameters,
    output: boot.network?.output,
    runner,
    frame,
  });
  expose(session);
  await readAddress(session);
  build(session);
  addEventListener("hashchange", async () => {
    if (await readAddress(session)) build(session);
  });
  return session;
}

/** For tests and hosts: the state to read. @param {Session} session */
function expose(session) {
  const state = () => ({
    iteration: session.state.iteration,
    cost: session.trace.J,
    accuracy: session.trace.accuracy,
    parameters: Object.fromEntries(
      Object.entries(session.state.parameters).map(([name, A]) => [name, rowsOf(A)]),
    ),
    settings: { ...session.settings },
    playing: session.playing,
    stage: session.stage,
    event: session.event,
    m: session.state.points.X.cols,
    example: session.settings.example,
    facts: [...session.facts],
    runs: session.runs.length,
  });
  const shoal = { state, ready: started, frames, paintedAt: () => painted, drawTimes };
  Object.defineProperty(window, "shoal", { value: Object.freeze(shoal), configurable: true });
}

let drawn = 0;
let painted = 0; // when the first picture was on the screen, in milliseconds from the start
/** @type {number[]} */
const times = [];
const frames = () => drawn;
/** Milliseconds that the last pictures took to draw. */
const drawTimes = () => times.slice();

// ---- the page ------------------------------------------------------------------------------------

/** @type {AbortController | null} */
let listening = null;

/** @param {Session} session */
function build(session) {
  listening?.abort();
  listening = new AbortController();
  const { signal } = listening;
  session.listeners = [];

  const small = (
    /** @type {keyof typeof ICONS} */ name,
    /** @type {string} */ title,
    /** @type {() => void} */ act,
  ) =>
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        title,
        "aria-label": title,
        "data-testid": `menu-${name}`,
        onclick: act,
      },
      icon(ICONS[name]),
    );
  const tableOf = (
    /** @type {string} */ title,
    /** @type {() => {head: string[], rows: string[][]}} */ make,
  ) => small("table", `${t("table.open")}: ${title}`, () => showTable(title, make()));
  const field = new Field(session);
  const plane = makePlane(session, field);
  const network = makeNetwork(session, field, plane.hover);
  const time = makeTime(session);
  const data = makeData(session);
  const mathematics = makeMathematics(session);
  const controls = makeControls(session);
  const lesson = makeLesson(session, (id) => {
    beginWith(
      session,
      id ? { ...baseSettings(id), speed: session.settings.speed } : { ...session.host.settings },
    );
    lesson.reset();
    session.notify();
  });
  const curves = makeCurves(
    session,
    tableOf(t("table.curves"), () => curves.table()),
  );
  /** @type {{update: (whole: boolean) => void}[]} */
  const watched = [plane, network, time];
  /** @type {{update: (whole: boolean) => void}[]} */
  const views = [lesson, time, data, controls, plane, network, mathematics, curves];

  const lines = h(
    "label",
    { class: "check" },
    h("input", {
      type: "checkbox",
      checked: session.settings.lines,
      onchange: (/** @type {Event} */ event) =>
        session.set("lines", /** @type {HTMLInputElement} */ (event.target).checked),
    }),
    t("plane.lines"),
  );

  const undo = small("undo", t("menu.undo"), () => session.undo());
  const redo = small("redo", t("menu.redo"), () => session.redo());
  const language = h(
    "button",
    {
      type: "button",
      class: "small",
      "data-testid": "language",
      title: t("menu.language.help"),
      "aria-label": `${t("menu.language")}: ${t("menu.language.help")}`,
      onclick: () => {
        setLanguage(languageNow() === "en" ? "it" : "en");
        localStorageSet("language", languageNow());
        build(session);
      },
    },
    t("menu.language"),
  );
  const menu = h(
    "div",
    { class: "menu" },
    undo,
    redo,
    lesson.picker,
    h(
      "button",
      {
        type: "button",
        class: "small accent",
        "data-testid": "share",
        onclick: () => share(session),
      },
      t("menu.share"),
    ),
    language,
    small("theme", t("menu.theme"), () => {
      setDark(!isDark());
      session.changed();
    }),
    small("keys", t("menu.help"), showKeys),
  );

  const panel = (
    /** @type {string} */ name,
    /** @type {string} */ title,
    /** @type {(Node | null)[]} */ head,
    /** @type {Node[]} */ ...content
  ) =>
    h(
      "section",
      { class: `panel ${name}-panel`, "data-control": name, "aria-labelledby": `${name}-title` },
      h("header", {}, h("h2", { id: `${name}-title` }, title), head),
      content,
    );

  const main = h(
    "main",
    { id: "page", class: "page", "data-lesson": session.settings.lesson },
    h(
      "header",
      { class: "top" },
      h("div", { class: "brand" }, h("h1", {}, "shoal"), h("span", {}, t("page.tagline"))),
      time.element,
      menu,
    ),
    time.event,
    lesson.element,
    panel(
      "data",
      t("data.title"),
      [data.head, h("span", { class: "stretch" }), lines, tableOf(t("table.data"), plane.table)],
      plane.element,
      data.element,
    ),
    panel(
      "network",
      t("network.title"),
      [controls.units, h("span", { class: "stretch" }), tableOf(t("table.network"), network.table)],
      controls.start,
      network.element,
    ),
    panel("mathematics", t("math.title"), [], mathematics.element),
    panel("curves", t("curve.title"), [], curves.element),
  );
  document.title = t("page.title");
  fill(document.body, main);

  let dirty = true;
  let asked = false;
  let later = 0;
  const draw = (/** @type {number} */ _now) => {
    asked = false;
    if (!dirty) return;
    dirty = false;
    const start = performance.now();
    applyLocks(session, main);
    // While training, what is read rather than watched is drawn in every fourth picture.
    const whole = !session.playing || drawn % 4 === 0;
    for (const view of views) if (whole || watched.includes(view)) view.update(whole);
    undo.disabled = !session.undos.length;
    redo.disabled = !session.redos.length;
    main.dataset.lesson = session.settings.lesson;
    times.push(performance.now() - start);
    if (times.length > 240) times.shift();
    drawn++;
    if (!painted) painted = performance.now();
    report(session);
    clearTimeout(later);
    later = setTimeout(
      () => session.playing || document.querySelector("dialog") || writeAddress(session),
      500,
    );
  };
  const ask = () => {
    dirty = true;
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };
  session.subscribe(ask);
  applyLocks(session, main);
  draw(0);

  onResize(ask);
  matchMedia("(prefers-color-scheme: dark)").addEventListener(
    "change",
    () => {
      if (!document.documentElement.dataset.theme) setDark(null);
      session.changed();
    },
    { signal },
  );
  listen(session, signal);
}

/** What the host wants to know: the weights, when training pauses or one is edited. */
let reported = -1;
/** @param {Session} session */
function report(session) {
  if (session.playing || session.generation === reported) return;
  reported = session.generation;
  const { parameters, activation, output, iteration } = session.state;
  const { W1, b1, W2, b2 } = parameters;
  const detail = {
    W1: rowsOf(W1),
    b1: rowsOf(b1),
    W2: rowsOf(W2),
    b2: rowsOf(b2),
    activation,
    output,
    iteration,
  };
  document.dispatchEvent(new CustomEvent("shoal:parameters", { detail }));
  /** @type {any} */ (window).shoalHost?.parameters(detail.W1, detail.b1, detail.W2, detail.b2, {
    activation,
    output,
    iteration,
  });
}

/** Locked controls cannot be used, hidden ones are not there. @param {Session} session
 * @param {HTMLElement} main */
function applyLocks(session, main) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (
    main.querySelectorAll("[data-control]")
  )) {
    const name = element.dataset.control ?? "";
    const lock = session.locks.includes(name);
    if (lock !== "locked" in element.dataset) {
      if (lock) element.dataset.locked = "";
      else delete element.dataset.locked;
      for (const control of element.querySelectorAll("input, select, button")) {
        if (control.closest(".tabs, .operations, .icon-button")) continue;
        /** @type {HTMLInputElement} */ (control).disabled = lock;
      }
      if (element instanceof HTMLSelectElement) element.disabled = lock;
    }
    element.classList.toggle("gone", session.hidden.includes(name));
  }
}

/** @param {string} title @param {{head: string[], rows: string[][]}} table */
function showTable(title, { head, rows }) {
  const table = h(
    "table",
    { "data-testid": "table" },
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
      rows.map((cells) =>
        h(
          "tr",
          {},
          cells.map((text) => h("td", {}, text)),
        ),
      ),
    ),
  );
  dialog(title, h("div", { class: "scroll", tabIndex: 0 }, table)).showModal();
}

/** @param {string} name */
function localStorageGet(name) {
  try {
    return localStorage.getItem(`shoal-${name}`);
  } catch {
    return null; // where the browser keeps nothing for this page
  }
}

/** @param {string} name @param {string} value */
function localStorageSet(name, value) {
  try {
    localStorage.setItem(`shoal-${name}`, value);
  } catch {
    // the language is chosen again next time
  }
}
