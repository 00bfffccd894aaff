import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { OURS } from "../ours.js";
import { SHARED } from "../src/lib/store.js";

const sources = readdirSync("src", { recursive: true })
  .filter((path) => path.endsWith(".js"))
  .map((path) => [path, readFileSync(`src/${path}`, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")]);
const all = sources.map(([, code]) => code).join("\n");

test("the names to be shortened are in order, and in use", () => {
  assert.equal(new Set(OURS).size, OURS.length);
  assert.deepEqual(OURS.filter((name) => !new RegExp(`\\b${name}\\b`).test(all)), []);
});

test("what Python knows is named in quotes", () => {
  for (const name of Object.keys(SHARED)) assert.equal(SHARED[name], name);
  const wire = sources.find(([path]) => path.endsWith("wire.js"))[1];
  assert.doesNotMatch(wire, /\b(m|fusion)\.\w/);
  // Messages, there and back.
  for (const [path, code] of sources) {
    assert.doesNotMatch(code, /\b(send|missing)\(\{ *\w/, path);
    assert.doesNotMatch(code, /\bcontent\??\.\w/, path);
  }
});
