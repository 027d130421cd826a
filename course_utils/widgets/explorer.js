import {
  announcer, button, channel, fixed, floatsOf, h, number, picture, playBar, readTheme, slider, uniqueId, watchTheme,
} from "./runtime.js";
import {
  drawCurves, drawDials, drawMap, innerState, mapScales, paintField, panels, pythonLine, readRun,
} from "./explorer_views.js";

// The race: contours with the paths on them, loss and step length against step, the inner state of one
// update, and a table that says the same in words.

function render({ model, el }) {
  hideStill(model);
  const setup = model.get("_setup");
  const palette = model.get("_palette");
  const { steps, grid, racers } = setup;
  const [columns, rows] = grid;
  const first = floatsOf(model.get("_first"));
  const stride = 3 * (steps + 1); // (w1, w2, loss) of every step of one racer

  let surface = setup.surface;
  let start = [...setup.start];
  let values = first.slice(0, columns * rows);
  let outcomes = setup.outcomes;
  let run = readRun(first.slice(columns * rows), racers.length, steps);
  let coming = null; // the surface that was asked for and has not arrived
  let sweep = null; // the runs for all stops of one slider, and for which other settings they hold
  let inner = null; // the inner state of one racer at every step, and for which settings it holds
  let step = steps;
  let theme = null;
  let field = null;
  let connected = true;
  let dragged = false;
  const shown = racers.map(() => true);
  const who = () => racers.map((_, i) => i).filter((i) => shown[i] && run.moves(i));

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
  const scheduleId = uniqueId("schedule");
  const schedule = h(
    "select",
    { id: scheduleId, onchange: () => askRun() },
    ...setup.schedules.map((name) => h("option", { value: name, selected: name === setup.schedule }, name)),
  );
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
  const each = h("input", { type: "checkbox", onchange: () => draw() });
  const reset = button("reset", "Reset start, controls and marks", () => {
    for (const control of setup.controls) sliders[control.key].set(control.value);
    if (surface.key !== setup.surface.key) sliders.noise.set(surface.noise);
    start = [...(surface.key === setup.surface.key ? setup.start : surface.start)];
    schedule.value = setup.schedule;
    each.checked = false;
    racers.forEach((_, i) => (shown[i] = cells[i].box.checked = true));
    askRun();
  });
  player.element.append(h("label", { class: "cw-check" }, each, "One map each"), reset);

  // --- the pictures ------------------------------------------------------------------------------------

  const described = summary.element.id;
  const map = picture({ label: "", describedBy: described, height: mapHeight, draw: drawMaps });
  const curve = (label, part, options) =>
    picture({
      label: `${label} against step, logarithmic`,
      describedBy: described,
      height: (width) => part * (sideBySide() ? mapHeight(map.canvas.parentElement.clientWidth) : 0.9 * width),
      focusable: false,
      draw: (context, view) =>
        drawCurves(context, view, theme, { run, racers, who: who(), steps, step, label, ...options }),
    });
  const losses = curve("loss", 0.56, {
    value: (i, t) => run.at(i, t, 2), here: (i) => run.position(i, step)[2], first: 0, most: 10, ticksWanted: 5,
  });
  const lengths = curve("step length", 0.44, {
    value: (i, t) => run.stepLength(i, t), here: (i) => run.stepLength(i, Math.max(1, Math.floor(Math.min(step, run.last[i])))),
    first: 1, most: 6, ticksWanted: 3,
  });
  const sideBySide = () => map.canvas.parentElement.offsetTop === losses.canvas.parentElement.offsetTop;
  function mapHeight(width) {
    return Math.min(0.76 * width, 440);
  }
  // Side by side stand all that are ticked, also who does not move: its panel says why.
  const alone = () => (each.checked ? racers.map((_, i) => i).filter((i) => shown[i]) : []);
  const boxes = () => panels(alone().length, map);

  function drawMaps(context, view) {
    const areas = boxes();
    const size = [areas[0].right - areas[0].left, areas[0].bottom - areas[0].top].map((v) => Math.round(v * view.pixelRatio));
    const key = `${surface.key} ${theme.dark} ${size} ${view.pixelRatio}`;
    if (field?.key !== key) {
      field = { key, image: paintField({ values, columns, rows, levels: surface.levels }, size, view.pixelRatio, theme) };
    }
    const all = who();
    const hint = dragged ? "" : "start: drag me";
    const common = { field: field.image, surface, run, racers, step, start };
    if (!alone().length) return drawMap(context, areas[0], theme, { ...common, who: all, hint });
    alone().forEach((i, k) => {
      const mine = all.filter((j) => j === i);
      const corner = { ...racers[i], said: mine.length ? "" : outcomes[i].said };
      drawMap(context, areas[k], theme, { ...common, who: mine, behind: all.filter((j) => j !== i), small: true, corner });
    });
  }

  // --- inside one update -------------------------------------------------------------------------------

  const insideId = uniqueId("inside");
  const favourite = racers.findIndex(({ corrects }) => corrects.length) >= 0 ? racers.findIndex(({ corrects }) => corrects.length) : 0;
  const chosen = h(
    "select",
    { id: insideId, onchange: () => rest(0) },
    ...racers.map(({ name }, i) => h("option", { value: i, selected: i === favourite }, name)),
  );
  const dialText = h("p", { class: "cw-dial-text", id: uniqueId("dials") });
  const dials = picture({
    label: "Slope, velocity, root of the squares and step, each as a glyph in a ring",
    describedBy: dialText.id, height: () => 168, focusable: false,
    draw: (context, view) => {
      const state = innerNow();
      if (state) drawDials(context, view, theme, state, racers[chosen.value].colour);
    },
  });
  const inside = h(
    "details", { class: "cw-more", ontoggle: () => rest(0) },
    h("summary", {}, "Inside one update"),
    h("div", { class: "cw-choice cw-inside" }, h("label", { for: insideId }, "Look inside"), chosen),
    h("div", {}, dials.canvas),
    dialText,
  );
  const innerKey = () => `${chosen.value} ${JSON.stringify(settings())}`;

  // The dials at this step; nothing while they belong to other settings.
  function innerNow() {
    const i = Number(chosen.value);
    const t = Math.floor(Math.min(step, run.last[i]));
    if (!inside.open || inner?.key !== innerKey() || t < 1) return null;
    const betas = { velocity: sliders.beta1.value, squares: sliders.beta2.value };
    const move = [0, 1].map((k) => run.at(i, t, k) - run.at(i, t - 1, k));
    return innerState(inner.rows, t, { corrects: racers[i].corrects, betas, move });
  }

  function fillDialText() {
    if (!inside.open || !racers.length) return;
    const i = Number(chosen.value);
    const t = Math.floor(Math.min(step, run.last[i]));
    const state = innerNow();
    const why = !run.moves(i) ? outcomes[i].said : t < 1 ? "nothing has happened yet at step 0" : "waiting for the kernel";
    put(dialText, state
      ? `${racers[i].name}, step ${t}, learning rate ${number(inner.rows[7 * t + 6])}. ${state.map(({ name, said }) => `${name}: ${said}`).join("; ")}.`
      : `${racers[i].name}: ${why}.`);
  }

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
      .map((racer, i) => ({ i, name: racer.name, loss: run.position(i, t)[2] }))
      .filter(({ i }) => run.moves(i) && outcomes[i].status !== "diverged")
      .sort((a, b) => a.loss - b.loss);

  function fillTable() {
    const best = ranking(steps)[0]?.i;
    racers.forEach((_, i) => {
      const { status, said } = outcomes[i];
      const [x, y, loss] = run.position(i, step);
      const broken = !run.moves(i);
      cells[i].box.disabled = broken;
      const ended = status === "diverged" && step >= run.last[i];
      put(cells[i].loss, broken ? "–" : ended ? "∞" : number(loss));
      put(cells[i].end, broken ? "–" : status === "diverged" ? "∞" : number(run.at(i, run.last[i], 2)));
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
    const said = setup.controls
      .filter(({ key, more }) => !more || sliders[key].value !== defaultOf(key))
      .map(({ key, label }) => `${label.toLowerCase()} ${number(sliders[key].value)}`);
    if (schedule.value !== "constant") said.push(`schedule ${schedule.value}`);
    const odd = racers.map((racer, i) => [racer.name, outcomes[i].said]).filter(([, what]) => what);
    return [
      `${surface.title}, start at (${number(start[0])}, ${number(start[1])}), ${said.join(", ")}.`,
      order.length ? `Loss at step ${t}, lowest first: ${order.join(", ")}.` : "No update moves yet.",
      ...odd.map(([name, what]) => `${name}: ${what.charAt(0).toLowerCase()}${what.slice(1)}.`),
    ].join(" ");
  }

  // --- settings, prefetched or asked for ---------------------------------------------------------------

  const settings = () => ({
    surface: surface.key,
    start,
    schedule: schedule.value,
    ...Object.fromEntries(Object.entries(sliders).map(([key, control]) => [key, control.value])),
  });
  const others = (key) => JSON.stringify({ ...settings(), [key]: null });

  const defaultOf = (key) => setup.controls.find((control) => control.key === key).default ?? surface.noise;
  const defaults = () => Object.fromEntries(setup.controls.map(({ key }) => [key, defaultOf(key)]));

  // At rest: first what is looked at, then what may be wanted soon.  A sweep keeps the kernel busy for a
  // moment: not between the questions of somebody who drags.
  let quiet = null;
  function rest(wait = 250) {
    clearTimeout(quiet);
    quiet = setTimeout(() => askInside() || prefetch(focused()), wait);
    draw();
  }
  function askInside() {
    if (!inside.open || !racers.length || line.busy || !connected || inner?.key === innerKey()) return false;
    line.ask({ kind: "inside", racer: Number(chosen.value), key: innerKey(), ...settings() });
    return true;
  }
  const line = channel(model, { answer, idle: () => rest(inside.open ? 60 : 250), silent: () => silence() });
  const focused = () => Object.keys(sliders).find((key) => sliders[key].range === document.activeElement) ?? sweep?.control;

  function askRun() {
    clearTimeout(quiet);
    line.ask({ kind: "run", ...settings(), ...coming });
  }

  function slide(key, index) {
    const ready = sweep?.control === key && sweep.others === others(key) && sweep.lanes.get(index);
    if (!ready) return askRun();
    take(ready);
    rest();
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
    if (reply.kind === "error") {
      complain(`The explorer could not do this: ${reply.said}`);
    } else if (reply.kind === "sweep") {
      if (sweep?.control !== reply.control || sweep.others !== asked.others) return;
      const all = floatsOf(buffers[0]);
      const size = racers.length * stride;
      reply.lanes.forEach((index, k) => {
        sweep.lanes.set(index, { paths: all.subarray(k * size, (k + 1) * size), outcomes: reply.outcomes[k] });
      });
    } else if (reply.kind === "inside") {
      inner = { key: asked.key, rows: floatsOf(buffers[0]) };
      draw();
    } else {
      if (reply.surface) {
        surface = reply.surface;
        start = [...surface.start];
        values = floatsOf(buffers[1]);
        sliders.noise.set(surface.noise);
        if (coming?.surface === surface.key) coming = null;
        showSurface();
      }
      complain(reply.said);
      take({ paths: floatsOf(buffers[0]), outcomes: reply.outcomes });
    }
  }

  function complain(text) {
    note.hidden = !text;
    note.textContent = text;
  }

  function silence() {
    connected = false;
    complain("No answer: the kernel is busy or gone. Play and step still work; the rest follows its answer.");
  }

  // The learner ran a cell again, and the kernel took the new functions.
  function renew() {
    sweep = null;
    inner = null;
    askRun();
  }

  function take(next) {
    run = readRun(next.paths, racers.length, steps);
    outcomes = next.outcomes;
    draw();
    summary.say(sentence);
  }

  function changeSurface(key) {
    // The start and the noise are the new surface's own.
    coming = { surface: key, start: null, noise: undefined, new_surface: true };
    askRun();
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
    const [px, py] = [event.clientX - left, event.clientY - top];
    const from = (box) => Math.hypot(px - (box.left + box.right) / 2, py - (box.top + box.bottom) / 2);
    const box = boxes().reduce((best, other) => (from(other) < from(best) ? other : best));
    const [x, y] = mapScales(box, surface.bounds);
    moveStart(x.invert(px), y.invert(py));
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

  const code = h("input", { type: "text", readonly: true, class: "cw-code", "aria-label": "This state as one line of Python" });
  const copied = h("span", { class: "cw-copied", role: "status" });
  const copy = button("copy", "Copy this state as one line of Python", async () => {
    code.select();
    try {
      await navigator.clipboard.writeText(code.value);
      copied.textContent = "Copied";
    } catch {
      copied.textContent = "Selected: copy it with your keyboard"; // a page without the right to the clipboard
    }
  });
  const element = ({ key }) => sliders[key].element;
  const root = h(
    "div",
    { class: "cw", role: "group", "aria-label": "Optimizer explorer" },
    h(
      "div", { class: "cw-controls" },
      h("div", { class: "cw-choice" }, h("label", { for: selectId }, "Surface"), select),
      ...setup.controls.filter(({ more }) => !more).map(element),
    ),
    h(
      "details", { class: "cw-more" },
      h("summary", {}, "More controls: ε, noise, decay"),
      h(
        "div", { class: "cw-controls cw-three" },
        h("div", { class: "cw-choice" }, h("label", { for: scheduleId }, "Schedule of the rate"), schedule),
        ...setup.controls.filter(({ more }) => more).map(element),
      ),
    ),
    watch,
    player.element,
    note,
    h(
      "div", { class: "cw-pictures" },
      h("div", { class: "cw-map" }, map.canvas),
      h("div", {}, h("div", { class: "cw-losses" }, losses.canvas), h("div", { class: "cw-lengths" }, lengths.canvas)),
    ),
    inside,
    table,
    summary.element,
    h("div", { class: "cw-copy" }, code, copy, copied),
  );
  el.replaceChildren(root);

  const views = [map, losses, lengths, dials];
  let due = null;
  let dressed = false;
  function draw() {
    due ??= requestAnimationFrame(() => {
      due = null;
      if (!dressed) dress();
      for (const view of views) view.draw();
      fillTable();
      fillDialText();
      const text = pythonLine(setup.call, settings(), defaults());
      if (code.value !== text) [code.value, copied.textContent] = [text, ""];
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
  showSurface();
  complain(setup.said);
  dress();
  for (const view of views) view.attach();
  player.go(steps, false);
  summary.say(sentence, true);
  const later = setTimeout(() => prefetch("learning_rate"), 400);
  const unwatch = watchTheme(dress);
  model.on("change:_version", renew);
  if (model.get("_version") > 0) renew(); // what was sent with the widget is older than the functions

  return () => {
    clearTimeout(later);
    clearTimeout(quiet);
    player.stop();
    summary.stop();
    line.stop();
    unwatch();
    model.off("change:_version", renew);
    for (const view of views) view.observer.disconnect();
    if (due) cancelAnimationFrame(due);
  };
}

export default { render };
