import assert from "node:assert/strict";
import { test } from "node:test";

import { FolderError, casesOf, chosenFiles, droppedFiles } from "/page/folders.js";

const of = (...paths) => paths.map((path) => ({ path, file: path }));
const paths = (files) => casesOf(files).map(({ path }) => path);

test("the only CSV is the one with the pairs, whatever its name", () => {
  assert.deepEqual(paths(of("my pairs.CSV", "a/1.jpg")), ["cases.csv", "a/1.jpg"]);
});

test("cases.csv stays what it is beside other CSV files", () => {
  assert.deepEqual(paths(of("cases.csv", "people.csv")), ["cases.csv", "people.csv"]);
});

test("labels.csv and groups.csv are not the pairs", () => {
  assert.deepEqual(paths(of("labels.csv", "groups.csv", "face_to_face/1/a.jpg")), ["labels.csv", "groups.csv", "face_to_face/1/a.jpg"]);
});

test("two CSV files without a cases.csv are asked about, by their names", () => {
  assert.throws(() => casesOf(of("a.csv", "b.csv")), (error) => error instanceof FolderError && error.message === "a.csv, b.csv");
});

test("outer folders that hold everything are left out, however deep", () => {
  assert.deepEqual(paths(of("all/november/pairs.csv", "all/november/1.jpg")), ["cases.csv", "1.jpg"]);
});

test("the folders that say what the pairs are stay", () => {
  assert.deepEqual(paths(of("mine/face_to_face/1/a.jpg", "mine/face_to_face/2/a.jpg")), ["face_to_face/1/a.jpg", "face_to_face/2/a.jpg"]);
});

test("hidden files and what lies in hidden folders are not sent", () => {
  assert.deepEqual(paths(of("x/.DS_Store", "x/.git/config", "x/1.jpg")), ["1.jpg"]);
});

test("nothing chosen is nothing", () => {
  assert.deepEqual(casesOf([]), []);
});

test("of an input's folder the paths count, of its files their names", () => {
  const files = [{ name: "1.jpg", webkitRelativePath: "a/1.jpg" }, { name: "2.jpg", webkitRelativePath: "" }];
  assert.deepEqual(chosenFiles(files).map(({ path }) => path), ["a/1.jpg", "2.jpg"]);
});

test("a dropped folder is read to its end, though its reader gives a part at a time", async () => {
  const file = (fullPath) => ({ isFile: true, fullPath, file: (give) => give(fullPath) });
  const parts = [[file("/a/1.jpg"), file("/a/2.jpg")], [file("/a/3.jpg")], []];
  const folder = { isFile: false, createReader: () => ({ readEntries: (give) => give(parts.shift()) }) };

  const found = await droppedFiles({ items: [{ webkitGetAsEntry: () => folder }], files: [] });

  assert.deepEqual(found.map(({ path }) => path), ["a/1.jpg", "a/2.jpg", "a/3.jpg"]);
});
