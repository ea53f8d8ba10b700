/** The socket: text and frames in, messages out, and coming back when the server does. */

import { isRefused } from "./connection.js";

const RETRY_MILLISECONDS = [250, 500, 1000, 2000];
const FRAME_VERSION = 1;

/** Views on a frame's bytes; docs: play/frame.py. */
export function decodeFrame(buffer) {
  const length = new Uint32Array(buffer, 0, 1)[0];
  const head = new Uint32Array(buffer, 4, length);
  const [version, frame, configuration, step, V, C, F, E, k, indexBytes, layers] = head;
  if (version !== FRAME_VERSION) throw new Error(`frame version ${version}`);
  const Index = indexBytes === 2 ? Uint16Array : Uint32Array;
  const floats = new Float32Array(buffer, 4 + 4 * length, 5);
  let offset = 4 + 4 * length + 20;
  const section = (Kind, size) => {
    const view = new Kind(buffer, offset, size);
    offset += 4 * Math.ceil((size * Kind.BYTES_PER_ELEMENT) / 4);
    return view;
  };
  return {
    frame,
    configuration,
    step,
    k,
    counts: head.subarray(11, 11 + layers),
    flags: head[11 + layers],
    loss: floats[0],
    center: [floats[1], floats[2]],
    half: [floats[3], floats[4]],
    xy: section(Float32Array, 2 * V),
    outputs: section(Float32Array, k * V),
    ends: section(Uint32Array, F),
    corner: section(Index, C),
    edge: section(Index, 2 * E),
  };
}

export class Wire {
  /** `onText(message)`, `onFrame(frame)`, `onOpen()`, `onClose(refused, attempt)`. */
  constructor(handlers) {
    this.handlers = handlers;
    this.attempt = 0;
    this.socket = null;
    this.token = takeToken();
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/socket`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.handlers.onOpen();
    socket.onmessage = ({ data }) => {
      this.attempt = 0;
      if (typeof data === "string") this.handlers.onText(JSON.parse(data));
      else this.handlers.onFrame(decodeFrame(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.socket !== socket) return;
      this.socket = null;
      const wait = RETRY_MILLISECONDS[Math.min(this.attempt, RETRY_MILLISECONDS.length - 1)];
      this.attempt += 1;
      this.handlers.onClose({ code, reason, attempt: this.attempt });
      if (!isRefused({ code, reason })) setTimeout(() => this.connect(), wait);
    };
  }

  /** After the server was started again. */
  connectWith(token) {
    this.keepToken(token);
    this.connect();
  }

  /** For the next socket, such as after a reload. */
  keepToken(token) {
    this.token = token;
    sessionStorage.setItem("token", token);
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }
}

/** The token of the address is kept for this tab and taken out of the history. */
function takeToken() {
  const address = new URL(location.href);
  const token = address.searchParams.get("token");
  if (token) {
    sessionStorage.setItem("token", token);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem("token") ?? "";
}
