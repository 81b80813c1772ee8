// Files by a click, by drop, from the clipboard and from the camera.

import { takePicture } from "/page/camera.js";

// `takeAll` gets the files, and the card that they are for where that is known; `ofDocument` chooses the camera.
export function listen(cards, takeAll, ofDocument) {
  const sides = Object.keys(cards);
  const sideOf = (element) => sides.find((side) => cards[side].contains(element));
  const mark = (over) => {
    for (const side of sides) cards[side].classList.toggle("over", side === over);
  };
  for (const side of sides) {
    const input = cards[side].querySelector("input");
    // Else the file chosen last could not be chosen again after a sample or a drop: nothing would have changed.
    input.addEventListener("click", () => { input.value = ""; });
    input.addEventListener("change", () => takeAll([...input.files], side));
    cards[side].querySelector("[data-act=choose]").addEventListener("click", () => input.click());
    cards[side].querySelector("[data-act=camera]").addEventListener("click", async () => {
      const picture = await takePicture({ ofDocument: ofDocument(side) });
      if (picture) await takeAll([picture], side);
    });
  }
  // A picture dropped beside the frames would otherwise replace the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(sideOf(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(null);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(null);
    takeAll([...event.dataTransfer.files], sideOf(event.target));
  });
  document.addEventListener("paste", (event) => takeAll([...event.clipboardData.files], sideOf(document.activeElement)));
}
