/** What is said while there is no server, and the way back to one that was started again. */

import { $, make } from "./widgets.js";

const POLICY_CODE = 1008;
const NO_REASON_CODE = 1006;

/** Whether a server is there, but does not know this page. */
export const isRefused = ({ code, reason }) => code === POLICY_CODE && reason === "token";

export function closedSentence({ code, reason, attempt }) {
  if (isRefused({ code, reason })) {
    return "The server does not know this page: it was started again, or the address has no token.";
  }
  if (reason && code !== NO_REASON_CODE) return `The server closed the page: ${reason}.`;
  return attempt > 1
    ? "The server does not answer. Start hullwise play again; this page waits for it."
    : "The server went away.";
}

/** Takes the address that the new server printed, and goes on there with what is set here. */
export function askForAddress(onToken) {
  const input = make("input", {
    type: "text",
    id: "new-address",
    placeholder: "http://127.0.0.1:…",
    "aria-label": "The address that hullwise play printed",
  });
  const problem = make("span", { className: "problem", role: "alert" });
  const form = make(
    "form",
    { className: "address" },
    make("label", { for: "new-address", textContent: "Paste the address that it printed: " }),
    input,
    make("button", { textContent: "Go on" }),
    problem,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const address = URL.canParse(text) ? new URL(text) : null;
    const token = address?.searchParams.get("token");
    if (!token) problem.textContent = "That is no address with a token.";
    else if (address.host === location.host) onToken(token);
    else location.assign(`${address.origin}/?token=${encodeURIComponent(token)}${location.hash}`);
  });
  $("status").append(form);
}
