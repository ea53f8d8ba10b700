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
  return value.toLocaleString("en-US", options).replace("-", "−");
}

/** Old value, new value and signed change, all with the decimals that show the change. */
function route(from, by) {
  const power = Math.floor(Math.log10(Math.abs(by)));
  const size = Math.max(Math.abs(from), Math.abs(from + by));
  if (power < -9 || size >= 1e9) {
    const digits = Math.min(15, Math.max(3, Math.floor(Math.log10(size || 1)) - power + 2));
    return [number(from, digits), number(from + by, digits), signed(by, number(Math.abs(by)))];
  }
  const places = Math.max(0, 1 - power);
  return [fixed(from, places), fixed(from + by, places), signed(by, fixed(Math.abs(by), places))];
}
const signed = (by, text) => (by < 0 ? "−" : "+") + text;

function distance(lower, upper) {
  if (upper === null) return lower === null ? "unknown" : lower > 0 ? `more than ${number(lower)}` : "unknown";
  if (lower === null) return `at most ${number(upper)}`;
  if (upper - lower <= 1e-3 * upper) return number(upper, 4);
  return `${number(lower)} to ${number(upper)}`;
}

const percent = (part) => `${number(100 * part, part < 0.1 ? 2 : 3)} %`;

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

/** Rows above the axis, training rows below it, both as a share of all of their kind. */
function drawDistribution(data, names, width) {
  const small = width < 520, tall = small ? 130 : 170, gap = 42;
  const hasTraining = data.trainingTotal > 0;
  const left = small ? 44 : 56, column = small ? 34 : 46;
  const x0 = left + column + (small ? 40 : 56), x1 = width - 6, top = 30, axis = top + tall;
  const low0 = axis + gap, height = hasTraining ? low0 + tall + 26 : axis + gap;
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": "Histogram of distances to the hull: your rows above, training rows below" });
  const [first, last] = [data.edges[0], data.edges[data.edges.length - 1]];
  const at = (v) => x0 + (x1 - x0) * Math.min(1, Math.max(0, data.log
    ? Math.log(Math.max(v, first) / first) / Math.log(last / first) : (v - first) / (last - first)));
  const heights = data.edges.slice(1).map((_, i) => Math.max(
    data.queries.reduce((sum, band) => sum + band[i], 0) / Math.max(1, data.total),
    hasTraining ? data.training[i] / data.trainingTotal : 0));
  const most = Math.max(1e-9, ...heights), k = tall / (most * 1.06);

  for (const v of ticks(0, most, small ? 2 : 3).slice(1)) {
    for (const [base, sign] of hasTraining ? [[axis, -1], [low0, 1]] : [[axis, -1]]) {
      const y = base + sign * v * k;
      svg.append(s("line", { class: "grid", x1: x0, x2: x1, y1: y, y2: y }),
        s("text", { x: x0 - 6, y: y + 4, "text-anchor": "end" }, percent(v)));
    }
  }
  data.edges.slice(1).forEach((edge, i) => {
    const a = at(data.edges[i]), w = Math.max(0.5, at(edge) - a - 1);
    let y = axis;
    data.queries.forEach((band, b) => {
      if (!band[i]) return;
      const size = Math.max(0.8, band[i] / data.total * k);
      y -= size;
      svg.append(s("rect", { class: `fill-${names[b]}`, x: a, width: w, y, height: size },
        s("title", {}, `${band[i]} of your rows, ${names[b]}: ${number(data.edges[i])} to ${number(edge)}`)));
    });
    if (data.training[i])
      svg.append(s("rect", { class: "train", x: a, width: w, y: low0, height: Math.max(0.8, data.training[i] / data.trainingTotal * k) },
        s("title", {}, `${data.training[i]} training rows: ${number(data.edges[i])} to ${number(edge)}`)));
  });

  const zero = data.inside.reduce((a, b) => a + b, 0);
  const thermometer = (y, sign, parts, total) => {
    svg.append(s("rect", { class: "box", x: left, width: column, y: sign < 0 ? y - tall : y, height: tall }));
    let from = y;
    for (const [count, kind] of parts) {
      const size = count ? Math.max(1, count / Math.max(1, total) * tall) : 0;
      svg.append(s("rect", { class: kind, x: left, width: column, y: sign < 0 ? from - size : from, height: size }));
      from += sign * size;
    }
    return from;
  };
  const settled = data.inside.map((count, b) => [count, `fill-${names[b]}`]);
  thermometer(axis, -1, [...settled, [data.undecided, "fill-unknown"]], data.total);
  const middle = left + column / 2;
  const put = (x, y, text, anchor, kind) =>
    svg.append(s("text", { x, y, "text-anchor": anchor || "start", class: kind }, text));
  put(left - 6, axis - tall + 10, "100 %", "end");
  put(left - 6, axis + 1, "0", "end");
  put(middle, axis + 18, "inside", "middle", "strong");
  put(middle, axis - tall - 6, percent((zero + data.undecided) / Math.max(1, data.total)), "middle", "strong");
  put(x0, top - 10, small ? "your rows outside" : "your rows outside, by distance", "start", "strong");
  if (hasTraining) {
    thermometer(low0, 1, [[data.trainingInside, "train"]], data.trainingTotal);
    put(middle, low0 + tall + 16, percent(data.trainingInside / data.trainingTotal), "middle", "strong");
    put(x0, low0 + tall + 16, small ? "training rows, each left out in turn"
      : `${data.trainingTotal.toLocaleString("en-US")} training rows, each left out in turn`, "start", "strong");
  }

  for (const [name, from, to] of data.segments) {
    const a = at(from), w = at(to) - a;
    if (w < 1) continue;
    svg.append(s("rect", { class: `fill-${name}`, x: a, width: Math.max(1, w - 1.5), y: axis + 2, height: 4 }));
    if (from > 0) svg.append(s("line", { class: "grid", x1: a - 0.75, x2: a - 0.75, y1: top, y2: axis }));
    if (w > name.length * 7) put(a + w / 2, top + 2, name, "middle", "halo");
  }
  const marks = data.log ? logTicks(first, last, small ? 4 : 8) : ticks(first, last, small ? 4 : 8);
  for (const v of marks) {
    svg.append(s("line", { class: "axis", x1: at(v), x2: at(v), y1: axis + 6, y2: axis + 11 }));
    put(Math.min(at(v), x1 - 8), axis + 24, number(v), "middle");
  }
  svg.append(s("line", { class: "axis", x1: x0, x2: x1, y1: axis + 1, y2: axis + 1 }));
  return svg;
}

/** The map; returns the drawing and where each row was put, for pointing at it. */
function drawMap(data, names, width, frame) {
  const pad = 14;
  let [a0, a1, b0, b1] = frame;
  const grow = (u, v) => (v > u ? [u - 0.04 * (v - u), v + 0.04 * (v - u)] : [u - 1, v + 1]);
  [a0, a1] = grow(a0, a1);
  [b0, b1] = grow(b0, b1);
  const inner = width - 2 * pad;
  let height = data.flat ? 150 : Math.min(Math.max(inner * (b1 - b0) / (a1 - a0), 0.45 * inner), 0.85 * inner);
  let kx = inner / (a1 - a0), ky = height / (b1 - b0);
  if (!data.flat) kx = ky = Math.min(kx, ky);
  const cx = width / 2 - kx * (a0 + a1) / 2, cy = pad + height / 2 + ky * (b0 + b1) / 2;
  const round = (v) => Math.round(v * 10) / 10;
  const place = (x, y) => [round(cx + kx * x), round(cy - ky * y)];
  height = Math.round(height + 2 * pad);

  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: "0", role: "img",
    "aria-label": "Map of the rows. Arrow keys step through them, the farthest first; Escape closes." },
    s("rect", { class: "box", width, height }));
  let dots = "";
  data.training[0].forEach((x, i) => {
    const [u, v] = place(x, data.training[1][i]);
    if (u > 0 && u < width && v > 0 && v < height) dots += `M${u},${v}h0`;
  });
  svg.append(s("path", { class: "dots", d: dots }));
  if (data.outline.length > 1)
    svg.append(s("path", { class: "hull", d: "M" + data.outline.map((p) => place(...p)).join("L") + "z" }));

  const radius = data.x.length > 1500 ? 2.6 : data.x.length > 400 ? 3.2 : 4.2, edge = radius + 3;
  const paths = {}, spots = [];
  let clipped = 0;
  data.x.forEach((x, i) => {
    const [u, v] = place(x, data.y[i]);
    const p = Math.min(width - edge, Math.max(edge, u)), q = Math.min(height - edge, Math.max(edge, v));
    if (Math.abs(p - u) > 1 || Math.abs(q - v) > 1) clipped++;
    const band = data.band[i];
    paths[band] = (paths[band] || "") + mark(band, p, q, radius);
    spots.push([p, q]);
  });
  for (const band of [4, 0, 1, 2, 3])
    if (paths[band]) svg.append(s("path", { class: `points fill-${names[band]}`, d: paths[band] }));
  return { svg, spots, clipped, height };
}
