/** The strip of a lesson: its story, the prediction, the tasks and their checks, the moral. */

import { choice, fill, h, say } from "./dom.js";
import { LESSONS } from "./lessons.js";
import { inLanguage, t } from "./strings.js";

/**
 * @param {import("./session.js").Session} session
 * @param {(id: string) => void} start begins a lesson, or none
 */
export function makeLesson(session, start) {
  const options = /** @type {[string, string][]} */ ([
    ["", t("lesson.none")],
    ...LESSONS.map(({ id, title }, k) => [id, `${k + 1} ${inLanguage(title)}`]),
  ]);
  const picker = choice(
    {
      "aria-label": t("lesson.title"),
      class: "lesson-picker",
      "data-testid": "lesson",
      "data-control": "lessons",
    },
    options,
    session.settings.lesson,
    start,
  );
  const element = h("section", {
    class: "lesson",
    "aria-label": t("lesson.title"),
    "data-testid": "lesson-strip",
    hidden: true,
  });
  let shown = "";
  /** @type {boolean[]} */
  let done = [];
  let said = -1;
  /** @type {(() => void) | null} */
  let draw = null;

  /** @param {import("./lessons.js").Lesson} lesson */
  const build = (lesson) => {
    const number = LESSONS.indexOf(lesson);
    done = lesson.tasks.map(() => false);
    said = -1;
    const { question, answers, right } = lesson.predict;
    const answer = (/** @type {number} */ k) => () => {
      said = k;
      session.mark("predicted");
    };
    const buttons = answers.map((text, k) =>
      h(
        "button",
        {
          type: "button",
          class: "answer",
          "data-testid": `answer-${k}`,
          "aria-pressed": "false",
          onclick: answer(k),
        },
        inLanguage(text),
      ),
    );
    const closed = h("p", { class: "hint" }, t("lesson.closed"));
    const tasks = h(
      "ol",
      { class: "tasks" },
      lesson.tasks.map(({ text }) =>
        h(
          "li",
          {},
          h("span", { class: "tick", "aria-hidden": "true" }),
          inLanguage(text),
          h("span", { class: "unseen" }),
        ),
      ),
    );
    const verdict = h("p", { class: "hint verdict" });
    const moral = h("p", { class: "moral", role: "status", "data-testid": "moral" });
    const go = (/** @type {number} */ k) => () => start(LESSONS[k].id);
    fill(
      element,
      h(
        "div",
        { class: "story" },
        h("h2", {}, `${number + 1} ${inLanguage(lesson.title)}`),
        h("p", {}, inLanguage(lesson.story)),
      ),
      h(
        "div",
        { class: "predict" },
        h("h3", {}, t("lesson.predict")),
        h("p", {}, inLanguage(question)),
        h("div", { class: "answers" }, buttons),
        verdict,
      ),
      h("div", { class: "work" }, closed, tasks, moral),
      h(
        "div",
        { class: "lesson-buttons" },
        h(
          "button",
          {
            type: "button",
            class: "close",
            "aria-label": t("lesson.leave"),
            title: t("lesson.leave"),
            onclick: () => start(""),
          },
          "×",
        ),
        h(
          "button",
          { type: "button", class: "small", onclick: () => start(lesson.id) },
          t("lesson.again"),
        ),
        number < LESSONS.length - 1
          ? h(
              "button",
              {
                type: "button",
                class: "small",
                "data-testid": "next-lesson",
                onclick: go(number + 1),
              },
              t("lesson.next"),
            )
          : null,
      ),
    );
    draw = () => {
      const open = said >= 0;
      closed.hidden = open;
      tasks.hidden = !open;
      buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(k === said)));
      // Tasks are done in their order, and stay done.
      if (open) {
        lesson.tasks.forEach(({ done: check }, k) => {
          if (!done[k] && (k === 0 || done[k - 1]) && check(session)) done[k] = true;
        });
      }
      [...tasks.children].forEach((item, k) => {
        item.classList.toggle("done", done[k]);
        item.classList.toggle("next", !done[k] && (k === 0 || done[k - 1]));
        say(/** @type {Node} */ (item.lastChild), done[k] ? t("lesson.done") : "");
      });
      const all = done.every(Boolean);
      element.classList.toggle("complete", all);
      say(moral, all ? inLanguage(lesson.moral) : "");
      buttons.forEach((button, k) => button.classList.toggle("right", all && k === right));
      say(
        verdict,
        all
          ? said === right
            ? t("lesson.right")
            : t("lesson.wrong", { said: inLanguage(answers[said]) })
          : "",
      );
    };
  };

  return {
    picker,
    element,
    /** Begins again, also the lesson that is shown. */
    reset() {
      shown = "";
    },
    update() {
      const { lesson: id } = session.settings;
      if (picker.value !== id) picker.value = id;
      if (id !== shown) {
        shown = id;
        const lesson = LESSONS.find((one) => one.id === id);
        element.hidden = !lesson;
        draw = null;
        if (lesson) build(lesson);
      }
      draw?.();
    },
  };
}
