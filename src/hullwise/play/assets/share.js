/** What can be taken away: a link, the picture, the network, the rows, lines of Python, the run as a page. */

import { addMenu } from "./menus.js";
import { svgOf } from "./svg.js";
import { $, make, setText } from "./widgets.js";

const FILES = [
  ["onnx", "Network (ONNX)"],
  ["csv", "Rows (CSV)"],
  ["python", "The same in Python"],
  ["page", "This run as a page"],
];

function save(name, blob) {
  const href = URL.createObjectURL(blob);
  const link = make("a", { href, download: name });
  link.addEventListener("click", (event) => event.stopPropagation()); // the menu stays open
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Both canvases on one, as they are on the screen. */
function pngOf(picture) {
  const canvas = make("canvas", { width: picture.cells.width, height: picture.cells.height });
  const g = canvas.getContext("2d");
  g.drawImage(picture.cells, 0, 0);
  g.drawImage(picture.marks, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

export function addShareMenu(page) {
  const sheet = addMenu("share", "Share");
  const said = make("p", { className: "note", role: "status" });
  const item = (id, text, act) => {
    const button = make("button", { type: "button", id: `share-${id}`, textContent: text });
    button.addEventListener("click", async () => {
      try {
        setText(said, (await act()) ?? "");
      } catch (problem) {
        setText(said, problem.message);
      }
    });
    return button;
  };
  const sentence = () => $("lead").textContent;
  sheet.append(
    item("link", "Copy link", async () => {
      await navigator.clipboard.writeText(location.href);
      const isOwn = page.store.configuration.data === "own";
      const rows = isOwn ? "; your table is not in it" : "";
      return `The address holds all settings${rows}. It opens while a server runs on this port.`;
    }),
    item("png", "Picture (PNG)", async () => {
      save("picture.png", await pngOf(page.picture));
      return "Saved picture.png.";
    }),
    item("svg", "Picture (SVG)", () => {
      if (!page.picture.frame) throw new Error("There is no picture yet.");
      const text = svgOf(page.picture, sentence());
      save("picture.svg", new Blob([text], { type: "image/svg+xml" }));
      return "Saved picture.svg.";
    }),
    ...FILES.map(([what, text]) =>
      item(what, text, () => {
        page.wire.send({ type: "export", what });
        return what === "page" ? "Drawing the steps of the run…" : "";
      }),
    ),
    said,
  );
  page.handlers.file = ({ name, mime, text, base64 }) => {
    save(name, new Blob([text ?? bytesOf(base64)], { type: mime }));
    setText(said, `Saved ${name}.`);
  };
}
