/** A network of two functions of x and y, exactly: in the plane of the functions its walls are straight. */

import { bounds } from "./data.js";
import { css } from "./theme.js";
import { glyph } from "./marks.js";
import { INPUT_FACES } from "./network.js";
import { $, setText } from "./widgets.js";
import { plural } from "./words.js";

const ROOM_ABOUT_ROWS = 1.2;

/** The rectangle of the rows, of the whole picture where there are none. */
function aboutRows({ center, half, points }) {
  if (points.length < 2) return { center, half };
  const { low, high } = bounds(points);
  return {
    center: low.map((v, i) => (v + high[i]) / 2),
    half: low.map((v, i) => (ROOM_ABOUT_ROWS * (high[i] - v || 1)) / 2),
  };
}

export class FeaturePlane {
  constructor(page) {
    this.page = page;
    this.details = $("feature-plane");
    this.canvas = this.details.querySelector("canvas");
    this.answer = null;
    this.details.addEventListener("toggle", () => this.ask());
    page.store.subscribe(() => this.offer());
    page.theme.listeners.push(() => this.draw());
    this.offer();
  }

  /** There are exactly two inputs, and one is curved. */
  get isPossible() {
    const { inputs, data } = this.page.store.configuration;
    return data !== "own" && inputs.length === 2 && inputs.some((name) => name.length > 1);
  }

  offer() {
    this.details.hidden = !this.isPossible;
    const [first, second] = this.page.store.configuration.inputs.map((n) => INPUT_FACES[n][0]);
    if (this.isPossible) {
      setText(this.details.querySelector("summary"), `In the plane of ${first} and ${second}`);
    } else if (this.details.open) this.details.open = false;
  }

  ask() {
    const isOpen = this.details.open && this.isPossible;
    this.page.wire?.send({ type: "features", shown: isOpen || null });
    if (!isOpen) this.answer = null;
  }

  show(answer) {
    if (!this.details.open || !answer.points) return;
    this.answer = answer;
    const regions = plural(answer.n_regions, "region");
    setText(this.details.querySelector("p"), `${regions}, exactly: walls are straight here.`);
    this.draw();
  }

  draw() {
    if (!this.answer) return;
    const { page, canvas } = this;
    const { theme } = page;
    const { walls, layers, boundary, points } = this.answer;
    const { center, half } = aboutRows(this.answer);
    const size = canvas.clientWidth || 200;
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.height = size * ratio;
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    const place = ([x, y]) => [
      (size / 2) * (1 + (x - center[0]) / half[0]),
      (size / 2) * (1 - (y - center[1]) / half[1]),
    ];
    const strokes = (list, color, width) => {
      g.beginPath();
      for (const [from, to] of list) {
        g.moveTo(...place(from));
        g.lineTo(...place(to));
      }
      g.strokeStyle = css(color);
      g.lineWidth = width;
      g.stroke();
    };
    const count = page.store.configuration.layers.length;
    for (let layer = 0; layer < count; layer++) {
      const own = walls.filter((_, i) => layers[i] === layer);
      strokes(own, theme.layer(layer, count), 0.9);
    }
    for (const { color, members, shape } of page.picture.data?.groups(theme) ?? []) {
      g.beginPath();
      for (const i of members) if (points[i]) glyph(g, shape, ...place(points[i]), 1.6);
      g.fillStyle = css(color);
      g.fill();
    }
    strokes(boundary ?? [], theme.ink, 2.2);
  }
}
