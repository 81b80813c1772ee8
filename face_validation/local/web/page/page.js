// The page: two pictures in, the service's answer drawn on them. The decision follows the slider without another call.

const SIDES = ["source", "target"];
const SOURCES = {
  ID_TO_FACE: ["Identity document", "Passport, driving licence or identity card"],
  FACE_TO_FACE: ["Trusted photograph", "A photograph of the person"],
  ID_IN_FACE: ["Identity document", "It is in the picture of the person"],
};
// One picture shows the document and the person: there is nothing to choose on the other side.
const needed = () => (type() === "ID_IN_FACE" ? ["target"] : SIDES);
// The service's reasons in plain words: English, or Spanish where the browser asks for it.
const LANGUAGE = navigator.language.startsWith("es") ? "es" : "en";
let words = {};

const HINTS = { source: "", target: "A photograph with one face to compare" };

const REFUSALS = {
  ImageValidationError: "This picture cannot be checked",
  ImageTooLargeError: "The picture's size is outside the limits",
  InvalidS3ObjectError: "The picture could not be read",
  PayloadTooLargeError: "The pictures are too large",
  RequestError: "The service did not understand the question",
  TooManyRequestsError: "Too many questions at once: try again in a moment",
  UnauthorizedError: "The page is no longer signed in: load it again",
  ForbiddenError: "The service does not answer this page",
  InternalServerError: "The service could not finish: try again",
};

// By the step that refused, then by the refusal.
const PROBLEMS = {
  decode: {
    ImageValidationError: (picture) => `The ${picture} is not a JPG or PNG that can be read`,
    ImageTooLargeError: (picture) => `The ${picture} has too few or too many pixels`,
  },
  download: { ImageTooLargeError: (picture) => `The ${picture} is too large a file` },
  detect_labels: { ImageValidationError: (picture) => `No identity document was recognised in the ${picture}` },
  detect_faces: { ImageValidationError: (picture) => `No face was found in the ${picture}` },
};

const UNANSWERED = {
  code: "",
  message: "The local stack does not answer",
  details: "Is it still running? Start it again, then load this page again.",
};

const form = document.querySelector("#question");
const status = document.querySelector("#status");
const answerSection = document.querySelector("#answer");
const slider = document.querySelector("#threshold");
const compare = form.querySelector("button");
const figures = Object.fromEntries(SIDES.map((side) => [side, document.querySelector(`[data-side=${side}]`)]));

const pictures = { source: null, target: null };
let answer = null; // the service's last answer to the pictures shown
let asked = 0; // which question is the latest: answers to earlier ones are thrown away

const type = () => form.elements.type.value;
const threshold = () => Number(slider.value);

function say(words) {
  status.textContent = words;
}

// Two decimals, or as many as show on which side of the threshold it lies.
function percent(similarity) {
  for (let digits = 2; digits < 7; digits += 1) {
    const text = similarity.toFixed(digits);
    if (Number(text) >= threshold() === similarity >= threshold()) return text;
  }
  return String(similarity);
}

function show(side, file) {
  pictures[side] = file;
  const figure = figures[side];
  const image = figure.querySelector("img");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.alt = `${side === "source" ? "Trusted picture" : "Picture to check"}: ${file.name}`;
  image.onerror = () => {
    figure.querySelector(".canvas").hidden = true;
    figure.classList.remove("filled");
    figure.querySelector(".invite b").textContent = `${file.name} (no preview): choose another picture`;
  };
  figure.querySelector(".canvas").hidden = false;
  figure.classList.add("filled");
  figure.querySelector(".invite b").textContent = "Choose another picture";
  forget();
}

// A picture or the type has changed: what was answered is about something else.
function forget() {
  asked += 1;
  answer = null;
  answerSection.hidden = true;
  compare.removeAttribute("aria-disabled");
  const [title, hint] = SOURCES[type()];
  document.querySelector("#source-title").textContent = title;
  HINTS.source = hint;
  for (const side of SIDES) {
    figures[side].querySelector(".boxes").replaceChildren();
    document.querySelector(`#${side}-seen`).textContent = HINTS[side];
  }
  figures.source.hidden = !needed().includes("source");
  const missing = needed().filter((side) => !pictures[side]);
  say(missing.length === 0 ? "Ready to compare." : missing.length === SIDES.length ? "Choose two pictures, or try one of the samples below." : needed().length === 1 ? "Choose the picture of the person with the document." : "Choose the other picture.");
}

async function ask() {
  if (compare.getAttribute("aria-disabled")) return;
  const missing = needed().find((side) => !pictures[side]);
  if (missing) {
    say(`Choose the ${missing === "source" ? "trusted picture" : "picture to check"} first.`);
    figures[missing].querySelector("input").focus();
    return;
  }
  forget();
  const question = asked;
  compare.setAttribute("aria-disabled", "true");
  say("Comparing…");
  const body = new FormData();
  for (const side of needed()) body.append(side, pictures[side], pictures[side].name);
  body.append("type", type());
  body.append("threshold", slider.value);
  let found = { error: UNANSWERED };
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
  compare.removeAttribute("aria-disabled");
  document.querySelector("#raw").textContent = `${code}\n${JSON.stringify(found, null, 2)}`;
  answerSection.hidden = false;
  if (found.error) refuse(found.error);
  else {
    answer = found;
    decide();
    say(`Answered in ${((performance.now() - began) / 1000).toFixed(1)} s: ${document.querySelector("#verdict").textContent.toLowerCase()}, similarity ${percent(answer.similarity)} %.`);
  }
  answerSection.scrollIntoView({ block: "nearest" });
}

// The service says "source, detect_faces: no face ..." to programs; people read which picture, and what is wrong with it.
function inPlainWords(error) {
  const [, side, step] = error.details.match(/^(source|target), (\w+)/) ?? [];
  const problem = error.code.startsWith("Image") && PROBLEMS[step]?.[error.code];
  if (!problem) return REFUSALS[error.code] ?? error.message;
  const picture = side === "target" ? "picture to check" : "trusted picture";
  return problem(picture);
}

// What the person in front of the page can do, one line for each reason of the answer.
function advise(reasons) {
  const lines = (reasons ?? []).filter((code) => words[code]).map((code) => {
    const line = document.createElement("li");
    line.lang = LANGUAGE;
    line.textContent = words[code][LANGUAGE];
    return line;
  });
  document.querySelector("#advice-list").replaceChildren(...lines);
}

function refuse(error) {
  advise(error.reasons);
  const words = inPlainWords(error);
  answerSection.className = "answer refused";
  answerSection.querySelector(".sign").textContent = "!";
  document.querySelector("#verdict").textContent = words;
  document.querySelector("#reason").textContent = error.details;
  document.querySelector("#score").hidden = true;
  say(`Not compared. ${words}.`);
}

// From the real similarity and the slider, as the service itself decides: a match from the threshold on.
function decide() {
  document.querySelector("#threshold-value").textContent = `${threshold()} %`;
  slider.setAttribute("aria-valuetext", `${threshold()} percent`);
  answerSection.querySelector(".mark").style.left = `${threshold()}%`;
  if (!answer) return;
  const matched = answer.similarity >= threshold();
  answerSection.className = `answer ${matched ? "matched" : "unmatched"}`;
  answerSection.querySelector(".sign").textContent = matched ? "✓" : "✕";
  document.querySelector("#verdict").textContent = matched ? "Match" : "No match";
  document.querySelector("#reason").textContent =
    `Similarity ${percent(answer.similarity)} %, ${matched ? "at or above" : "below"} the threshold of ${threshold()} %.`;
  answerSection.querySelector(".bar").style.width = `${answer.similarity}%`;
  document.querySelector("#score").hidden = false;
  // The slider decides again without the service: its word on the similarity holds for the threshold that was asked.
  advise(answer.reasons.filter((code) => matched ? !code.startsWith("SIMILARITY") : true));
  const { source, target } = answer.boxes;
  if (needed().length === 1) {
    // Both sides are of one picture: the person, the document and the portrait on it.
    const faces = [...target.faces, ...source.faces];
    draw("target", { ...target, faces, document: source.document, portrait: target.faces.length + source.compared }, matched);
  } else for (const side of SIDES) draw(side, answer.boxes[side], matched);
}

function draw(side, seen, matched) {
  const boxes = seen.faces.map((face, index) => {
    if (index === seen.portrait) return box(face.box, matched ? "matched" : "unmatched", "");
    if (index !== seen.compared) return box(face.box, "other", "");
    const words = `${matched ? "match" : "no match"} ${percent(answer.similarity)} %`;
    return box(face.box, matched ? "matched" : "unmatched", side === "target" ? words : "compared");
  });
  if (seen.document) {
    const { label, confidence } = seen.document;
    boxes.unshift(box(seen.document.box, "document", `${label} ${confidence.toFixed(0)} %`));
  }
  figures[side].querySelector(".boxes").replaceChildren(...boxes);
  const faces = seen.faces.length === 1 ? "1 face" : `${seen.faces.length} faces`;
  const found = seen.document ? `${seen.document.label}, ${faces}` : faces;
  document.querySelector(`#${side}-seen`).textContent = `${seen.width} × ${seen.height} px: ${found}`;
  figures[side].querySelector("img").alt =
    `${side === "source" ? "Trusted picture" : "Picture to check"}: ${found}; the compared face is marked as ${matched ? "matched" : "not matched"}.`;
}

function box(place, kind, words) {
  const clip = (value) => Math.min(1, Math.max(0, value));
  const [left, top] = [clip(place.left), clip(place.top)];
  const [right, bottom] = [clip(place.left + place.width), clip(place.top + place.height)];
  const element = document.createElement("div");
  element.className = `box ${kind}`;
  element.style.left = `${left * 100}%`;
  element.style.top = `${top * 100}%`;
  element.style.width = `${(right - left) * 100}%`;
  element.style.height = `${(bottom - top) * 100}%`;
  if (words) {
    const tag = document.createElement("span");
    tag.className = "tag";
    // Over the middle of its box, where it covers least; beside the picture's edge it stays within the frame.
    const middle = (left + right) / 2;
    if (middle < 1 / 6) tag.classList.add("leftmost");
    if (middle > 5 / 6) tag.classList.add("rightmost");
    tag.textContent = words;
    element.append(tag);
  }
  return element;
}

async function trySample(sample) {
  const sides = SIDES.filter((side) => sample[side]);
  say("Loading the sample…");
  let loaded;
  try {
    loaded = await Promise.all(sides.map(async (side) => (await fetch(`/page/samples/${sample[side]}.jpg`)).blob()));
  } catch {
    say(`${UNANSWERED.message}. ${UNANSWERED.details}`);
    return;
  }
  form.elements.type.value = sample.type;
  sides.forEach((side, index) => show(side, new File([loaded[index]], `${sample[side]}.jpg`, { type: "image/jpeg" })));
  await ask();
}

async function learnWords() {
  words = await (await fetch("/page/reasons.json")).json();
}

async function listSamples() {
  const samples = await (await fetch("/page/samples")).json();
  const buttons = samples.map((sample) => {
    const button = document.createElement("button");
    button.type = "button";
    for (const side of SIDES.filter((name) => sample[name])) {
      const image = document.createElement("img");
      image.src = `/page/samples/${sample[side]}.jpg`;
      image.alt = "";
      button.append(image);
    }
    const words = document.createElement("span");
    const kind = document.createElement("small");
    kind.textContent = sample.type;
    words.append(sample.title, kind);
    button.append(words);
    button.addEventListener("click", () => trySample(sample));
    return button;
  });
  document.querySelector("#samples").replaceChildren(...buttons);
}

for (const side of SIDES) {
  const drop = figures[side].querySelector(".drop");
  const frame = figures[side].querySelector(".frame");
  const input = drop.querySelector("input");
  // Else the file chosen last could not be chosen again after a sample or a drop: nothing would have changed.
  input.addEventListener("click", () => { input.value = ""; });
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) show(side, file);
  });
  frame.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  frame.addEventListener("dragleave", () => drop.classList.remove("over"));
  frame.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) show(side, file);
  });
}
// A picture dropped beside the frames would otherwise replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
// A pasted picture goes where the focus is, else to the side that has none.
document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (!file) return;
  const focused = SIDES.find((side) => figures[side].contains(document.activeElement));
  show(focused ?? SIDES.find((side) => !pictures[side]) ?? "target", file);
});
for (const radio of form.elements.type) radio.addEventListener("change", forget);
for (const preset of document.querySelectorAll("[data-threshold]")) {
  preset.addEventListener("click", () => {
    slider.value = preset.dataset.threshold;
    decide();
  });
}
slider.addEventListener("input", decide);
slider.addEventListener("change", () => answer && say(`${document.querySelector("#verdict").textContent} at a threshold of ${threshold()} %.`));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
decide();
learnWords();
listSamples();
