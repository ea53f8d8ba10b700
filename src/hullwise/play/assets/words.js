/** Numbers and sentences for people. */

const MINUS = "−";

/** Three significant digits, no exponent between a millionth and a million. */
export function short(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size && (size < 1e-6 || size >= 1e7)) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    return `${+mantissa} × 10${superscript(+power)}`.replace("-", MINUS);
  }
  const rounded = +value.toPrecision(digits);
  const text = rounded.toLocaleString("en-US", { maximumSignificantDigits: Math.max(digits, 7) });
  return text.replace("-", MINUS);
}

const superscript = (n) =>
  String(n)
    .replace("-", "⁻")
    .replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);

export const count = (n) => Math.round(n).toLocaleString("en-US");
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export const CLASS_NAMES = ["blue", "orange", "green", "rose", "brown", "grey"];
export const CLASS_GLYPHS = ["●", "◆", "▲", "■", "▼", "✚"];
export const className = (c, labels) => labels?.[c] ?? CLASS_NAMES[c % CLASS_NAMES.length];
export const classGlyph = (c) => CLASS_GLYPHS[c % CLASS_GLYPHS.length];

/** The legend of the picture in one sentence. */
export function leadSentence(numbers, data) {
  if (!numbers) return "";
  if (numbers.curved || numbers.pieces === null || numbers.pieces === undefined) {
    return "Curved inputs: drawn in small flat steps, not counted.";
  }
  const pieces = plural(numbers.pieces, "flat piece");
  const more = numbers.partial ? "More than " : "";
  const start = `${more}${pieces} in view.`;
  const rows = numbers.pieces_with_rows;
  if (rows === null || rows === undefined) return start;
  if (rows === 0) return `${start} ${numbers.pieces === 1 ? "It holds no row." : "None holds a row."}`;
  if (numbers.pieces === 1 && data?.task === "classes") {
    return `${start} It holds rows of ${numbers.pieces_mixed ? "several classes" : "one class"}.`;
  }
  const holding = `${count(rows)} ${rows === 1 ? "holds" : "hold"} a row`;
  if (data?.task !== "classes") return `${start} ${holding}.`;
  const mixed = numbers.pieces_mixed ?? 0;
  const kinds = data.classes > 2 ? "several classes" : "both classes";
  const share = mixed === 0 ? `none of them ${kinds}` : `${count(mixed)} of them ${kinds}`;
  return `${start} ${holding}, ${share}.`;
}
