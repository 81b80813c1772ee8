// The page: two pictures in, the service's answer drawn on them. The verdict follows the limit without another call.

import { box, nearest } from "/page/boxes.js";
import { curlOf, pythonOf } from "/page/developers.js";
import { listen } from "/page/intake.js";
import { PictureError, cropped, inWhole, prepare, withResult } from "/page/pictures.js";
import { picturesOf, sampleButton } from "/page/samples.js";
import { SIDES, currentLanguage, speak, words } from "/page/words.js";

const REVIEW_FROM = 80;
const IDENTITY_CHECK = 99;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

const find = (selector) => document.querySelector(selector);
const form = find("#question");
const answerSection = find("#answer");
const slider = find("#threshold");
const compare = form.querySelector("button.primary");
const cards = Object.fromEntries(SIDES.map((side) => [side, find(`[data-side=${side}]`)]));

// A picture: its file's name, the prepared JPG, the part of it that is sent (all of it, or what is around one face).
const pictures = { source: null, target: null };
let answer = null; // the service's last answer to the pictures shown, boxes in ratios of the whole pictures
let refusal = null; // or its refusal
let seconds = "";
let state = "empty"; // which sentence #status shows
let asked = 0; // which question is the latest: answers to earlier ones are thrown away
let reasons = {}; // words of each reason, by language

const type = () => form.elements.type.value;
const threshold = () => Number(slider.value);
const inHand = () => type() === "ID_IN_FACE";
const ofDocument = (side) => side === "source" && type() !== "FACE_TO_FACE";
// One picture shows the document and the person: there is nothing to choose on the other side.
const needed = () => (inHand() ? ["target"] : SIDES);
const missing = () => needed().filter((side) => !pictures[side]);

function titleOf(side) {
  if (side === "target") return inHand() ? words().target_in_hand : words().target_title;
  return ofDocument(side) ? words().source_document : words().source_photograph;
}

function hintOf(side) {
  if (side === "target") return inHand() ? words().hint_in_hand : words().hint_target;
  return ofDocument(side) ? words().hint_document : words().hint_photograph;
}

function say(next = state) {
  state = next;
  const sentences = {
    empty: () => {
      if (inHand()) return pictures.target ? words().ready : words().choose_one;
      return [words().ready, words().choose_other, words().choose_two][missing().length];
    },
    comparing: () => words().comparing,
    loading: () => words().loading,
    preparing: () => words().preparing,
    unanswered: () => words().unanswered,
    first: () => words().choose_first(titleOf(missing()[0] ?? "target")),
    answered: () => words().answered(seconds, find("#verdict").textContent.toLowerCase()),
    refused: () => words().not_compared(find("#reason").textContent),
  };
  find("#status").textContent = (sentences[state] ?? (() => state))();
}

// Two decimals, or as many as show on which side of the limit the similarity lies; nothing but 100 is written as 100.
function percent(similarity) {
  if (similarity < 100 && similarity >= 99.995) return "99.99";
  for (let digits = 2; digits < 7; digits += 1) {
    const text = similarity.toFixed(digits);
    if ([threshold(), IDENTITY_CHECK].every((limit) => Number(text) >= limit === similarity >= limit)) return text;
  }
  return String(similarity);
}

async function take(side, file) {
  say("preparing");
  try {
    show(side, file.name, await prepare(file));
    return true;
  } catch (error) {
    say(error instanceof PictureError ? error.message : words().unanswered);
    return false;
  }
}

function show(side, name, blob) {
  pictures[side] = { name, blob, sent: blob, area: WHOLE, faces: null };
  const image = cards[side].querySelector("img");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  image.alt = `${titleOf(side)}: ${name}`;
  cards[side].querySelector(".canvas").hidden = false;
  cards[side].classList.add("filled");
  forget();
}

// A picture or the type has changed: what was answered is about something else.
function forget() {
  asked += 1;
  answer = refusal = null;
  answerSection.hidden = true;
  document.body.removeAttribute("data-verdict");
  compare.removeAttribute("aria-disabled");
  cards.source.hidden = inHand();
  for (const side of SIDES) {
    cards[side].querySelector(".boxes").replaceChildren();
    find(`#${side}-title`).textContent = titleOf(side);
    find(`#${side}-seen`).textContent = hintOf(side);
  }
  say("empty");
}

async function ask() {
  if (compare.getAttribute("aria-disabled")) return;
  const [first] = missing();
  if (first) {
    say("first");
    cards[first].querySelector("input").focus();
    return;
  }
  forget();
  const question = asked;
  compare.setAttribute("aria-disabled", "true");
  say("comparing");
  const body = new FormData();
  for (const side of needed()) body.append(side, pictures[side].sent, `${side}.jpg`);
  body.append("type", type());
  body.append("threshold", slider.value);
  let found = { error: { code: "", details: words().unanswered, reasons: [] } };
  let code = "no answer";
  const began = performance.now();
  try {
    const response = await fetch("/page/validation", { method: "POST", body });
    const told = await response.json();
    code = `HTTP ${told.status ?? response.status}`;
    found = told.answer ?? told;
  } catch {
    // Nothing came: `found` says so.
  }
  if (question !== asked) return;
  seconds = ((performance.now() - began) / 1000).toFixed(1);
  compare.removeAttribute("aria-disabled");
  find("#raw").textContent = `${code}\n${JSON.stringify(found, null, 2)}`;
  if (found.error) refusal = found.error;
  else answer = inWholePictures(found);
  tell();
  answerSection.scrollIntoView({ block: "nearest" });
}

function inWholePictures(found) {
  const boxes = {};
  for (const side of SIDES) {
    const { area, faces: before } = pictures[inHand() ? "target" : side];
    const seen = found.boxes[side];
    const faces = seen.faces.map((face) => ({ ...face, box: inWhole(face.box, area) }));
    const compared = faces[seen.compared].box;
    // The faces of the whole picture stay choosable when only a part of it was sent.
    const all = area === WHOLE ? faces : before;
    if (!inHand()) pictures[side].faces = all;
    const place = area === WHOLE ? seen.compared : nearest(all, compared);
    boxes[side] = { ...seen, faces: all, compared: place, comparedBox: compared };
  }
  return { ...found, boxes };
}

// Write what was answered or refused, in the language of now.
function tell() {
  answerSection.hidden = !answer && !refusal;
  if (refusal) refuse();
  else if (answer) decide();
  else return;
  say(refusal ? "refused" : "answered");
  writeForDevelopers();
}

const spoken = (codes) => codes.map((code) => reasons[code]?.[currentLanguage()]).filter(Boolean);

function refuse() {
  const told = spoken(refusal.reasons ?? []);
  mark("refused", "!");
  find("#verdict").textContent = words().refused;
  find("#similarity").textContent = "";
  find("#reason").textContent = told[0] ?? refusal.details;
  advise(told.slice(1));
  find("#score").hidden = true;
  const other = find("#other-type");
  other.hidden = !(refusal.reasons ?? []).includes("NO_DOCUMENT");
  other.textContent = words().as_photograph;
}

// From the real similarity and the limit, as the service itself decides: a match from the limit on.
function decide() {
  const limit = threshold();
  const { similarity } = answer;
  const matched = similarity >= limit;
  const review = !matched && limit === IDENTITY_CHECK && similarity >= REVIEW_FROM;
  const kind = matched ? "match" : review ? "review" : "no_match";
  mark(kind, matched ? "✓" : review ? "?" : "✕");
  find("#verdict").textContent = words()[kind];
  find("#similarity").textContent = percent(similarity);
  find("#reason").textContent = explanation(similarity, limit, matched, review);
  const several = needed().filter((side) => !inHand() && !ofDocument(side) && answer.boxes[side].faces.length > 1);
  const skipped = ["SIMILARITY_BELOW_THRESHOLD", "SIMILARITY_NEAR_THRESHOLD", "SOURCE_SEVERAL_FACES", "TARGET_SEVERAL_FACES"];
  advise([
    ...several.map((side) => words().several(answer.boxes[side].faces.length, titleOf(side))),
    ...(matched ? [] : spoken((answer.reasons ?? []).filter((code) => !skipped.includes(code)))),
  ]);
  find("#score").hidden = false;
  find("#other-type").hidden = true;
  answerSection.querySelector(".fill").style.width = `${similarity}%`;
  for (const button of document.querySelectorAll("[data-threshold]")) button.ariaPressed = String(Number(button.dataset.threshold) === limit);
  const { source, target } = answer.boxes;
  if (inHand()) draw("target", { ...target, document: source.document, portrait: source.comparedBox }, kind);
  else for (const side of SIDES) draw(side, answer.boxes[side], kind);
}

function explanation(similarity, limit, matched, review) {
  if (review) return words().review_text;
  if (!matched) return words().no_match_text(limit);
  if (similarity >= IDENTITY_CHECK) return words().match_99;
  return limit === REVIEW_FROM ? words().match_80 : words().above_text(limit);
}

function mark(kind, sign) {
  document.body.dataset.verdict = kind;
  answerSection.className = `answer ${kind}`;
  answerSection.querySelector(".sign").textContent = sign;
}

function advise(sentences) {
  const list = find("#advice");
  list.hidden = sentences.length === 0;
  list.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
}

function draw(side, seen, kind) {
  const boxes = seen.faces.map((face, index) => {
    if (index === seen.compared) return box(seen.comparedBox, kind);
    const fixed = inHand() || ofDocument(side);
    const other = box(face.box, "other", fixed ? "span" : "button");
    if (!fixed) {
      other.type = "button";
      other.ariaLabel = words().compare_this(index + 1);
      other.title = other.ariaLabel;
      other.addEventListener("click", () => choose(side, face.box));
    }
    return other;
  });
  if (seen.portrait) boxes.push(box(seen.portrait, kind));
  if (seen.document) boxes.unshift(box(seen.document.box, "document"));
  cards[side].querySelector(".boxes").replaceChildren(...boxes);
  const faces = words().faces(seen.faces.length);
  const label = seen.document ? (words().labels[seen.document.label] ?? seen.document.label) : faces;
  find(`#${side}-seen`).textContent = label;
  cards[side].querySelector("img").alt = `${titleOf(side)}: ${label}. ${words()[kind]}.`;
}

// Compare another face of a picture: the part around it is sent in the picture's place.
async function choose(side, face) {
  const picture = pictures[side];
  const { blob, area } = await cropped(picture.blob, face);
  Object.assign(picture, { sent: blob, area });
  await ask();
}

function writeForDevelopers() {
  find("#threshold-value").textContent = String(threshold());
  find("#curl").textContent = curlOf(type(), needed(), threshold());
  find("#python").textContent = pythonOf(type(), needed(), threshold());
}

async function download() {
  const colours = { ink: "#14213d", document: "#2456e6", other: "#6b7280", match: "#0f7b4f", review: "#a16207", no_match: "#b3261e" };
  const kind = document.body.dataset.verdict;
  const sides = needed().map((side) => {
    const seen = answer.boxes[side];
    const boxes = seen.faces.map((face, index) => (index === seen.compared ? { box: seen.comparedBox, kind } : { box: face.box, kind: "other" }));
    if (inHand()) boxes.push({ box: answer.boxes.source.comparedBox, kind });
    const { document: paper } = inHand() ? answer.boxes.source : seen;
    if (paper) boxes.unshift({ box: paper.box, kind: "document" });
    return { blob: pictures[side].blob, boxes };
  });
  const picture = await withResult(sides, `${find("#verdict").textContent}: ${find("#similarity").textContent}`, colours);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(picture), download: "result.png" });
  link.click();
  URL.revokeObjectURL(link.href);
}

async function trySample(sample) {
  say("loading");
  try {
    const loaded = await picturesOf(sample);
    form.elements.type.value = sample.type;
    for (const picture of loaded) show(...picture);
  } catch {
    say("unanswered");
    return;
  }
  await ask();
}

let samples = [];
const writeSamples = () => find("#samples").replaceChildren(...samples.map((sample) => sampleButton(sample, trySample)));

// One file goes where it was dropped or where the focus is, else to the side that has none; two fill both sides.
async function takeAll(files, side) {
  if (files.length >= 2 && !inHand()) {
    await take("source", files[0]);
    await take("target", files[1]);
  } else if (files.length >= 1) {
    await take(inHand() ? "target" : (side ?? missing()[0] ?? "target"), files[0]);
  }
}

listen(cards, takeAll, ofDocument);
for (const radio of form.elements.type) radio.addEventListener("change", forget);
find("#other-type").addEventListener("click", async () => {
  form.elements.type.value = "FACE_TO_FACE";
  forget();
  await ask();
});
for (const button of document.querySelectorAll("[data-threshold]")) {
  button.addEventListener("click", () => {
    slider.value = button.dataset.threshold;
    tell();
  });
}
slider.addEventListener("input", tell);
find("#download").addEventListener("click", download);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const side of SIDES) if (pictures[side]) Object.assign(pictures[side], { sent: pictures[side].blob, area: WHOLE });
  ask();
});

speak(() => {
  for (const side of SIDES) {
    find(`#${side}-title`).textContent = titleOf(side);
    find(`#${side}-seen`).textContent = hintOf(side);
  }
  writeSamples();
  tell();
  say();
});
reasons = await (await fetch("/page/reasons.json")).json();
samples = await (await fetch("/page/samples")).json();
writeSamples();
