import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));

/** What each room may import, types included: only rooms that stand above it in this table. */
const ROOMS = {
  evidence: "",
  geometry: "evidence",
  wording: "evidence",
  state: "evidence",
  kit: "evidence wording state",
  "views/controls": "evidence wording state kit",
  "views/flow": "evidence geometry state kit",
  "views/text": "evidence geometry wording state kit",
  "views/matrix": "evidence geometry wording state kit views/controls views/text",
  "views/comparison": "evidence wording state kit views/controls views/text",
  views: "evidence wording state kit views/controls views/flow views/text views/matrix views/comparison",
  "patches/evidence": "evidence wording state",
  "patches/wording": "evidence wording patches/evidence",
  patches:
    "evidence geometry wording state kit views/controls views/text views/comparison views " +
    "patches/evidence patches/wording",
  host: "evidence state views",
  // The entries.
  ".": "kit views/controls views patches/evidence patches host",
};

const files = readdirSync(SOURCES, { recursive: true })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".js"));

/** The files that a file imports; in comments it imports types. */
const importsOf = (file, withTypes) => {
  const code = readFileSync(join(SOURCES, file), "utf8");
  const searched = withTypes ? code : code.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...searched.matchAll(/\b(?:from|import)\b\s*\(?\s*"(\.[^"]+\.js)"/g)].map(([, path]) =>
    posix.join(dirname(file), path),
  );
};

test("every file lies in a room, and every room is in use", () => {
  assert.deepEqual([...new Set(files.map((file) => dirname(file)))].sort(), Object.keys(ROOMS).sort());
});

test("what a room may import stands above it", () => {
  const known = new Set();
  for (const [room, allowed] of Object.entries(ROOMS)) {
    for (const other of allowed.split(" ").filter(Boolean)) assert.ok(known.has(other), `${room}: ${other}`);
    known.add(room);
  }
});

test("no file imports what its room may not", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file, true)
      .filter((other) => dirname(other) !== dirname(file))
      .filter((other) => !ROOMS[dirname(file)].split(" ").includes(dirname(other)))
      .map((other) => `${file} imports ${other}`),
  );
  assert.deepEqual(wrong, []);
});

test("no circle of files", () => {
  const finished = new Set();
  const visit = (file, path) => {
    assert.ok(!path.includes(file), `a circle: ${[...path, file].join(" → ")}`);
    if (finished.has(file)) return;
    for (const other of importsOf(file, false)) visit(other, [...path, file]);
    finished.add(file);
  };
  for (const file of files) visit(file, []);
});
