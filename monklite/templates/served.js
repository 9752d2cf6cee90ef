// The page that is handed out: pictures are sent in small requests, and each answer is shown when it comes
const form = document.getElementById("pictures");
if (form) {
  const part = (id) => document.getElementById(id);
  const limits = { bytes: Number(form.dataset.bytes), together: Number(form.dataset.together), atOnce: Number(form.dataset.atOnce), tries: Number(form.dataset.tries) };
  const table = document.querySelector(".answers"), body = table.tBodies[0];
  const percent = (x) => `${(100 * x).toFixed(1)} %`;
  const seconds = (n) => new Promise((done, stop) => {
    const timer = setTimeout(done, 1000 * n);
    aborter.signal.addEventListener("abort", () => { clearTimeout(timer); stop(new DOMException("", "AbortError")); }, { once: true });
  });
  // file, row, name, and state: waiting, sent, done, failed or stopped
  let pictures = [], aborter = new AbortController(), senders = 0, leftOut = 0, told = 0, note = "";

  form.classList.add("scripted");
  for (const element of document.querySelectorAll(".with-script")) element.hidden = false;

  // What is chosen or dropped
  const add = (files) => {
    for (const [file, name] of files) {
      const picture = { file, name, row: part("row").content.firstElementChild.cloneNode(true), state: "waiting", answer: null };
      picture.row.querySelector(".name").textContent = name;
      picture.row.querySelector("button").addEventListener("click", () => open(picture));
      say(picture, "waiting", "waiting");
      pictures.push(picture);
      body.append(picture.row);
      seen.observe(picture.row);
      pictureOf.set(picture.row, picture);
      if (file.size > limits.bytes) fail(picture, `it has ${Math.ceil(file.size / 1e6)} MB, and at most ${Math.floor(limits.bytes / 1e6)} MB are taken`);
    }
    part("work").hidden = part("results").hidden = !pictures.length;
    send();
    show(true);
  };
  // of a folder, files that are no pictures are left out; those of an unknown type may be some
  const isPicture = (file) => !file.name.startsWith(".") && (file.type === "" || file.type.startsWith("image/"));
  const ofFolder = (files) => {
    const kept = files.filter(([file]) => isPicture(file));
    leftOut += files.length - kept.length;
    return kept;
  };
  const entriesOf = async (reader) => {
    const found = [];
    // a browser gives a hundred at a time
    for (let more; (more = await new Promise((done, stop) => reader.readEntries(done, stop))).length;) found.push(...more);
    return found;
  };
  const filesOf = async (entry) => {
    if (entry.isFile) return [[await new Promise((done, stop) => entry.file(done, stop)), entry.fullPath.slice(1)]];
    const found = [];
    for (const inner of await entriesOf(entry.createReader())) found.push(...await filesOf(inner));
    return found;
  };
  for (const id of ["files", "folder"]) part(id).addEventListener("change", () => {
    const files = [...part(id).files].map((file) => [file, file.webkitRelativePath || file.name]);
    add(id === "folder" ? ofFolder(files) : files);
    part(id).value = "";
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    part("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
  document.addEventListener("drop", async (event) => {
    // the list is empty after the first pause
    const entries = [...event.dataTransfer?.items ?? []].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) {
      try {
        const files = await filesOf(entry);
        add(entry.isDirectory ? ofFolder(files) : files);
      } catch { note = `${entry.name} could not be read`; show(true); }
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // Previews, only of the rows that are seen
  const pictureOf = new WeakMap();
  const draw = async (blob, canvas) => {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(canvas.width / bitmap.width, canvas.height / bitmap.height), w = bitmap.width * scale, h = bitmap.height * scale;
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    canvas.getContext("2d").drawImage(bitmap, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    bitmap.close();
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) {
      seen.unobserve(target);
      // a browser does not show every kind of picture that is answered
      draw(pictureOf.get(target).file, target.querySelector("canvas")).catch(() => {});
    }
  });

  // Sending
  const take = () => {
    const batch = [];
    let size = 0;
    for (const picture of pictures) {
      if (picture.state !== "waiting") continue;
      if (batch.length === limits.together || (batch.length && size + picture.file.size > limits.bytes / 8)) break;
      size += picture.file.size;
      batch.push(picture);
      picture.state = "sent";
    }
    return batch;
  };
  const send = () => {
    for (; senders < limits.atOnce && pictures.some((p) => p.state === "waiting"); senders++) sender();
    show();
  };
  const sender = async () => {
    for (let batch; (batch = take()).length; show()) {
      try {
        const answers = await answered(batch);
        batch.forEach((picture, i) => fill(picture, answers[i]));
      } catch (error) {
        if (error.name === "AbortError") for (const picture of batch) stop(picture);
        // one of them may be to blame: each alone
        else if (error.splits && batch.length > 1) await alone(batch);
        else for (const picture of batch) fail(picture, error.message);
        if (error.ends) { note = error.message; for (const picture of pictures) if (picture.state === "waiting") fail(picture, error.message); }
      }
    }
    senders--;
    show(true);
  };
  const alone = async (batch) => {
    for (const picture of batch) {
      try { fill(picture, (await answered([picture]))[0]); } catch (error) { if (error.name === "AbortError") stop(picture); else fail(picture, error.message); }
      show();
    }
  };
  const answered = async (batch) => {
    const data = new FormData();
    for (const picture of batch) data.append("pictures", picture.file);
    const answers = (await (await post("predict", data, "application/json")).json()).answers;
    if (answers.length !== batch.length) throw new Error("the server gave an answer too few or too many");
    return answers;
  };
  // it waits while the server is busy, and tries again if the line fails
  const post = async (address, data, accept) => {
    for (let failures = 0; ;) {
      let response;
      try {
        response = await fetch(address, { method: "POST", body: data, signal: aborter.signal, headers: { Accept: accept, "X-Form-Token": form.dataset.token } });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        if (++failures >= limits.tries) throw Object.assign(new Error("it could not be sent: the server does not answer, or the file has changed"), { splits: true });
        await seconds(2 ** failures);
        continue;
      }
      if (response.ok) return response;
      if (response.status === 429 || response.status === 503) {
        note = "the server is busy: waiting";
        show(true);
        await seconds(Math.min(60, Math.max(1, Number(response.headers.get("Retry-After")) || 1)));
        note = "";
        continue;
      }
      throw await refusal(response);
    }
  };
  const refusal = async (response) => {
    let message = `the server refused it (${response.status})`;
    try { message = (await response.json()).message; } catch { /* not in words */ }
    if (response.status === 401 || response.status === 403) message = "the login has ended: save the table, load the page again and log in";
    return Object.assign(new Error(message), { ends: response.status === 401 || response.status === 403, splits: response.status === 413 || response.status >= 500 });
  };

  // Rows
  const say = (picture, state, text) => {
    const cell = picture.row.querySelector(".answer"), said = document.createElement("span");
    picture.state = state;
    said.className = state === "failed" ? "failed" : "waiting";
    said.textContent = text;
    cell.replaceChildren(said);
    picture.row.classList.toggle("odd", state === "failed");
    picture.row.classList.toggle("unread", state === "failed");
    cell.colSpan = state === "failed" ? 3 : 1;
  };
  const fail = (picture, problem) => { picture.problem = problem; picture.answer = null; say(picture, "failed", problem); };
  const stop = (picture) => say(picture, "stopped", "stopped");
  const lines = (names, values) => names.map((name) => {
    const line = document.createElement("span");
    line.className = "line";
    line.textContent = names.length > 1 ? `${name} ${percent(values[name])}` : percent(values[name]);
    return line;
  });
  const fill = (picture, answer) => {
    if (answer.problem) return fail(picture, answer.problem);
    const values = answer.calibrated ?? answer.scores, row = picture.row, value = row.querySelector(".value"), unsure = row.querySelector(".unsure");
    picture.state = "done";
    picture.answer = answer;
    row.querySelector(".answer").textContent = answer.predicted.join(", ") || "none of the classes";
    value.replaceChildren(...lines(answer.predicted, values));
    value.dataset.value = Math.max(0, ...answer.predicted.map((name) => values[name]));
    if (answer.unsure) {
      const badge = document.createElement("b"), possible = document.createElement("span");
      badge.textContent = "unsure";
      possible.className = "line";
      if (answer.possible) possible.textContent = `possible: ${answer.possible.join(", ")}`;
      unsure.replaceChildren(badge, ` ${answer.unsure}`, possible);
    }
    row.classList.toggle("odd", Boolean(answer.unsure));
    row.querySelector("button").hidden = false;
    row.querySelector("button").setAttribute("aria-label", `Details of ${picture.name}`);
    part("value-title").textContent = answer.calibrated ? "Probability" : "Score";
    part("calibrated").hidden = !answer.calibrated;
    part("uncalibrated").hidden = Boolean(answer.calibrated);
  };
  const show = (now = false) => {
    const count = (state) => pictures.filter((p) => p.state === state).length;
    const done = count("done"), failed = count("failed"), stopped = count("stopped"), all = pictures.length, over = done + failed + stopped === all;
    part("bar").max = all || 1;
    part("bar").value = done + failed + stopped;
    part("cancel").hidden = over;
    part("again").hidden = !over || !(failed + stopped);
    part("clear").hidden = !over;
    part("save").disabled = !(done + failed);
    part("filter").hidden = !done;
    // a screen reader reads each text aloud
    if (!now && !over && Date.now() - told < 2000) return;
    told = Date.now();
    const more = [failed && `${failed} failed`, stopped && `${stopped} stopped`, leftOut && `${leftOut} ${leftOut === 1 ? "file that is no picture was" : "files that are no pictures were"} left out`, note];
    part("status").textContent = [`${done} of ${all} answered`, ...more.filter(Boolean)].join("; ");
    const counts = new Map(), unsure = pictures.filter((p) => p.answer?.unsure).length;
    for (const p of pictures) for (const name of p.answer ? (p.answer.predicted.length ? p.answer.predicted : ["none of the classes"]) : []) counts.set(name, (counts.get(name) ?? 0) + 1);
    const sums = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([name, n]) => `${n} ${name}`);
    part("counts").textContent = [...sums, unsure && `${unsure} of them unsure`].filter(Boolean).join(" · ");
  };
  part("cancel").addEventListener("click", () => {
    aborter.abort();
    aborter = new AbortController();
    for (const picture of pictures) if (picture.state === "waiting") stop(picture);
    show(true);
    part("again").focus();
  });
  part("again").addEventListener("click", () => {
    note = "";
    for (const picture of pictures) if (picture.state !== "done" && picture.file.size <= limits.bytes) say(picture, "waiting", "waiting");
    send();
    show(true);
    part("cancel").focus();
  });
  part("clear").addEventListener("click", () => {
    for (const picture of pictures) picture.row.remove();
    pictures = [];
    leftOut = 0;
    note = "";
    part("work").hidden = part("results").hidden = true;
    part("files").focus();
  });
  part("only-odd").addEventListener("change", (event) => table.classList.toggle("only-odd", event.target.checked));
  window.addEventListener("beforeunload", (event) => { if (senders) event.preventDefault(); });

  // The table as a file; no cell becomes a formula, see csv_files.py
  const cell = (value) => {
    let text = String(value ?? "");
    if (typeof value === "string" && (/^'['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) || (/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text)))) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  part("save").addEventListener("click", () => {
    const classes = Object.keys(pictures.find((p) => p.answer)?.answer.scores ?? {});
    const rows = [["image", "predicted", ...classes.map((name) => `p(${name})`), "calibrated", "unsure", "possible", "problem"]];
    for (const { name, answer, state, problem } of pictures) rows.push(answer
      ? [name, answer.predicted.join("|"), ...classes.map((c) => answer.scores[c]), answer.calibrated ? answer.predicted.map((c) => answer.calibrated[c]).join("|") : "", answer.unsure || "", (answer.possible ?? []).join("|"), ""]
      : [name, "", ...classes.map(() => ""), "", "", "", state === "failed" ? problem : "not answered"]);
    const link = document.createElement("a");
    // the first character tells spreadsheets that it is UTF-8
    link.href = URL.createObjectURL(new Blob(["\ufeff", rows.map((row) => row.map(cell).join(",")).join("\n"), "\n"], { type: "text/csv" }));
    link.download = "predictions.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  // Details of one picture
  const dialog = part("details");
  // the last that was asked for: what comes late is of another
  let asked = null;
  const open = (picture) => {
    asked = null;
    part("details-name").textContent = picture.name;
    part("details-heat").hidden = part("details-colours").hidden = true;
    part("details-status").textContent = "";
    const canvas = part("details-picture");
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    draw(picture.file, canvas).catch(() => { part("details-status").textContent = "This browser cannot show this kind of picture."; });
    const scores = Object.entries(picture.answer.scores).sort((a, b) => b[1] - a[1]);
    part("details-scores").replaceChildren(...scores.map(([name, score]) => scoreRow(picture, name, score)));
    dialog.showModal();
  };
  const scoreRow = (picture, name, score) => {
    const row = document.createElement("tr"), title = document.createElement("th"), value = document.createElement("td");
    title.scope = "row"; title.dir = "auto"; title.textContent = name;
    value.className = "number"; value.textContent = percent(score);
    row.append(title, value);
    if ("explains" in form.dataset) {
      const more = document.createElement("td"), button = document.createElement("button");
      button.type = "button"; button.className = "plain"; button.textContent = "Show where";
      button.setAttribute("aria-label", `Show where the network sees ${name}`);
      button.addEventListener("click", () => heat(picture, name));
      more.append(button);
      row.append(more);
    }
    return row;
  };
  const heat = async (picture, name) => {
    const data = new FormData(), canvas = part("details-heat"), status = part("details-status"), mine = asked = {};
    data.append("pictures", picture.file);
    data.append("class_name", name);
    status.textContent = "computing";
    try {
      const image = await (await post("heat-map", data, "application/json")).blob();
      const bitmap = await createImageBitmap(image);
      if (asked !== mine) return;
      canvas.width = bitmap.width; canvas.height = bitmap.height;
      bitmap.close();
      await draw(image, canvas);
      canvas.setAttribute("aria-label", `The picture with colours where the network sees ${name}`);
      canvas.hidden = part("details-colours").hidden = false;
      status.textContent = `Where the network sees ${name}`;
      canvas.scrollIntoView({ block: "nearest" });
    } catch (error) { if (asked === mine) status.textContent = error.name === "AbortError" ? "" : error.message; }
  };
}
