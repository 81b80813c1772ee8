// The page that evaluates: a folder of labelled pairs goes to the local server, which asks them and writes the report.

import { WORDS } from "/page/evaluation_words.js";
import { FolderError, casesOf, listenForFiles } from "/page/folders.js";
import { currentLanguage, speak, words } from "/page/language.js";

const POLL_MS = 500;

const find = (selector) => document.querySelector(selector);
const form = find("#evaluation");
const bar = find("#progress");
const start = form.querySelector("button.primary");

let files = []; // what was chosen: path and file of each
let shown = { state: "new" }; // what the server said last, or what the page does itself
let began = 0;

async function ask(path, method = "GET", body = undefined) {
  const reply = await (await fetch(path, { method, body })).json();
  if (reply.error) throw new FolderError(reply.error.details);
  return reply;
}

async function take(found) {
  show({ state: "reading" });
  try {
    files = casesOf(await found);
    show({ state: files.length > 0 ? "ready" : "new" });
  } catch (error) {
    files = [];
    show({ state: "failed", message: error instanceof FolderError ? words().several_tables(error.message) : String(error) });
  }
}

const answered = ({ outcomes = {} }) => Object.values(outcomes).reduce((sum, count) => sum + count, 0);

function sentence() {
  const { state, message, sent, total } = shown;
  const sentences = {
    new: () => words().empty,
    reading: () => words().reading,
    ready: () => words().ready,
    sending: () => words().sending(sent, files.length),
    running: () => (total ? words().running(answered(shown), total, left()) : words().reading),
    done: () => words().done,
    stopped: () => words().stopped,
    failed: () => words().failed(message),
  };
  return sentences[state]();
}

// How long the rest takes, once enough was answered to tell; in words.
function left() {
  const count = answered(shown);
  if (count < 5 || !began) return "";
  const seconds = Math.round(((performance.now() - began) / 1000 / count) * (shown.total - count));
  return seconds < 90 ? words().seconds(seconds) : words().minutes(Math.round(seconds / 60));
}

function show(next) {
  shown = next;
  const { state, sent, total, overall } = shown;
  const busy = ["sending", "running"].includes(state);
  find("#status").textContent = sentence();
  bar.hidden = !busy;
  bar.value = state === "sending" ? sent / files.length : answered(shown) / (total || 1);
  find("#stop").hidden = state !== "running";
  if (busy) start.setAttribute("aria-disabled", "true");
  else start.removeAttribute("aria-disabled");
  const megabytes = (files.reduce((sum, { file }) => sum + file.size, 0) / 1e6).toFixed(1);
  find("#chosen").textContent = files.length ? words().chosen(files.length, megabytes) : "";
  find("#result").hidden = !overall;
  if (overall) report(overall);
}

function report(overall) {
  const { hits, value, low, high } = overall.accuracy;
  const share = (part) => `${(100 * part).toLocaleString(currentLanguage(), { maximumFractionDigits: 1 })} %`;
  find("#accuracy").textContent = words().right(hits, overall.cases);
  find("#share").textContent = share(value);
  find("#interval").textContent = words().interval(share(low), share(high));
  find("#report").href = `/page/evaluation/report.html?lang=${currentLanguage()}`;
  const rows = Object.entries(words().figures).filter(([name]) => overall[name] > 0);
  find("#figures").replaceChildren(...rows.map(([name, text]) => {
    const row = document.createElement("tr");
    const cells = [Object.assign(document.createElement("th"), { scope: "row", textContent: text }), Object.assign(document.createElement("td"), { textContent: overall[name] })];
    row.append(...cells);
    return row;
  }));
}

async function evaluate() {
  if (start.getAttribute("aria-disabled")) return;
  if (files.length === 0) {
    show({ state: "new" });
    find("#folder").focus();
    return;
  }
  try {
    show({ state: "sending", sent: 0 });
    await ask("/page/evaluation", "POST");
    for (const [index, { path, file }] of files.entries()) {
      show({ state: "sending", sent: index + 1 });
      await ask(`/page/evaluation/files?path=${encodeURIComponent(path)}`, "POST", file);
    }
    const { threshold, prepare } = form.elements;
    began = performance.now();
    const asked = { threshold: Number(threshold.value), prepare: prepare.checked };
    await follow(await ask("/page/evaluation/start", "POST", JSON.stringify(asked)));
  } catch (error) {
    show({ state: "failed", message: error instanceof FolderError ? error.message : words().unanswered });
  }
}

async function follow(first) {
  let progress = first;
  show(progress);
  while (progress.state === "running") {
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    progress = await ask("/page/evaluation");
    show(progress);
  }
}

find("#stop").addEventListener("click", () => ask("/page/evaluation", "DELETE"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  evaluate();
});
listenForFiles(find("[data-side=cases]"), take, () => start.hasAttribute("aria-disabled"));

speak(WORDS, () => show(shown));
// An evaluation goes on while the page is closed.
const progress = await ask("/page/evaluation");
if (progress.state !== "new") await follow(progress);
