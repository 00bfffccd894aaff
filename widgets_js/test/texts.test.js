import assert from "node:assert/strict";
import test from "node:test";
import bundle from "../src/texts.js";
import { mockModel } from "../testing/mock_model.js";
import { media, observers, settle, window } from "../testing/page.js";
import { sample } from "../testing/sample.js";

const { render } = bundle;

/** @param {object} traits */
async function mounted(traits) {
  const saved = [];
  const sent = [];
  const model = mockModel(traits, { onSave: (c) => saved.push(c), onSend: (c) => sent.push(c) });
  const el = document.createElement("div");
  document.body.append(el);
  const stop = render({ model, el });
  await settle();
  const find = (selector) => el.querySelector(selector);
  const named = (role, name) =>
    [...el.querySelectorAll(`[role=${role}]`)].find((n) => n.textContent.trim().startsWith(name));
  return { model, el, stop, saved, sent, find, named };
}

test("every view mounts, and leaves nothing behind", async () => {
  for (const view of ["workbench", "tokens", "flow", "rollout"]) {
    const { model, el, stop } = await mounted({ ...sample(), _view: view });
    assert.equal(el.querySelector(".calig").dataset.view, view);
    assert.ok(model.subscribed() > 10);
    stop();
    assert.equal(model.subscribed(), 0);
    assert.equal(el.childNodes.length, 0);
  }
  assert.equal(observers.size, 0);
  assert.equal(media.listeners, 0);
});

test("picking a class flips the picture at once when the question is mirrored", async () => {
  const { saved, named, find, stop } = await mounted(sample());
  const before = find(".ledger .sum b").textContent;
  named("radio", "negative").click();
  await settle();
  assert.deepEqual(saved, [{ target: 0 }]);
  const after = find(".ledger .sum b").textContent;
  assert.notEqual(after, before);
  assert.equal(after.slice(1), before.slice(1));
  assert.equal(find(".notice").hidden, true);
  stop();
});

test("another class without a kernel is refused and says why", async () => {
  const meta = { antisymmetric: false };
  const { saved, named, stop } = await mounted(sample({ meta }));
  const other = named("radio", "negative");
  assert.equal(other.getAttribute("aria-disabled"), "true");
  assert.match(other.title, /needs a running kernel/);
  other.click();
  assert.deepEqual(saved, []);
  stop();
});

test("another class with a kernel waits for Python, then shows its answer", async () => {
  const meta = { antisymmetric: false, live: true };
  const { model, saved, named, find, stop } = await mounted(sample({ meta }));
  named("radio", "negative").click();
  await settle();
  assert.deepEqual(saved, [{ target: 0 }]);
  assert.equal(find(".notice").hidden, false);
  assert.match(find(".notice").textContent, /Explaining “negative”/);
  const { _meta, _r, _G_columns, _matrices } = sample({ meta: { ...meta, target: 0 } });
  model.receive({ _meta, _r, _G_columns, _matrices });
  await settle();
  assert.equal(find(".notice").hidden, true);
  assert.match(find(".ledger th.plus").textContent, /supports negative/);
  stop();
});

test("a class set from Python reaches the picker, without an echo", async () => {
  const { model, saved, find, stop } = await mounted(sample());
  model.receive({ target: 0, lam: 0.25, selected: [2] });
  await settle();
  assert.match(find("[role=radio][aria-checked=true]").textContent, /negative/);
  assert.equal(find(".lam output").textContent, "0.25");
  assert.equal(find(".w.on").textContent, "good");
  assert.deepEqual(saved, []);
  stop();
});

test("a method of one signal has no λ to move", async () => {
  for (const single of [true, false]) {
    const { find, stop } = await mounted(sample({ meta: { single } }));
    assert.equal(find("label.lam").hidden, single);
    stop();
  }
});

test("λ is told to Python in steps while it moves, and for certain at the end", async () => {
  const { find, saved, stop } = await mounted(sample());
  const slider = find(".lam input");
  for (let i = 1; i <= 10; i++) {
    slider.value = String(i / 20);
    slider.dispatchEvent(new window.Event("input", { bubbles: true }));
  }
  assert.equal(saved.length, 0);
  slider.value = "0.7";
  slider.dispatchEvent(new window.Event("change", { bubbles: true }));
  assert.deepEqual(saved, [{ lam: 0.7 }]);
  await new Promise((done) => setTimeout(done, 150));
  assert.equal(saved.length, 1);
  stop();
});

test("what a new λ does not change keeps its node", async () => {
  const { el, stop, find } = await mounted({ ...sample(), _view: "workbench" });
  const texts = () => [...el.querySelectorAll(".flow text")];
  const before = texts();
  const said = before.map((n) => n.textContent);
  const slider = find(".lam input");
  slider.value = "0.9";
  slider.dispatchEvent(new window.Event("input", { bubbles: true }));
  await settle();
  const kept = texts().filter((n) => before.includes(n));
  assert.ok(
    kept.some((n) => n.textContent.startsWith("Layer")),
    "layers' names",
  );
  for (const n of kept) assert.equal(n.textContent, said[before.indexOf(n)]);
  assert.ok(
    texts().some((n) => !before.includes(n)),
    "the sums are new",
  );
  // What is drawn is what a fresh view would draw.
  const fresh = await mounted({ ...sample(), _view: "workbench", lam: 0.9 });
  const drawn = (root) =>
    [...root.querySelectorAll(".flow svg > g:first-of-type")].map((g) =>
      g.innerHTML.replaceAll(/calig-\w+/g, ""),
    );
  assert.deepEqual(drawn(el), drawn(fresh.el));
  fresh.stop();
  stop();
});

test("a hand that comes back to where it was lets go", async () => {
  const { model, find, stop } = await mounted(sample());
  const slider = find(".lam input");
  for (const value of ["0.7", "0.5"]) {
    slider.value = value;
    slider.dispatchEvent(new window.Event("input", { bubbles: true }));
  }
  slider.dispatchEvent(new window.Event("pointerup", { bubbles: true })); // no change, for nothing changed
  model.receive({ selected: [2] });
  await settle();
  assert.equal(find("[aria-label^=Undo]").getAttribute("aria-disabled"), "false");
  stop();
});

test("a click that moves no slider says nothing", async () => {
  const { find, saved, stop } = await mounted({ ...sample(), lam: NaN }); // each layer has its own λ
  for (const name of ["pointerup", "change"]) {
    find(".lam input").dispatchEvent(new window.Event(name, { bubbles: true }));
  }
  await settle();
  assert.deepEqual(saved, []);
  stop();
});

test("missing matrices are asked for once, and taken from the message", async () => {
  const { model, sent, find, stop } = await mounted(sample({ matrices: false }));
  assert.deepEqual(sent, [{ kind: "matrices" }]);
  assert.match(find(".caption").textContent, /on their way/);
  model.message({ kind: "matrices" }, [sample({ odd: 1 })._matrices]);
  await settle();
  assert.doesNotMatch(find(".caption").textContent, /on their way/);
  stop();
});

test("an error from Python is shown and can be dismissed", async () => {
  const { model, find, stop } = await mounted(sample());
  model.receive({ _error: "target must be one of …, got 'x'." });
  await settle();
  assert.match(find(".notice").textContent, /got 'x'/);
  find(".notice button").click();
  await settle();
  assert.equal(find(".notice").hidden, true);
  stop();
});

test("a check is asked of Python for the λ on screen, and answered in words", async () => {
  const { model, sent, find, stop } = await mounted(sample({ meta: { live: true } }));
  const check = find(".bar [aria-label^=Check]");
  assert.equal(check.hidden, false);
  model.receive({ lam: 0.25 });
  check.click();
  assert.deepEqual(sent, [{ kind: "check", lam: 0.25 }]);
  model.receive({ _busy: true });
  await settle();
  assert.match(find(".notice").textContent, /Python is at work/);
  model.message({ kind: "check", lam: 0.25, text: "This explanation holds. <b>" });
  model.receive({ _busy: false });
  await settle();
  assert.match(find(".notice span").textContent, /This explanation holds\. <b>/);
  check.click();
  await settle();
  assert.equal(find(".notice").hidden, true);
  model.message({ kind: "check", error: "explainer must hold the model" });
  await settle();
  assert.match(find(".notice").textContent, /must hold the model/);
  stop();
});

test("nothing is checked where there is no model to ask", async () => {
  const { find, stop } = await mounted(sample({ meta: { live: false } }));
  assert.equal(find(".bar [aria-label^=Check]").hidden, true);
  stop();
});

test("data that does not fit together is reported, not drawn", async () => {
  const { model, find, stop } = await mounted(sample());
  model.receive({ _r: new DataView(new ArrayBuffer(8)) });
  await settle();
  assert.match(find(".notice").textContent, /_r must hold 60 bytes, got 8/);
  model.receive({ _r: sample()._r });
  await settle();
  assert.equal(find(".notice").hidden, true);
  stop();
});

test("hostile tokens stay text", async () => {
  const bad = "<img src=x onerror=alert(1)>";
  const meta = {
    text: bad,
    tokens: ["[CLS]", bad, "b", "c", "[SEP]"],
    offsets: [
      [0, 0],
      [0, bad.length],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  };
  const { el, stop } = await mounted(sample({ meta }));
  assert.equal(el.querySelectorAll("img").length, 0);
  assert.ok([...el.querySelectorAll(".w")].some((w) => w.textContent === bad));
  stop();
});

test("a special token that takes nearly all does not blur the ledger of the words", async () => {
  const traits = { ...sample(), _view: "tokens", lam: 1 };
  const r = Float32Array.from({ length: 15 }, (_, i) => (i % 5 ? Math.sin(i * 1.7) : 400));
  traits._r = new DataView(r.buffer);
  const { el, stop } = await mounted(traits);
  const values = [...el.querySelectorAll(".ledger .value")].map((node) => node.textContent);
  assert.ok(values.length > 1);
  for (const value of values) assert.match(value, /^0\.00\d*[1-9]/);
  stop();
});
