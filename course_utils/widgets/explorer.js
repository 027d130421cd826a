import {
  announcer, arrow, axes, button, channel, contour, dot, fieldImage, fixed, floatsOf, h, labelBeside, linear,
  logarithmic, logTicks, number, picture, playBar, powerOfTen, readTheme, slider, strokeLine, ticks, uniqueId,
  watchTheme, widestText,
} from "./runtime.js";

// The race: contours with the paths on them, loss against step, and a table that says the same in words.

function render({ model, el }) {
  const setup = model.get("_setup");
  const palette = model.get("_palette");
  const { steps, grid, racers } = setup;
  const [columns, rows] = grid;
  const first = floatsOf(model.get("_first"));
  const stride = 3 * (steps + 1); // (w1, w2, loss) of every step of one racer

  let surface = setup.surface;
  let start = [...surface.start];
  let values = first.slice(0, columns * rows);
  let run = { paths: first.slice(columns * rows), outcomes: setup.outcomes };
  let sweep = null; // the runs for all stops of one slider, and for which other settings they hold
  let step = steps;
  let theme = null;
  let field = null;
  let connected = true;
  let dragged = false;
  const shown = racers.map(() => true);

  // --- reading a run -----------------------------------------------------------------------------------

  const at = (i, t, k) => run.paths[i * stride + 3 * t + k];
  const lastStep = racers.map(() => 0);
  const measure = () => {
    racers.forEach((_, i) => {
      let t = 0;
      while (t < steps && Number.isFinite(at(i, t + 1, 0))) t++;
      lastStep[i] = t;
    });
  };
  // Where racer i is at a step that may lie between two whole ones; it waits where it ended.
  const position = (i, t) => {
    const reached = Math.min(t, lastStep[i]);
    const [low, part] = [Math.floor(reached), reached % 1];
    return [0, 1, 2].map((k) => at(i, low, k) + (part ? part * (at(i, low + 1, k) - at(i, low, k)) : 0));
  };
  const moves = (i) => lastStep[i] > 0;
  const style = (i) => racers[i];

  // --- controls ----------------------------------------------------------------------------------------

  const summary = announcer();
  const note = h("p", { class: "cw-note", hidden: true });
  const watch = h("p", { class: "cw-watch", id: uniqueId("watch") });
  const selectId = uniqueId("surface");
  const select = h(
    "select",
    { id: selectId, "aria-describedby": watch.id, onchange: () => changeSurface(select.value) },
    ...Object.entries(setup.surfaces).map(([key, title]) => h("option", { value: key }, title)),
  );
  const sliders = {};
  for (const control of setup.controls) {
    sliders[control.key] = slider({
      ...control,
      input: (index) => slide(control.key, index),
      settled: () => askRun(),
      near: () => prefetch(control.key),
    });
  }
  const player = playBar({
    steps,
    show: (t) => {
      step = t;
      draw();
    },
    rest: () => summary.say(sentence),
  });
  const reset = button("reset", "Reset start and sliders", () => {
    for (const control of setup.controls) sliders[control.key].set(control.value);
    start = [...surface.start];
    askRun();
  });
  player.element.append(reset);

  // --- the two pictures --------------------------------------------------------------------------------

  const map = picture({
    label: "",
    describedBy: summary.element.id,
    height: mapHeight,
    draw: drawMap,
  });
  const losses = picture({
    label: "Loss against step, logarithmic",
    describedBy: summary.element.id,
    height: (width) => (sideBySide() ? mapHeight(map.canvas.parentElement.clientWidth) : 0.7 * width),
    draw: drawLosses,
    focusable: false,
  });
  const sideBySide = () => map.canvas.parentElement.offsetTop === losses.canvas.parentElement.offsetTop;
  function mapHeight(width) {
    return Math.min(0.76 * width, 440);
  }
  let mapX = null;
  let mapY = null;

  function mapBox({ width, height }) {
    return { left: 40, right: width - 8, top: 22, bottom: height - 42 };
  }

  function drawMap(context, view) {
    const box = mapBox(view);
    const [low1, high1, low2, high2] = surface.bounds;
    mapX = linear([low1, high1], [box.left, box.right]);
    mapY = linear([low2, high2], [box.bottom, box.top]);
    const key = `${surface.key} ${theme.dark} ${view.width} ${view.pixelRatio}`;
    if (field?.key !== key) field = { key, image: paintField(view, box) };
    context.drawImage(field.image, box.left, box.top, box.right - box.left, box.bottom - box.top);
    axes(context, box, theme, {
      x: mapX, y: mapY, xTicks: ticks(low1, high1, (box.right - box.left) / 70), yTicks: ticks(low2, high2, 5), xLabel: "W1", yLabel: "b1",
    });
    for (const [x, y] of surface.minima) star(context, mapX(x), mapY(y));

    const inside = new Path2D();
    inside.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.save();
    context.clip(inside);
    each((i) => {
      const path = new Path2D();
      path.moveTo(mapX(at(i, 0, 0)), mapY(at(i, 0, 1)));
      const reached = Math.min(step, lastStep[i]);
      for (let t = 1; t <= reached; t++) path.lineTo(mapX(at(i, t, 0)), mapY(at(i, t, 1)));
      const [x, y] = position(i, step);
      path.lineTo(mapX(x), mapY(y));
      strokeLine(context, path, style(i), theme);
    });
    context.restore();

    drawStart(context);
    const marks = [];
    each((i) => {
      const [x, y] = position(i, step);
      const px = Math.min(Math.max(mapX(x), box.left + 6), box.right - 6);
      const py = Math.min(Math.max(mapY(y), box.top + 6), box.bottom - 6);
      const away = px !== mapX(x) || py !== mapY(y);
      if (away) arrow(context, px, py, Math.atan2(mapY(y) - py, mapX(x) - px), style(i), theme);
      else dot(context, px, py, style(i), theme);
      marks.push({ x: px, y: py, text: racers[i].name, colour: racers[i].colour });
    });
    if (step === 0) marks.length = 0;
    if (!dragged) marks.unshift({ x: mapX(start[0]) + 2, y: mapY(start[1]), text: "start: drag me", colour: theme.ink });
    labelBeside(context, marks, box, theme);
  }

  function paintField(view, box) {
    const scale = view.pixelRatio;
    const [width, height] = [(box.right - box.left) * scale, (box.bottom - box.top) * scale].map(Math.round);
    const image = fieldImage(values, columns, rows, surface.levels, theme.loss, width, height);
    const context = image.getContext("2d");
    const [sx, sy] = [(width - 1) / (columns - 1), (height - 1) / (rows - 1)];
    context.strokeStyle = theme.dark ? "rgba(255,255,255,0.16)" : "rgba(40,52,80,0.2)";
    context.lineWidth = scale;
    context.beginPath();
    for (const level of surface.levels) {
      const segments = contour(values, columns, rows, level);
      for (let k = 0; k < segments.length; k += 4) {
        context.moveTo(segments[k] * sx, height - 1 - segments[k + 1] * sy);
        context.lineTo(segments[k + 2] * sx, height - 1 - segments[k + 3] * sy);
      }
    }
    context.stroke();
    return image;
  }

  function star(context, x, y, size = 8) {
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
  }

  function drawStart(context) {
    const [x, y] = [mapX(start[0]), mapY(start[1])];
    context.save();
    context.lineWidth = 5;
    context.strokeStyle = theme.paper;
    context.strokeRect(x - 7, y - 7, 14, 14);
    context.lineWidth = 2.2;
    context.strokeStyle = theme.ink;
    context.strokeRect(x - 7, y - 7, 14, 14);
    context.restore();
  }

  function drawLosses(context, { width, height }) {
    const room = widestText(context, racers.map((racer) => racer.name), theme, 12) + 18;
    const box = { left: 44, right: width - room, top: 22, bottom: height - 42 };
    let [low, high, begin] = [Infinity, -Infinity, 1];
    each((i) => {
      begin = at(i, 0, 2);
      for (let t = 0; t <= lastStep[i]; t++) {
        const loss = at(i, t, 2);
        if (loss > 0) [low, high] = [Math.min(low, loss), Math.max(high, loss)];
      }
    });
    // Whole decades, so that the axis stands still while a slider moves; not endlessly deep, nor high.
    const top = Math.min(Math.ceil(Math.log10(high > 0 ? high : 1) + 0.02), Math.ceil(Math.log10(begin || 1)) + 1);
    const bottom = Math.max(Number.isFinite(low) ? Math.floor(Math.log10(low)) : -2, top - 10);
    const [yLow, yHigh] = [10 ** Math.min(bottom, top - 2), 10 ** top];
    const x = linear([0, steps], [box.left, box.right]);
    const y = logarithmic([yLow, yHigh], [box.bottom, box.top]);
    const yTicks = logTicks(yLow, yHigh, 6);
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
      x, y, xTicks: ticks(0, steps, (box.right - box.left) / 45), yTicks, xLabel: "step", yLabel: "loss", yFormat: powerOfTen,
    });
    const marks = [];
    context.save();
    const inside = new Path2D();
    inside.rect(box.left, box.top, width, box.bottom - box.top);
    context.clip(inside);
    each((i) => {
      const path = new Path2D();
      const reached = Math.min(step, lastStep[i]);
      path.moveTo(x(0), y(at(i, 0, 2)));
      for (let t = 1; t <= reached; t++) path.lineTo(x(t), y(at(i, t, 2)));
      const here = [x(reached), y(position(i, step)[2])];
      path.lineTo(...here);
      strokeLine(context, path, { ...style(i), width: 2 }, theme);
      // Whoever left the picture is marked where that happened.
      if (here[1] > box.bottom || here[1] < box.top) {
        let t = Math.floor(reached);
        while (t > 0 && (y(at(i, t, 2)) > box.bottom || y(at(i, t, 2)) < box.top)) t--;
        here[0] = x(t);
      }
      marks.push({ x: here[0], y: here[1], text: racers[i].name, colour: racers[i].colour });
    });
    context.restore();
    for (const mark of marks) {
      if (mark.y > box.bottom) arrow(context, mark.x, (mark.y = box.bottom - 5), Math.PI / 2, mark, theme);
      else if (mark.y < box.top) arrow(context, mark.x, (mark.y = box.top + 5), -Math.PI / 2, mark, theme);
      else dot(context, mark.x, mark.y, mark, theme, 3.5);
    }
    labelBeside(context, marks, { ...box, right: width }, theme, 12);
  }

  const each = (act) => racers.forEach((_, i) => shown[i] && moves(i) && act(i));

  // --- the same in words -------------------------------------------------------------------------------

  const body = h("tbody");
  const cells = racers.map((racer, i) => {
    const id = uniqueId("racer");
    const box = h("input", {
      id, type: "checkbox", checked: true, "aria-label": `Show ${racer.name}`,
      onchange: () => {
        shown[i] = box.checked;
        draw();
      },
    });
    const found = { box, loss: h("td", { class: "cw-number cw-now" }), end: h("td", { class: "cw-number" }), place: h("td", { class: "cw-number cw-place" }), said: h("td") };
    found.row = h(
      "tr", {}, h("td", {}, box),
      h("th", { scope: "row" }, h("label", { for: id }, swatch(racer), racer.name)),
      found.loss, found.end, found.place, found.said,
    );
    body.append(found.row);
    return found;
  });
  const table = h(
    "table",
    { class: "cw-table" },
    h("caption", { class: "cw-hidden" }, "Every racer's loss and place at the step shown and at the end"),
    h(
      "thead", {},
      h("tr", {}, ...["Show", "Update", "Loss now", "Final loss", "Where now (W1, b1)", "What happened"].map((text, k) =>
        h("th", { scope: "col", class: ["", "", "cw-number cw-now", "cw-number", "cw-number cw-place", ""][k] }, text))),
    ),
    body,
  );

  function swatch({ colour, dashes }) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of Object.entries({ width: 34, height: 10, "aria-hidden": "true", class: "cw-swatch" })) svg.setAttribute(key, value);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const look = { x1: 1, x2: 33, y1: 5, y2: 5, stroke: colour, "stroke-width": 3.2, "stroke-dasharray": dashes.join(" ") };
    for (const [key, value] of Object.entries(look)) line.setAttribute(key, value);
    svg.append(line);
    return svg;
  }

  const ranking = (t) =>
    racers
      .map((racer, i) => ({ i, name: racer.name, loss: position(i, t)[2] }))
      .filter(({ i }) => moves(i) && run.outcomes[i].status !== "diverged")
      .sort((a, b) => a.loss - b.loss);

  function fillTable() {
    const best = ranking(steps)[0]?.i;
    racers.forEach((_, i) => {
      const { status, said } = run.outcomes[i];
      const [x, y, loss] = position(i, step);
      const broken = !moves(i);
      cells[i].box.disabled = broken;
      const ended = status === "diverged" && step >= lastStep[i];
      put(cells[i].loss, broken ? "–" : ended ? "∞" : number(loss));
      put(cells[i].end, broken ? "–" : status === "diverged" ? "∞" : number(at(i, lastStep[i], 2)));
      put(cells[i].place, broken ? "–" : ended ? "away" : `${fixed(x)}, ${fixed(y)}`);
      put(cells[i].said, said || (i === best ? "Lowest final loss" : ""));
      cells[i].row.className = said ? "cw-odd" : i === best ? "cw-best" : "";
    });
  }
  const put = (cell, text) => {
    if (cell.textContent !== text) cell.textContent = text;
  };

  function sentence() {
    const t = Math.floor(step);
    const order = ranking(t).map(({ name, loss }) => `${name} ${number(loss)}`);
    const chosen = setup.controls.map(({ key, label }) => `${label.toLowerCase()} ${number(sliders[key].value)}`);
    const odd = racers.map((racer, i) => [racer.name, run.outcomes[i].said]).filter(([, said]) => said);
    return [
      `${surface.title}, start at (${number(start[0])}, ${number(start[1])}), ${chosen.join(", ")}.`,
      order.length ? `Loss at step ${t}, lowest first: ${order.join(", ")}.` : "No update moves yet.",
      ...odd.map(([name, said]) => `${name}: ${said.charAt(0).toLowerCase()}${said.slice(1)}.`),
    ].join(" ");
  }

  // --- settings, prefetched or asked for ---------------------------------------------------------------

  const settings = () => ({
    surface: surface.key,
    start,
    ...Object.fromEntries(Object.entries(sliders).map(([key, control]) => [key, control.value])),
  });
  const others = (key) => JSON.stringify({ ...settings(), [key]: null });

  // A sweep keeps the kernel busy for a moment: not between the questions of somebody who drags.
  let quiet = null;
  const idle = () => {
    clearTimeout(quiet);
    quiet = setTimeout(() => prefetch(focused()), 250);
  };
  const line = channel(model, { answer, idle, silent: () => silence() });
  const focused = () => Object.keys(sliders).find((key) => sliders[key].range === document.activeElement) ?? sweep?.control;

  function askRun(extra = {}) {
    clearTimeout(quiet);
    line.ask({ kind: "run", ...settings(), ...extra });
  }

  function slide(key, index) {
    const ready = sweep?.control === key && sweep.others === others(key) && sweep.lanes.get(index);
    if (ready) take(ready);
    else askRun();
  }

  // Ask for the stops of a slider that are still missing, the nearest first, when nothing else is under way.
  function prefetch(key) {
    if (!key || line.busy || !connected) return;
    if (sweep?.control !== key || sweep.others !== others(key)) sweep = { control: key, others: others(key), lanes: new Map() };
    const here = sliders[key].index;
    const { stops } = setup.controls.find((control) => control.key === key);
    const wanted = stops.map((_, i) => i).filter((i) => !sweep.lanes.has(i));
    wanted.sort((a, b) => Math.abs(a - here) - Math.abs(b - here));
    if (wanted.length) line.ask({ kind: "sweep", control: key, wanted, others: sweep.others, ...settings() });
  }

  function answer(reply, buffers, asked) {
    connected = true;
    note.hidden = reply.kind !== "error";
    if (reply.kind === "error") {
      note.textContent = `The explorer could not do this: ${reply.said}`;
    } else if (reply.kind === "sweep") {
      if (sweep?.control !== reply.control || sweep.others !== asked.others) return;
      const all = floatsOf(buffers[0]);
      const size = racers.length * stride;
      reply.lanes.forEach((index, k) => {
        sweep.lanes.set(index, { paths: all.subarray(k * size, (k + 1) * size), outcomes: reply.outcomes[k] });
      });
    } else {
      if (reply.surface) {
        surface = reply.surface;
        start = [...surface.start];
        values = floatsOf(buffers[1]);
        showSurface();
      }
      take({ paths: floatsOf(buffers[0]), outcomes: reply.outcomes });
    }
  }

  function silence() {
    connected = false;
    note.hidden = false;
    note.textContent = "No answer: the kernel is busy or gone. Play and step still work; the rest follows its answer.";
  }

  function take(next) {
    run = next;
    measure();
    draw();
    summary.say(sentence);
  }

  function changeSurface(key) {
    askRun({ surface: key, start: null, new_surface: true });
  }

  function showSurface() {
    select.value = surface.key;
    watch.textContent = surface.watch;
    map.canvas.setAttribute(
      "aria-label",
      `Contours of ${surface.title} over W1 and b1 with the path of every update. Arrow keys move the start.`,
    );
  }

  // --- moving the start --------------------------------------------------------------------------------

  function moveStart(x, y) {
    dragged = true;
    const [low1, high1, low2, high2] = surface.bounds;
    start = [Math.min(Math.max(x, low1), high1), Math.min(Math.max(y, low2), high2)].map((v) => Number(v.toFixed(3)));
    draw();
    askRun();
  }
  map.canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [low1, high1, low2, high2] = surface.bounds;
    const part = event.shiftKey ? 0.1 : 0.02;
    moveStart(start[0] + way[0] * part * (high1 - low1), start[1] + way[1] * part * (high2 - low2));
  });
  const follow = (event) => {
    const { left, top } = map.canvas.getBoundingClientRect();
    moveStart(mapX.invert(event.clientX - left), mapY.invert(event.clientY - top));
  };
  map.canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    map.canvas.setPointerCapture(event.pointerId);
    follow(event);
  });
  map.canvas.addEventListener("pointermove", (event) => {
    if (map.canvas.hasPointerCapture(event.pointerId)) follow(event);
  });
  for (const event of ["focus", "blur"]) map.canvas.addEventListener(event, () => draw());

  // --- putting it together -----------------------------------------------------------------------------

  const root = h(
    "div",
    { class: "cw", role: "group", "aria-label": "Optimizer explorer" },
    h(
      "div", { class: "cw-controls" },
      h("div", { class: "cw-choice" }, h("label", { for: selectId }, "Surface"), select),
      ...setup.controls.map(({ key }) => sliders[key].element),
    ),
    watch,
    player.element,
    note,
    h(
      "div", { class: "cw-pictures" },
      h("div", { class: "cw-map" }, map.canvas),
      h("div", { class: "cw-losses" }, losses.canvas),
    ),
    table,
    summary.element,
  );
  el.replaceChildren(root);

  let due = null;
  let dressed = false;
  function draw() {
    due ??= requestAnimationFrame(() => {
      due = null;
      if (!dressed) dress();
      map.draw();
      losses.draw();
      fillTable();
    });
  }
  const dress = () => {
    dressed = root.isConnected; // before that no style is known
    theme = readTheme(root, palette);
    root.classList.toggle("cw-dark", theme.dark);
    root.style.setProperty("--cw-ink", theme.ink);
    root.style.setProperty("--cw-muted", theme.muted);
    draw();
  };
  measure();
  showSurface();
  dress();
  map.attach();
  losses.attach();
  player.go(steps, false);
  summary.say(sentence, true);
  const later = setTimeout(() => prefetch("learning_rate"), 400);
  const unwatch = watchTheme(dress);

  return () => {
    clearTimeout(later);
    clearTimeout(quiet);
    player.stop();
    summary.stop();
    line.stop();
    unwatch();
    map.observer.disconnect();
    losses.observer.disconnect();
    if (due) cancelAnimationFrame(due);
  };
}

export default { render };
