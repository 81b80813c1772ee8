// What is kept of one person: the photos with their quality, another name, and whether a new photo is of the person.

import { currentLanguage, words } from "/page/language.js";
import { percent } from "/page/numbers.js";
import { prepare } from "/page/pictures.js";

const find = (selector) => document.querySelector(`#details ${selector}`);
const day = (text) => new Date(text).toLocaleDateString(currentLanguage(), { dateStyle: "medium" });

let page; // what the page lends: make, ask, textOf, thumbnail, and changed, which reads the list again
let name = "";

function photo(record) {
  const { face, image_path: path, expires_at: expiry, not_indexed: reason } = record;
  const facts = [path];
  if (face) facts.push(words().since(day(face.enrolled_at)), words().quality(Math.round(face.brightness), Math.round(face.sharpness)));
  if (face?.model_version) facts.push(words().model(face.model_version));
  if (face?.possible_duplicate) facts.push(words().possible_duplicate);
  if (expiry) facts.push(words().until(day(expiry)));
  if (reason) facts.push(words().not_indexed(reason));
  const text = page.make("ul", {}, ...facts.map((fact) => page.make("li", { textContent: fact })));
  return page.make("li", {}, ...(face ? [page.thumbnail(face)] : []), text);
}

async function compare(file) {
  const told = find("#verified");
  told.textContent = words().searching;
  try {
    const { matched, similarity } = await page.ask(`/page/verification?full_name=${encodeURIComponent(name)}`, "POST", await prepare(file));
    told.textContent = matched ? words().is_person(name, percent(similarity)) : words().is_other(name);
  } catch (error) {
    told.textContent = page.textOf(error);
  }
}

async function rename() {
  const to = find("#new-name").value.trim();
  if (!to || to === name) return find("#new-name").focus();
  try {
    await page.ask("/page/renames", "POST", JSON.stringify({ from: name, to }));
    await page.changed(words().renamed(name, to));
    find("#details-title").closest("dialog").close();
  } catch (error) {
    find("#renamed").textContent = page.textOf(error);
  }
}

// Open the dialog about a person.
export async function details(person) {
  name = person;
  find("#details-title").textContent = name;
  find("#new-name").value = name;
  for (const told of ["#verified", "#renamed"]) find(told).textContent = "";
  find("#kept").replaceChildren();
  document.querySelector("#details").showModal();
  try {
    const { records, photo_versions: versions } = await page.ask(`/page/people/${encodeURIComponent(name)}`);
    find("#kept").replaceChildren(...records.map(photo));
    find("#versions").textContent = words().versions(records.length, versions.length);
  } catch (error) {
    find("#versions").textContent = page.textOf(error);
  }
}

export function prepareDetails(lent) {
  page = lent;
  find("#probe").addEventListener("change", ({ target }) => { if (target.files.length) compare(target.files[0]); });
  find("#rename").addEventListener("submit", (event) => {
    event.preventDefault();
    rename();
  });
  find("[data-act=close]").addEventListener("click", () => document.querySelector("#details").close());
}
