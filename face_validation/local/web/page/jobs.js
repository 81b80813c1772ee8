// The page about jobs: a manifest and its pictures go to the local server; below, how far each job is.

import { insideOf, listenForFiles } from "/page/folders.js";
import { WORDS } from "/page/jobs_words.js";
import { currentLanguage, speak, words } from "/page/language.js";

const POLL_MS = 1000;
const FINAL = new Set(["succeeded", "failed", "stopped", "refused"]);

const find = (selector) => document.querySelector(selector);
const make = (name, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
};
const form = find("#job");
const start = form.querySelector("button.primary");

let manifest = null; // path and file of the requests
let pictures = [];
let jobs = [];
let isLoaded = false; // whether the server has said which jobs there are
let pages = 1; // how many pages of jobs are shown
let tell = () => words().empty; // what the status says, in the language of the moment

class RefusedError extends Error {}

async function ask(path, method = "GET", body = undefined) {
  let reply;
  try {
    reply = await (await fetch(path, { method, body })).json();
  } catch {
    throw new RefusedError(words().unanswered);
  }
  const error = reply.error ?? reply.answer?.error;
  if (error?.code) throw new RefusedError(error.details);
  return reply.answer;
}

function say(write) {
  tell = write;
  find("#status").textContent = tell();
  const count = pictures.length + (manifest ? 1 : 0);
  find("#chosen").textContent = count ? words().chosen(count) : "";
}

const sayError = (error) => say(() => (error instanceof RefusedError ? error.message : String(error)));

async function take(found) {
  const files = insideOf(await found);
  const tables = files.filter(({ path }) => /^[^/]+\.(csv|jsonl)$/i.test(path));
  [manifest, pictures] = tables.length === 1 ? [tables[0], files.filter((one) => one !== tables[0])] : [null, []];
  say(() => (manifest ? words().ready(manifest.path) : words().no_manifest));
}

async function submit() {
  if (start.getAttribute("aria-disabled")) return;
  if (!manifest) {
    say(() => words().empty);
    find("#folder").focus();
    return;
  }
  start.setAttribute("aria-disabled", "true");
  const kind = form.elements.kind.value;
  try {
    for (const [index, { path, file }] of pictures.entries()) {
      say(() => words().sending(index + 1, pictures.length));
      await ask(`/page/jobs/pictures?kind=${kind}&path=${encodeURIComponent(path)}`, "POST", file);
    }
    await ask(`/page/jobs?kind=${kind}&name=${encodeURIComponent(manifest.path)}`, "POST", manifest.file);
    [manifest, pictures] = [null, []];
    say(() => words().started);
    await load();
    follow();
  } catch (error) {
    sayError(error);
  } finally {
    start.removeAttribute("aria-disabled");
  }
}

async function load() {
  const found = [];
  let token = null;
  for (let page = 0; page < pages && (page === 0 || token); page += 1) {
    const answer = await ask(`/page/jobs${token ? `?next_token=${encodeURIComponent(token)}` : ""}`);
    found.push(...answer.jobs);
    token = answer.next_token ?? null;
  }
  jobs = found;
  isLoaded = true;
  find("#more").hidden = token === null;
  write();
}

let following = null; // one loop at a time asks how far the jobs are

function follow() {
  following ??= (async () => {
    try {
      await load();
      while (jobs.some(({ state }) => !FINAL.has(state))) {
        await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
        await load();
      }
    } catch (error) {
      sayError(error);
    } finally {
      following = null;
    }
  })();
  return following;
}

// A card whose state is the same keeps its buttons: whoever presses one, or has the keyboard on it, keeps it.
function write() {
  const list = find("#jobs");
  const cards = jobs.map((job) => {
    const made = row(job);
    const old = document.getElementById(made.id);
    if (old?.dataset.look !== made.dataset.look) return made;
    old.querySelector(".told").replaceWith(made.querySelector(".told"));
    return old;
  });
  if (cards.length !== list.children.length || cards.some((one, place) => one !== list.children[place])) list.replaceChildren(...cards);
  find("#none").hidden = !isLoaded || jobs.length > 0;
}

function row(job) {
  const { job_id: id, kind, state, lines, counts } = job;
  const created = new Date(job.created_at).toLocaleString(currentLanguage(), { dateStyle: "medium", timeStyle: "short" });
  const done = counts.answered + counts.refused + counts.failed;
  const head = make("div", { className: "head" }, make("strong", { textContent: words().kinds[kind] }), make("small", { textContent: created }));
  const about = [make("strong", { className: "state", textContent: words().states[state] })];
  if (lines) about.push(`: ${words().lines(done, lines)}. ${words().counts(counts)}.`);
  else if (state === "running") about.push(`: ${words().splitting}`);
  if (job.seconds_left) about.push(` ${words().left(job.seconds_left)}.`);
  const usd = job.cost_usd.toLocaleString(currentLanguage(), { style: "currency", currency: "USD", maximumFractionDigits: 3 });
  const inside = [head, make("p", {}, ...about)];
  if (!FINAL.has(state)) inside.push(make("progress", { max: lines || 1, value: lines ? done : 0, ariaLabel: words().progress }));
  if (job.error) inside.push(make("p", { textContent: job.error }));
  if (job.paid_calls) inside.push(make("small", { textContent: words().cost(job.paid_calls, usd) }));
  const tools = make("div", { className: "tools" }, ...actions(id, state, counts, created));
  const made = make("li", { id: `job-${id}`, className: `card ${state}` }, make("div", { className: "told" }, ...inside), tools);
  made.dataset.look = `${state} ${currentLanguage()}`;
  return made;
}

function actions(id, state, counts, created) {
  const button = (name, path, method) => {
    const made = make("button", { type: "button", textContent: words()[name], ariaLabel: words().of_job(words()[name], created) });
    made.addEventListener("click", () => act(path, method));
    return made;
  };
  if (state === "running") return [button("stop", `/page/jobs/${id}`, "DELETE")];
  if (!FINAL.has(state) || state === "refused") return [];
  const results = make("a", { className: "button", href: `/page/jobs/${id}/results`, download: `results-${id}.jsonl`, textContent: words().results, ariaLabel: words().of_job(words().results, created) });
  const again = counts.failed + counts.waiting > 0 ? [button("redrive", `/page/jobs/${id}/redrive`, "POST")] : [];
  return [results, ...again];
}

async function act(path, method) {
  try {
    await ask(path, method);
    await load();
    follow();
  } catch (error) {
    sayError(error);
  }
}

find("#more").addEventListener("click", () => {
  pages += 1;
  load().catch(sayError);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
listenForFiles(find("[data-side=manifest]"), take, () => start.hasAttribute("aria-disabled"));

speak(WORDS, () => {
  say(tell);
  write();
});
await follow();
