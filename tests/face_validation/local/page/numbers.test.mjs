import assert from "node:assert/strict";
import { test } from "node:test";

import { inWhole, nearest } from "/page/boxes.js";
import { curlOf, pythonOf } from "/page/developers.js";
import { percent } from "/page/numbers.js";

test("a similarity is written with two decimals, and only 100 as 100", () => {
  assert.equal(percent(87.654), "87.65");
  assert.equal(percent(100), "100.00");
  assert.equal(percent(99.9999), "99.99");
});

test("a similarity just below a limit is not written as the limit", () => {
  for (let digits = 3; digits < 6; digits += 1) {
    const below = 99 - 10 ** -digits;
    assert.ok(Number(percent(below, [80, 99])) < 99, String(below));
  }
  assert.equal(percent(99, [80, 99]), "99.00");
});

test("a box of a part lies at the same place in the whole", () => {
  const area = { left: 0.5, top: 0.25, width: 0.5, height: 0.5 };
  assert.deepEqual(inWhole({ left: 0.5, top: 0.5, width: 0.1, height: 0.2 }, area), { left: 0.75, top: 0.5, width: 0.05, height: 0.1 });
});

test("the nearest face is the one whose middle is nearest", () => {
  const faces = [0, 0.3, 0.6].map((left) => ({ box: { left, top: 0.1, width: 0.2, height: 0.2 } }));
  assert.equal(nearest(faces, { left: 0.35, top: 0.1, width: 0.2, height: 0.2 }), 1);
});

test("the commands for developers name what the question names, and no source where there is none", () => {
  assert.match(curlOf("ID_IN_FACE", ["target"], 99), /"target_path":"target.jpg","threshold":99/);
  assert.doesNotMatch(curlOf("ID_IN_FACE", ["target"], 99), /source_path/);
  assert.match(pythonOf("ID_IN_FACE", ["target"], 99), /validate_files\(None, "target.jpg", "ID_IN_FACE", threshold=99\)/);
});
