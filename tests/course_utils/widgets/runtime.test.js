// The JavaScript of the widgets, without a browser; test_javascript.py runs this file in Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decades, innerState, panels, pythonLine, readRun, wrap } from "./explorer_views.js";
import {
  apart, channel, contour, contrast, fixed, linear, logarithmic, logTicks, luminance, niceCeiling, number, powerOfTen, readable,
  ticks,
} from "./runtime.js";

const close = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test("a linear scale keeps its ends, its middle and its inverse", () => {
  const y = linear([-2, 6], [400, 0]);
  assert.deepEqual([y(-2), y(2), y(6)], [400, 200, 0]);
  close(y.invert(y(1.234)), 1.234);
});

test("a logarithmic scale gives each decade the same room, and 0 a place below all", () => {
  const x = logarithmic([1e-3, 1e3], [0, 600]);
  for (let e = -3; e <= 3; e++) close(x(10 ** e), 100 * (e + 3), 1e-6);
  assert.ok(x(0) < -1000 && Number.isFinite(x(0)));
});

test("ticks are round, lie inside, and are about as many as asked for", () => {
  assert.deepEqual(ticks(-5, 2, 7), [-5, -4, -3, -2, -1, 0, 1, 2]);
  assert.deepEqual(ticks(0, 1, 5).map((t) => t.toFixed(1)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
  for (const [low, high, n] of [[-1.9, 1.9, 5], [0, 160, 4], [1e-7, 3e-7, 5], [-4e5, 9e5, 6]]) {
    const found = ticks(low, high, n);
    assert.ok(found.length >= 2 && found.length <= 2.6 * n, `${found}`);
    assert.ok(found.every((t) => t >= low - 1e-12 && t <= high + 1e-12), `${found}`);
    const step = found[1] - found[0];
    found.slice(1).forEach((t, i) => close((t - found[i]) / step, 1, 1e-6));
  }
  assert.ok(ticks(-1, 1, 4).some((t) => Object.is(t, 0)), "no minus before 0");
});

test("ticks of a logarithmic axis are powers of ten, thinned where they are many", () => {
  assert.deepEqual(logTicks(1e-2, 1e2, 6), [0.01, 0.1, 1, 10, 100]);
  const many = logTicks(1e-10, 1e2, 6);
  assert.ok(many.length <= 6 && many.at(-1) === 100);
  assert.equal(powerOfTen(1e-10), "10⁻¹⁰");
});

test("numbers are short, with a true minus, and a dash for what is none", () => {
  const cases = [[0, "0"], [-0.0711, "−0.0711"], [12345.6, "12300"], [1e-8, "1e−8"], [2.34e-7, "2.3e−7"], [4e9, "4e9"], [NaN, "–"], [Infinity, "–"]];
  for (const [value, text] of cases) assert.equal(number(value), text);
  assert.deepEqual([fixed(-0.001), fixed(-1.236), fixed(2)], ["0.00", "−1.24", "2.00"]);
  assert.deepEqual([0, 1, 1.01, 3, 5, 7e-4].map(niceCeiling).map((v) => Number(v.toPrecision(6))), [0, 1, 2, 5, 5, 0.001]);
});

test("the contours of a plane are straight, and those of a bowl lie at its radius", () => {
  const [columns, rows] = [21, 17];
  const grid = (f) => Float32Array.from({ length: columns * rows }, (_, k) => f(k % columns, Math.floor(k / columns)));
  const plane = contour(grid((x, y) => x), columns, rows, 7.25);
  assert.equal(plane.length, 4 * (rows - 1));
  for (let k = 0; k < plane.length; k += 2) close(plane[k], 7.25, 1e-6);
  const bowl = contour(grid((x, y) => (x - 10) ** 2 + (y - 8) ** 2), columns, rows, 36);
  assert.ok(bowl.length > 100);
  const ends = new Map();
  for (let k = 0; k < bowl.length; k += 2) {
    close(Math.hypot(bowl[k] - 10, bowl[k + 1] - 8), 6, 0.05);
    const key = `${bowl[k].toFixed(4)} ${bowl[k + 1].toFixed(4)}`;
    ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  assert.ok([...ends.values()].every((n) => n % 2 === 0), "the ring is closed: every point ends two pieces");
  assert.deepEqual(contour(grid(() => 1), columns, rows, 5), []);
});

test("a saddle inside one cell gives two pieces that do not cross", () => {
  const [ax, ay, bx, by, cx, cy, dx, dy] = contour([0, 1, 1, 0.2], 2, 2, 0.5);
  const side = (x, y) => Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));
  assert.equal(side(cx, cy), side(dx, dy));
});

test("labels are moved apart, in their order, and stay in the picture", () => {
  const boxes = [50, 51, 52, 99].map((y) => ({ left: 0, right: 40, y }));
  const ys = apart(boxes, 15, 0, 100);
  for (let i = 1; i < ys.length; i++) assert.ok(ys[i] - ys[i - 1] >= 14.8, `${ys}`);
  assert.ok(Math.min(...ys) >= 0 && Math.max(...ys) <= 100);
  assert.deepEqual(apart([{ left: 0, right: 9, y: 5 }, { left: 20, right: 29, y: 5 }], 15), [5, 5]);
});

// --- colours -------------------------------------------------------------------------------------------

const palette = JSON.parse(readFileSync(new URL("./palette.json", import.meta.url)));
const series = [...Object.values(palette.series), ...palette.more].map(([name]) => palette.colours[name]);

test("contrast is that of WCAG 2", () => {
  close(contrast("#000", "#ffffff"), 21);
  close(contrast("#777777", "#FFFFFF"), 4.48, 0.01);
  close(luminance("rgb(255, 255, 255)"), 1);
});

for (const side of ["light", "dark"]) {
  const paper = palette.paper[side];
  test(`${side}: all text on a canvas can be read, on the paper and on the darkest and lightest of the map`, () => {
    for (const text of [palette.ink[side], palette.muted[side]]) assert.ok(contrast(text, paper) >= 4.5);
    // Labels have a halo of the paper's colour; without it the ink alone must do.
    for (const shade of palette.loss[side]) assert.ok(contrast(palette.ink[side], shade) >= 4.5, `ink on ${shade}`);
    for (const colour of series) assert.ok(contrast(readable(colour, paper, 5), paper) >= 4.5, colour);
  });
  test(`${side}: the edge of every line and mark has 3 to 1 on the paper around it`, () => {
    for (const colour of series) assert.ok(contrast(readable(colour, paper, 4.5), paper) >= 3, colour);
  });
}

test("no two series share both colour and dashes", () => {
  const looks = [...Object.values(palette.series), ...palette.more].map((look) => JSON.stringify(look));
  assert.equal(new Set(looks).size, looks.length);
});

// --- messages ------------------------------------------------------------------------------------------

function kernel() {
  const sent = [];
  const model = { send: (message) => sent.push(message), on: (_, f) => (model.reply = f), off: () => (model.reply = null) };
  return { model, sent };
}

test("one question is in flight, of those that wait the latest wins, and late answers are dropped", () => {
  const { model, sent } = kernel();
  const answers = [];
  let idle = 0;
  const line = channel(model, { answer: (reply, _, asked) => answers.push([reply.text, asked.n]), idle: () => idle++ });
  for (const n of [1, 2, 3, 4]) line.ask({ n });
  assert.deepEqual(sent.map(({ n }) => n), [1]);
  model.reply({ seq: sent[0].seq - 1, text: "of another view" });
  assert.deepEqual(answers, []);
  model.reply({ seq: sent[0].seq, text: "one" });
  assert.deepEqual(sent.map(({ n }) => n), [1, 4]);
  assert.equal(idle, 0);
  model.reply({ seq: sent[0].seq, text: "one again" });
  model.reply({ seq: sent[1].seq, text: "four" });
  assert.deepEqual(answers, [["one", 1], ["four", 4]]);
  assert.equal(idle, 1);
  assert.equal(line.busy, false);
  line.stop();
});

test("a kernel that is gone is noticed, and one that cannot be reached at once", async () => {
  const { model } = kernel();
  let silent = 0;
  const line = channel(model, { answer() {}, silent: () => silent++, patience: 10 });
  line.ask({ n: 1 });
  await new Promise((done) => setTimeout(done, 40));
  assert.equal(silent, 1);
  line.stop();
  const broken = channel({ send() { throw new Error("closed"); }, on() {}, off() {} }, { answer() {}, silent: () => silent++ });
  broken.ask({ n: 2 });
  assert.equal(silent, 2);
  broken.stop();
});

// --- the explorer --------------------------------------------------------------------------------------

test("a run is read with its ends, between its steps, and step by step", () => {
  const run = readRun(Float32Array.from([0, 0, 9, 3, 4, 5, 6, 8, 1, 1, 1, 7, NaN, NaN, NaN, NaN, NaN, NaN]), 2, 2);
  assert.deepEqual(run.last, [2, 0]);
  assert.deepEqual(run.position(0, 1.5), [4.5, 6, 3]);
  assert.deepEqual(run.position(1, 2), [1, 1, 7]);
  assert.deepEqual([run.stepLength(0, 1), run.moves(1)], [5, false]);
});

test("the state becomes one line of Python that leaves out what is as always", () => {
  const defaults = { learning_rate: 0.07, beta1: 0.9, epsilon: 1e-8, noise: 1.5 };
  const state = { surface: "noisy bowl", start: [-3.5, 1.7], schedule: "constant", ...defaults };
  assert.equal(pythonLine("a, b", state, defaults), 'optimizer_explorer(a, b, surface="noisy bowl", start=(-3.5, 1.7), learning_rate=0.07)');
  const other = { ...state, epsilon: 1e-12, noise: 0, schedule: "half a cosine" };
  assert.ok(pythonLine("", other, defaults).endsWith('learning_rate=0.07, epsilon=1e-12, noise=0, schedule="half a cosine")'));
});

test("small panels do not touch each other and stay in the picture", () => {
  for (const count of [0, 1, 2, 4, 5, 9]) {
    const boxes = panels(count, { width: 600, height: 440 });
    assert.equal(boxes.length, Math.max(1, count));
    boxes.forEach((a, i) => {
      assert.ok(a.left >= 0 && a.right <= 600 && a.top >= 0 && a.bottom <= 440 && a.right - a.left > 100 && a.bottom - a.top > 60);
      for (const b of boxes.slice(i + 1)) assert.ok(a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top);
    });
  }
});

test("the loss axis ends at whole decades around the values, and not endlessly deep", () => {
  assert.deepEqual(decades(0.02, 30, 30, 10).map((v) => Math.round(Math.log10(v))), [-2, 2]);
  const [low, high] = decades(1e-40, 10, 10, 10);
  close(Math.log10(high / low), 10, 1e-6);
  assert.ok(decades(Infinity, -Infinity, 1, 10).every(Number.isFinite));
});

test("bias correction divides by 1 - beta^t, and only where the function knows t", () => {
  const rows = new Float32Array(14);
  rows.set([1, -2, 0.1, -0.2, 0.01, 0.04, 0.07], 7);
  const options = { betas: { velocity: 0.9, squares: 0.99 }, move: [-0.07, 0.07] };
  const [, velocity, squares, step] = innerState(rows, 1, { ...options, corrects: ["velocity", "squares"] });
  velocity.corrected.forEach((v, k) => close(v, [1, -2][k], 1e-6)); // after one step it is the slope itself
  squares.corrected.forEach((v, k) => close(v, [1, 2][k], 1e-6));
  assert.deepEqual(step.vector, [-0.07, 0.07]);
  const [, plain] = innerState(rows, 1, { ...options, corrects: [] });
  assert.equal(plain.corrected, null);
  rows.fill(NaN, 9, 13);
  assert.equal(innerState(rows, 1, { ...options, corrects: [] })[1].said, "keeps none");
});

test("words are wrapped where they no longer fit, and none is lost", () => {
  const lines = wrap("a function that never ends is shown as such", (text) => text.length <= 14);
  assert.ok(lines.every((line) => line.length <= 14));
  assert.equal(lines.join(" "), "a function that never ends is shown as such");
});
