// The sample questions: two pictures each, or one in which the person holds the document.

import { words } from "/page/language.js";
import { SIDES } from "/page/words.js";

const address = (name) => `/page/samples/${name}.jpg`;
const sidesOf = (sample) => SIDES.filter((side) => sample[side]);

// The pictures of a sample: side, file name and content of each.
export const picturesOf = (sample) =>
  Promise.all(sidesOf(sample).map(async (side) => [side, `${sample[side]}.jpg`, await (await fetch(address(sample[side]))).blob()]));

export function sampleButton(sample, tryIt) {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  for (const side of sidesOf(sample)) button.append(Object.assign(document.createElement("img"), { src: address(sample[side]), alt: "", loading: "lazy" }));
  button.append(Object.assign(document.createElement("span"), { textContent: words().samples[sample.name] ?? sample.title }));
  button.addEventListener("click", () => tryIt(sample));
  return button;
}
