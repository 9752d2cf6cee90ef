"use strict";
// Pictures are sent in batches of so many and so many bytes, which the server takes at once
const BATCH = 20, BATCH_BYTES = 16e6, LOOK_EVERY = 1500;
const JSON_ONLY = { accept: "application/json" };

const asked = async (url, options = {}) => {
  const answer = await fetch(url, { headers: JSON_ONLY, ...options });
  const values = await answer.json().catch(() => ({ problem: `The server answered ${answer.status}.` }));
  if (!answer.ok) throw new Error(values.problem || `The server answered ${answer.status}.`);
  return values;
};
// The server may be restarted meanwhile: nothing is lost, so this asks again
const again = (work) => {
  let failures = 0;
  const next = async () => {
    try { failures = 0; if (await work()) return; } catch (error) { failures += 1; }
    setTimeout(next, Math.min(10000, LOOK_EVERY * (1 + failures)));
  };
  next();
};
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

for (const link of document.querySelectorAll("[data-back]")) {
  link.addEventListener("click", (event) => { if (history.length > 1) { event.preventDefault(); history.back(); } });
}

// A second click while the server answers the first one would begin the same thing twice
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
// whoever comes back to a page may send its forms again
window.addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent; });

// Dropped files, and those of dropped folders, with their paths
const dropped = async (items) => {
  const files = [];
  const walk = async (entry, path) => {
    if (entry.isFile) { files.push([await new Promise((found, failed) => entry.file(found, failed)), path + entry.name]); return; }
    const reader = entry.createReader();
    for (;;) {
      // some at a time, until there are none left
      const some = await new Promise((found, failed) => reader.readEntries(found, failed));
      if (!some.length) return;
      for (const inner of some) await walk(inner, `${path}${entry.name}/`);
    }
  };
  // all at once, because they are gone after this event
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) await walk(entry, "");
  return files;
};
const takesDrops = (box, take) => {
  box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", async (event) => { event.preventDefault(); box.classList.remove("over"); take(await dropped(event.dataTransfer.items)); });
};

// Uploads
for (const form of document.querySelectorAll("form[data-upload]")) {
  const said = form.querySelector("[role=status]"), bar = form.querySelector("progress");
  const send = async (files, className) => {
    const total = { added: 0, known: 0, refused: 0 }, reasons = [];
    let sent = 0;
    const batches = [];
    for (const pair of files) {
      const last = batches[batches.length - 1];
      if (last && last.length < BATCH && last.reduce((sum, [file]) => sum + file.size, 0) + pair[0].size <= BATCH_BYTES) last.push(pair);
      else batches.push([pair]);
    }
    for (const batch of batches) {
      const data = new FormData();
      data.append("part", form.dataset.part);
      data.append("class", className);
      for (const [file, path] of batch) data.append("pictures", file, path);
      const found = await asked(`${form.dataset.upload}/pictures`, { method: "POST", body: data });
      for (const key of Object.keys(total)) total[key] += found[key];
      reasons.push(...found.reasons);
      sent += batch.length;
      bar.value = sent / files.length;
      said.textContent = `${sent} of ${files.length} files sent`;
    }
    return { ...total, reasons };
  };
  const sendZip = (file) => new Promise((resolve, reject) => {
    // fetch does not tell how much is sent
    const request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.upload}/zip?part=${form.dataset.part}`);
    request.setRequestHeader("accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; said.textContent = bar.value < 1 ? "sending the file" : "unpacking it"; });
    request.addEventListener("load", () => request.status === 200 ? resolve(request.response) : reject(new Error(request.response?.problem || `The server answered ${request.status}.`)));
    request.addEventListener("error", () => reject(new Error("The server could not be reached.")));
    request.send(file);
  });
  const take = async (files, className) => {
    if (!files.length) return;
    const isZip = files.length === 1 && /\.zip$/i.test(files[0][1]);
    bar.hidden = false; bar.value = 0; said.textContent = "sending";
    try {
      const found = isZip ? await sendZip(files[0][0]) : await send(files, className);
      const parts = [`${found.added} pictures added`];
      if (found.known) parts.push(`${found.known} were there already`);
      if (found.refused) parts.push(`${found.refused} left out (${found.reasons.slice(0, 3).join("; ")})`);
      said.textContent = parts.join(", ");
      if (found.added && !found.refused) location.reload();
      else if (found.added) said.append(" ", element("a", { href: "" }, "Show them"));
    } catch (error) { said.textContent = error.message; }
  };
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", async () => {
      const single = input.dataset.kind === "pictures", className = single ? form.querySelector("[data-class]").value.trim() : "";
      if (single && !className) said.textContent = "Say first of which class they are.";
      else await take([...input.files].map((file) => [file, file.webkitRelativePath || file.name]), className);
      input.value = "";
    });
  }
  takesDrops(form, (files) => take(files, ""));
}

// A job that is looked at until it ends
for (const box of document.querySelectorAll("[data-job]")) {
  const line = box.querySelector("[data-line]");
  again(async () => {
    const state = await asked(box.dataset.job);
    if (state.line) line.textContent = state.line;
    if (state.status === "ended") { location.reload(); return true; }
    return false;
  });
}

// Curves of a training
const SVG = "http://www.w3.org/2000/svg";
const drawn = (svg, name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  svg.append(made);
};
const chart = (svg, rows, epochs) => {
  const columns = svg.dataset.chart.split(",").map(Number), share = svg.dataset.share !== undefined;
  const left = 44, right = 450, top = 10, bottom = 190;
  const values = rows.flatMap((row) => columns.map((c) => row[c])).filter((v) => v !== null);
  const most = share ? 1 : Math.max(...values, 0.1) * 1.05;
  const x = (epoch) => left + (right - left) * (epochs > 1 ? (epoch - 1) / (epochs - 1) : 0.5);
  const y = (value) => bottom - (bottom - top) * value / most;
  svg.replaceChildren();
  for (let i = 0; i <= 4; i++) {
    const value = most * i / 4;
    drawn(svg, "line", { x1: left, x2: right, y1: y(value), y2: y(value), class: "axis" });
    if (share || values.length) drawn(svg, "text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, share ? `${Math.round(100 * value)} %` : value.toPrecision(2));
  }
  drawn(svg, "text", { x: left, y: 210 }, "round 1");
  if (epochs > 1) drawn(svg, "text", { x: right, y: 210, "text-anchor": "end" }, `round ${epochs}`);
  columns.forEach((column, i) => {
    const name = i ? "second" : "first", points = rows.filter((row) => row[column] !== null);
    if (points.length > 1) drawn(svg, "polyline", { class: name, points: points.map((row) => `${x(row[0])},${y(row[column])}`).join(" ") });
    for (const row of points.slice(points.length > 1 ? -1 : 0)) drawn(svg, "circle", { class: name, r: 4, cx: x(row[0]), cy: y(row[column]) });
  });
  const last = rows[rows.length - 1];
  if (last) svg.setAttribute("aria-label", `${svg.parentNode.querySelector("figcaption").textContent}: after round ${last[0]}, ${columns.map((c) => last[c] === null ? "unknown" : share ? `${(100 * last[c]).toFixed(1)} %` : last[c].toPrecision(3)).join(" and ")}`);
};
for (const box of document.querySelectorAll("[data-training]")) {
  const at = (name) => box.querySelector(`[data-${name}]`), log = document.querySelector("[data-log]");
  const ended = (status) => ["done", "interrupted", "failed"].includes(status);
  // the buttons and the report are of the state with which the page was made
  const group = (status) => ended(status) ? status : status === "waiting" ? "waiting" : status === "finishing" ? "finishing" : "on";
  const show = (state) => {
    at("title").textContent = state.title;
    at("left").textContent = state.left;
    at("problem").textContent = state.problem;
    at("problem").hidden = !state.problem;
    at("progress").max = state.epochs || 1;
    at("progress").value = state.rows.length;
    at("rounds").textContent = state.epochs ? `${state.rows.length} of ${state.epochs} rounds` : "";
    for (const svg of box.querySelectorAll("[data-chart]")) chart(svg, state.rows, Math.max(state.epochs, state.rows.length));
    const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
    if (log.textContent !== state.log) log.textContent = state.log;
    if (follows) log.scrollTop = log.scrollHeight;
  };
  again(async () => {
    const state = await asked(box.dataset.training);
    show(state);
    if (group(state.status) !== group(box.dataset.status)) { location.reload(); return true; }
    return ended(state.status);
  });
}

// Pictures that are tried
const list = document.querySelector("ul.tried");
const percent = (score) => `${(100 * score).toFixed(1)} %`;
const card = (a) => {
  const scores = Object.entries(a.scores).sort((x, y) => y[1] - x[1]).slice(0, 4);
  const title = element("p", {}, element("strong", { dir: "auto" }, a.predicted || "none of them"));
  if (a.unsure) title.append(" ", element("span", { class: "unsure" }, `unsure: ${a.unsure}`));
  const bars = element("ul", { class: "scores" }, ...scores.map(([name, score]) =>
    element("li", {}, element("meter", { min: 0, max: 1, value: score, "aria-label": name }), " ", element("span", { dir: "auto" }, name), ` ${percent(score)}`)));
  const line = element("div", { class: "line" }, element("button", { type: "button", class: "plain", "data-heat": a.predicted }, "Where does it look?"));
  if (list.dataset.own === "1") {
    const select = element("select", { "data-correct": "" }, element("option", { value: "" }, "…"));
    select.append(document.getElementById("classes").content.cloneNode(true));
    line.append(element("label", { class: "small" }, "What is it really? ", select));
  }
  const about = element("p", { class: "small" }, element("span", { dir: "auto" }, a.name), ` · ${a.experiment}`);
  return element("li", { "data-number": a.number },
    element("img", { alt: a.name, src: `${list.dataset.at}/tried/${a.number}/picture`, width: 120, height: 120 }),
    element("div", {}, title, bars, about, line));
};
for (const form of document.querySelectorAll("form[data-try]")) {
  const said = form.querySelector("[role=status]"), input = form.querySelector("input[type=file]");
  const ask = async (files) => {
    let done = 0;
    const problems = [];
    said.textContent = "asking the network; the first picture takes some seconds";
    for (const file of files) {
      const data = new FormData();
      data.append("training", form.elements.training.value);
      data.append("picture", file, file.name);
      let last = "";
      try {
        const answer = await asked(`${form.dataset.try}/try`, { method: "POST", body: data });
        list.prepend(card(answer));
        done += 1;
        last = `: ${answer.predicted || "none of them"}`;
      }
      catch (error) { problems.push(`${file.name}: ${error.message}`); }
      said.textContent = [`${done} of ${files.length} answered${last}`, ...problems].join("; ");
    }
  };
  input.addEventListener("change", () => { ask([...input.files]); input.value = ""; });
  takesDrops(form, (files) => ask(files.map(([file]) => file)));
}
if (list) {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-heat]");
    if (!button) return;
    const item = button.closest("li[data-number]"), picture = item.querySelector("img"), at = `${list.dataset.at}/tried/${item.dataset.number}`;
    const hot = picture.dataset.hot === "1";
    button.textContent = hot ? "Where does it look?" : "Show the picture";
    picture.dataset.hot = hot ? "" : "1";
    picture.addEventListener("error", () => { button.textContent = "It cannot show that"; button.disabled = true; }, { once: true });
    picture.dataset.name ??= picture.alt;
    picture.alt = hot ? picture.dataset.name : `${picture.dataset.name}, with colours where the network sees ${button.dataset.heat}`;
    picture.src = hot ? `${at}/picture` : `${at}/heat?of=${encodeURIComponent(button.dataset.heat)}`;
  });
  list.addEventListener("change", async (event) => {
    const select = event.target.closest("[data-correct]");
    if (!select || !select.value) return;
    const item = select.closest("li[data-number]"), data = new FormData();
    data.append("class", select.value);
    const label = select.closest("label");
    // what is said instead takes the focus, so that it is read and not lost
    const instead = (kind, text) => {
      const said = element("span", { class: `${kind} small`, tabindex: -1 }, text);
      label.replaceWith(said);
      said.focus();
    };
    try {
      const found = await asked(`${list.dataset.at}/tried/${item.dataset.number}/correct`, { method: "POST", body: data });
      instead("good", `added to the pictures of ${found.corrected}`);
    } catch (error) { instead("note", error.message); }
  });
}
