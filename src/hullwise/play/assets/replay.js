/** A run that was recorded, drawn by the modules of the page and without its server. */

import { Data } from "./data.js";
import { glyph } from "./marks.js";
import { paintScene, sceneOf } from "./scene.js";
import { Theme, css } from "./theme.js";
import { decodeFrame } from "./wire.js";
import { count, leadSentence, short } from "./words.js";

const FRAME_MILLISECONDS = 180;
const $ = (id) => document.getElementById(id);

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

class Replay {
  constructor(run) {
    this.run = run;
    this.theme = new Theme();
    this.data = new Data(run);
    this.place = 0;
    this.timer = 0;
    this.canvas = $("cells");
    $("time").max = run.frames.length - 1;
    $("time").addEventListener("input", () => this.show(+$("time").value));
    $("play").addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    this.theme.listeners.push(() => this.paint());
    new ResizeObserver(() => this.paint()).observe($("picture"));
    const { data, layers, inputs } = run.configuration;
    const widths = layers.map(({ width, unit }) => `${width} ${unit}`).join(", ");
    $("note").textContent =
      `Data: ${data}; inputs ${inputs.join(", ")}; layers ${widths || "none"}. ` +
      `${run.frames.length} of the steps of one run, each drawn from ` +
      (run.numbers[0].curved ? "small flat steps of its curved inputs." : "its exact pieces.");
    const { half } = run.view;
    $("picture").style.aspectRatio = Math.min(1.9, Math.max(0.8, half[0] / half[1]));
    this.show(0);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  play() {
    if (this.place === this.run.frames.length - 1) this.show(0);
    $("play").textContent = "Pause";
    this.timer = setInterval(() => this.next(), FRAME_MILLISECONDS);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    $("play").textContent = "Play";
  }

  next() {
    if (this.place + 1 < this.run.frames.length) this.show(this.place + 1);
    else this.pause();
  }

  show(place) {
    this.place = place;
    const numbers = this.run.numbers[place];
    this.frame = decodeFrame(bytesOf(this.run.frames[place]));
    $("time").value = place;
    $("time").setAttribute("aria-valuetext", `step ${count(numbers.step)}`);
    $("step").textContent = count(numbers.step);
    $("loss").textContent = `loss ${short(numbers.loss, 2)}`;
    $("lead").textContent = leadSentence(numbers, this.data);
    this.paint();
  }

  paint() {
    const { width, height } = $("picture").getBoundingClientRect();
    if (width < 2 || !this.frame) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const { center, half } = this.frame;
    const scale = Math.min(width / 2 / half[0], height / 2 / half[1]);
    const g = this.canvas.getContext("2d", { alpha: false });
    g.fillStyle = css(this.theme.paper);
    g.fillRect(0, 0, this.canvas.width, this.canvas.height);
    g.lineCap = g.lineJoin = "round";
    g.setTransform(scale * ratio, 0, 0, -scale * ratio, (width / 2) * ratio, (height / 2) * ratio);
    const { show } = this.run.configuration;
    paintScene(g, sceneOf(this.frame, this.data, this.theme, show), scale * ratio, ratio);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!show.rows) return;
    const at = ([x, y]) => [
      width / 2 + (x - center[0]) * scale,
      height / 2 - (y - center[1]) * scale,
    ];
    g.strokeStyle = css(this.theme.paper);
    for (const { color, members, shape } of this.data.groups(this.theme)) {
      g.fillStyle = css(color);
      g.beginPath();
      for (const i of members) glyph(g, shape, ...at(this.data.points[i]), 2.6);
      g.stroke();
      g.fill();
    }
  }
}

new Replay(JSON.parse($("run").textContent));
