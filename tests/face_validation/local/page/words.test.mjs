import assert from "node:assert/strict";
import { test } from "node:test";

import { WORDS as EVALUATION } from "/page/evaluation_words.js";
import { WORDS as PEOPLE } from "/page/people_words.js";
import { WORDS as COMPARE } from "/page/words.js";

const shape = (words) => Object.entries(words).map(([name, value]) => [name, typeof value, typeof value === "object" ? shape(value) : value.length && typeof value === "function" ? value.length : 0]);

for (const [page, words] of Object.entries({ COMPARE, PEOPLE, EVALUATION })) {
  test(`${page}: Spanish says all that English says, from the same values`, () => {
    assert.deepEqual(shape(words.es), shape(words.en));
  });
}
