// The page that compares: two pictures in, the service's answer on them. The verdict follows the limit without a call.

import { inWhole, nearest } from "/page/boxes.js";
import { listen } from "/page/intake.js";
import { onPhone, speak, words } from "/page/language.js";
import { PictureError, cropped, prepare } from "/page/pictures.js";
import { cards, find, form, hintOf, inHand, missing, needed, ofDocument, pictures, slider, titleOf, type } from "/page/question.js";
import { picturesOf, sampleButton } from "/page/samples.js";
import { download, tell as tellVerdict } from "/page/verdict.js";
import { SIDES, WORDS } from "/page/words.js";

const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

const answerSection = find("#answer");
const compare = form.querySelector("button.primary");

let answer = null; // the service's last answer to the pictures shown, boxes in ratios of the whole pictures
let refusal = null; // or its refusal
let seconds = "";
let state = "empty"; // which sentence #status shows
let asked = 0; // which question is the latest: answers to earlier ones are thrown away
let reasons = {}; // words of each reason, by language

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
  tellVerdict({ answer, refusal, reasons, choose });
  if (answer || refusal) say(refusal ? "refused" : "answered");
}

// Compare another face of a picture: the part around it is sent in the picture's place.
async function choose(side, face) {
  const picture = pictures[side];
  const { blob, area } = await cropped(picture.blob, face);
  Object.assign(picture, { sent: blob, area });
  await ask();
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
find("#download").addEventListener("click", () => download(answer));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const side of SIDES) if (pictures[side]) Object.assign(pictures[side], { sent: pictures[side].blob, area: WHOLE });
  ask();
});

speak(WORDS, () => {
  if (onPhone) find(".lead").textContent = words().lead_on_phone;
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
