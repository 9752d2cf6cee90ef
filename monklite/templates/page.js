"use strict";
// Tables that can be sorted and filtered
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const value = (row, i) => {
    const cell = row.cells[i];
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = Number(text);
    return text === "" || Number.isNaN(number) ? text.toLowerCase() : number;
  };
  for (const head of table.querySelectorAll("thead th")) {
    const i = head.cellIndex;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      // texts such as a missing value are last in both directions
      const rows = [...body.rows].sort((a, b) => {
        const x = value(a, i), y = value(b, i);
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
        const order = x < y ? -1 : x > y ? 1 : 0;
        return down ? -order : order;
      });
      body.append(...rows);
    });
  }
}
for (const input of document.querySelectorAll("input[data-filters]")) {
  const rows = document.getElementById(input.dataset.filters).tBodies[0].rows;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
  });
}
// Charts: the nearest point of a curve is told, by pointer and by arrow keys
for (const figure of document.querySelectorAll("figure[data-points]")) {
  const points = JSON.parse(figure.dataset.points), svg = figure.querySelector("svg");
  if (!points.length) continue;
  const box = svg.viewBox.baseVal, tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true; tip.setAttribute("role", "status");
  figure.append(tip);
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, v] of Object.entries({ r: 5, fill: "none", stroke: "currentColor", "stroke-width": 1.5, visibility: "hidden" })) mark.setAttribute(name, v);
  svg.append(mark);
  let at = -1;
  const show = (i) => {
    at = (i + points.length) % points.length;
    const [x, y, text] = points[at], scale = svg.clientWidth / box.width;
    mark.setAttribute("cx", x); mark.setAttribute("cy", y); mark.setAttribute("visibility", "visible");
    tip.textContent = text; tip.hidden = false;
    tip.style.top = `${y * scale + 12}px`;
    const left = x * scale + 10;
    if (left > svg.clientWidth * .6) { tip.style.left = "auto"; tip.style.right = `${figure.clientWidth - x * scale + 10}px`; }
    else { tip.style.right = "auto"; tip.style.left = `${left}px`; }
  };
  const hide = () => { tip.hidden = true; mark.setAttribute("visibility", "hidden"); };
  svg.addEventListener("pointermove", (event) => {
    const area = svg.getBoundingClientRect(), scale = box.width / area.width;
    const x = (event.clientX - area.left) * scale, y = (event.clientY - area.top) * scale;
    let best = 0, least = Infinity;
    points.forEach(([px, py], i) => { const d = (px - x) ** 2 + (py - y) ** 2; if (d < least) { least = d; best = i; } });
    if (least < 3600) show(best); else hide();
  });
  svg.addEventListener("pointerleave", hide);
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { event.preventDefault(); show(at < 0 && step < 0 ? points.length - 1 : at + step); }
    if (event.key === "Escape") hide();
  });
  figure.addEventListener("blur", hide);
}
// Cells of a confusion matrix open their images
for (const button of document.querySelectorAll("button[data-opens]")) {
  const dialog = document.getElementById(button.dataset.opens);
  button.addEventListener("click", () => dialog.showModal());
}
// The threshold of a class
for (const box of document.querySelectorAll(".threshold[data-rows]")) {
  const rows = JSON.parse(box.dataset.rows), slider = box.querySelector("input"), cells = box.querySelectorAll("[data-at]");
  const percent = (x) => x === null ? "–" : `${(100 * x).toFixed(1)} %`;
  // a threshold near 0 or 1 keeps its digits
  const score = (x) => x > 0.9999 && x < 1 ? `1 - ${Number((1 - x).toPrecision(2))}` : `${Number(x.toPrecision(4))}`;
  const update = () => {
    const row = rows[slider.value];
    for (const cell of cells) {
      const i = Number(cell.dataset.at);
      if (i === 0) cell.textContent = score(row[0]);
      else if (cell.dataset.as === "count") cell.textContent = row[i];
      else cell.textContent = row[i] === null ? "–" : `${percent(row[i])} (${percent(row[i + 1])} to ${percent(row[i + 2])})`;
    }
    slider.setAttribute("aria-valuetext", `threshold ${score(row[0])}`);
  };
  slider.addEventListener("input", update);
  update();
}
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", () => navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent));
}
