/** The bar on top: play, step and step back, the scrubber, the learning rate, where training is. */

import { choice, h, icon, say } from "./dom.js";
import { exact, fixed, percent, short, whole } from "./format.js";
import { numberField } from "./number_field.js";
import { SETTINGS } from "./settings.js";
import { t } from "./strings.js";
import { goTo, play, step, stepBack, undoEvent } from "./time.js";

const ICONS = {
  play: "M5 3l12 7-12 7z",
  pause: "M5 3h4v14H5zM11 3h4v14h-4z",
  step: "M3 3l9 7-9 7zM13 3h3v14h-3z",
  back: "M17 3l-9 7 9 7zM7 3H4v14h3z",
  rewind: "M10 4V1L5 5.5 10 10V7a5 5 0 1 1-5 5H2a8 8 0 1 0 8-8z",
  dice: "M3 3h14v14H3z M6.5 6.5h.01 M13.5 6.5h.01 M10 10h.01 M6.5 13.5h.01 M13.5 13.5h.01",
};

/** @param {import("./session.js").Session} session */
export function makeTime(session) {
  /** @param {keyof typeof ICONS} name @param {() => void} act @param {string} [extra] */
  const button = (name, act, extra = "") =>
    h(
      "button",
      {
        class: `round ${extra}`,
        type: "button",
        title: t(`time.${name}`),
        "aria-label": t(`time.${name}`),
        "data-testid": name,
        onclick: act,
      },
      icon(ICONS[name]),
    );

  const playButton = button(
    "play",
    () => (session.playing ? session.pause() : play(session)),
    "primary",
  );
  const pauseIcon = icon(ICONS.pause);
  const playIcon = /** @type {Element} */ (playButton.firstElementChild);
  const rewind = button("rewind", () => session.rewind());
  const dice = button("dice", () => session.newStart(), "outline");
  const backButton = button("back", () => stepBack(session));
  const stepButton = button("step", () => step(session));
  const size = choice(
    { "aria-label": t("time.size"), title: t("time.size"), "data-testid": "step-size" },
    (SETTINGS.step.of ?? []).map((name) => /** @type {const} */ ([name, t(`step.${name}`)])),
    session.settings.step,
    (value) => session.set("step", value),
  );
  const speed = choice(
    { "aria-label": t("time.speed"), title: t("time.speed"), "data-testid": "speed" },
    (SETTINGS.speed.of ?? []).map(
      (name) =>
        /** @type {const} */ ([
          name,
          name === "max" ? t("speed.max") : t("speed.some", { n: name }),
        ]),
    ),
    session.settings.speed,
    (value) => session.set("speed", value),
  );
  const scrubber = h("input", {
    type: "range",
    class: "scrubber",
    min: "0",
    step: "1",
    "aria-label": t("time.scrubber"),
    title: t("time.scrubber"),
    "data-testid": "scrubber",
    oninput: () => goTo(session, Number(scrubber.value)),
  });
  const rate = numberField({
    label: t("time.rate"),
    testid: "learning-rate",
    get: () => session.state.learning_rate,
    set: (value) => session.set("learning_rate", value),
    begin: () => session.beginGesture(),
    end: () => session.endGesture(),
    low: 0,
    high: 1e6,
    ratio: true,
    show: exact,
  });
  const iteration = h("output", { "data-testid": "iteration" });
  const cost = h("output", { "data-testid": "cost", "aria-live": "off" });
  const right = h("output", { "data-testid": "accuracy" });
  const spoken = h("p", { class: "unseen", role: "status" });
  const event = h("div", { class: "event", role: "alert", "data-testid": "event", hidden: true });
  const eventText = h("span", {});
  const undo = h(
    "button",
    { type: "button", class: "small", onclick: () => undoEvent(session) },
    t("event.undo"),
  );
  const close = h(
    "button",
    { type: "button", class: "close", "aria-label": t("close"), onclick: () => session.dismiss() },
    "×",
  );
  event.append(eventText, undo, close);
  const rateBox = h(
    "label",
    { class: "labelled", "data-control": "learning_rate" },
    h("span", {}, t("time.rate.short")),
    rate.element,
  );

  const element = h(
    "div",
    { class: "time", role: "toolbar", "aria-label": t("time.title"), "data-control": "time" },
    h("div", { class: "group" }, rewind, dice),
    h("div", { class: "group" }, backButton, playButton, stepButton, size),
    h("div", { class: "group stretch" }, speed, scrubber),
    rateBox,
    h(
      "div",
      { class: "figures" },
      h("div", {}, h("small", {}, t("time.iteration")), iteration),
      h("div", {}, h("small", {}, t("time.cost")), cost),
      h("div", {}, h("small", {}, t("time.accuracy")), right),
    ),
    spoken,
  );
  let told = "";
  let wasPlaying = false;

  return {
    element,
    event,
    update() {
      const { state, trace } = session;
      const shown = session.playing ? pauseIcon : playIcon;
      if (playButton.firstElementChild !== shown) {
        playButton.replaceChildren(shown);
        playButton.title = t(session.playing ? "time.pause" : "time.play");
        playButton.setAttribute("aria-label", playButton.title);
      }
      const op = session.stage ? ` · ${session.operations[session.stage - 1]}` : "";
      say(iteration, whole(state.iteration) + op);
      say(cost, fixed(trace.J, 6));
      const regression = state.output === "identity";
      say(right, regression ? fixed(trace.accuracy, 3) : percent(trace.accuracy));
      say(
        /** @type {Element} */ (right.previousSibling),
        t(regression ? "time.r2" : "time.accuracy"),
      );
      scrubber.max = String(Math.max(1, session.reached));
      if (Number(scrubber.value) !== state.iteration) scrubber.value = String(state.iteration);
      scrubber.disabled = !session.reached;
      backButton.disabled = !state.iteration && !session.stage;
      if (size.value !== session.settings.step) size.value = session.settings.step;
      if (speed.value !== session.settings.speed) speed.value = session.settings.speed;
      rate.draw();

      const { event: kind } = session;
      event.hidden = !kind;
      if (kind !== told) {
        told = kind;
        say(
          eventText,
          kind
            ? t(`event.${kind}`, {
                iteration: whole(state.iteration),
                J: short(trace.J),
                rate: exact(state.learning_rate),
              })
            : "",
        );
        undo.hidden = kind !== "diverged";
      }
      if (wasPlaying && !session.playing) {
        say(
          spoken,
          t("time.spoken", {
            iteration: state.iteration,
            J: fixed(trace.J, 4),
            accuracy: percent(trace.accuracy),
          }),
        );
      }
      wasPlaying = session.playing;
    },
  };
}
