// The verdict: the service's answer or refusal in people's words, and the frames on the pictures.

import { box } from "/page/boxes.js";
import { curlOf, pythonOf } from "/page/developers.js";
import { currentLanguage, words } from "/page/language.js";
import { percent } from "/page/numbers.js";
import { withResult } from "/page/pictures.js";
import { IDENTITY_CHECK, REVIEW_FROM, cards, find, inHand, needed, ofDocument, pictures, threshold, titleOf, type } from "/page/question.js";
import { SIDES } from "/page/words.js";

const section = find("#answer");

// Write an answer or a refusal, in the language of now. `choose` is told which other face is wanted.
export function tell({ answer, refusal, reasons, choose }) {
  section.hidden = !answer && !refusal;
  const spoken = (codes) => codes.map((code) => reasons[code]?.[currentLanguage()]).filter(Boolean);
  if (refusal) refuse(refusal, spoken);
  else if (answer) decide(answer, spoken, choose);
  else return;
  writeForDevelopers();
}

function refuse(refusal, spoken) {
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
function decide(answer, spoken, choose) {
  const limit = threshold();
  const { similarity } = answer;
  const matched = similarity >= limit;
  const review = !matched && limit === IDENTITY_CHECK && similarity >= REVIEW_FROM;
  const kind = matched ? "match" : review ? "review" : "no_match";
  mark(kind, matched ? "✓" : review ? "?" : "✕");
  find("#verdict").textContent = words()[kind];
  find("#similarity").textContent = percent(similarity, [limit, IDENTITY_CHECK]);
  find("#reason").textContent = explanation(similarity, limit, matched, review);
  const several = needed().filter((side) => !inHand() && !ofDocument(side) && answer.boxes[side].faces.length > 1);
  const skipped = ["SIMILARITY_BELOW_THRESHOLD", "SIMILARITY_NEAR_THRESHOLD", "SOURCE_SEVERAL_FACES", "TARGET_SEVERAL_FACES"];
  advise([
    ...several.map((side) => words().several(answer.boxes[side].faces.length, titleOf(side))),
    ...(matched ? [] : spoken((answer.reasons ?? []).filter((code) => !skipped.includes(code)))),
  ]);
  find("#score").hidden = false;
  find("#other-type").hidden = true;
  section.querySelector(".fill").style.width = `${similarity}%`;
  for (const button of document.querySelectorAll("[data-threshold]")) button.ariaPressed = String(Number(button.dataset.threshold) === limit);
  const { source, target } = answer.boxes;
  if (inHand()) draw(choose, "target", { ...target, document: source.document, portrait: source.comparedBox }, kind);
  else for (const side of SIDES) draw(choose, side, answer.boxes[side], kind);
}

function explanation(similarity, limit, matched, review) {
  if (review) return words().review_text;
  if (!matched) return words().no_match_text(limit);
  if (similarity >= IDENTITY_CHECK) return words().match_99;
  return limit === REVIEW_FROM ? words().match_80 : words().above_text(limit);
}

function mark(kind, sign) {
  document.body.dataset.verdict = kind;
  section.className = `answer ${kind}`;
  section.querySelector(".sign").textContent = sign;
}

function advise(sentences) {
  const list = find("#advice");
  list.hidden = sentences.length === 0;
  list.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
}

function draw(choose, side, seen, kind) {
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

function writeForDevelopers() {
  find("#threshold-value").textContent = String(threshold());
  find("#curl").textContent = curlOf(type(), needed(), threshold());
  find("#python").textContent = pythonOf(type(), needed(), threshold());
}

// The pictures with the frames and the verdict, as a file.
export async function download(answer) {
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
