/** Two readings of each row: plainly, and in what matters to a task. */
const count = (v) => v.toLocaleString("en-US");

function readings() {
  const t = data.task;
  if (!t) return;
  section("Out of the data, and out of it in what matters", h("p", {}, t.meaning),
    t.usual.map((text) => h("p", { class: "note" }, text)),
    crossTable(t), t.chart ? readingsFigure(t) : "", t.directions ? directionsFigure(t.directions) : "",
    t.farthest.length ? farthestInTask(t.farthest) : "",
    h("p", { class: "note after" }, "Distances in the sections below are plain ones."));
}

function crossTable(t) {
  const across = t.used.map((b) => h("th", { scope: "col", class: "n" }, chip(b)));
  const line = (b) => h("tr", {}, h("th", { scope: "row" }, chip(b)),
    t.used.map((c) => h("td", { class: b === c ? "n same" : "n" }, count(t.counts[b][c]))),
    h("td", { class: "n" }, count(t.counts[b].reduce((x, y) => x + y, 0))));
  const total = (c) => t.counts.reduce((sum, row) => sum + row[c], 0);
  return h("figure", {}, h("table", { class: "cross" },
    h("thead", {},
      h("tr", {}, h("th", { scope: "col" }, "plainly"),
        h("th", { scope: "colgroup", colspan: t.used.length, class: "n" }, "in what matters"), h("th", {})),
      h("tr", {}, h("th", {}), across, h("th", { scope: "col", class: "n" }, "all"))),
    h("tbody", {}, t.used.map(line), h("tr", {}, h("th", { scope: "row" }, "all"),
      t.used.map((c) => h("td", { class: "n" }, count(total(c)))),
      h("td", { class: "n" }, count(t.used.reduce((sum, c) => sum + total(c), 0)))))),
  h("figcaption", {}, "Rows by their band plainly (down) and in what matters (across). Plainly: ",
    bdi(t.metrics[0]), ". In what matters: ", bdi(t.metrics[1]), "."));
}

/** Distances on an axis that holds both 0 and the far ones: log(1 + v). */
function readingsLayout(c, width) {
  const small = width < 520, left = small ? 40 : 58, top = 14, bottom = 46, right = 16;
  const side = Math.min(width - left - right, small ? width : 460);
  const reach = (values) => Math.max(2, ...values.filter((v) => v !== null)) * 1.15;
  const ends = [reach(c.x), reach(c.y)];
  const scaled = (v, end) => (v === null ? 1 : Math.log1p(v) / Math.log1p(end));
  return { left, top, side, ends, width: left + side + right, height: top + side + bottom,
    x: (v) => left + side * scaled(v, ends[0]) * (v === null ? 1 : 0.97),
    y: (v) => top + side * (1 - scaled(v, ends[1]) * (v === null ? 1 : 0.97)) };
}

function readingsAxes(svg, c, at, put) {
  const values = [0, 0.3, 1, 3, 10, 30, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
  let last = [-99, 1e9];
  for (const v of values) {
    const x = at.x(v), y = at.y(v);
    if (v <= at.ends[0] && x - last[0] > 30) {
      put(x, at.top + at.side + 16, number(v), "middle");
      last[0] = x;
    }
    if (v <= at.ends[1] && last[1] - y > 16) {
      put(at.left - 7, y + 4, number(v), "end");
      last[1] = y;
    }
  }
  const rule = (x1, y1, x2, y2) => svg.append(s("line", { class: "limit", x1, y1, x2, y2 }));
  if (c.yardsticks[0]) rule(at.x(1), at.top, at.x(1), at.top + at.side);
  if (c.yardsticks[1]) rule(at.left, at.y(1), at.left + at.side, at.y(1));
  put(at.left + at.side / 2, at.top + at.side + 38, "distance, plainly", "middle", "strong");
  const name = s("text", { "text-anchor": "middle", class: "strong",
    transform: `translate(13 ${at.top + at.side / 2}) rotate(-90)` }, "distance in what matters");
  svg.append(name);
}

function drawReadings(c, width) {
  const at = readingsLayout(c, width);
  const svg = s("svg", { viewBox: `0 0 ${at.width} ${at.height}`, width: at.width, height: at.height, role: "img",
    "aria-label": "Each row by its plain distance, left to right, and its distance in what matters, upwards" },
  s("rect", { class: "box", x: at.left, y: at.top, width: at.side, height: at.side }));
  const put = (x, y, text, anchor, kind) =>
    svg.append(s("text", { x, y, "text-anchor": anchor, class: kind }, text));
  readingsAxes(svg, c, at, put);
  const radius = c.x.length > 400 ? 3 : 4.2;
  c.x.map((_, i) => i).sort((a, b) => c.task[a] - c.task[b]).forEach((i) => {
    const said = (v, band) => `${names[band]} (${v === null ? "off the flat" : number(v)})`;
    svg.append(s("path", { class: `point fill-${names[c.task[i]]}`,
      d: mark(c.task[i], at.x(c.x[i]), at.y(c.y[i]), radius) },
    s("title", {}, `${c.label[i]}: plainly ${said(c.x[i], c.plain[i])}, in what matters ${said(c.y[i], c.task[i])}`)));
  });
  return svg;
}

function readingsFigure(t) {
  const c = t.chart, present = [0, 1, 2, 3, 4].filter((b) => c.task.includes(b));
  const unit = c.yardsticks[0] && c.yardsticks[1]
    ? "1 is where the outermost 5 % of the training rows begin, each left out in turn (the lines): right of the upright line a row is out plainly, above the level one it is out in what matters. "
    : "Distances are in the units of each metric. ";
  const off = c.offFlat ? `${count(c.offFlat)} off the flat that the training rows span ${c.offFlat > 1 ? "are" : "is"} drawn on the border. ` : "";
  const cell = (v) => (v === null ? "off the flat" : number(v));
  const build = () => table(["row", "plainly", "in what matters", "distance plainly", "in what matters"],
    c.x.map((_, i) => i).sort((a, b) => far(c.y[b]) - far(c.y[a])).slice(0, 500)
      .map((i) => [bdi(c.label[i]), chip(c.plain[i]), chip(c.task[i]), cell(c.x[i]), cell(c.y[i])]));
  const made = figure((width) => drawReadings(c, width),
    h("figcaption", {}, unit, "Marks are those of the band in what matters. The axes are those of log(1 + distance). ", off, c.drawn),
    behind(c.x.length > 500 ? "The 500 rows farthest out in what matters" : "Both bands of every row drawn", build));
  made.prepend(h("div", { class: "key" }, present.map(chip)));
  return made;
}
const far = (v) => (v === null ? Infinity : v);

function directionsFigure(found) {
  const line = (item, i) => {
    const bars = item.terms.map(([name, weight]) => {
      const length = 50 * Math.abs(weight), bar = sized(h("i", {}), Math.max(1, length));
      bar.style.left = weight < 0 ? `${50 - length}%` : "50%";
      return h("tr", {}, h("th", { class: "of", scope: "row" }, bdi(name)),
        h("td", { class: "by" }, (weight < 0 ? "−" : "+") + number(Math.abs(weight), 2)),
        h("td", { class: "gauge", "aria-hidden": "true" }, h("span", {}, bar)));
    });
    return h("li", {}, h("div", {}, h("h3", {}, `${i + 1}. ${item.share}`),
      h("span", { class: "meter" }, sized(h("i", {}), 100 * item.part))),
    h("div", {}, h("table", { "aria-label": `features of direction ${i + 1}` }, h("tbody", {}, bars)),
      item.more ? h("p", { class: "quiet" }, `and ${count(item.more)} more feature${item.more > 1 ? "s" : ""}`) : ""));
  };
  return h("figure", { class: "directions" }, h("h3", {}, "What matters: the directions of the metric"),
    h("ol", { class: "cards" }, found.items.map(line)), h("figcaption", {}, found.note));
}

function farthestInTask(list) {
  return h("figure", {}, h("h3", {}, "The rows farthest out in what matters"),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The rows farthest out in what matters" },
      h("table", { class: "both" },
        h("thead", {}, h("tr", {}, ["row", "plainly", "in what matters", "percentiles", "too high (+) or low (−) by"]
          .map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, list.map((row) => h("tr", {}, h("th", { scope: "row" }, bdi(row.label)),
          h("td", {}, chip(row.plain)), h("td", {}, chip(row.task)),
          h("td", {}, row.percentiles.filter(Boolean).join(" / ")), h("td", {}, bdi(row.pushes))))))),
    h("figcaption", {}, "Percentiles: training rows, each left out in turn, that are less far out, plainly / in what matters. ",
      "Features are ranked by their part of the distance in what matters; what hardly matters is left out."));
}
