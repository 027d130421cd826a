// Beside a live widget stands its still picture, for pages without a kernel. Where the widget lives, hide it.
export function hideStill(model) {
  const still = `[data-still="${model.get("_still")}"]`;
  const rule = `${still}, .jp-OutputArea-child:has(${still}) { display: none }`;
  document.head.append(Object.assign(document.createElement("style"), { textContent: rule }));
}
