/** The card of a lesson: what it says, the number that belongs to the newest picture, and the way on. */

import { LESSONS } from "./lessons.js";
import { addMenu } from "./menus.js";
import { defaults } from "./state.js";
import { css } from "./theme.js";
import { $, make, setText } from "./widgets.js";

const withDefaults = (set) => {
  const base = defaults();
  return { ...base, view: null, ...set, show: { ...base.show, ...set.show } };
};

/** Bars of the share inside the hull by dimension. */
function drawShares(canvas, theme, { dimensions, shares }) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const ratio = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  g.font = "12px system-ui, sans-serif";
  g.textAlign = "center";
  const step = width / dimensions.length;
  const floor = height - 18;
  dimensions.forEach((d, i) => {
    const tall = Math.max(1.5, shares[i] * (floor - 18));
    g.fillStyle = css(theme.core);
    g.fillRect((i + 0.2) * step, floor - tall, 0.6 * step, tall);
    g.fillStyle = css(theme.ink);
    g.fillText(`${Math.round(100 * shares[i])} %`, (i + 0.5) * step, floor - tall - 5);
    g.fillStyle = css(theme.soft);
    g.fillText(i ? `${d}` : `${d} feature`, (i + 0.5) * step, height - 4);
  });
}

export class LessonCard {
  constructor(page) {
    this.page = page;
    this.card = $("lesson");
    this.lesson = null;
    this.seen = { numbers: {} };
    page.listeners.push((type, message) => this.heard(type, message));
    page.handlers.curse = (message) => this.heard("curse", message);
    page.theme.listeners.push(() => this.showShares());
    const sheet = addMenu("lessons", "Lessons");
    LESSONS.forEach((lesson, i) => {
      const name = `${i + 1}. ${lesson.title}`;
      const button = make("button", { type: "button", textContent: name, id: `lesson-${lesson.id}` });
      button.addEventListener("click", () => {
        sheet.parentElement.open = false;
        this.open(lesson);
      });
      sheet.append(button);
    });
    this.build();
  }

  build() {
    const button = (id, text, act) => {
      const element = make("button", { type: "button", id, textContent: text });
      element.addEventListener("click", act);
      return element;
    };
    this.title = make("h2", { id: "lesson-title", tabIndex: -1 });
    this.text = make("p", { className: "say" });
    this.number = make("p", { className: "number", id: "lesson-number" });
    this.shares = make("canvas", { role: "img", hidden: true });
    this.back = button("lesson-back", "Back", () => this.go(this.place - 1));
    this.next = button("lesson-next", "Next", () => this.goOn());
    const leave = button("lesson-leave", "Leave", () => this.leave());
    const steps = make("div", { className: "steps" }, this.back, this.next, leave);
    new ResizeObserver(() => this.showShares()).observe(this.shares);
    this.card.append(this.title, this.text, this.number, steps, this.shares);
  }

  open(lesson) {
    this.lesson = lesson;
    this.card.hidden = false;
    this.page.showExtras(false); // it would cover the card
    this.go(0);
    this.title.focus();
  }

  leave() {
    this.lesson = null;
    this.card.hidden = true;
    $("play").focus();
  }

  get step() {
    return this.lesson.steps[this.place];
  }

  get isLast() {
    return this.place === this.lesson.steps.length - 1;
  }

  goOn() {
    if (!this.isLast) return this.go(this.place + 1);
    const next = LESSONS[LESSONS.indexOf(this.lesson) + 1];
    if (next) this.open(next);
    else this.leave();
  }

  go(place) {
    const { lesson, page } = this;
    this.place = place;
    this.seen = { numbers: {} };
    setText(this.title, `${LESSONS.indexOf(lesson) + 1}. ${lesson.title}`);
    setText(this.text, this.step.say);
    setText(this.number, "");
    this.back.disabled = place === 0;
    setText(this.next, this.isLast ? "Next lesson" : "Next");
    if (this.isLast && lesson === LESSONS.at(-1)) setText(this.next, "Done");
    this.shares.hidden = !this.step.curse;
    page.announcer.say(this.step.say);
    this.prepare(this.step);
  }

  /** What the step shows; zoom and probe wait for the first picture of it. */
  prepare({ set, table, curse, zoom, probe, pause, open }) {
    const { page } = this;
    this.due = { zoom, probe };
    if (set) page.probe.drop(); // of another network
    if (curse) page.wire.send({ type: "curse" });
    if (table) {
      const { csv, columns } = table();
      const settings = { ...withDefaults(set), data: page.store.configuration.data };
      page.store.change(settings);
      page.table.show(csv, columns);
    } else if (set) page.store.change(withDefaults(set));
    if (set || table) {
      page.wishesToPlay = true;
      page.wire.send({ type: "play" });
    }
    if (pause) {
      page.wishesToPlay = false;
      page.wire.send({ type: "pause" });
    }
    this.disclosed = null;
    if (open) this.disclose($(open));
    if (probe) page.showPanel("probe");
    if (!set && !table) this.arrange();
  }

  /** Open, on a phone in its panel; in sight once what is above it has its text. */
  disclose(details) {
    details.open = true;
    this.page.showPanel(details.closest("[data-panel]").dataset.panel);
    this.disclosed = details;
  }

  scrollToDisclosed() {
    const details = this.disclosed;
    if (!details) return;
    this.disclosed = null;
    const rail = details.closest(".rail");
    rail.scrollTop += details.getBoundingClientRect().bottom - rail.getBoundingClientRect().bottom;
  }

  arrange() {
    const { page, due } = this;
    this.due = {};
    if (due.zoom) {
      page.picture.showData();
      page.picture.zoom(due.zoom);
    }
    if (due.probe) page.probe.pin(due.probe);
  }

  heard(type, message) {
    if (!this.lesson) return;
    this.seen[type] = message;
    if (type === "numbers" && message.configuration === this.page.number) this.arrange();
    const text = this.step.number(this.seen);
    if (text || type === "numbers") setText(this.number, text); // none: of other data now
    if (type === "curse") this.showShares();
    if (type === "features") requestAnimationFrame(() => this.scrollToDisclosed());
  }

  showShares() {
    const { curse } = this.seen;
    if (!this.lesson || !curse || this.shares.hidden) return;
    const words = curse.dimensions.map((d, i) => `${d}: ${Math.round(100 * curse.shares[i])} %`);
    this.shares.setAttribute("aria-label", `Share inside by features: ${words.join(", ")}`);
    drawShares(this.shares, this.page.theme, curse);
  }
}
