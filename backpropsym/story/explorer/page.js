"use strict";
// Shows one derivative at a time, lights one path at a time, and computes all numbers again when one is changed.
const views = new Map([...document.querySelectorAll(".view")].map((view) => [view.dataset.wrt, view]));
const choices = [...document.querySelectorAll("button[data-wrt]")];
const inputs = [...document.querySelectorAll("input[data-leaf]")];

function choose(wrt) {
  for (const [name, view] of views) view.hidden = name !== wrt;
  for (const button of choices) button.setAttribute("aria-pressed", String(button.dataset.wrt === wrt));
  history.replaceState(null, "", "#" + encodeURIComponent(wrt));
}

function light(view, path) {
  for (const trail of view.querySelectorAll(".trail")) {
    trail.classList.toggle("away", path !== "" && trail.dataset.number !== path);
  }
  for (const chip of view.querySelectorAll("button[data-path]")) {
    chip.setAttribute("aria-pressed", String(chip.dataset.path === path));
  }
}

function told(value) {
  if (value === undefined) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "undefined" : value > 0 ? "∞" : "−∞";
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

function compute() {
  if (typeof network !== "function") return;
  const given = Object.fromEntries(inputs.map((input) => [input.dataset.leaf, input.valueAsNumber]));
  // Where a number is missing, none is shown: neither those that need it nor those that do not.
  const found = Object.values(given).some(Number.isNaN) ? {nodes: {}, gradient: {}} : network(given);
  for (const cell of document.querySelectorAll("[data-node]")) cell.textContent = told(found.nodes[cell.dataset.node]);
  for (const cell of document.querySelectorAll("[data-gradient]")) {
    cell.textContent = told(found.gradient[cell.dataset.gradient]);
  }
}

for (const button of choices) button.addEventListener("click", () => choose(button.dataset.wrt));
for (const input of inputs) input.addEventListener("input", compute);
for (const view of views.values()) {
  for (const chip of view.querySelectorAll("button[data-path]")) {
    chip.addEventListener("click", () => light(view, chip.dataset.path));
  }
  for (const trail of view.querySelectorAll(".trail")) {
    trail.addEventListener("click", () => light(view, trail.dataset.number));
  }
}
document.getElementById("reset").addEventListener("click", () => {
  for (const input of inputs) input.value = input.defaultValue;
  compute();
});
const asked = decodeURIComponent(location.hash.slice(1));
if (choices.length) choose(views.has(asked) ? asked : choices[0].dataset.wrt);
compute();
