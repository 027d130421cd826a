// The runtime of every widget: scales, ticks, contours, canvases, controls, messages, accessibility.
// Python puts this file before a widget's own file, so that each widget is one self-contained module.

// --- elements ----------------------------------------------------------------------------------------

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  // JupyterLab takes keys away from whatever does not say this itself; on the root it is not enough.
  if (/^(button|input|select|summary|canvas)$/.test(tag)) element.setAttribute("data-lm-suppress-shortcuts", "true");
  return element;
}

const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z",
  back: "M11.5 2.5v11l-6.5-5.5zM3.5 2.5h1.6v11h-1.6z",
  forward: "M4.5 2.5v11l6.5-5.5zM10.9 2.5h1.6v11h-1.6z",
  copy: "M5 1.5h8.5v10h-2v3h-9v-10.500h2.500zM6.500 3v7h5.500v-7zM4 5.500v7.500h6v-1.500h-5v-6z",
  reset: "M8 3a5 5 0 1 1-4.7 3.3l1.5.55A3.4 3.4 0 1 0 8 4.6v2.1L4.4 3.8 8 .9z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" })) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

let counter = 0;
export const uniqueId = (stem) => `cw-${stem}-${++counter}`;

// --- colour and theme --------------------------------------------------------------------------------

const channels = (colour) => {
  if (colour.startsWith("#")) {
    const hex = colour.length === 4 ? colour.replace(/[^#]/g, "$&$&") : colour;
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }
  return (colour.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map(Number);
};
const css = (rgb) => `rgb(${rgb.map((c) => Math.round(c)).join(",")})`;

export function luminance(colour) {
  const [r, g, b] = channels(colour).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

// The colour, moved away from the paper until it has this contrast with it.
export function readable(colour, paper, wanted = 4.5) {
  const goal = luminance(paper) > 0.4 ? 0 : 255;
  let rgb = channels(colour);
  for (let i = 0; i < 40 && contrast(css(rgb), paper) < wanted; i++) rgb = rgb.map((c) => c + 0.06 * (goal - c));
  return css(rgb);
}

export function readTheme(root, palette) {
  const style = getComputedStyle(root);
  const background = style.getPropertyValue("--jp-layout-color0").trim();
  const dark = background ? luminance(background) < 0.4 : matchMedia("(prefers-color-scheme: dark)").matches;
  const side = dark ? "dark" : "light";
  return {
    dark,
    ink: palette.ink[side],
    muted: palette.muted[side],
    paper: background || palette.paper[side],
    loss: palette.loss[side],
    font: style.fontFamily,
  };
}

export function watchTheme(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light", "class"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", changed);
  };
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// --- scales and numbers ------------------------------------------------------------------------------

export function linear([d0, d1], [r0, r1]) {
  const scale = (value) => r0 + ((value - d0) / (d1 - d0)) * (r1 - r0);
  scale.invert = (pixel) => d0 + ((pixel - r0) / (r1 - r0)) * (d1 - d0);
  return scale;
}

export function logarithmic([d0, d1], range) {
  const inner = linear([Math.log10(d0), Math.log10(d1)], range);
  return (value) => inner(Math.log10(Math.max(value, 1e-300)));
}

// About n round numbers in [low, high], 1, 2 or 5 times a power of ten apart.
export function ticks(low, high, n = 5) {
  const rough = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step || 0);
  return found;
}

// Powers of ten in [low, high], thinned to about n.
export function logTicks(low, high, n = 6) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const stride = Math.max(1, Math.ceil((last - first + 1) / n));
  const found = [];
  for (let e = last; e >= first; e -= stride) found.unshift(10 ** e);
  return found;
}

// The smallest of 1, 2 and 5 times a power of ten that is not below the value; 0 for 0.
export function niceCeiling(value) {
  if (!(value > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((factor) => factor * power >= value * (1 - 1e-9)) * power;
}

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
export const powerOfTen = (value) => "10" + String(Math.round(Math.log10(value))).replace(/./g, (c) => SUPERSCRIPT[c]);

// So many decimals, a true minus, and no minus before a rounded 0.
export const fixed = (value, decimals = 2) => (Number(value.toFixed(decimals)) || 0).toFixed(decimals).replace("-", "−");

export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  return value.toExponential(digits - 2).replace(/\.0+e/, "e").replace("e+", "e").replaceAll("-", "−");
}

// --- contours ----------------------------------------------------------------------------------------

// Marching squares: segments [x0, y0, x1, y1, ...] of one level, in units of grid cells.
export function contour(values, columns, rows, level) {
  const out = [];
  for (let j = 0; j < rows - 1; j++) {
    for (let i = 0; i < columns - 1; i++) {
      const a = values[j * columns + i] - level;
      const b = values[j * columns + i + 1] - level;
      const c = values[(j + 1) * columns + i + 1] - level;
      const d = values[(j + 1) * columns + i] - level;
      const points = [];
      if (a < 0 !== b < 0) points.push(i + a / (a - b), j);
      if (b < 0 !== c < 0) points.push(i + 1, j + b / (b - c));
      if (c < 0 !== d < 0) points.push(i + d / (d - c), j + 1);
      if (d < 0 !== a < 0) points.push(i, j + a / (a - d));
      if (points.length === 4) out.push(...points);
      else if (points.length === 8) {
        // Two branches meet: the middle of the cell says which corners belong together.
        const [p, q, r, s] = [0, 2, 4, 6].map((k) => points.slice(k, k + 2));
        const joined = a + b + c + d < 0 === a < 0;
        out.push(...(joined ? [...p, ...q, ...r, ...s] : [...p, ...s, ...q, ...r]));
      }
    }
  }
  return out;
}

// A table of 256 colours along the stops of a map.
function lookup(stops) {
  const rgb = stops.map(channels);
  return Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (rgb.length - 1);
    const i = Math.min(Math.floor(at), rgb.length - 2);
    return rgb[i].map((c, n) => c + (at - i) * (rgb[i + 1][n] - c));
  });
}

// The field as a picture of the given size: each band between two levels takes an equal part of the map.
export function fieldImage(values, columns, rows, levels, stops, width, height) {
  const table = lookup(stops);
  const shade = new Float32Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const v = values[k];
    let low = 0;
    while (low < levels.length && v > levels[low]) low++;
    const before = low === 0 ? -1 : low - 1;
    const part = low === 0 || low === levels.length ? 0 : (v - levels[before]) / (levels[low] - levels[before]);
    shade[k] = (255 * Math.max(0, before + part)) / (levels.length - 1);
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    const gy = ((height - 1 - y) / (height - 1)) * (rows - 1);
    const j = Math.min(Math.floor(gy), rows - 2);
    for (let x = 0; x < width; x++) {
      const gx = (x / (width - 1)) * (columns - 1);
      const i = Math.min(Math.floor(gx), columns - 2);
      const [u, v, k] = [gx - i, gy - j, j * columns + i];
      const low = shade[k] + u * (shade[k + 1] - shade[k]);
      const high = shade[k + columns] + u * (shade[k + columns + 1] - shade[k + columns]);
      const colour = table[Math.max(0, Math.min(255, Math.round(low + v * (high - low))))];
      const at = 4 * (y * width + x);
      image.data[at] = colour[0];
      image.data[at + 1] = colour[1];
      image.data[at + 2] = colour[2];
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// --- drawing on a canvas -----------------------------------------------------------------------------

// A canvas that follows its width and the screen's resolution; draw(context, width, height) in CSS pixels.
export function picture({ label, height, describedBy, draw, focusable = true }) {
  const canvas = h("canvas", { role: "img", "aria-label": label, "aria-describedby": describedBy, tabindex: focusable ? 0 : null });
  const view = { canvas, width: 0, height: 0, pixelRatio: 1 };
  view.resize = () => {
    const width = Math.round(canvas.parentElement?.clientWidth || 0);
    const pixelRatio = window.devicePixelRatio || 1;
    if (!width || (width === view.width && pixelRatio === view.pixelRatio)) return;
    Object.assign(view, { width, height: Math.round(height(width)), pixelRatio });
    canvas.width = Math.round(view.width * pixelRatio);
    canvas.height = Math.round(view.height * pixelRatio);
    canvas.style.height = `${view.height}px`;
    view.draw();
  };
  view.draw = () => {
    if (!view.width) return;
    const context = canvas.getContext("2d");
    context.setTransform(view.pixelRatio, 0, 0, view.pixelRatio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    draw(context, view);
  };
  view.observer = new ResizeObserver(view.resize);
  view.attach = () => view.observer.observe(canvas.parentElement);
  return view;
}

// Left and bottom axis with ticks; box = {left, right, top, bottom}.
export function axes(context, box, theme, { x, y, xTicks, yTicks, xLabel, yLabel, yFormat = number }) {
  context.save();
  context.strokeStyle = theme.muted;
  context.fillStyle = theme.muted;
  context.lineWidth = 1;
  context.font = `12px ${theme.font}`;
  context.beginPath();
  context.moveTo(box.left - 0.5, box.top);
  context.lineTo(box.left - 0.5, box.bottom + 0.5);
  context.lineTo(box.right, box.bottom + 0.5);
  for (const tick of xTicks) {
    context.moveTo(Math.round(x(tick)) + 0.5, box.bottom);
    context.lineTo(Math.round(x(tick)) + 0.5, box.bottom + 5);
  }
  for (const tick of yTicks) {
    context.moveTo(box.left - 5, Math.round(y(tick)) + 0.5);
    context.lineTo(box.left, Math.round(y(tick)) + 0.5);
  }
  context.stroke();
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of xTicks) context.fillText(number(tick), x(tick), box.bottom + 8);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of yTicks) context.fillText(yFormat(tick), box.left - 8, y(tick));
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillStyle = theme.ink;
  context.font = `600 12px ${theme.font}`;
  context.fillText(yLabel, 2, box.top - 6);
  context.textAlign = "right";
  context.textBaseline = "top";
  context.fillText(xLabel, box.right, box.bottom + 22);
  context.restore();
}

// A line with its dashes, an edge that the eye can tell from the paper, and a halo over what it crosses.
export function strokeLine(context, path, { colour, dashes, width = 2.4 }, theme) {
  context.save();
  context.lineJoin = "round";
  context.lineCap = "butt";
  context.globalAlpha = 0.8;
  context.strokeStyle = theme.paper;
  context.lineWidth = width + 3.6;
  context.stroke(path);
  context.globalAlpha = 1;
  context.setLineDash(dashes);
  context.strokeStyle = readable(colour, theme.paper, 4.5);
  context.lineWidth = width + 1.2;
  context.stroke(path);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
  context.restore();
}

export function dot(context, x, y, { colour }, theme, radius = 5) {
  for (const [size, fill] of [[radius + 2.6, theme.paper], [radius + 0.9, readable(colour, theme.paper, 4.5)], [radius, colour]]) {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
  }
}

// A mark at the edge for what is further out, pointing there.
export function arrow(context, x, y, angle, { colour }, theme) {
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(7, 0);
  context.lineTo(-5, 6);
  context.lineTo(-5, -6);
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = 5;
  context.strokeStyle = theme.paper;
  context.stroke();
  context.lineWidth = 1.8;
  context.strokeStyle = readable(colour, theme.paper, 4.5);
  context.stroke();
  context.fillStyle = colour;
  context.fill();
  context.restore();
}

export function widestText(context, texts, theme, size) {
  context.font = `600 ${size}px ${theme.font}`;
  return Math.max(0, ...texts.map((text) => context.measureText(text).width));
}

// Words beside points, moved apart where they would meet: marks = [{x, y, text, colour}].
export function labelBeside(context, marks, box, theme, size = 13) {
  context.save();
  context.font = `600 ${size}px ${theme.font}`;
  context.textBaseline = "middle";
  const boxes = marks.map((mark) => {
    const wide = context.measureText(mark.text).width;
    const text = mark.x + 10 + wide <= box.right ? mark.x + 10 : mark.x - 10 - wide;
    return { text, left: Math.min(text, mark.x - 8), right: Math.max(text + wide, mark.x + 8), y: mark.y };
  });
  const ys = apart(boxes, size * 1.25, box.top + size / 2, box.bottom - size / 2);
  context.lineJoin = "round";
  marks.forEach((mark, i) => {
    context.lineWidth = 4;
    context.strokeStyle = theme.paper;
    context.strokeText(mark.text, boxes[i].text, ys[i]);
    context.fillStyle = readable(mark.colour, theme.paper, 5);
    context.fillText(mark.text, boxes[i].text, ys[i]);
  });
  context.restore();
}

// Heights of labels {left, right, y}, moved apart by gap where they would lie over one another, in their order.
export function apart(boxes, gap, low = -Infinity, high = Infinity) {
  const order = boxes.map((_, i) => i).sort((a, b) => boxes[a].y - boxes[b].y || a - b);
  const ys = boxes.map(({ y }) => Math.min(Math.max(y, low), high));
  for (let round = 0, moved = true; moved && round < 100; round++) {
    moved = false;
    for (let j = 1; j < order.length; j++) {
      for (let i = 0; i < j; i++) {
        const [above, below] = [order[i], order[j]];
        const beside = boxes[above].right < boxes[below].left || boxes[below].right < boxes[above].left;
        const overlap = gap - (ys[below] - ys[above]);
        if (beside || overlap <= 0.1) continue;
        ys[above] = Math.max(ys[above] - overlap / 2, low);
        ys[below] = Math.min(ys[below] + overlap / 2, high);
        moved = true;
      }
    }
  }
  return ys;
}

// --- controls ----------------------------------------------------------------------------------------

// A slider over a list of stops.  input: while it moves; settled: when it is let go; near: it may soon move.
export function slider({ label, hint, stops, value, format = number, input, settled, near }) {
  const id = uniqueId("slider");
  const nearest = (v) => stops.reduce((best, s, i) => (Math.abs(s - v) < Math.abs(stops[best] - v) ? i : best), 0);
  const output = h("output", { for: id, class: "cw-value" });
  const range = h("input", { id, type: "range", min: 0, max: stops.length - 1, step: 1 });
  const show = () => {
    output.textContent = format(stops[range.value]);
    range.setAttribute("aria-valuetext", format(stops[range.value]));
    range.style.setProperty("--cw-part", `${(100 * range.value) / (stops.length - 1)}%`);
  };
  range.addEventListener("input", () => {
    show();
    input(Number(range.value));
  });
  range.addEventListener("change", () => settled?.(Number(range.value)));
  for (const event of ["focus", "pointerenter"]) range.addEventListener(event, () => near?.());
  const name = h("label", { for: id }, label, hint ? h("span", { class: "cw-hint" }, ` ${hint}`) : null);
  const element = h("div", { class: "cw-slider" }, h("div", { class: "cw-slider-head" }, name, output), range);
  const control = {
    element,
    range,
    get value() {
      return stops[range.value];
    },
    get index() {
      return Number(range.value);
    },
    set(v) {
      range.value = nearest(v);
      show();
    },
  };
  control.set(value);
  return control;
}

export function button(name, label, click) {
  return h("button", { type: "button", class: "cw-button", "aria-label": label, title: label, onclick: click }, icon(name));
}

// Play, pause, step and scrub; show(step) gets a step that may lie between two whole ones.
export function playBar({ steps, show, rest, seconds = 6 }) {
  let at = steps;
  let frame = null;
  let last = 0;
  const scrub = h("input", { type: "range", min: 0, max: steps, step: 1, value: steps, "aria-label": "Step" });
  const count = h("output", { class: "cw-value cw-count" });
  const play = button("play", "Play", () => (frame === null ? start() : stop()));
  const go = (step, asked = true) => {
    at = Math.min(Math.max(step, 0), steps);
    const whole = Math.floor(at);
    if (Number(scrub.value) !== whole) scrub.value = whole;
    scrub.style.setProperty("--cw-part", `${(100 * at) / steps}%`);
    const text = `step ${whole} of ${steps}`;
    if (count.textContent !== text) {
      count.textContent = text;
      scrub.setAttribute("aria-valuetext", text);
    }
    show(at);
    if (asked) rest?.();
  };
  const face = (name, label) => {
    play.replaceChildren(icon(name));
    play.setAttribute("aria-label", label);
    play.title = label;
  };
  function stop() {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    face("play", "Play");
    go(Math.floor(at));
  }
  function start() {
    // Who asked for less motion sees the end of the race at once, and can step through it.
    if (reducedMotion()) return go(steps);
    if (at >= steps) at = 0;
    face("pause", "Pause");
    last = performance.now();
    frame = requestAnimationFrame(tick);
  }
  function tick(now) {
    const step = at + (Math.max(0, now - last) / 1000) * (steps / seconds);
    last = now;
    go(step, false);
    if (at >= steps) return stop();
    frame = requestAnimationFrame(tick);
  }
  const move = (by) => {
    stop();
    go(Math.floor(at) + by);
  };
  scrub.addEventListener("input", () => {
    const wanted = Number(scrub.value);
    if (frame !== null) stop();
    go(wanted);
  });
  const element = h(
    "div",
    { class: "cw-play", role: "group", "aria-label": "Playback" },
    play,
    button("back", "One step back", () => move(-1)),
    button("forward", "One step forward", () => move(1)),
    scrub,
    count,
  );
  return {
    element,
    go,
    stop,
    get step() {
      return at;
    },
    get playing() {
      return frame !== null;
    },
  };
}

// A polite live region that speaks once things have come to rest.
export function announcer(wait = 350) {
  const element = h("p", { class: "cw-summary", role: "status", "aria-live": "polite", id: uniqueId("summary") });
  let timer = null;
  return {
    element,
    say(makeText, now = false) {
      clearTimeout(timer);
      const speak = () => {
        const text = makeText();
        if (element.textContent !== text) element.textContent = text;
      };
      if (now) speak();
      else timer = setTimeout(speak, wait);
    },
    stop: () => clearTimeout(timer),
  };
}

// --- messages ----------------------------------------------------------------------------------------

export function floatsOf(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// Questions to the kernel: one in flight; of those that wait the latest wins; late answers are dropped.
export function channel(model, { answer, idle, silent, patience = 8000 }) {
  let seq = Math.floor(Math.random() * 1e6) * 1e6; // two views of one model tell their answers apart
  let flying = null;
  let waiting = null;
  let timer = null;
  const post = (question) => {
    flying = { ...question, seq: ++seq };
    timer = setTimeout(() => silent?.(), patience); // a busy kernel answers later, and then goes on here
    try {
      model.send(flying, {}, []);
    } catch {
      silent?.();
    }
  };
  const receive = (reply, buffers) => {
    if (!flying || reply.seq !== flying.seq) return;
    clearTimeout(timer);
    const asked = flying;
    flying = null;
    const next = waiting;
    waiting = null;
    if (next) post(next);
    answer(reply, buffers, asked);
    if (!flying) idle?.();
  };
  model.on("msg:custom", receive);
  return {
    ask(question) {
      if (flying) waiting = question;
      else post(question);
    },
    get busy() {
      return flying !== null;
    },
    stop() {
      clearTimeout(timer);
      model.off("msg:custom", receive);
    },
  };
}
