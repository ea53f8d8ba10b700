/** What a script adds to a page that reads without one: rows named on the map, tables to search. */
const root = document.documentElement;
window.addEventListener("error", (event) => { root.dataset.error = event.message || "error"; });
const data = JSON.parse(document.getElementById("data").textContent);
const chips = document.getElementById("chips").content.children;

/** An element with attributes and children; strings become text, never markup. */
function h(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== "") made.append(child);
  return made;
}
const bdi = (text) => h("bdi", {}, text);
const chip = (band) => chips[band].cloneNode(true);

const raised = (power) => String(power).replace("-", "⁻").replace(/\d/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);

/** About `digits` significant digits. */
function number(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "unknown";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const power = Math.floor(Math.log10(Math.abs(rounded)));
  if (power >= -4 && power < 6)
    return fixed(rounded, Math.max(0, digits - 1 - power)).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const [mantissa, exponent] = rounded.toExponential().split("e");
  return `${mantissa.replace("-", "−")} × 10${raised(Number(exponent))}`;
}
function fixed(value, places) {
  const options = { minimumFractionDigits: places, maximumFractionDigits: places };
  return (Number(value.toFixed(places)) || 0).toLocaleString("en-US", options).replace("-", "−");
}
function distance(lower, upper) {
  if (upper === null) return lower === null ? "unknown" : lower > 0 ? `more than ${number(lower)}` : "unknown";
  if (lower === null) return `at most ${number(upper)}`;
  if (upper - lower <= 1e-3 * upper) return number(upper, 4);
  return `${number(lower)} to ${number(upper)}`;
}

/**
 * A table that can be searched, and sorted by a click on a heading. A cell is [shown, sorted by];
 * `detail` makes of a line's number what is shown below it when its name is clicked, or null.
 */
function searchTable(title, head, lines, limit, detail = () => null) {
  const words = lines.map((line) => line.map(([shown]) => (shown.textContent || String(shown))).join(" ").toLowerCase());
  const numeric = head.map((_, j) => j > 0 && lines.some((line) => typeof line[j][1] === "number" && !(line[j][0] instanceof Node)));
  const body = h("tbody", {}), count = h("p", { class: "quiet" });
  const search = h("input", { type: "search", placeholder: "search", "aria-label": `search: ${title}` });
  let by = -1, down = false;
  const draw = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let order = lines.map((_, i) => i).filter((i) => wanted.every((word) => words[i].includes(word)));
    if (by >= 0) order.sort((a, b) => {
      const x = lines[a][by][1], y = lines[b][by][1];
      return (x < y ? -1 : x > y ? 1 : a - b) * (down ? -1 : 1);
    });
    count.textContent = `${Math.min(order.length, limit).toLocaleString("en-US")} of ${lines.length.toLocaleString("en-US")} rows`;
    body.replaceChildren(...order.slice(0, limit).map((i) => h("tr", {}, lines[i].map(([shown], j) =>
      h(j ? "td" : "th", { scope: j ? null : "row", class: numeric[j] ? "n" : null },
        shown instanceof Node ? shown.cloneNode(true) : j ? bdi(shown) : opener(i, bdi(shown)))))));
  };
  const opener = (i, shown) => {
    const build = detail(i);
    if (!build) return shown;
    const button = h("button", { type: "button", "aria-expanded": "false" }, shown);
    button.addEventListener("click", () => {
      const row = button.closest("tr"), open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) row.nextSibling.remove();
      else row.after(h("tr", { class: "detail" }, h("td", { colspan: head.length }, build())));
    });
    return button;
  };
  const cells = head.map((text, j) => {
    const button = h("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      down = by === j ? !down : false;
      by = j;
      cells.forEach((cell, k) => cell.setAttribute("aria-sort", k !== by ? "none" : down ? "descending" : "ascending"));
      draw();
    });
    return h("th", { scope: "col", class: numeric[j] ? "n" : null }, button);
  });
  search.addEventListener("input", draw);
  draw();
  return h("div", { class: "rows" }, h("div", { class: "finder" }, search, count),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      h("table", { class: "sorted" }, h("thead", {}, h("tr", {}, cells)), body)));
}

/** A table behind a summary, built when it is first opened. */
function behind(title, build) {
  const made = h("details", {}, h("summary", {}, title));
  made.addEventListener("toggle", () => { if (made.open && made.children.length === 1) made.append(build()); });
  return made;
}

const pushes = (m, list) => {
  const high = list.filter((p) => p < 0).map((p) => m.names[-p]);
  const low = list.filter((p) => p > 0).map((p) => m.names[p]);
  return [high.length ? `too high: ${high.join(", ")}` : "", low.length ? `too low: ${low.join(", ")}` : ""].filter(Boolean);
};
const away = (m, i) => (m.verdict[i] === 1 ? "inside"
  : `${distance(m.lower[i], data.membershipOnly ? null : m.upper[i])}${m.verdict[i] ? " outside" : ", undecided"}`);
const last = (value) => (value === null ? -1 : value);

/** Pointing at a row of the map names it; arrow keys step through them, the farthest first. */
function nameRows(m, figure) {
  const order = m.x.map((_, i) => i).sort((a, b) => (m.lower[b] || 0) - (m.lower[a] || 0));
  const tip = h("div", { class: "tip", hidden: "", role: "status" });
  for (const svg of figure.querySelectorAll("svg[data-layout]")) nameRowsOf(m, svg, order, tip);
  figure.querySelector(".map").append(tip);
  if (m.x.length)
    figure.append(behind("The rows of this map", () => searchTable("The rows of this map",
      ["row", "band", "distance", "percentile", "pushed out by"],
      order.map((i) => [[m.label[i], i], [chip(m.band[i]), m.band[i]], [away(m, i), last(m.lower[i])],
        [m.percentile[i] === null ? "" : number(m.percentile[i]), last(m.percentile[i])],
        [pushes(m, m.push[i]).join("; "), pushes(m, m.push[i]).join("; ")]]), 500)));
}

function nameRowsOf(m, svg, order, tip) {
  const [kx, cx, ky, cy, margin] = svg.dataset.layout.split(" ").map(Number);
  const { width, height } = svg.viewBox.baseVal;
  const within = (v, most) => Math.min(most - margin, Math.max(margin, v));
  const spots = m.x.map((x, i) => [within(cx + kx * x, width), within(cy - ky * m.y[i], height)]);
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "ring");
  svg.append(ring);
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("aria-label", "Map of the rows. Arrow keys step through them, the farthest first; Escape closes.");
  let current = -1;
  const show = (i) => {
    current = i;
    tip.hidden = i < 0;
    ring.setAttribute("r", i < 0 ? 0 : 7);
    if (i < 0) return;
    const [x, y] = spots[i], percentile = m.percentile[i], scale = svg.clientWidth / width;
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    tip.replaceChildren(h("b", {}, bdi(m.label[i])), h("div", {}, chip(m.band[i]), ` · ${away(m, i)}`),
      percentile === null || m.verdict[i] === 1 ? "" : h("div", {}, `percentile ${number(percentile)}`),
      ...pushes(m, m.push[i]).map((line) => h("div", {}, bdi(line))));
    const limit = svg.clientWidth - tip.offsetWidth - 4, top = svg.getBoundingClientRect().top - tip.parentElement.getBoundingClientRect().top;
    tip.style.left = `${Math.max(4, Math.min(limit, x * scale - tip.offsetWidth / 2))}px`;
    tip.style.top = `${top + (y > height / 2 ? y * scale - tip.offsetHeight - 14 : y * scale + 14)}px`;
  };
  const nearest = (event) => {
    const box = svg.getBoundingClientRect(), scale = width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = -1, least = (24 * scale) ** 2;
    spots.forEach(([u, v], i) => {
      const gap = (u - x) ** 2 + (v - y) ** 2;
      if (gap <= least) { least = gap; best = i; }
    });
    return best;
  };
  svg.addEventListener("pointermove", (event) => { const i = nearest(event); if (i !== current) show(i); });
  svg.addEventListener("pointerdown", (event) => show(nearest(event)));
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(-1); });
  svg.addEventListener("blur", () => show(-1));
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return show(-1);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !order.length) return;
    event.preventDefault();
    const at = current < 0 ? (step > 0 ? -1 : 0) : order.indexOf(current);
    show(order[(at + step + order.length) % order.length]);
  });
}

const figure = document.getElementById("map");
if (figure && data.map) nameRows(data.map, figure);
const place = document.getElementById("rows");
if (place && data.rows) {
  const { head, lines, columns, details } = data.rows, bands = head.indexOf("band");
  const numeric = head.map((_, j) => lines.some((line) => typeof line[j] === "number"));
  const cell = (value, j) => (j === bands ? [chip(value), value]
    : numeric[j] ? [value === null ? "" : number(value, 4), last(value)] : [value, value]);
  const detail = (i) => (i < details.length ? () => wholeRow(columns, details[i]) : null);
  place.append(searchTable("The rows", head, lines.map((line) => line.map(cell)), 500, detail));
}

/** One row column by column: its own cell, the nearest mixture's, and the training rows'. */
function wholeRow(columns, cells) {
  const line = (name, [own, nearest, training]) => h("tr", {}, h("th", { scope: "row" }, bdi(name)),
    h("td", {}, own === "" ? "empty" : bdi(own)), h("td", {}, bdi(nearest)), h("td", {}, bdi(training)));
  return h("table", { class: "texts" }, h("thead", {}, h("tr", {}, ["column", "its own", "nearest mixture", "training rows"]
    .map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, columns.map((name, j) => line(name, cells[j]))));
}
root.dataset.ready = "true";
