/** Rows that training does not see, each by its band: how far out it is of the hull of the others. */

import { css } from "./theme.js";
import { $, isPressed, press, setText, toggle } from "./widgets.js";
import { glyph } from "./marks.js";

/** Shapes of the report: dot, square, diamond, triangle. */
const SHAPES = { core: 0, edge: 3, beyond: 1, far: 2 };
const RADIUS = 4.2;

export class NewRows {
  constructor(page) {
    this.page = page;
    this.answer = null;
    toggle($("new-rows"), () => this.ask());
    page.handlers.new_rows = (answer) => this.show(answer);
    page.picture.overlays.push((g, picture) => this.paint(g, picture));
  }

  get isShown() {
    return isPressed($("new-rows"));
  }

  ask() {
    if (this.isShown) this.page.wire.send({ type: "new_rows" });
    else this.show(null);
  }

  /** The rows are others. */
  refresh() {
    this.answer = null;
    if (this.isShown) this.ask();
  }

  show(answer) {
    this.answer = answer;
    setText($("new-rows-note"), answer?.sentence ?? "");
    $("new-rows-note").hidden = !answer;
    if (answer && !answer.points.length) press($("new-rows"), false);
    this.page.picture.redraw({ cells: false });
  }

  paint(g, picture) {
    if (!this.answer) return;
    const { points, bands } = this.answer;
    for (const [band, shape] of Object.entries(SHAPES)) {
      g.beginPath();
      points.forEach((point, i) => {
        if (bands[i] === band) glyph(g, shape, ...picture.toScreen(point), RADIUS);
      });
      g.strokeStyle = css(picture.theme.paper);
      g.lineWidth = 3.4;
      g.stroke();
      g.strokeStyle = css(picture.theme[band]);
      g.lineWidth = 1.7;
      g.stroke();
    }
  }
}
