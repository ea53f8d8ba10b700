/** The point under the pointer: where it is, what is drawn of it, and what is asked of the server. */

import { dot, line, outline } from "./marks.js";
import { css } from "./theme.js";
import { ProbePanel } from "./readings.js";
import { $, isPressed, press } from "./widgets.js";

const FAR_AWAY = 1e4; // pixels

export class Probe {
  constructor(picture, store, send) {
    this.picture = picture;
    this.store = store;
    this.send = send;
    this.point = null;
    this.isPinned = false;
    this.answer = null;
    this.lineEnd = null;
    this.lineAnswer = null;
    this.unit = null; // of which the walls are lit up
    this.unitAnswer = null;
    this.requested = 0;
    this.panel = new ProbePanel(picture, store, (unit) => this.lightUp(unit));
    picture.overlays.push((g) => this.paint(g));
    $("pick-line").addEventListener("click", () => {
      press($("pick-line"), !isPressed($("pick-line")));
      if (isPressed($("pick-line"))) this.isPinned = true;
      else this.setLine(null);
    });
    $("probe-line").addEventListener("toggle", () => {
      if (!$("probe-line").open) this.setLine(null);
    });
  }

  /* where it is */

  hover(point) {
    if (!this.isPinned) this.place(point);
  }

  /** A click: keeps the point there; on the kept point: lets it go. */
  pin(point) {
    if (isPressed($("pick-line")) && !this.lineEnd) return this.setLine(point);
    const [x, y] = this.picture.toScreen(point);
    const [px, py] = this.point ? this.picture.toScreen(this.point) : [-99, -99];
    const isSame = this.isPinned && Math.hypot(x - px, y - py) < 9;
    this.isPinned = !isSame;
    this.place(point);
  }

  pressEnter() {
    if (!this.point) this.place([...this.picture.view.center]);
    if (isPressed($("pick-line")) && !this.lineEnd) {
      const [hx] = this.picture.view.half;
      return this.setLine([this.point[0] + hx / 3, this.point[1]]);
    }
    this.isPinned = !this.isPinned;
    this.picture.redraw({ cells: false });
  }

  place(point) {
    this.point = point;
    this.ask();
    this.picture.redraw({ cells: false });
  }

  moveBy([dx, dy]) {
    const moving = this.lineEnd && isPressed($("pick-line")) ? this.lineEnd : this.point;
    const [x, y] = moving ?? this.picture.view.center;
    const next = this.within([x + dx, y + dy]);
    if (moving && moving === this.lineEnd) this.setLine(next);
    else this.place(next);
  }

  within([x, y]) {
    const { center, half } = this.picture.view;
    const clipped = (v, i) => Math.min(center[i] + half[i], Math.max(center[i] - half[i], v));
    return [clipped(x, 0), clipped(y, 1)];
  }

  /** Into the middle of the next piece in a direction. */
  crossWall(direction) {
    const frame = this.picture.frame;
    const from = this.point ?? [...this.picture.view.center];
    if (!frame) return this.place(from);
    const reach = FAR_AWAY / this.picture.scale;
    const hits = crossings(frame, from, direction, reach);
    const tiny = 1e-6 * reach * 1e-4;
    const ahead = hits.filter((t) => t > tiny).sort((a, b) => a - b);
    if (!ahead.length) return this.moveBy(direction.map((d) => (12 * d) / this.picture.scale));
    const next = ahead.find((t) => t > ahead[0] * (1 + 1e-6) + tiny) ?? ahead[0] + tiny * 10;
    const t = (ahead[0] + next) / 2;
    this.place(this.within([from[0] + t * direction[0], from[1] + t * direction[1]]));
  }

  /** At most one question for each animation frame. */
  ask() {
    this.requested ||= requestAnimationFrame(() => {
      this.requested = 0;
      this.send({ type: "probe", point: this.point });
      if (this.lineEnd) this.send({ type: "line", from: this.point, to: this.lineEnd });
    });
  }

  setLine(end) {
    this.lineEnd = end;
    this.lineAnswer = null;
    if (end) this.ask();
    else {
      press($("pick-line"), false);
      this.send({ type: "line", from: null, to: null });
    }
    this.panel.showLine(null, Boolean(end));
    this.picture.redraw({ cells: false });
  }

  lightUp(unit) {
    if (JSON.stringify(unit) === JSON.stringify(this.unit)) return;
    this.unit = unit;
    if (unit) this.send({ type: "unit", ...unit });
    else {
      this.unitAnswer = null;
      this.panel.showUnit(null);
      this.send({ type: "unit", layer: null, unit: null });
      this.picture.redraw({ cells: false });
    }
  }

  /** After a new socket the server knows of nothing. */
  askAgain() {
    if (this.point) this.ask();
  }

  /** A new configuration: what was said belonged to another network. */
  forget() {
    this.answer = this.lineAnswer = this.unitAnswer = this.unit = null;
    this.panel.clear();
  }

  /** No point, and nothing said of one. */
  drop() {
    this.point = null;
    this.isPinned = false;
    this.setLine(null);
    this.forget();
    this.send({ type: "probe", point: null });
  }

  /* answers */

  show(answer) {
    if (!this.point || !answer.point) return;
    this.answer = answer;
    this.panel.show(answer);
    this.picture.redraw({ cells: false });
  }

  showLine(answer) {
    if (!this.lineEnd) return;
    this.lineAnswer = answer;
    this.panel.showLine(answer, true);
    this.picture.redraw({ cells: false });
  }

  showUnit(answer) {
    if (!this.unit) return;
    this.unitAnswer = answer;
    this.panel.showUnit(answer);
    this.picture.redraw({ cells: false });
  }

  /* drawing */

  paint(g) {
    const { picture } = this;
    this.paintUnit(g);
    if (!this.point) return;
    if (this.answer) this.paintAnswer(g, this.answer);
    this.paintLine(g);
    const { paper, ink } = picture.theme;
    dot(g, picture, this.point, 5.5, this.isPinned ? ink : paper, this.isPinned ? paper : ink);
    if (!this.isPinned) return;
    const [x, y] = picture.toScreen(this.point);
    g.beginPath();
    g.arc(x, y, 8, 0, 2 * Math.PI);
    g.strokeStyle = css(ink);
    g.lineWidth = 1.5;
    g.stroke();
  }

  paintAnswer(g, answer) {
    const { picture } = this;
    const { theme } = picture;
    const outlinePoints = answer.region?.polygon;
    if (outlinePoints?.length) {
      outline(g, picture, outlinePoints);
      g.strokeStyle = css(theme.ink);
      g.lineWidth = 1.6;
      g.stroke();
    }
    for (const [from, to] of answer.region?.outline ?? []) {
      g.beginPath();
      g.moveTo(...picture.toScreen(from));
      g.lineTo(...picture.toScreen(to));
      g.strokeStyle = css(theme.ink);
      g.lineWidth = 1.6;
      g.stroke();
    }
    if (this.store.configuration.show.simplex && answer.simplex?.points?.length) {
      outline(g, picture, answer.simplex.points);
      g.fillStyle = css(theme.edge);
      g.globalAlpha = 0.25;
      g.fill();
      g.globalAlpha = 1;
      g.strokeStyle = css(theme.edge);
      g.lineWidth = 1.6;
      g.stroke();
    }
    for (const point of answer.neighbours?.points ?? []) {
      line(g, picture, answer.point, point, { color: theme.soft, width: 1, dash: [2, 3] });
    }
    const foot = answer.decision?.foot;
    if (foot) {
      line(g, picture, answer.point, foot, { color: theme.ink, width: 1.8 });
      dot(g, picture, foot, 3, theme.ink, theme.paper);
    }
    const { hull } = answer;
    if (hull?.verdict === "outside" && hull.nearest) {
      line(g, picture, answer.point, hull.nearest, { color: theme[hull.band] ?? theme.far, width: 2 });
    }
  }

  paintLine(g) {
    if (!this.lineEnd) return;
    const { picture } = this;
    const { theme } = picture;
    line(g, picture, this.point, this.lineEnd, { color: theme.ink, width: 1.4 });
    for (const at of this.lineAnswer?.breaks ?? []) {
      const [x0, y0] = this.lineAnswer.from;
      const [x1, y1] = this.lineAnswer.to;
      dot(g, picture, [x0 + at * (x1 - x0), y0 + at * (y1 - y0)], 1.6, theme.ink, theme.ink);
    }
    dot(g, picture, this.lineEnd, 4.5, theme.paper, theme.ink);
  }

  paintUnit(g) {
    const segments = this.unitAnswer?.segments;
    if (!segments?.length) return;
    const { picture } = this;
    const layers = this.store.configuration.layers.length;
    g.beginPath();
    for (const [from, to] of segments) {
      g.moveTo(...picture.toScreen(from));
      g.lineTo(...picture.toScreen(to));
    }
    g.strokeStyle = css(picture.theme.paper);
    g.lineWidth = 6;
    g.stroke();
    g.strokeStyle = css(picture.theme.layer(this.unit.layer, layers));
    g.lineWidth = 3;
    g.stroke();
  }
}

/** Lengths at which a ray from `origin` meets walls of a frame, none beyond `reach`. */
export function crossings(frame, origin, [dx, dy], reach) {
  const { xy, edge, counts, center } = frame;
  const [ox, oy] = [origin[0] - center[0], origin[1] - center[1]];
  const found = [];
  for (let e = 2 * counts[0]; e < edge.length; e += 2) {
    const a = 2 * edge[e];
    const b = 2 * edge[e + 1];
    const sideA = (xy[a] - ox) * dy - (xy[a + 1] - oy) * dx;
    const sideB = (xy[b] - ox) * dy - (xy[b + 1] - oy) * dx;
    if (sideA > 0 === sideB > 0) continue;
    const share = sideA / (sideA - sideB);
    const x = xy[a] + share * (xy[b] - xy[a]) - ox;
    const y = xy[a + 1] + share * (xy[b + 1] - xy[a + 1]) - oy;
    const length = x * dx + y * dy;
    if (length > 0 && length < reach) found.push(length);
  }
  return found;
}
