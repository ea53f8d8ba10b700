/** The panel of the probe: formula, strips of units, distances, and what is said on request. */

import { css } from "./theme.js";
import { LinePlot } from "./line_plot.js";
import { UnitStrips } from "./strips.js";
import { classGlyph, className, count, plural, short } from "./words.js";
import { $, make, setText } from "./widgets.js";

const LONG_FORMULA = 4; // more terms are set smaller
const NOT_IN_VIEW = "not known from this view";
const BAND_GLYPHS = { core: "●", edge: "■", beyond: "◆", far: "▲" };
const UNIT_MEANING = "Each square is a unit, filled where it is on here.";
const INPUT_WORDS = { x2: "x²", y2: "y²", xy: "xy", sinx: "sin x", siny: "sin y" };

/** How much the network bends at a wall: what its weight is there. */
function bendText(weight, winner) {
  if (!weight) return "";
  const own = weight.length > 1 ? weight[winner ?? 0] : weight[0];
  return `; f bends by ${short(own)}`;
}

/** "At least 0" says nothing: the point is out of view, or the picture partial. */
const isOutOfView = ({ distance, at_least: atLeast }) => atLeast && !distance;

/** "0.67 − 36.4 x − 5.5 y" as elements: letters in italics. */
function affineParts(offset, slopes, names) {
  const parts = [short(offset)];
  slopes.forEach((slope, i) => {
    parts.push(slope < 0 ? " −\u00a0" : " +\u00a0", `${short(Math.abs(slope))}\u00a0`);
    parts.push(make("i", { textContent: INPUT_WORDS[names[i]] ?? names[i] }));
  });
  return parts;
}

export class ProbePanel {
  /** `onUnit({layer, unit} or null)`: a square is under the pointer. */
  constructor(picture, store, onUnit) {
    this.picture = picture;
    this.store = store;
    this.strips = new UnitStrips($("codes"), picture.theme, onUnit);
    this.plot = new LinePlot($("line-reading"), picture.theme);
    this.answer = null;
    this.showUnit(null);
    picture.theme.listeners.push(() => this.answer && this.show(this.answer));
  }

  clear() {
    this.answer = null;
    $("probe-body").hidden = true;
    $("probe-hint").hidden = false;
    setText($("probe-title"), "Point at the plane");
  }

  get data() {
    return this.picture.data;
  }

  nameOf(c) {
    return `${className(c, this.data?.labels)} ${classGlyph(c)}`;
  }

  show(answer) {
    this.answer = answer;
    $("probe-body").hidden = false;
    $("probe-hint").hidden = true;
    setText($("probe-title"), this.title(answer));
    $("formula").classList.toggle("long", (answer.input_names?.length ?? 2) > LONG_FORMULA);
    $("formula").replaceChildren(...this.formula(answer));
    this.strips.show(answer.code ?? [], answer.wall);
    $("readings").replaceChildren(...this.readings(answer));
    $("probe-row").hidden = !this.data?.isOwn;
    const entries = (answer.names ?? []).map((name, i) => [name, "", short(answer.row[i])]);
    $("probe-row").querySelector("dl").replaceChildren(...this.rows(...entries));
    $("probe-metric").hidden = !answer.metric_hull;
    $("probe-metric").querySelector("dl").replaceChildren(...this.metricReadings(answer));
    $("probe-weights").hidden = !answer.simplex;
    $("probe-weights").querySelector("dl").replaceChildren(...this.weights(answer.simplex));
  }

  title({ point, outputs, ...answer }) {
    const own = this.data?.inUnits(point) ?? point;
    const place = `(${short(own[0])}, ${short(own[1])})`;
    if (answer.class !== undefined && answer.class !== null) {
      return `At ${place}: ${this.nameOf(answer.class)}`;
    }
    return `At ${place}: ${short(outputs[0])}`;
  }

  formula({ map, outputs, input_names: names, ...answer }) {
    if (!map) return [];
    const line = (name, k) => [
      make("i", { textContent: "f" }),
      name,
      " = ",
      ...affineParts(map.offsets[k], map.slopes[k], names ?? ["x", "y"]),
    ];
    if (outputs.length === 1) {
      return [...line("", 0), make("br"), `= ${short(outputs[0])} here`];
    }
    const best = answer.class ?? 0;
    const other = outputs.reduce(
      (second, v, k) => (k !== best && (second < 0 || v > outputs[second]) ? k : second),
      -1,
    );
    const sub = (k) => make("sub", { textContent: className(k, this.data?.labels) });
    return [
      ...line(sub(best), best),
      make("br"),
      `= ${short(outputs[best])} here, `,
      make("i", { textContent: "f" }),
      sub(other),
      ` = ${short(outputs[other])}`,
    ];
  }

  *rows(...entries) {
    for (const [term, small, value, smallValue] of entries) {
      const dt = make("dt", {}, term);
      if (small) dt.append(make("small", { textContent: small }));
      const dd = make("dd", {}, value);
      if (smallValue) dd.append(make("small", { textContent: smallValue }));
      yield dt;
      yield dd;
    }
  }

  readings(answer) {
    const { wall, decision, hull, neighbours, region, guard } = answer;
    const parts = [];
    if (wall) parts.push(...this.rows(this.wallRow(wall, answer.class)));
    if (decision) parts.push(...this.rows(this.decisionRow(decision, answer.class)));
    if (hull) parts.push(make("hr"), ...this.rows(this.hullRow(hull)));
    if (neighbours?.rows.length) {
      const [first, ...others] = neighbours.rows.map((row) => row + 1);
      const small = others.length ? `row ${first}, then ${others.slice(0, 3).join(", ")}` : `row ${first}`;
      parts.push(
        make("hr"),
        ...this.rows(["nearest row", small, short(neighbours.distances[0])]),
      );
    }
    if (region && region.n_rows !== null && !this.isCurved(answer)) {
      const counts = region.class_counts ?? [];
      const kinds = counts.map((n, c) => [n, c]).filter(([n]) => n);
      const small = kinds.length
        ? kinds.map(([n, c]) => `${count(n)} ${className(c, this.data?.labels)}`).join(", ")
        : "";
      parts.push(...this.rows(["rows on this piece", small, count(region.n_rows)]));
    }
    if (guard) parts.push(make("hr"), ...this.rows(this.guardRow(guard)));
    const notes = (answer.notes ?? []).filter((text) => !text.startsWith("Curved inputs:"));
    for (const text of notes) {
      const note = make("dt", { className: "note", textContent: text.replace(/(^|[\s(])-(?=[\d.])/g, "$1−") });
      note.style.gridColumn = "1 / -1";
      parts.push(note);
    }
    return parts;
  }

  isCurved(answer) {
    return answer.map?.kind === "gradient";
  }

  wallRow(wall, winner) {
    if (wall.distance === null || wall.distance === undefined) {
      return ["nearest wall", "this network has none", "–"];
    }
    if (isOutOfView(wall)) return ["nearest wall", NOT_IN_VIEW, "–"];
    const where = wall.at_least
      ? "none so near in view"
      : `layer ${wall.layer + 1}, unit ${wall.unit + 1}${bendText(wall.weight, winner)}`;
    return ["nearest wall", where, this.distance(wall)];
  }

  distance({ distance, at_least: atLeast }) {
    return atLeast ? `at least ${short(distance)}` : short(distance);
  }

  decisionRow(decision, ownClass) {
    const others = this.data?.classes === 2 ? this.nameOf(1 - ownClass) : "another class";
    if (isOutOfView(decision)) return [`to ${others}`, NOT_IN_VIEW, "–"];
    const how = decision.at_least
      ? "zoom out for more"
      : decision.exact
        ? "exact, its path drawn"
        : "as drawn, its path drawn";
    return [`to ${others}`, how, this.distance(decision)];
  }

  hullRow(hull) {
    const rows = count(this.data?.points.length ?? 0);
    const percentile = hull.percentile;
    const far =
      percentile === null || percentile === undefined || hull.verdict === "inside"
        ? ""
        : percentile >= 100
          ? `farther out than all ${rows} rows`
          : `farther out than ${short(percentile)} % of rows`;
    const band = make("span", {
      className: `band ${hull.band}`,
      textContent: `${BAND_GLYPHS[hull.band] ?? ""} ${hull.band}`,
    });
    const small = hull.verdict === "outside" ? `${short(hull.upper)} outside` : hull.verdict;
    return ["hull of the data", far, band, small];
  }

  guardRow(guard) {
    if (guard.clipped === false) return ["guard", "no unit is clipped here", "–"];
    const what = guard.n_clipped ? `${plural(guard.n_clipped, "unit")} clipped here` : "clipped here";
    return ["with the guard", what, short(guard.outputs[0])];
  }

  metricReadings({ metric_hull: hull }) {
    return hull ? [...this.rows(this.hullRow(hull))] : [];
  }

  weights(simplex) {
    if (!simplex) return [];
    const parts = simplex.rows.map((row, i) => {
      const target = this.data?.targets[row];
      const kind =
        this.data?.task === "classes" ? this.nameOf(target) : `target ${short(target)}`;
      return [`row ${row + 1}`, kind, short(simplex.weights[i])];
    });
    if (simplex.value !== null && simplex.value !== undefined) {
      parts.push(["their average", "", short(simplex.value)]);
    } else if (simplex.shares) {
      const best = simplex.shares.indexOf(Math.max(...simplex.shares));
      parts.push(["their average", this.nameOf(best), short(simplex.shares[best])]);
    }
    return [...this.rows(...parts)];
  }

  showLine(answer, isChosen) {
    setText($("pick-line"), isChosen ? "Take the line away" : "Choose the second point");
    const isNew = answer && !this.plot.answer;
    this.plot.show(answer);
    if (isNew) $("probe-line").scrollIntoView({ block: "nearest" });
  }

  /** The unit whose wall is lit up: its weights. */
  showUnit(answer) {
    if (!answer) {
      setText($("unit-note"), UNIT_MEANING);
      return;
    }
    const { layer, unit, weights, bias, input_names: names, outgoing } = answer;
    const parts = [make("b", { textContent: `layer ${layer + 1}, unit ${unit + 1}` })];
    if (weights && names && weights.length <= 7) {
      parts.push(": ", ...affineParts(bias, weights, names));
    } else if (weights) {
      const size = Math.hypot(...weights);
      parts.push(`: ${plural(weights.length, "weight")} of length ${short(size)}, offset ${short(bias)}`);
    }
    if (outgoing) parts.push(`; goes on with ${outgoing.slice(0, 3).map((v) => short(v)).join(", ")}`);
    if (!answer.segments.length) parts.push(" (no wall in view)");
    $("unit-note").replaceChildren(...parts);
  }

  /** For the live region. */
  get text() {
    if (!this.answer) return "";
    const rows = [...$("readings").children].map((e) => e.innerText.replace(/\s+/g, " "));
    return [$("probe-title").textContent, $("formula").innerText, ...rows].join(". ");
  }
}
