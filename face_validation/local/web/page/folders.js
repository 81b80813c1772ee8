// The files of a folder, as a user drops or chooses them, with their paths inside it.

const OTHER_TABLES = new Set(["labels.csv", "groups.csv"]);

export class FolderError extends Error {}

// [{path, file}] of a drop: folders are read to their end.
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map(filesOf))).flat();
}

// [{path, file}] of an input: of a folder the paths in it, of files their names.
export const chosenFiles = (files) => [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

// Whatever is chosen in the page's two inputs, or dropped anywhere on it, goes to `take`; `isBusy` drops nothing.
export function listenForFiles(card, take, isBusy) {
  for (const name of ["folder", "files"]) document.getElementById(name).addEventListener("change", ({ target }) => take(chosenFiles(target.files)));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    card.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) card.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    card.classList.remove("over");
    if (!isBusy()) take(droppedFiles(event.dataTransfer));
  });
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader gives a hundred entries at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (some.length === 0) break;
    found.push(...(await Promise.all(some.map(filesOf))).flat());
  }
  return found;
}

// What the server is sent: no hidden files, no outer folders that hold everything.
export const insideOf = (files) => withoutOuterFolders(files.filter(({ path }) => !path.split("/").some((part) => part.startsWith("."))));

// The same, the one CSV called cases.csv.
export function casesOf(files) {
  const inside = insideOf(files);
  const tables = inside.filter(({ path }) => /^[^/]+\.csv$/i.test(path) && !OTHER_TABLES.has(path));
  if (tables.some(({ path }) => path === "cases.csv")) return inside;
  if (tables.length > 1) throw new FolderError(tables.map(({ path }) => path).join(", "));
  return inside.map((one) => (one === tables[0] ? { ...one, path: "cases.csv" } : one));
}

function withoutOuterFolders(files) {
  const [first] = files;
  const outer = first?.path.includes("/") ? first.path.slice(0, first.path.indexOf("/") + 1) : "";
  // `face_to_face/` and the like say what the pairs in them are.
  const isLayout = /^(face_to_face|id_to_face|id_in_face)\/$/.test(outer);
  if (!outer || isLayout || !files.every(({ path }) => path.startsWith(outer))) return files;
  return withoutOuterFolders(files.map((one) => ({ ...one, path: one.path.slice(outer.length) })));
}
