import {
  arrow, axes, contour, dot, fieldImage, labelBeside, linear, logarithmic, logTicks, niceCeiling, number, powerOfTen,
  readable, strokeLine, ticks, widestText,
} from "./runtime.js";

// What the optimizer explorer draws: maps, curves over the steps, and the dials of one update's inner state.

// --- reading a run -------------------------------------------------------------------------------------

// Paths are (w1, w2, loss) of every step of every racer, NaN from where one ended.
export function readRun(paths, count, steps) {
  const stride = 3 * (steps + 1);
  const at = (i, t, k) => paths[i * stride + 3 * t + k];
  const last = Array.from({ length: count }, (_, i) => {
    let t = 0;
    while (t < steps && Number.isFinite(at(i, t + 1, 0))) t++;
    return t;
  });
  return {
    at,
    last,
    moves: (i) => last[i] > 0,
    // Where racer i is at a step that may lie between two whole ones; it waits where it ended.
    position(i, t) {
      const reached = Math.min(t, last[i]);
      const [low, part] = [Math.floor(reached), reached % 1];
      return [0, 1, 2].map((k) => at(i, low, k) + (part ? part * (at(i, low + 1, k) - at(i, low, k)) : 0));
    },
    stepLength: (i, t) => Math.hypot(at(i, t, 0) - at(i, t - 1, 0), at(i, t, 1) - at(i, t - 1, 1)),
  };
}

// The state as one line of Python; what stands at its default is left out, except the learning rate.
export function pythonLine(call, { surface, start, schedule, ...values }, defaults) {
  const settings = Object.entries(values)
    .filter(([key, value]) => key === "learning_rate" || value !== defaults[key])
    .map(([key, value]) => `${key}=${value}`);
  if (schedule !== "constant") settings.push(`schedule=${JSON.stringify(schedule)}`);
  const where = [`surface=${JSON.stringify(surface)}`, `start=(${start.join(", ")})`];
  return `optimizer_explorer(${[...(call ? [call] : []), ...where, ...settings].join(", ")})`;
}

// --- maps ----------------------------------------------------------------------------------------------

// Where each of count panels lies in a picture: one fills it, several share it in rows.
export function panels(count, { width, height }) {
  const columns = count < 2 ? 1 : count < 5 ? 2 : 3;
  const rows = Math.max(1, Math.ceil(count / columns));
  return Array.from({ length: Math.max(1, count) }, (_, k) => {
    const [column, row] = [k % columns, Math.floor(k / columns)];
    const [wide, high] = [width / columns, (height - 18) / rows];
    return {
      left: column * wide + 40, right: (column + 1) * wide - 8, top: row * high + 22, bottom: (row + 1) * high - (rows > 1 ? 20 : 24),
    };
  });
}

export function mapScales(box, [low1, high1, low2, high2]) {
  return [linear([low1, high1], [box.left, box.right]), linear([low2, high2], [box.bottom, box.top])];
}

export function paintField({ values, columns, rows, levels }, [width, height], scale, theme) {
  const image = fieldImage(values, columns, rows, levels, theme.loss, width, height);
  const context = image.getContext("2d");
  const [sx, sy] = [(width - 1) / (columns - 1), (height - 1) / (rows - 1)];
  context.strokeStyle = theme.dark ? "rgba(255,255,255,0.16)" : "rgba(40,52,80,0.2)";
  context.lineWidth = scale;
  context.beginPath();
  for (const level of levels) {
    const segments = contour(values, columns, rows, level);
    for (let k = 0; k < segments.length; k += 4) {
      context.moveTo(segments[k] * sx, height - 1 - segments[k + 1] * sy);
      context.lineTo(segments[k + 2] * sx, height - 1 - segments[k + 3] * sy);
    }
  }
  context.stroke();
  return image;
}

// One panel: the field, its axes, the paths of `who` up to a step; `behind` are drawn thin, without labels.
export function drawMap(context, box, theme, { field, surface, run, racers, who, behind = [], step, start, hint, small, corner }) {
  const [x, y] = mapScales(box, surface.bounds);
  const [low1, high1, low2, high2] = surface.bounds;
  context.drawImage(field, box.left, box.top, box.right - box.left, box.bottom - box.top);
  axes(context, box, theme, {
    x, y,
    xTicks: ticks(low1, high1, (box.right - box.left) / 70),
    yTicks: ticks(low2, high2, small ? 3 : 5),
    xLabel: small ? "" : "W1",
    yLabel: small ? "" : "b1",
  });
  for (const [w1, w2] of surface.minima) star(context, x(w1), y(w2), theme, small ? 6 : 8);
  context.save();
  const inside = new Path2D();
  inside.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  context.clip(inside);
  context.strokeStyle = theme.muted;
  context.globalAlpha = 0.5;
  for (const i of behind) context.stroke(pathOf(run, i, step, x, y));
  context.globalAlpha = 1;
  for (const i of who) strokeLine(context, pathOf(run, i, step, x, y), racers[i], theme);
  context.restore();

  square(context, x(start[0]), y(start[1]), theme, small ? 4.5 : 7);
  const marks = who.map((i) => {
    const [w1, w2] = run.position(i, step);
    const px = Math.min(Math.max(x(w1), box.left + 6), box.right - 6);
    const py = Math.min(Math.max(y(w2), box.top + 6), box.bottom - 6);
    const away = px !== x(w1) || py !== y(w2);
    if (away) arrow(context, px, py, Math.atan2(y(w2) - py, x(w1) - px), racers[i], theme);
    else dot(context, px, py, racers[i], theme);
    return { x: px, y: py, text: racers[i].name, colour: racers[i].colour };
  });
  if (step === 0 || small) marks.length = 0;
  if (hint) marks.unshift({ x: x(start[0]) + 2, y: y(start[1]), text: hint, colour: theme.ink });
  labelBeside(context, marks, box, theme);
  if (corner) heading(context, corner, box, theme);
}

function pathOf(run, i, step, x, y) {
  const path = new Path2D();
  path.moveTo(x(run.at(i, 0, 0)), y(run.at(i, 0, 1)));
  const reached = Math.min(step, run.last[i]);
  for (let t = 1; t <= reached; t++) path.lineTo(x(run.at(i, t, 0)), y(run.at(i, t, 1)));
  const [w1, w2] = run.position(i, step);
  path.lineTo(x(w1), y(w2));
  return path;
}

// The name above a small panel, and what happened to the racer if it does not move.
function heading(context, { name, colour, said }, box, theme) {
  context.save();
  context.font = `600 13px ${theme.font}`;
  context.textBaseline = "bottom";
  context.fillStyle = readable(colour, theme.paper, 5);
  context.fillText(name, box.left, box.top - 5);
  if (said) {
    context.font = `12px ${theme.font}`;
    const lines = wrap(said, (text) => context.measureText(text).width <= box.right - box.left - 16);
    context.lineJoin = "round";
    context.lineWidth = 5;
    context.strokeStyle = theme.paper;
    context.fillStyle = theme.ink;
    lines.slice(0, 4).forEach((line, k) => {
      context.strokeText(line, box.left + 8, box.top + 24 + 16 * k);
      context.fillText(line, box.left + 8, box.top + 24 + 16 * k);
    });
  }
  context.restore();
}

export function wrap(text, fits) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) === "" || fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function star(context, x, y, theme, size) {
  context.save();
  context.beginPath();
  for (let k = 0; k < 10; k++) {
    const [radius, angle] = [k % 2 ? size * 0.42 : size, (Math.PI * k) / 5 - Math.PI / 2];
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = theme.paper;
  context.stroke();
  context.fillStyle = theme.ink;
  context.fill();
  context.restore();
}

function square(context, x, y, theme, half) {
  context.save();
  for (const [width, colour] of [[5, theme.paper], [2.2, theme.ink]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
  context.restore();
}

// --- curves over the steps -----------------------------------------------------------------------------

// Whole decades around the values, so that the axis stands still while a slider moves; not endlessly deep.
export function decades(low, high, begin, most) {
  const top = Math.min(Math.ceil(Math.log10(high > 0 ? high : 1) + 0.02), Math.ceil(Math.log10(begin || 1)) + 1);
  const bottom = Math.max(Number.isFinite(low) ? Math.floor(Math.log10(low)) : -2, top - most);
  return [10 ** Math.min(bottom, top - 2), 10 ** top];
}

// Logarithmic curves, value(i, t) from step `first` on; here(i) is where the curve of racer i has got to.
export function drawCurves(context, { width, height }, theme, { run, racers, who, steps, step, value, here, first, label, most, ticksWanted }) {
  const room = widestText(context, racers.map((racer) => racer.name), theme, 12) + 18;
  const box = { left: 44, right: width - room, top: 22, bottom: height - 42 };
  let [low, high, begin] = [Infinity, -Infinity, 1];
  for (const i of who) {
    begin = value(i, first);
    for (let t = first; t <= run.last[i]; t++) {
      const v = value(i, t);
      if (v > 0) [low, high] = [Math.min(low, v), Math.max(high, v)];
    }
  }
  const [yLow, yHigh] = decades(low, high, begin, most);
  const x = linear([0, steps], [box.left, box.right]);
  const y = logarithmic([yLow, yHigh], [box.bottom, box.top]);
  const yTicks = logTicks(yLow, yHigh, ticksWanted);
  context.save();
  context.strokeStyle = theme.muted;
  context.globalAlpha = 0.18;
  context.beginPath();
  for (const tick of yTicks) {
    context.moveTo(box.left, Math.round(y(tick)) + 0.5);
    context.lineTo(box.right, Math.round(y(tick)) + 0.5);
  }
  context.stroke();
  context.restore();
  axes(context, box, theme, {
    x, y, xTicks: ticks(0, steps, (box.right - box.left) / 45), yTicks, xLabel: "step", yLabel: label, yFormat: powerOfTen,
  });
  context.save();
  const inside = new Path2D();
  inside.rect(box.left, box.top, width, box.bottom - box.top);
  context.clip(inside);
  const marks = [];
  for (const i of who) {
    const path = new Path2D();
    const reached = Math.max(first, Math.min(step, run.last[i]));
    path.moveTo(x(first), y(value(i, first)));
    for (let t = first + 1; t <= reached; t++) path.lineTo(x(t), y(value(i, t)));
    const end = [x(reached), y(here(i))];
    path.lineTo(...end);
    strokeLine(context, path, { ...racers[i], width: 2 }, theme);
    // Whoever left the picture is marked where that happened.
    if (end[1] > box.bottom || end[1] < box.top) {
      let t = Math.floor(reached);
      while (t > first && (y(value(i, t)) > box.bottom || y(value(i, t)) < box.top)) t--;
      end[0] = x(t);
    }
    marks.push({ x: end[0], y: end[1], text: racers[i].name, colour: racers[i].colour });
  }
  context.restore();
  for (const mark of marks) {
    if (mark.y > box.bottom) arrow(context, mark.x, (mark.y = box.bottom - 5), Math.PI / 2, mark, theme);
    else if (mark.y < box.top) arrow(context, mark.x, (mark.y = box.top + 5), -Math.PI / 2, mark, theme);
    else dot(context, mark.x, mark.y, mark, theme, 3.5);
  }
  labelBeside(context, marks, { ...box, right: width }, theme, 12);
}

// --- the inner state -----------------------------------------------------------------------------------

const pair = ([a, b]) => `(${number(a)}, ${number(b)})`;

// The dials of one step: rows hold (slope, slope, velocity, velocity, square, square, rate) for every step.
export function innerState(rows, t, { corrects, betas, move }) {
  const at = (k) => [rows[7 * t + k], rows[7 * t + k + 1]];
  const root = ([a, b]) => [Math.sqrt(a), Math.sqrt(b)];
  const divisor = (name) => (corrects.includes(name) ? 1 - betas[name] ** t : 1);
  const average = (name, k, shape) => {
    const raw = at(k);
    if (!raw.every(Number.isFinite)) return { vector: null, said: "keeps none" };
    const fix = divisor(name);
    const corrected = corrects.includes(name) ? shape(raw.map((v) => v / fix)) : null;
    const said = corrected ? `${pair(shape(raw))}, corrected ${pair(corrected)}` : pair(shape(raw));
    return { vector: shape(raw), corrected, fix, said };
  };
  return [
    { name: "slope", vector: at(0), said: pair(at(0)) },
    { name: "velocity", ...average("velocity", 2, (v) => v) },
    { name: "√squares", ...average("squares", 4, root), ellipse: true },
    { name: "step", vector: move, said: pair(move) },
  ];
}

// Each dial has a ring of a round size, a glyph inside it, and dashed what the bias correction makes of it.
export function drawDials(context, { width, height }, theme, dials, colour) {
  const [wide, middle] = [width / dials.length, height / 2];
  const radius = Math.min(wide / 2 - 14, middle - 34);
  context.save();
  context.textAlign = "center";
  dials.forEach(({ name, vector, corrected, fix, ellipse }, k) => {
    const cx = (k + 0.5) * wide;
    context.fillStyle = theme.ink;
    context.font = `600 13px ${theme.font}`;
    context.textBaseline = "top";
    context.fillText(name, cx, 4);
    context.font = `12px ${theme.font}`;
    context.strokeStyle = theme.muted;
    context.lineWidth = 1;
    context.setLineDash([]);
    context.beginPath();
    context.arc(cx, middle, radius, 0, 2 * Math.PI);
    context.moveTo(cx - radius, middle);
    context.lineTo(cx + radius, middle);
    context.moveTo(cx, middle - radius);
    context.lineTo(cx, middle + radius);
    context.globalAlpha = 0.45;
    context.stroke();
    context.globalAlpha = 1;
    context.fillStyle = theme.muted;
    const finite = vector?.every(Number.isFinite);
    const size = finite ? Math.max(...[...vector, ...(corrected ?? [])].map(Math.abs)) : 0;
    const ring = niceCeiling(ellipse ? size : Math.SQRT2 * size);
    const times = corrected ? `, dashed ×${number(ellipse ? 1 / Math.sqrt(fix) : 1 / fix)}` : "";
    context.fillText(finite ? `ring = ${number(ring)}${times}` : "keeps none", cx, height - 20);
    if (!finite || !ring) return;
    const draw = ellipse ? cross : needle;
    if (corrected) draw(context, cx, middle, corrected.map((v) => (v / ring) * radius), readable(theme.ink, theme.paper), [4, 3], 1.6);
    draw(context, cx, middle, vector.map((v) => (v / ring) * radius), readable(colour, theme.paper, 3), [], 3);
  });
  context.restore();
}

function needle(context, cx, cy, [dx, dy], colour, dashes, width) {
  const angle = Math.atan2(-dy, dx);
  const head = Math.min(9, Math.hypot(dx, dy));
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.beginPath();
  context.moveTo(cx, cy);
  context.lineTo(cx + dx, cy - dy);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  for (const turn of [-0.5, 0.5]) {
    context.moveTo(cx + dx, cy - dy);
    context.lineTo(cx + dx - head * Math.cos(angle + turn), cy - dy - head * Math.sin(angle + turn));
  }
  context.stroke();
}

function cross(context, cx, cy, [rx, ry], colour, dashes, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.beginPath();
  context.ellipse(cx, cy, Math.max(rx, 0.5), Math.max(ry, 0.5), 0, 0, 2 * Math.PI);
  context.stroke();
}
