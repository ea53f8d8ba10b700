const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text, never markup. */
function node(namespace, name, attributes, children) {
  const made = namespace
    ? document.createElementNS(namespace, name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== "") made.append(child);
  return made;
}
const h = (name, attributes, ...children) => node(null, name, attributes, children);
const s = (name, attributes, ...children) => node(SVG, name, attributes, children);

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

/** "old → new" and the signed change, with the decimals that show the change. */
function route(from, by) {
  const power = Math.floor(Math.log10(Math.abs(by)));
  const size = Math.max(Math.abs(from), Math.abs(from + by));
  if (power < -9 || size >= 1e9) {
    const digits = Math.min(15, Math.max(3, Math.floor(Math.log10(size || 1)) - power + 2));
    return [`${number(from, digits)} → ${number(from + by, digits)}`, signed(by, number(Math.abs(by)))];
  }
  if (size < 1e-3) {
    const shift = Math.floor(Math.log10(size)), unit = ` × 10${raised(shift)}`, k = 10 ** -shift;
    const places = Math.max(0, 1 - power + shift);
    return [`(${fixed(from * k, places)} → ${fixed((from + by) * k, places)})${unit}`,
      signed(by, fixed(Math.abs(by) * k, places)) + unit];
  }
  const places = Math.max(0, 1 - power);
  return [`${fixed(from, places)} → ${fixed(from + by, places)}`, signed(by, fixed(Math.abs(by), places))];
}
const signed = (by, text) => (by < 0 ? "−" : "+") + text;

function distance(lower, upper) {
  if (upper === null) return lower === null ? "unknown" : lower > 0 ? `more than ${number(lower)}` : "unknown";
  if (lower === null) return `at most ${number(upper)}`;
  if (upper - lower <= 1e-3 * upper) return number(upper, 4);
  return `${number(lower)} to ${number(upper)}`;
}

/** A percentage that says 0 % or 100 % only where it is exact. */
function percent(part) {
  if (part > 0 && part < 0.001) return "under 0.1 %";
  if (part < 1 && part > 0.999) return "over 99.9 %";
  return `${fixed(100 * part, (part > 0 && part < 0.0995) || (part > 0.99 && part < 1) ? 1 : 0)} %`;
}

/** One mark per band: the shape says what the colour says. */
function mark(band, x, y, r) {
  const a = r * 1.2;
  if (band === 0) return `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0z`;
  if (band === 1) return `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
  if (band === 2) return `M${x},${y - a}L${x + a},${y + r}L${x - a},${y + r}z`;
  if (band === 3) return `M${x},${y - a * 1.15}L${x + a * 1.15},${y}L${x},${y + a * 1.15}L${x - a * 1.15},${y}z`;
  const t = r * 0.45;
  return `M${x - r},${y - t}h${r - t}v${t - r}h${2 * t}v${r - t}h${r - t}v${2 * t}h${t - r}v${r - t}h${-2 * t}v${t - r}h${t - r}z`;
}
function glyph(band, name) {
  return s("svg", { class: `glyph fill-${name}`, viewBox: "-5 -5 10 10", "aria-hidden": "true" },
    s("path", { d: mark(band, 0, 0, 4.4) }));
}

function ticks(low, high, count) {
  const raw = (high - low) / count;
  const step = 10 ** Math.floor(Math.log10(raw));
  const nice = step * ([1, 2, 5].find((k) => k * step >= raw) || 10);
  const found = [];
  for (let k = Math.ceil(low / nice - 1e-9); k * nice <= high * (1 + 1e-9); k++) found.push(k * nice);
  return found;
}
function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / count));
  const found = [];
  for (let k = first; k <= last; k += step) found.push(10 ** k);
  if (found.length >= 3) return found;
  const dense = [];
  for (let k = first - 1; k <= last + 1; k++)
    for (const m of [1, 2, 5]) dense.push(m * 10 ** k);
  return dense.filter((v) => v >= low * 0.999 && v <= high * 1.001);
}

/** Where things go: rows above the axis, training rows below it, the inside column at the left. */
function distributionLayout(data, width) {
  const small = width < 520, tall = small ? 130 : 170, gap = 42, below = data.trainingTotal > 0;
  const left = small ? 44 : 56, column = small ? 34 : 46, top = 46, axis = top + tall;
  const x0 = left + column + (small ? 40 : 56), x1 = width - 6, under = axis + gap;
  const first = data.edges[0], last = data.edges[data.edges.length - 1];
  const part = (v) => (data.log ? Math.log(Math.max(v, first) / first) / Math.log(last / first)
    : (v - first) / (last - first));
  const most = Math.max(1e-9, ...data.edges.slice(1).map((_, i) => Math.max(
    data.queries.reduce((sum, band) => sum + band[i], 0) / Math.max(1, data.total),
    below ? data.training[i] / data.trainingTotal : 0)));
  return { small, tall, below, left, column, top, axis, x0, x1, under, first, last, most,
    height: below ? under + tall + 26 : under, k: tall / (most * 1.06),
    at: (v) => x0 + (x1 - x0) * Math.min(1, Math.max(0, part(v))) };
}

/** Both kinds of rows as shares of all of their kind, so that heights compare. */
function drawDistribution(data, names, width) {
  const at = distributionLayout(data, width);
  const svg = s("svg", { viewBox: `0 0 ${width} ${at.height}`, width, height: at.height, role: "img",
    "aria-label": "Histogram of distances to the hull: your rows above, training rows below" });
  const put = (x, y, text, anchor, kind) =>
    svg.append(s("text", { x, y, "text-anchor": anchor || "start", class: kind }, text));
  distributionBars(svg, data, names, at, put);
  insideColumn(svg, data, names, at, put);
  distributionAxis(svg, data, at, put);
  put(at.x0, at.top - 30, at.small ? "your rows outside" : "your rows outside, by distance", "start", "strong");
  if (at.below)
    put(at.x0, at.under + at.tall + 16, at.small ? "training rows, left out"
      : `${data.trainingTotal.toLocaleString("en-US")} training rows, each left out in turn`, "start", "strong");
  return svg;
}

function distributionBars(svg, data, names, at, put) {
  for (const v of ticks(0, at.most, at.small ? 2 : 3).slice(1))
    for (const [base, sign] of at.below ? [[at.axis, -1], [at.under, 1]] : [[at.axis, -1]]) {
      const y = base + sign * v * at.k;
      svg.append(s("line", { class: "grid", x1: at.x0, x2: at.x1, y1: y, y2: y }));
      put(at.x0 - 6, y + 4, `${number(100 * v)} %`, "end");
    }
  const bar = (kind, x, width, y, height, title) =>
    svg.append(s("rect", { class: kind, x, width, y, height }, s("title", {}, title)));
  data.edges.slice(1).forEach((edge, i) => {
    const x = at.at(data.edges[i]), w = Math.max(0.5, at.at(edge) - x - 1);
    const range = `${number(data.edges[i])} to ${number(edge)}`;
    let y = at.axis;
    data.queries.forEach((band, b) => {
      if (!band[i]) return;
      const size = Math.max(0.8, band[i] / data.total * at.k);
      y -= size;
      bar(`fill-${names[b]}`, x, w, y, size, `${band[i]} of your rows, ${names[b]}: ${range}`);
    });
    if (data.training[i])
      bar("train", x, w, at.under, Math.max(0.8, data.training[i] / data.trainingTotal * at.k),
        `${data.training[i]} training rows: ${range}`);
  });
}

/** Rows at distance zero, on a scale of their own from 0 to 100 %. */
function insideColumn(svg, data, names, at, put) {
  const { left, column, axis, under, tall } = at, middle = left + column / 2;
  const fill = (base, sign, parts, total) => {
    const rect = (kind, from, size) => svg.append(s("rect",
      { class: kind, x: left, width: column, y: sign < 0 ? from - size : from, height: size }));
    rect("box", base, tall);
    let from = base;
    for (const [count, kind] of parts) {
      if (!count) continue;
      const size = Math.max(1, count / total * tall);
      rect(kind, from, size);
      from += sign * size;
    }
  };
  const inside = data.inside.reduce((a, b) => a + b, 0);
  fill(axis, -1, [...data.inside.map((count, b) => [count, `fill-${names[b]}`]),
    [data.undecided, "fill-unknown"]], data.total);
  put(left - 6, axis - tall + 10, "100 %", "end");
  put(left - 6, axis + 1, "0", "end");
  put(middle, axis + 18, "inside", "middle", "strong");
  put(middle, axis - tall - 6, percent(inside / Math.max(1, data.total)), "middle", "strong");
  if (!at.below) return;
  fill(under, 1, [[data.trainingInside, "train"]], data.trainingTotal);
  put(middle, under + tall + 16, percent(data.trainingInside / data.trainingTotal), "middle", "strong");
}

function distributionAxis(svg, data, at, put) {
  for (const [name, from, to] of data.segments) {
    const x = at.at(from), w = at.at(to) - x;
    if (w < 1) continue;
    svg.append(s("rect", { class: `fill-${name}`, x, width: Math.max(1, w - 1.5), y: at.axis + 2, height: 4 }));
    if (from > 0)
      svg.append(s("line", { class: "grid", x1: x - 0.75, x2: x - 0.75, y1: at.top, y2: at.axis }));
    if (w > name.length * 7) put(x + w / 2, at.top - 8, name, "middle");
  }
  const count = at.small ? 4 : 8;
  for (const v of data.log ? logTicks(at.first, at.last, count) : ticks(at.first, at.last, count)) {
    const x = at.at(v);
    svg.append(s("line", { class: "axis", x1: x, x2: x, y1: at.axis + 6, y2: at.axis + 11 }));
    put(Math.min(x, at.x1 - 8), at.axis + 24, number(v), "middle");
  }
  svg.append(s("line", { class: "axis", x1: at.x0, x2: at.x1, y1: at.axis + 1, y2: at.axis + 1 }));
}

/** From map coordinates to the page: one scale for both directions, except where one is empty. */
function mapLayout(data, width, frame) {
  const pad = 14, inner = width - 2 * pad;
  const grow = (u, v) => (v > u ? [u - 0.04 * (v - u), v + 0.04 * (v - u)] : [u - 1, v + 1]);
  const [a0, a1] = grow(frame[0], frame[1]), [b0, b1] = grow(frame[2], frame[3]);
  const most = (width < 520 ? 1 : 0.72) * inner;
  const height = data.flat ? 150
    : Math.min(Math.max(inner * (b1 - b0) / (a1 - a0), 0.45 * inner), most);
  let kx = inner / (a1 - a0), ky = height / (b1 - b0);
  if (!data.flat) kx = ky = Math.min(kx, ky);
  const cx = width / 2 - kx * (a0 + a1) / 2, cy = pad + height / 2 + ky * (b0 + b1) / 2;
  const round = (v) => Math.round(v * 10) / 10;
  return { height: Math.round(height + 2 * pad), place: (x, y) => [round(cx + kx * x), round(cy - ky * y)] };
}

/** The map: the drawing, where each row was put, and how many were moved to its border. */
function drawMap(data, names, width, frame) {
  const { height, place } = mapLayout(data, width, frame);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: "0", role: "img",
    "aria-label": "Map of the rows. Arrow keys step through them, the farthest first; Escape closes." },
    s("rect", { class: "box", width, height }));
  let dots = "";
  data.training[0].forEach((x, i) => {
    const [u, v] = place(x, data.training[1][i]);
    if (u > 0 && u < width && v > 0 && v < height) dots += `M${u},${v}h0`;
  });
  const corners = data.outline.length > 1 ? `M${data.outline.map((p) => place(...p)).join("L")}z` : "";
  svg.append(s("path", { class: "hull", d: corners }), s("path", { class: "dots", d: dots }),
    s("path", { class: "rim", d: corners }));

  const radius = data.x.length > 1500 ? 2.6 : data.x.length > 400 ? 3.2 : 4.2, edge = radius + 3;
  const within = (v, most) => Math.min(most - edge, Math.max(edge, v));
  const paths = ["", "", "", "", ""];
  let clipped = 0;
  const spots = data.x.map((x, i) => {
    const [u, v] = place(x, data.y[i]), p = within(u, width), q = within(v, height);
    if (Math.abs(p - u) > 1 || Math.abs(q - v) > 1) clipped++;
    paths[data.band[i]] += mark(data.band[i], p, q, radius);
    return [p, q];
  });
  for (const band of [4, 0, 1, 2, 3])
    if (paths[band]) svg.append(s("path", { class: `points fill-${names[band]}`, d: paths[band] }));
  return { svg, spots, clipped, height };
}
