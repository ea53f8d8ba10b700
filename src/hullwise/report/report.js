const root = document.documentElement;
window.addEventListener("error", (event) => { root.dataset.error = event.message || "error"; });
const data = JSON.parse(document.getElementById("data").textContent);
const names = data.bands;
const figures = [];

/** A figure drawn anew whenever its width changes, and at page width for print. */
function figure(draw, ...rest) {
  const holder = h("div", { class: "chart" });
  figures.push({ holder, draw, width: 0 });
  return h("figure", {}, holder, ...rest);
}
function redraw(forced) {
  for (const one of figures) {
    const width = forced || Math.floor(one.holder.clientWidth) || 640;
    if (width === one.width) continue;
    one.width = width;
    one.holder.replaceChildren(...[one.draw(width)].flat());
  }
}

const bdi = (text) => h("bdi", {}, text);
const chip = (band) => h("span", {}, glyph(band, names[band]), names[band]);
function section(title, ...content) {
  const id = `s${document.querySelectorAll("section").length}`;
  const made = h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...content);
  document.getElementById("page").append(made);
}
function table(head, body, kind) {
  return h("table", { class: kind || "" },
    h("thead", {}, h("tr", {}, head.map((t, i) => h("th", { scope: "col", class: i ? "n" : null }, t)))),
    h("tbody", {}, body.map((line) => h("tr", {}, line.map((cell, i) =>
      i ? h("td", { class: "n" }, cell) : h("th", { scope: "row" }, cell))))));
}
/** A table behind a figure, built only when it is opened. */
function behind(title, build) {
  const made = h("details", {}, h("summary", {}, title));
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1)
      made.append(h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, build()));
  });
  return made;
}
function sized(element, width) {
  element.style.width = `${Math.max(0, Math.min(100, width))}%`;
  return element;
}

function headline() {
  const { sentence, second, usual, warnings, scope, bandTitle, bands, verdicts } = data.headline;
  const page = document.getElementById("page");
  page.append(h("header", {},
    h("h1", {}, bdi(data.title), h("span", { class: "scope" }, scope)),
    h("p", { class: "lead" }, sentence),
    warnings.map((text) => h("p", { class: "lead" }, bdi(text))),
    usual && h("p", { class: "second" }, usual),
    second && h("p", { class: "second" }, second)));
  if (!bands.length) return page.append(h("p", { class: "note" }, verdicts));
  const strip = h("div", { class: "strip", role: "img",
    "aria-label": bands.map((b) => `${b.name} ${b.count}`).join(", ") });
  for (const band of bands) {
    if (!band.count) continue;
    const part = h("span", { class: `fill-${band.name}`, title: `${band.name}: ${band.count}` });
    part.style.flexGrow = band.count;
    strip.append(part);
  }
  page.append(h("p", { class: "note" }, `${bandTitle}${data.task ? ", by plain distance; both readings follow" : ""}.`));
  page.append(strip, h("ul", { class: "tally" }, bands.map((band) => h("li", {},
    h("span", { class: "name" }, chip(names.indexOf(band.name))),
    h("b", {}, band.count.toLocaleString("en-US"), h("small", {}, band.share)),
    h("span", { class: "rule" }, band.rule)))),
    h("p", { class: "note" }, verdicts));
}

function distances() {
  const title = "How far out the rows are";
  const d = data.distribution;
  if (d.missing) return section(title, h("p", { class: "note" }, d.missing));
  const caption = [
    d.trainingTotal ? "The training rows below are the yardstick: each was left out and measured against the rest. " : "",
    "Bars show shares of all rows of their kind; rows inside, at distance zero, have their own column on a scale from 0 to 100 %. ",
    d.undecided ? `The top of that column holds ${d.undecided.toLocaleString("en-US")} undecided. ` : "",
    d.offFlat ? `The last bar, set apart from the distances, holds ${d.offFlat.toLocaleString("en-US")} far row${d.offFlat > 1 ? "s" : ""} off the flat that the training rows span. ` : "",
    d.log ? "The distance axis is logarithmic." : ""].join("");
  const used = names.map((_, b) => b).filter((b) => (b < 4 && d.trainingTotal) || d.inside[b] || d.queries[b].some((v) => v));
  const build = () => table(["distance", ...used.map((b) => names[b]), "training rows"],
    [["inside", ...used.map((b) => d.inside[b]), d.trainingInside],
      ...d.edges.slice(1).map((edge, i) => [`${number(d.edges[i])} to ${number(edge)}`,
        ...used.map((b) => d.queries[b][i]), d.training[i]])
        .filter((line) => line.slice(1).some((v) => v))]
      .map((line) => line.map((v) => (typeof v === "number" ? v.toLocaleString("en-US") : v))));
  section(title, figure((width) => drawDistribution(d, names, width),
    h("figcaption", {}, caption), behind("The numbers behind this figure", build)));
}

const pushes = (list) => {
  const map = data.map;
  const high = list.filter((p) => p < 0).map((p) => map.names[-p]);
  const low = list.filter((p) => p > 0).map((p) => map.names[p]);
  return [high.length ? `too high: ${high.join(", ")}` : "", low.length ? `too low: ${low.join(", ")}` : ""].filter(Boolean);
};
const away = (i) => (data.map.verdict[i] === 1 ? "inside"
  : `${distance(data.map.lower[i], data.membershipOnly ? null : data.map.upper[i])}${data.map.verdict[i] ? " outside" : ", undecided"}`);

function map() {
  const title = "Where they lie", m = data.map;
  if (!m) return section(title, h("p", { class: "note" }, data.mapMissing));
  const order = m.x.map((_, i) => i).sort((a, b) => (m.lower[b] || 0) - (m.lower[a] || 0));
  const clippedNote = h("span", {});
  const tip = h("div", { class: "tip", hidden: "", role: "status" });
  let view = 0, drawn, ring, current = -1;

  const show = (i) => {
    current = i;
    tip.hidden = i < 0;
    ring.setAttribute("d", i < 0 ? "" : mark(0, ...drawn.spots[i], 7));
    if (i < 0) return;
    const percentile = m.percentile[i];
    tip.replaceChildren(h("b", {}, bdi(m.label[i])), h("div", {}, chip(m.band[i]), ` · ${away(i)}`),
      percentile === null || m.verdict[i] === 1 ? "" : h("div", {}, `percentile ${number(percentile)}`),
      ...pushes(m.push[i]).map((line) => h("div", {}, bdi(line))));
    const [x, y] = drawn.spots[i];
    const limit = drawn.svg.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(limit, x - tip.offsetWidth / 2))}px`;
    tip.style.top = `${y > drawn.height / 2 ? Math.max(-40, y - tip.offsetHeight - 14) : y + 14}px`;
  };
  const nearest = (event) => {
    const box = drawn.svg.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = -1, least = 24 ** 2;
    drawn.spots.forEach(([u, v], i) => {
      const gap = (u - x) ** 2 + (v - y) ** 2;
      if (gap <= least) { least = gap; best = i; }
    });
    return best;
  };
  const keys = (event) => {
    if (event.key === "Escape") return show(-1);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !order.length) return;
    event.preventDefault();
    const at = current < 0 ? (step > 0 ? -1 : 0) : order.indexOf(current);
    show(order[(at + step + order.length) % order.length]);
  };
  const draw = (width) => {
    drawn = drawMap(m, names, width, m.views[view]);
    ring = s("path", { class: "ring" });
    drawn.svg.append(ring);
    drawn.svg.addEventListener("pointermove", (event) => { const i = nearest(event); if (i !== current) show(i); });
    drawn.svg.addEventListener("pointerdown", (event) => show(nearest(event)));
    drawn.svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(-1); });
    drawn.svg.addEventListener("keydown", keys);
    drawn.svg.addEventListener("blur", () => show(-1));
    tip.hidden = true;
    current = -1;
    clippedNote.textContent = drawn.clipped
      ? ` ${drawn.clipped.toLocaleString("en-US")} lie beyond this frame and are drawn on its border.` : "";
    return [drawn.svg, tip];
  };

  const present = [0, 1, 2, 3, 4].filter((b) => m.band.includes(b));
  const key = h("div", { class: "key" }, present.map(chip),
    h("span", {}, s("svg", { class: "glyph", viewBox: "-5 -5 10 10", "aria-hidden": "true" },
      s("circle", { class: "train", r: 3 })), "training rows"));
  if (m.views.length > 1) {
    const buttons = ["Near the data", "All rows"].map((label, i) => {
      const button = h("button", { type: "button", "aria-pressed": String(i === 0) }, label);
      button.addEventListener("click", () => {
        view = i;
        buttons.forEach((b, j) => b.setAttribute("aria-pressed", String(j === i)));
        one.width = 0;
        redraw();
      });
      return button;
    });
    key.append(h("span", { class: "choice", role: "group", "aria-label": "Frame of the map" }, buttons));
  }
  const axes = m.flat ? "Left to right: the one direction there is; the height of a point means nothing. "
    : m.shares.length > 1 ? `Left to right: the training rows’ first principal direction (${percent(m.shares[0])} of their variance); bottom to top: the second (${percent(m.shares[1])}). ` : "";
  const build = () => table(["row", "band", "distance", "percentile", "pushed out by"],
    order.slice(0, 500).map((i) => [bdi(m.label[i]), chip(m.band[i]), away(i),
      m.percentile[i] === null ? "" : number(m.percentile[i]), bdi(pushes(m.push[i]).join("; "))]));
  const made = figure(draw, h("figcaption", {}, axes, m.drawn, clippedNote),
    m.x.length ? behind(m.x.length > 500 ? "The 500 farthest rows of this map" : "The rows of this map", build) : "");
  made.querySelector(".chart").classList.add("map");
  const one = figures[figures.length - 1];
  made.prepend(key);
  section(title, h("p", {}, m.hides), made);
}

function features() {
  const { items, note } = data.features;
  const most = Math.max(1, ...items.map((f) => Math.max(f.high, f.low)));
  const room = `${0.58 * most.toLocaleString("en-US").length + 0.7}rem`;
  const bar = (count, side) => {
    const length = h("span", { class: "bar" });
    length.style.width = `calc((100% - ${room}) * ${count / most})`;
    const parts = count ? [length, count.toLocaleString("en-US")] : [];
    return h("div", { class: `half ${side}` }, side === "left" ? parts.reverse() : parts);
  };
  section("What pushes rows out", h("p", { class: "note" }, note), items.length ? h("figure", {},
    h("table", { class: "push" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "feature"),
        h("th", { scope: "col" }, "rows where it is too low"), h("th", { scope: "col" }, "too high"))),
      h("tbody", {}, items.map((f) => h("tr", {}, h("th", { scope: "row" }, bdi(f.name)),
        h("td", {}, bar(f.low, "left")), h("td", {}, bar(f.high, "right"))))))) : "");
}

function card(row, place) {
  const most = Math.max(...row.changes.map((c) => c.share || 0));
  const lines = row.changes.map((c) => {
    const [values, by] = route(c.from, c.by);
    const length = 50 * (c.share === null ? 1 : most ? c.share / most : 0);
    const bar = sized(h("i", {}), Math.max(1, length));
    bar.style.left = c.by < 0 ? `${50 - length}%` : "50%";
    const part = c.share === null ? "constant in the training rows" : `${percent(c.share)} of the training range`;
    return h("tr", { title: part }, h("th", { class: "of", scope: "row" }, bdi(c.name)),
      h("td", { class: "by" }, by), h("td", { class: "gauge", "aria-hidden": "true" }, h("span", {}, bar)),
      h("td", { class: "route" }, values));
  });
  const more = row.more > 0 ? `and ${row.more.toLocaleString("en-US")} smaller change${row.more > 1 ? "s" : ""}` : "";
  return h("li", {},
    h("div", {}, h("h3", {}, bdi(`${place + 1}. ${row.label}`)),
      h("p", { class: "quiet" }, chip(row.band), `, ${distance(row.lower, row.upper)} outside`),
      row.percentile ? h("p", { class: "quiet" }, row.percentile) : "",
      row.nearest.length ? h("p", { class: "quiet" }, row.nearest.length > 1 ? "nearest training rows: " : "nearest training row: ", bdi(row.nearest.join(", "))) : ""),
    lines.length ? h("div", {},
      h("table", { "aria-label": "smallest change to come inside" }, h("tbody", {}, lines)),
      more ? h("p", { class: "quiet" }, more) : "") : "");
}
function farthest() {
  const { rows, note } = data.farthest;
  section(rows.length > 1 ? `The ${rows.length} farthest rows` : "The farthest rows",
    h("p", { class: "note" }, note, rows.some((row) => row.changes.length) ? h("span", { class: "bars-note" },
      " Bars compare the changes of one row as parts of the training range.") : ""),
    rows.length ? h("ol", { class: "cards" }, rows.map(card)) : "");
}

function definitions() {
  const { columns, table: lines, note } = data.definitions;
  const cell = (count, total, name) => h("td", { "data-name": name }, count.toLocaleString("en-US"), " ",
    h("small", {}, percent(count / total)), h("span", { class: "meter" }, sized(h("i", {}), 100 * count / total)));
  section("What other definitions say", note ? h("p", {}, note) : "",
    lines.length ? h("figure", {}, h("table", { class: "agree" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "band"), h("th", { scope: "col" }, "rows"),
        columns.map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", {}, lines.map((line) => h("tr", {},
        h("th", { scope: "row" }, line.band === null ? "all" : chip(line.band)),
        h("td", { class: "of", "data-name": "rows" }, line.total.toLocaleString("en-US")),
        line.counts.map((count, i) => cell(count, line.total, columns[i])))))),
    h("figcaption", {}, "How many rows of each band each definition calls in.")) : "");
}

function about() {
  const list = (pairs) => h("dl", {}, pairs.flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
  section("How this was made", data.notes.map((text) => h("p", { class: "note" }, bdi(text))), list(data.about), h("h2", { class: "small" }, "Words"), list(data.glossary));
}

const parts = data.membershipOnly ? [headline, definitions, about]
  : [headline, readings, distances, map, features, farthest, definitions, about];
for (const part of parts) part();
redraw();
let queued = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(queued); queued = requestAnimationFrame(() => redraw()); });
window.addEventListener("beforeprint", () => redraw(660));
window.addEventListener("afterprint", () => redraw());
root.dataset.ready = "true";
