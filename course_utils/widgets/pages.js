// A slider over pictures that were drawn beforehand; it needs no kernel.
function render({ model, el }) {
  hideStill(model);
  const { name, pages, said, stops, start } = model.get("_setup");
  const make = (tag, parent, settings = {}) =>
    parent.appendChild(Object.assign(document.createElement(tag), settings));
  const root = make("div", el, { className: "cw" });
  root.style.setProperty("--cw-ink", "var(--jp-ui-font-color1, CanvasText)");
  root.style.setProperty("--cw-muted", "var(--jp-ui-font-color2, GrayText)");
  const label = make("label", root);
  label.style.cssText = "display:block;max-width:28em;font-weight:600";
  const title = make("span", label);
  const slider = make("input", label, { type: "range", min: 0, max: pages.length - 1, step: 1 });
  slider.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the arrow keys away
  const line = make("output", root);
  line.style.cssText = "display:block;color:var(--cw-ink);font-variant-numeric:tabular-nums";
  const picture = make("div", root);
  picture.style.marginTop = "8px";
  function show() {
    const i = Number(slider.value);
    title.textContent = `${name} ${stops[i]}`;
    slider.setAttribute("aria-valuetext", stops[i]);
    slider.style.setProperty("--cw-part", `${(100 * i) / (pages.length - 1)}%`);
    line.textContent = said[i];
    picture.innerHTML = pages[i];
  }
  slider.value = start;
  slider.addEventListener("input", show);
  show();
}
export default { render };
