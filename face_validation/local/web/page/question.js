// The question: two pictures or one, of which type, and the limit from which the answer is a match.

import { words } from "/page/language.js";
import { SIDES } from "/page/words.js";

export const REVIEW_FROM = 80;
export const IDENTITY_CHECK = 99;

export const find = (selector) => document.querySelector(selector);
export const form = find("#question");
export const slider = find("#threshold");
export const cards = Object.fromEntries(SIDES.map((side) => [side, find(`[data-side=${side}]`)]));

// A picture: its file's name, the prepared JPG, the part of it that is sent (all of it, or what is around one face).
export const pictures = { source: null, target: null };

export const type = () => form.elements.type.value;
export const threshold = () => Number(slider.value);
export const inHand = () => type() === "ID_IN_FACE";
export const ofDocument = (side) => side === "source" && type() !== "FACE_TO_FACE";
// One picture shows the document and the person: there is nothing to choose on the other side.
export const needed = () => (inHand() ? ["target"] : SIDES);
export const missing = () => needed().filter((side) => !pictures[side]);

export function titleOf(side) {
  if (side === "target") return inHand() ? words().target_in_hand : words().target_title;
  return ofDocument(side) ? words().source_document : words().source_photograph;
}

export function hintOf(side) {
  if (side === "target") return inHand() ? words().hint_in_hand : words().hint_target;
  return ofDocument(side) ? words().hint_document : words().hint_photograph;
}
