/** Time: curves of the loss and of the counts of pieces, and the slider that goes back. */

import { css } from "./theme.js";
import { count, short } from "./words.js";
import { $, setText, toggle } from "./widgets.js";

const MOST_POINTS = 2000;
const REDRAW_MILLISECONDS = 100;
const SMALLEST_LOSS = 1e-6;

/** What was at each step; every second entry goes when there are too many. */
export class Course {
  constructor() {
    this.entries = [];
  }

  add(entry) {
    const last = this.entries.at(-1);
    if (last && entry.step <= last.step) {
      if (entry.step < last.step) return;
      this.entries.pop();
    }
    this.entries.push(entry);
    if (this.entries.length > MOST_POINTS) {
      this.entries = this.entries.filter((_, i) => i % 2 === 0 || i === MOST_POINTS);
    }
  }

  forgetAfter(step) {
    this.entries = this.entries.filter((entry) => entry.step <= step);
  }

  /** The entry nearest to a step at which something was measured. */
  nearest(step, key) {
    const measured = this.entries.filter((entry) => entry[key] !== undefined);
    return measured.reduce(
      (best, entry) =>
        Math.abs(entry.step - step) < Math.abs(best.step - step) ? entry : best,
      measured[0] ?? this.entries[0],
    );
  }
}

class Lane {
  constructor(element, theme, onPick) {
    this.canvas = element.querySelector("canvas");
    this.caption = element.querySelector("figcaption");
    this.theme = theme;
    this.hover = null;
    this.canvas.addEventListener("pointermove", (e) => this.onHover(this.fraction(e)));
    this.canvas.addEventListener("pointerleave", () => this.onHover(null));
    this.canvas.addEventListener("click", (e) => onPick(this.fraction(e)));
  }

  fraction(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  }

  /** `curves`: { values, color, dash }; `at`: shares of the width where a line stands. */
  draw(steps, last, curves, { isLog, at, floor, dots }) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = devicePixelRatio || 1;
    if (!width || !height) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const g = this.canvas.getContext("2d");
    g.scale(ratio, ratio);
    const scaled = curves.map(({ values }) =>
      values.map((v) => (isLog ? Math.log10(Math.max(v, SMALLEST_LOSS)) : v)),
    );
    const all = scaled.flat().filter(Number.isFinite);
    const low = floor ?? Math.min(...all);
    const high = Math.max(...all, low + 1e-9);
    const y = (v) => 3 + (height - 6) * (1 - (v - low) / (high - low));
    const x = (step) => 1 + ((width - 2) * step) / Math.max(1, last);
    g.strokeStyle = css(this.theme.rule);
    g.strokeRect(0, height - 0.5, width, 0);
    g.lineWidth = 1.6;
    g.lineJoin = "round";
    curves.forEach(({ color, dash }, c) => {
      g.beginPath();
      let isDown = false;
      scaled[c].forEach((v, i) => {
        if (!Number.isFinite(v)) return; // not measured at this step
        if (isDown) g.lineTo(x(steps[i]), y(v));
        else {
          g.moveTo(x(steps[i]), y(v));
          isDown = true;
        }
      });
      g.strokeStyle = css(color);
      g.setLineDash(dash ?? []);
      g.stroke();
      if (!dots) return;
      g.fillStyle = css(color);
      scaled[c].forEach((v, i) => g.fillRect(x(steps[i]) - 2.5, y(v) - 2.5, 5, 5));
    });
    g.setLineDash([]);
    g.lineWidth = 1;
    for (const [step, color] of at) {
      g.strokeStyle = css(color);
      g.beginPath();
      g.moveTo(Math.round(x(step)) - 0.5, 0);
      g.lineTo(Math.round(x(step)) - 0.5, height);
      g.stroke();
    }
  }
}

export class Lanes {
  /** `actions`: scrub(step), resume(). */
  constructor(theme, actions) {
    this.theme = theme;
    this.actions = actions;
    this.course = new Course();
    this.step = 0; // of what is drawn
    this.oldest = 0; // that the server has
    this.layers = 0;
    this.timer = 0;
    this.hover = null;
    this.byDepth = false;
    toggle($("by-depth"), (isOn) => {
      this.byDepth = isOn;
      this.draw();
    });
    this.slider = $("time");
    const pick = (share) => actions.scrub(Math.round(share * this.last));
    this.loss = new Lane($("loss-lane"), theme, pick);
    this.pieces = new Lane($("pieces-lane"), theme, pick);
    for (const lane of [this.loss, this.pieces]) {
      lane.onHover = (share) => {
        this.hover = share === null ? null : Math.round(share * this.last);
        this.later();
      };
    }
    this.slider.addEventListener("input", () => actions.scrub(+this.slider.value));
    $("resume").addEventListener("click", () => actions.resume());
    theme.listeners.push(() => this.later());
    new ResizeObserver(() => this.later()).observe($("loss-lane"));
  }

  get last() {
    return this.course.entries.at(-1)?.step ?? 0;
  }

  clear() {
    this.course = new Course();
    this.step = 0;
    this.lossStep = this.piecesStep = undefined;
    this.oldest = 0;
    this.later();
  }

  /** Numbers of a frame; a step before the last one is a look back. */
  show(numbers) {
    const newest = numbers.history?.[1] ?? numbers.step;
    if (newest < this.last) this.clear(); // another run
    this.oldest = numbers.history?.[0] ?? this.course.entries[0]?.step ?? 0;
    this.step = numbers.step;
    if (numbers.step >= this.last) this.course.add(this.measuredNow(numbers));
    this.layers = numbers.pieces_by_layer?.length ?? this.layers;
    this.later();
  }

  /** Losses and counts are not measured in every frame: what is repeated is no point of a curve. */
  measuredNow(numbers) {
    const { loss_step: loss, pieces_step: pieces } = numbers;
    const entry = { ...numbers };
    if (loss < numbers.step && loss === this.lossStep) entry.loss = entry.loss_new = undefined;
    if (pieces < numbers.step && pieces === this.piecesStep) entry.pieces_by_layer = undefined;
    this.lossStep = loss;
    this.piecesStep = pieces;
    return entry;
  }

  get isBack() {
    return this.step < this.last;
  }

  goOn() {
    this.course.forgetAfter(this.step);
    this.later();
  }

  /** Drawn at most ten times a second. */
  later() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.draw();
    }, REDRAW_MILLISECONDS);
  }

  draw() {
    const { entries } = this.course;
    $("resume").hidden = !this.isBack;
    this.showSlider();
    if (!entries.length) return this.empty();
    const steps = entries.map((e) => e.step);
    const at = [[this.step, this.theme.ink]];
    if (this.hover !== null) at.push([this.hover, this.theme.dust]);
    const step = this.hover ?? this.step;
    this.drawLoss(entries, steps, at, this.course.nearest(step, "loss"));
    this.drawPieces(entries, steps, at, this.course.nearest(step, "pieces_by_layer"));
  }

  empty() {
    for (const lane of [this.loss, this.pieces]) {
      lane.canvas.width = lane.canvas.width;
    }
    setText(this.loss.caption, "loss");
    setText(this.pieces.caption, "pieces after each layer");
  }

  drawLoss(entries, steps, at, entry) {
    const { theme } = this;
    const curves = [
      { values: entries.map((e) => e.loss_new ?? NaN), color: theme.dust, dash: [4, 3] },
      { values: entries.map((e) => e.loss ?? NaN), color: theme.ink },
    ];
    this.loss.draw(steps, this.last, curves, { isLog: true, at });
    const parts = [this.prefix(entry), "loss ", bold(short(entry.loss, 2))];
    if (entry.loss_new !== null && entry.loss_new !== undefined) {
      parts.push(`, on new rows ${short(entry.loss_new, 2)} (dashed)`);
    }
    this.loss.caption.replaceChildren(...parts, "; log scale");
    this.loss.canvas.setAttribute("aria-label", this.loss.caption.textContent);
  }

  drawPieces(entries, steps, at, entry) {
    const counts = entry.pieces_by_layer;
    if (!counts) {
      const why = counts === null ? "pieces are not counted: curved inputs" : "pieces after each layer";
      setText(this.pieces.caption, why);
      this.pieces.draw(steps, this.last, [], { at, floor: 0 });
      return;
    }
    if (this.byDepth) return this.drawDepth(entries, entry, counts);
    const curves = counts.map((_, layer) => ({
      values: entries.map((e) => e.pieces_by_layer?.[layer] ?? NaN),
      color: this.theme.layer(layer, counts.length),
    }));
    this.pieces.draw(steps, this.last, curves, { at, floor: 0 });
    const parts = counts.flatMap((n, layer) => {
      const number = bold(count(n));
      number.style.color = css(curves[layer].color);
      return [layer ? `, layer ${layer + 1} ` : "pieces after layer 1 ", number];
    });
    this.pieces.caption.replaceChildren(this.prefix(entry), ...parts, " about the data");
    this.pieces.canvas.setAttribute("aria-label", this.pieces.caption.textContent);
  }

  /** Pieces against the number of layers, now and at the start. */
  drawDepth(entries, entry, counts) {
    const start = entries.find((e) => e.pieces_by_layer)?.pieces_by_layer ?? counts;
    const depths = [0, ...counts.map((_, layer) => layer + 1)];
    const curve = (values, color, dash) => ({ values: [1, ...values], color, dash });
    this.pieces.draw(
      depths,
      counts.length,
      [curve(start, this.theme.dust, [4, 3]), curve(counts, this.theme.ink)],
      { isLog: true, at: [], floor: 0, dots: true },
    );
    const growth = counts.map((n) => count(n)).join(", ");
    this.pieces.caption.replaceChildren(
      this.prefix(entry),
      "pieces by depth ",
      bold(growth),
      ", at first dashed; log scale",
    );
    this.pieces.canvas.setAttribute("aria-label", this.pieces.caption.textContent);
  }

  prefix(entry) {
    return this.hover === null ? "" : `step ${count(entry.step)}: `;
  }

  showSlider() {
    const first = Math.min(this.oldest, this.last);
    this.slider.min = first;
    this.slider.max = this.last;
    if (document.activeElement !== this.slider || !this.isBack) this.slider.value = this.step;
    this.slider.disabled = !this.course.entries.length;
    this.slider.setAttribute(
      "aria-valuetext",
      `step ${count(this.step)} of ${count(this.last)}`,
    );
    setText($("time-first"), count(first));
    setText($("time-last"), count(this.last));
  }
}

function bold(text) {
  const element = document.createElement("b");
  element.textContent = text;
  return element;
}
