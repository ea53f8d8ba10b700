/**
 * Eight guided scenes: a claim, the picture that shows it, and the number that says how much.
 *
 * A step has `say`, settings over the defaults in `set` (or a `table`), and maybe: `zoom`, a factor
 * once the data are there; `probe`, a point; `pause`; `open`, the id of a disclosure. `number` makes the
 * sentence with the number of the newest readings, "" while there is none.
 */

import { plural, short } from "./words.js";

const layer = (width, unit = "relu") => ({ width, unit });
const percent = (share) => `${Math.round(100 * share)} %`;

const rightOnNew = ({ numbers }) =>
  numbers.accuracy_new === null || numbers.accuracy_new === undefined
    ? ""
    : `${percent(numbers.accuracy_new)} of new rows are on the right side.`;

const pieces = ({ numbers }) => {
  if (numbers.pieces === null || numbers.pieces === undefined) return "";
  const rows = numbers.pieces_with_rows ?? 0;
  return `${plural(numbers.pieces, "piece")} in view, ${rows} of them with a row.`;
};

const USEFUL = 2;
const USELESS = 12;
const TABLE_ROWS = 400;
const LONGER_THAN_WIDE = 1.2;
const FAR_POINT = [5, 5]; // where no row of the spirals is

/** The same table every time: a small generator of its own (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Two columns decide, twelve more say nothing. */
function uselessTable() {
  const next = random(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const names = [
    ...Array.from({ length: USEFUL }, (_, i) => `useful${i + 1}`),
    ...Array.from({ length: USELESS }, (_, i) => `noise${i + 1}`),
  ];
  const lines = Array.from({ length: TABLE_ROWS }, () => {
    const row = names.map(() => normal());
    return [...row.map((v) => v.toFixed(4)), row[0] ** 2 + row[1] ** 2 < 1.4 ? "inner" : "outer"].join();
  });
  return {
    csv: [[...names, "side"].join(), ...lines].join("\n"),
    columns: {
      plane: names.slice(0, USEFUL),
      features: names,
      inputs: "all",
      target: "side",
      task: "classes",
      units: "standard",
    },
  };
}

/** The first output where a lesson's probe stands, null while the answer is of another point. */
const outputAt = (x, { probe }) =>
  Math.abs((probe?.point?.[0] ?? Infinity) - x) < 1e-6 ? probe.outputs[0] : null;

function guardWords(seen) {
  const lead = outputAt(FAR_POINT[0], seen);
  if (lead === null) return "";
  const { guard } = seen.probe;
  const clipped = guard ? `, with the guard ${short(Math.abs(guard.outputs[0]))}` : "";
  const share = seen.numbers.guard?.share_changed;
  const view = share === undefined ? "" : ` It clips on ${short(100 * share)} % of the view.`;
  return `At (${FAR_POINT.join(", ")}) one class leads by ${short(Math.abs(lead))} in log odds${clipped}.${view}`;
}

const hullWords = ({ probe }) => {
  if (!probe?.hull || !probe.metric_hull) return "";
  return `Plain: ${probe.hull.band}. In the task's metric: ${probe.metric_hull.band}.`;
};

/** The angle between two axes, at most a right one. */
const between = (a, b) => Math.min(Math.abs(a - b), Math.PI - Math.abs(a - b));

function elongation({ numbers }) {
  const axes = numbers.metric?.axes;
  if (!axes?.length) return "";
  const ratio = ([long, short_]) => Math.hypot(...long) / Math.max(Math.hypot(...short_), 1e-12);
  if (axes.length === 1) return `One ellipse, ${short(ratio(axes[0]), 2)} times as long as wide.`;
  const turns = axes
    .filter((pair) => ratio(pair) > LONGER_THAN_WIDE) // a circle has no direction
    .map(([[dx, dy]]) => (Math.atan2(dy, dx) + Math.PI) % Math.PI);
  const spread = (180 / Math.PI) * Math.max(0, ...turns.flatMap((a) => turns.map((b) => between(a, b))));
  return `${axes.length} ellipses; their directions differ by up to ${Math.round(spread)} degrees.`;
}

export const LESSONS = [
  {
    id: "xor",
    title: "XOR: four lines",
    steps: [
      {
        say: "One unit folds the plane along one line. One fold does not part these quadrants.",
        set: { data: "xor", layers: [layer(1)], rate: 0.03, seed: 1 },
        number: rightOnNew,
      },
      {
        say: "Four units, four lines. The pieces between them are enough: on each the network is flat.",
        set: { data: "xor", layers: [layer(4)], rate: 0.03, seed: 2 },
        number: (seen) => [pieces(seen), rightOnNew(seen)].filter(Boolean).join(" "),
      },
    ],
  },
  {
    id: "ring",
    title: "A ring by one unit",
    steps: [
      {
        say: "With x and y as inputs, a ring has to be fenced in by lines.",
        set: { data: "ring", layers: [layer(6)], rate: 0.02 },
        number: (seen) => [pieces(seen), rightOnNew(seen)].filter(Boolean).join(" "),
      },
      {
        say: "With x² and y² as inputs one unit is enough: in their plane (under Inputs) one straight line parts ring and ball. A network is not more than its inputs let it be.",
        set: { data: "ring", inputs: ["x2", "y2"], layers: [layer(1)], rate: 0.03, seed: 1 },
        open: "feature-plane",
        number: rightOnNew,
      },
    ],
  },
  {
    id: "spiral",
    title: "Two spirals: many pieces, few used",
    steps: [
      {
        say: "Two layers of 32 units cut the plane into many hundreds of pieces. Watch how few of them hold a row.",
        set: { data: "spirals" },
        number: pieces,
      },
      {
        say: "Fewer units, fewer pieces: at some width the spiral no longer fits.",
        set: { data: "spirals", layers: [layer(8), layer(8)] },
        number: (seen) => [pieces(seen), rightOnNew(seen)].filter(Boolean).join(" "),
      },
    ],
  },
  {
    id: "straight",
    title: "Far out it only goes on straight",
    steps: [
      {
        say: "The target of each row is x², whatever y is. Where there are rows the network follows it in flat pieces, like a polyline along a parabola.",
        set: { data: "parabola", layers: [layer(16)], show: { mode: "height" }, rate: 0.01 },
        number: pieces,
      },
      {
        say: "Seen from thirty times as far: the outer pieces go on for ever, each with one slope. A parabola it is not.",
        zoom: 30,
        probe: [25, 0],
        number: (seen) => {
          const answer = outputAt(25, seen);
          return answer === null ? "" : `At (25, 0) x² is 625; the network says ${short(answer)}.`;
        },
      },
    ],
  },
  {
    id: "useless",
    title: "Two useful inputs, twelve useless ones",
    steps: [
      {
        say: "A table of 14 columns, of which two decide. The picture is the plane of these two; the network takes all 14.",
        table: uselessTable,
        set: { show: { metric: "agop" }, layers: [layer(16), layer(16)] },
        number: pieces,
      },
      {
        say: "The point is far out in the two columns that matter. Plain distance hardly notices: the twelve useless columns make every row lie apart from the others. In the metric that the network has learnt they do not count.",
        pause: true,
        probe: [-3.2, 3.2],
        number: hullWords,
      },
    ],
  },
  {
    id: "curse",
    title: "In many dimensions nothing is inside",
    steps: [
      {
        say: "500 rows have been seen; new rows come from the same normal distribution. How many of them are inside the hull of the rows seen? Nearly all in a plane, as here; nearly none of 16 features. Each answer is proved.",
        set: { data: "gaussians" },
        curse: true,
        number: ({ curse }) => {
          if (!curse) return "";
          const at = (d) => percent(curse.shares[curse.dimensions.indexOf(d)]);
          return `2 features: ${at(2)}. 4: ${at(4)}. 8: ${at(8)}. 16: ${at(16)}.`;
        },
      },
    ],
  },
  {
    id: "clipping",
    title: "A guard against what was never seen",
    steps: [
      {
        say: "A network that learns the spirals, seen from ten times as far: it answers everywhere, and the farther out the surer.",
        set: { data: "spirals", show: { mode: "height" } },
        zoom: 10,
        probe: FAR_POINT,
        number: guardWords,
      },
      {
        say: "The guard keeps every unit within the values that it took on the rows. Where it clips (red), no unit goes beyond what the rows have shown.",
        set: { data: "spirals", show: { mode: "height", guard: true } },
        zoom: 10,
        probe: FAR_POINT,
        number: guardWords,
      },
    ],
  },
  {
    id: "metric",
    title: "One metric for all, or one for each place",
    steps: [
      {
        say: "Averaged over the rows, the task has one metric: along the ellipse's short axis the output changes most.",
        set: { data: "moons", show: { metric: "agop" } },
        number: elongation,
      },
      {
        say: "But what matters differs from place to place: around a bend no single direction is right. The local metric follows it.",
        set: { data: "moons", show: { metric: "local" } },
        number: elongation,
      },
    ],
  },
];
