/** Points drawn by hand: a brush for each class, an eraser, and what was drawn kept for a reload. */

import { Data } from "./data.js";
import { dot } from "./marks.js";
import { CLASS_NAMES, classGlyph, plural } from "./words.js";
import { $, keep, make, press } from "./widgets.js";

const BRUSHES = 3;
const ERASER = -1;
const SPACING_PIXELS = 8;
const ERASER_PIXELS = 12;
const SENDING_MILLISECONDS = 120;
const MOST_POINTS = 5000;
const MOST_IN_ADDRESS = 400;

/** `x,y,class;...` for the address; "" where there are too many. */
export const pointsToText = (points) =>
  points.length > MOST_IN_ADDRESS
    ? ""
    : points.map(([x, y, c]) => [+x.toPrecision(4), +y.toPrecision(4), c].join(",")).join(";");

export function pointsFromText(text) {
  const points = text.split(";").map((part) => part.split(",").map(Number));
  const isPoint = (p) =>
    p.length === 3 && p.every(Number.isFinite) && p[2] >= 0 && p[2] < BRUSHES && p[2] % 1 === 0;
  return points.filter(isPoint).slice(0, MOST_POINTS);
}

export class DrawTool {
  /** `page`: picture, store, wire, actions, probe. */
  constructor(page) {
    this.page = page;
    this.points = pointsFromText(
      new URLSearchParams(location.hash.slice(1)).get("points") ??
        sessionStorage.getItem("points") ??
        "",
    );
    this.brush = 0;
    this.last = null;
    this.timer = 0;
    this.build();
    $("draw").addEventListener("click", () => (this.isActive ? this.leave() : this.enter()));
    page.picture.overlays.push((g) => this.paint(g));
  }

  get isActive() {
    return this.page.actions.tool === this;
  }

  build() {
    const brush = (c, text, label) => {
      const button = make("button", { type: "button", "aria-label": label, textContent: text });
      button.dataset.brush = c;
      button.addEventListener("click", () => this.choose(c));
      return button;
    };
    const action = (text, act, id) => {
      const button = make("button", { type: "button", textContent: text, id });
      button.addEventListener("click", act);
      return button;
    };
    const brushes = Array.from({ length: BRUSHES }, (_, c) =>
      brush(c, `${classGlyph(c)} ${CLASS_NAMES[c]}`, `Draw ${CLASS_NAMES[c]} points`),
    );
    this.state = make("span", { className: "caption" });
    $("draw-tools").append(
      ...brushes,
      brush(ERASER, "erase", "Erase points"),
      action("Undo", () => this.undo(), "draw-undo"),
      action("Clear", () => this.set([]), "draw-clear"),
      action("Copy rows", () => this.copyRows(), "draw-copy"),
      action("Done", () => this.leave(), "draw-done"),
      this.state,
    );
  }

  enter() {
    const { page } = this;
    page.actions.tool = this;
    this.hadView = page.store.configuration.view !== null;
    page.store.change({ view: page.picture.view }); // it stays while points come
    page.probe.isPinned = false;
    $("draw-tools").hidden = false;
    $("view-tools").hidden = true;
    press($("draw"), true);
    this.choose(0);
    if (this.points.length) this.set(this.points);
    $("picture").focus();
  }

  leave() {
    if (!this.isActive) return;
    this.page.actions.tool = null;
    $("draw-tools").hidden = true;
    $("view-tools").hidden = false;
    press($("draw"), this.page.store.configuration.data === "drawn");
    if (this.hadView) this.page.picture.redraw({ cells: false });
    else this.page.picture.showData();
  }

  choose(brush) {
    this.brush = brush;
    for (const button of $("draw-tools").querySelectorAll("[data-brush]")) {
      press(button, +button.dataset.brush === brush);
    }
    this.describe();
  }

  describe() {
    const n = this.points.length;
    this.state.textContent = n ? plural(n, "point") : "click or drag";
    $("draw-undo").disabled = $("draw-clear").disabled = !n;
  }

  press(point) {
    this.last = this.page.picture.toScreen(point);
    this.apply(point);
  }

  drag(point) {
    const [x, y] = this.page.picture.toScreen(point);
    if (this.last && Math.hypot(x - this.last[0], y - this.last[1]) < SPACING_PIXELS) return;
    this.last = [x, y];
    this.apply(point);
  }

  apply([x, y]) {
    if (this.brush !== ERASER) {
      if (this.points.length < MOST_POINTS) this.set([...this.points, [x, y, this.brush]]);
      return;
    }
    const reach = ERASER_PIXELS / this.page.picture.scale;
    this.set(this.points.filter(([px, py]) => Math.hypot(px - x, py - y) > reach));
  }

  undo() {
    this.set(this.points.slice(0, -1));
  }

  copyRows() {
    const { data } = this.page.picture;
    if (data?.task !== "classes" || data.classes > BRUSHES) return;
    this.set(data.points.map(([x, y], i) => [x, y, data.targets[i]]).slice(0, MOST_POINTS));
  }

  /** Shown at once; sent a little later, so that a stroke is a few messages only. */
  set(points) {
    this.points = points;
    keep("points", points.map((p) => p.join(",")).join(";"));
    this.describe();
    this.page.picture.showRows(this.asData());
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.send();
    }, SENDING_MILLISECONDS);
  }

  asData() {
    const targets = this.points.map(([, , c]) => c);
    const classes = Math.max(2, ...targets.map((c) => c + 1));
    const points = this.points.map(([x, y]) => [x, y]);
    return new Data({ rows: { points, targets, task: "classes", classes }, hull: [] });
  }

  send() {
    this.page.wire.send({ type: "rows", points: this.points });
    const { store } = this.page;
    if (store.configuration.data !== "drawn") store.change({ data: "drawn" });
    else this.page.writeAddress();
  }

  /** The part of the address that carries the points. */
  get addressPart() {
    const text = pointsToText(this.points);
    return text && this.page.store.configuration.data === "drawn" ? `points=${text}` : "";
  }

  paint(g) {
    if (!this.isActive || !this.page.probe.point) return;
    const { theme } = this.page.picture;
    const fill = this.brush === ERASER ? theme.paper : theme.classColor(this.brush);
    dot(g, this.page.picture, this.page.probe.point, 5, fill, theme.ink);
  }
}
