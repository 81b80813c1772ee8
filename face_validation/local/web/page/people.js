// The page about people: find somebody, add somebody, and the list of all with what is kept of them.

import { box } from "/page/boxes.js";
import { listen } from "/page/intake.js";
import { currentLanguage, speak, words } from "/page/language.js";
import { details, prepareDetails } from "/page/people_details.js";
import { WORDS } from "/page/people_words.js";
import { percent } from "/page/numbers.js";
import { PictureError, prepare } from "/page/pictures.js";

const find = (selector) => document.querySelector(selector);
const make = (name, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
};
const cards = { search: find("[data-side=search]"), enrol: find("[data-side=enrol]") };
const nameField = find("#full-name");
const list = find("#people");
const everybody = find("#everybody");

let people = new Map(); // the enrolled faces of each name
let reasons = {}; // words of each reason, by language
let chosen = []; // photos to add: file name and prepared JPG
let searched = 0; // which search is the latest
let latest = null; // the file that was searched for
// What is told beside each card, made again when the language changes.
const told = { search: () => [], enrol: () => "" };

function tell(card, write) {
  told[card] = write;
  if (card === "enrol") find("#enrolled").textContent = write();
  else find("#found").replaceChildren(...write());
}

// The service's answer to one request; a refusal is an error that people can read.
async function ask(path, method = "GET", body = undefined) {
  let reply;
  try {
    reply = await (await fetch(path, { method, body })).json();
  } catch {
    throw new PictureError(words().unanswered);
  }
  const error = reply.error ?? reply.answer?.error;
  if (error) throw new PictureError(reasons[error.reasons?.[0]]?.[currentLanguage()] ?? error.details);
  return reply.answer;
}

const textOf = (error) => (error instanceof PictureError ? error.message : words().unanswered);

function show(card, blob, alt) {
  const image = cards[card].querySelector("img");
  URL.revokeObjectURL(image.src);
  Object.assign(image, { src: URL.createObjectURL(blob), alt });
  cards[card].querySelector(".boxes").replaceChildren();
  cards[card].querySelector(".canvas").hidden = false;
  cards[card].classList.add("filled");
}

async function search(file) {
  latest = file;
  searched += 1;
  const search = searched;
  tell("search", () => [words().preparing]);
  try {
    const photo = await prepare(file);
    if (search !== searched) return;
    show("search", photo, file.name);
    tell("search", () => [words().searching]);
    const answer = await ask(`/page/search${everybody.checked ? "?everybody" : ""}`, "POST", photo);
    if (search !== searched) return;
    const frames = (answer.faces ?? [{ ...answer, ...answer.searched_face }]).map((face) => {
      const frame = box(face.box, face.found ? "match" : "other");
      if (answer.faces) frame.append(make("b", { textContent: face.person ?? "?" }));
      if (face.box.left + face.box.width / 2 > 0.6) frame.classList.add("end"); // its name grows to the left
      return frame;
    });
    cards.search.querySelector(".boxes").append(...frames);
    tell("search", () => (answer.faces ? all(answer) : outcome(answer.matches)));
  } catch (error) {
    if (search === searched) tell("search", () => [textOf(error)]);
  }
}

function found({ full_name, similarity, face_id }) {
  const face = people.get(full_name)?.find((one) => one.face_id === face_id);
  return make("li", {}, ...(face ? [thumbnail(face)] : []), make("span", { textContent: full_name }), make("small", { textContent: words().similarity(percent(similarity)) }));
}

function outcome(matches) {
  if (matches.length === 0) return [make("strong", { textContent: words().not_found })];
  return [make("strong", { className: "match", textContent: words().found(matches[0].full_name) }), make("ol", {}, ...matches.map(found))];
}

// The best match of each face of a photo, in the order of their size.
function all({ faces, not_searched }) {
  const rows = faces.map(({ matches }) => (matches.length ? found(matches[0]) : make("li", {}, make("span", { textContent: words().unknown }))));
  const named = faces.filter((face) => face.found).length;
  const rest = not_searched ? [make("p", { textContent: words().not_searched(not_searched) })] : [];
  return [make("strong", { className: named ? "match" : "", textContent: words().faces_found(named, faces.length) }), make("ol", {}, ...rows), ...rest];
}

async function choose(files) {
  tell("enrol", () => words().preparing);
  chosen = [];
  const refused = [];
  for (const file of files) {
    try {
      chosen.push({ name: file.name, photo: await prepare(file) });
    } catch (error) {
      refused.push(textOf(error));
    }
  }
  if (chosen.length > 0) show("enrol", chosen[0].photo, chosen.map((one) => one.name).join(", "));
  tell("enrol", () => [...(chosen.length ? [words().selected(chosen.length)] : []), ...refused].join(" "));
  if (chosen.length > 0 && !nameField.value) nameField.focus();
}

async function enrol() {
  const name = nameField.value.trim();
  if (!name) {
    tell("enrol", () => words().name_first);
    return nameField.focus();
  }
  if (chosen.length === 0) {
    tell("enrol", () => words().photo_first);
    return cards.enrol.querySelector("input").focus();
  }
  const photos = chosen;
  const refused = [];
  for (const [index, { name: file, photo }] of photos.entries()) {
    tell("enrol", () => words().enrolling(index + 1, photos.length));
    try {
      await ask(`/page/people?full_name=${encodeURIComponent(name)}`, "POST", photo);
    } catch (error) {
      refused.push([file, textOf(error)]);
    }
  }
  const added = photos.length - refused.length;
  tell("enrol", () => [...(added ? [words().enrolled(added, name)] : []), ...refused.map((one) => words().refused(...one))].join(" "));
  if (added === 0) return;
  chosen = [];
  nameField.value = "";
  cards.enrol.querySelector(".canvas").hidden = true;
  cards.enrol.classList.remove("filled");
  await load();
}

async function load() {
  const found = new Map();
  let token = null;
  try {
    do {
      const page = await ask(`/page/faces?limit=100${token ? `&next_token=${encodeURIComponent(token)}` : ""}`);
      for (const face of page.faces) found.set(face.full_name, [...(found.get(face.full_name) ?? []), face]);
      token = page.next_token;
    } while (token);
  } catch (error) {
    find("#nobody").textContent = textOf(error);
    find("#nobody").hidden = false;
    return;
  }
  people = found;
  writeList();
}

function thumbnail(face) {
  const place = ["left", "top", "width", "height"].map((name) => face.box[name]).join(",");
  const src = `/page/thumbnail?path=${encodeURIComponent(face.image_path)}&box=${place}`;
  return make("img", { src, alt: words().photo_of(face.full_name), loading: "lazy", width: 72, height: 72 });
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function writeList() {
  const wanted = find("#filter").value.trim();
  const names = [...people.keys()].filter((name) => plain(name).includes(plain(wanted)));
  names.sort((one, other) => one.localeCompare(other, currentLanguage()));
  find("#list-title").textContent = words().people(people.size);
  find("#nobody").hidden = names.length > 0;
  find("#nobody").textContent = people.size === 0 ? words().nobody_yet : words().nobody_named(wanted);
  list.replaceChildren(...names.map(row));
}

function row(name) {
  const faces = people.get(name);
  const since = new Date(Math.min(...faces.map((face) => new Date(face.enrolled_at)))).toLocaleDateString(currentLanguage(), { dateStyle: "medium" });
  const erase = make("button", { type: "button", textContent: words().erase, ariaLabel: words().erase_person(name) });
  erase.addEventListener("click", () => confirmErasure(name));
  const more = make("button", { type: "button", textContent: words().details, ariaLabel: words().details_of(name) });
  more.addEventListener("click", () => details(name));
  const about = make("div", {}, make("strong", { textContent: name }), make("small", { textContent: `${words().photos(faces.length)}, ${words().since(since)}` }));
  return make("li", { className: "card" }, make("div", { className: "faces" }, ...faces.slice(0, 4).map(thumbnail)), about, make("div", { className: "tools" }, more, erase));
}

function confirmErasure(name) {
  const dialog = find("#erase");
  find("#erase-title").textContent = words().erase_title(name);
  find("#erase-text").textContent = words().erase_text(people.get(name).length);
  dialog.returnValue = "";
  dialog.addEventListener("close", () => { if (dialog.returnValue === "erase") erase(name); }, { once: true });
  dialog.showModal();
}

async function erase(name) {
  try {
    await ask(`/page/people/${encodeURIComponent(name)}`, "DELETE");
    tell("enrol", () => words().erased(name));
  } catch (error) {
    tell("enrol", () => textOf(error));
  }
  await load();
  find("#filter").focus();
}

listen(cards, async (files, card) => {
  if (files.length === 0) return;
  if (card === "search") await search(files[0]);
  else await choose(files);
}, () => false);
for (const act of ["keep", "erase"]) find(`#erase [data-act=${act}]`).addEventListener("click", () => find("#erase").close(act));
find("#filter").addEventListener("input", writeList);
everybody.addEventListener("change", () => { if (latest) search(latest); });
find("#enrol").addEventListener("submit", (event) => {
  event.preventDefault();
  enrol();
});
prepareDetails({
  make,
  ask,
  textOf,
  thumbnail,
  changed: async (text) => {
    await load();
    tell("enrol", () => text);
  },
});
// The browser's own bubble would speak the browser's language, not the page's.
find("#enrol").noValidate = true;

speak(WORDS, () => {
  writeList();
  for (const [card, write] of Object.entries(told)) tell(card, write);
});
reasons = await (await fetch("/page/reasons.json")).json();
await load();
