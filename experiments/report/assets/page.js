"use strict";
// Adds the episode browser and dims lines; the page works without it. Texts from data only become text nodes.

const PAGE = 60;
const SYMBOL = { success: "✓", ended: "■", failure: "✗", cancelled: "–" };

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
  return node;
}

function number(value, digits) {
  return value === null || value === undefined ? "–" : Number(value).toFixed(digits);
}

function dimOthers() {
  for (const chart of document.querySelectorAll(".chart")) {
    for (const part of chart.querySelectorAll("[data-arm]")) {
      part.addEventListener("pointerenter", () => {
        chart.classList.add("picked");
        for (const other of chart.querySelectorAll("[data-arm]"))
          other.classList.toggle("picked", other.dataset.arm === part.dataset.arm);
      });
      part.addEventListener("pointerleave", () => chart.classList.remove("picked"));
    }
  }
}

// A table or code block that is wider than the page says that it scrolls, and can be scrolled by keys.
function tellScrolling(box) {
  const hint = el("p", { class: "hint", hidden: "" }, "Scroll sideways for more →");
  box.before(hint);
  const tell = () => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    hint.hidden = !scrolls;
    if (scrolls) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  };
  const watch = new ResizeObserver(tell);
  watch.observe(box);
  for (const part of box.children) watch.observe(part);
}

function browse(root, index) {
  const column = Object.fromEntries(index.columns.map((name, place) => [name, place]));
  const PHASES = ["learn", "held_out"];
  const PHASE_WORDS = ["learning", "held out"];
  const chunks = new Map();
  const partColours = new Map();
  let shown = PAGE;
  let wanted = decodeURIComponent(location.hash.slice(1));

  const key = (row) => [index.arms[row[column.arm]], row[column.lifetime], PHASES[row[column.phase]], row[column.index]].join("/");
  const lifetimes = [...new Set(index.rows.map((row) => row[column.lifetime]))].sort((a, b) => a - b);
  const choice = (label, values, words) => {
    const select = el("select", { onchange: () => { shown = PAGE; draw(); } }, el("option", { value: "" }, "all"),
      values.map((value, place) => el("option", { value }, words ? words[place] : String(value))));
    return [el("label", {}, label, select), select];
  };
  const [armLabel, arm] = choice("Arm", index.arms.map((_, place) => place), index.arms);
  const [lifeLabel, life] = choice("Lifetime", lifetimes);
  const [phaseLabel, phase] = choice("Phase", [0, 1], PHASE_WORDS);
  const [kindLabel, kind] = choice("Task kind", index.kind.map((_, place) => place), index.kind);
  const [wonLabel, won] = choice("Outcome", [1, 0], ["success", "no success"]);
  const search = el("input", { type: "search", placeholder: "words of the task", oninput: () => { shown = PAGE; draw(); } });
  const count = el("p", { class: "count", "aria-live": "polite" });
  const heads = ["", "Outcome", "Task", "Steps", "Arm", "Task kind", "Phase", "Lifetime", "Episode", "Decisions"];
  const table = el("table", { class: "list" }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head || el("span", { class: "unseen" }, "Open"))))));
  const more = el("button", { class: "more", type: "button", onclick: () => { shown += 4 * PAGE; draw(); } });
  root.append(el("div", { class: "filters" }, armLabel, lifeLabel, phaseLabel, kindLabel, wonLabel, el("label", {}, "Search", search)),
    count, el("div", { class: "scroll" }, table), more);

  function matching() {
    const words = search.value.toLowerCase().trim();
    const tests = [[column.arm, arm], [column.lifetime, life], [column.phase, phase], [column.kind, kind], [column.success, won]]
      .filter(([, select]) => select.value !== "").map(([place, select]) => [place, Number(select.value)]);
    return index.rows.filter((row) => tests.every(([place, value]) => row[place] === value)
      && (!words || index.task[row[column.task]].toLowerCase().includes(words)));
  }

  function draw() {
    const rows = matching();
    for (const body of table.querySelectorAll("tbody")) body.remove();
    for (const row of rows.slice(0, shown)) table.append(line(row));
    count.textContent = `${rows.length.toLocaleString("en")} of ${index.rows.length.toLocaleString("en")} episodes`;
    more.hidden = rows.length <= shown;
    more.textContent = `Show ${Math.min(4 * PAGE, rows.length - shown)} more`;
  }

  function line(row) {
    const body = el("tbody");
    const toggle = el("button", { class: "toggle", type: "button", "aria-expanded": "false",
      "aria-label": `Open episode ${row[column.index]} of ${index.arms[row[column.arm]]}`, onclick: () => open() }, "▸");
    const fill = el("i");
    fill.style.width = `${Math.min(100, (100 * row[column.steps]) / row[column.max_steps])}%`;
    const success = row[column.success] === 1;
    body.append(el("tr", {}, el("td", {}, toggle),
      el("td", { class: `number ${success ? "won" : "lost"}` }, `${success ? "✓" : "✗"} ${index.status[row[column.status]]}`),
      el("td", { class: "task" }, index.task[row[column.task]]),
      el("td", { class: "number" }, el("span", { class: "bar" }, fill), `${row[column.steps]} / ${row[column.max_steps]}`),
      el("td", { class: "arm" }, el("span", { class: `swatch ${index.looks[row[column.arm]]}` }), index.arms[row[column.arm]]),
      el("td", { class: "number" }, index.kind[row[column.kind]]), el("td", { class: "number" }, PHASE_WORDS[row[column.phase]]),
      el("td", {}, String(row[column.lifetime])), el("td", {}, String(row[column.index])),
      el("td", {}, String(row[column.decisions]))));

    async function open() {
      const isOpen = body.classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(isOpen));
      toggle.textContent = isOpen ? "▾" : "▸";
      if (!isOpen) { body.lastElementChild.remove(); return; }
      const cell = el("td", { colspan: heads.length }, "…");
      body.append(el("tr", {}, cell));
      history.replaceState(null, "", `#${encodeURIComponent(key(row))}`);
      cell.replaceChildren(await opened(row));
    }
    if (key(row) === wanted) { wanted = ""; open().then(() => body.scrollIntoView({ block: "start" })); }
    return body;
  }

  async function chunk(armPlace, lifetime, phaseName) {
    const name = `details-${armPlace}/${lifetime}/${phaseName}`;
    if (!chunks.has(name)) {
      const packed = document.getElementById(name);
      if (packed === null) return null;
      const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      chunks.set(name, JSON.parse(await new Response(stream).text()));
    }
    return chunks.get(name);
  }

  async function opened(row) {
    if (typeof DecompressionStream === "undefined")
      return el("div", { class: "episode" }, "This browser is too old to unpack the details; they are in the run folder's episodes.jsonl.");
    const place = [row[column.arm], row[column.lifetime]];
    const own = await chunk(...place, PHASES[row[column.phase]]);
    const learning = await chunk(...place, "learn");
    const detail = own && own[row[column.index]];
    if (!detail) return el("div", { class: "episode" }, "The details of this episode are left out of the page; they are in the run folder's episodes.jsonl.");
    const origin = new Map();
    for (const [episode, other] of Object.entries(learning || {})) for (const id of other.recorded || []) origin.set(id, episode);
    return episode(detail, origin);
  }

  function episode(detail, origin) { // rows may omit empty fields
    detail = { decisions: [], feedback: {}, model_calls: [], ...detail };
    detail.calls = (detail.calls || []).map((call) => ({ first_step: 0, last_step: 0, decision: 0, reason: "", obstacle: "", ...call }));
    const facts = [["seed", detail.seed], ["problem", detail.instance], ["reward", number(detail.reward, 3)], ["ended by", detail.ended_by], ["judged", detail.explanation], ["error", detail.error],
      ["experiences in memory", detail.memory_size], ["recalls", detail.n_recalls], ["budget of recalls", detail.recalls_spent ? "ran out" : null],
      ...Object.entries(detail.cost || {}), ["seconds", number(detail.seconds, 2)], ["recorded", (detail.recorded || []).length || null]]
      .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–").map(([name, value]) => `${name} ${value}`);
    const node = el("div", { class: "episode" }, el("p", { class: "meta" }, facts.join(" · ")));
    if (!detail.decisions.length) node.append(el("p", { class: "quiet" }, "No decisions were logged for this arm."));
    const known = new Map(); // a plan may use a memory recalled at an earlier decision
    for (const decision of detail.decisions) {
      for (const memory of decision.recalled || []) known.set(memory.id, { ...memory, decision: decision.index || 0 });
      node.append(decided(decision, detail, origin, known));
    }
    const unplanned = detail.decisions.length ? [] : detail.calls;
    if (unplanned.length) node.append(calls(unplanned));
    if (detail.calls_cut) node.append(el("p", { class: "quiet" }, `${detail.calls_cut} more calls are left out.`));
    if (detail.decisions_cut) node.append(el("p", { class: "quiet" }, `${detail.decisions_cut} more decisions are left out.`));
    return node;
  }

  function decided(decision, detail, origin, known) {
    const where = [`step ${decision.step}`, decision.trigger, decision.obstacle && `obstacle: ${decision.obstacle}`].filter(Boolean).join(" · ");
    decision = { index: 0, step: 0, trigger: "", plan: [], recalled: [], shown: [], acted_on: [], ...decision };
    const node = el("div", { class: "decision" }, el("h4", {}, `Decision ${decision.index + 1} `, el("span", {}, where)));
    const before = detail.calls.filter((call) => call.decision < decision.index).length;
    const asked = detail.model_calls.filter((call) => call.after === before);
    const isAnswer = asked.some((call) => (call.answer || "").startsWith(decision.reason));
    if (decision.reason && !isAnswer) node.append(el("p", { class: "why" }, decision.reason));
    const made = detail.calls.filter((call) => call.decision === decision.index);
    const undone = decision.plan.slice(made.length);
    node.append(calls(made));
    if (undone.length) node.append(el("p", { class: "why" }, "planned, not started: ", el("code", {}, undone.join("; "))));
    const own = new Set(decision.recalled.map((memory) => memory.id));
    const earlier = decision.acted_on.filter((id) => !own.has(id)).map((id) => known.get(id) || { id });
    const listed = [...earlier, ...decision.recalled];
    if (listed.length) node.append(memories(listed, decision, detail, origin));
    node.append(...asked.map(modelCall));
    return node;
  }

  function modelCall(call) { // what a language model was asked, and what it answered
    const count = (tokens, what) => (tokens === undefined ? `tokens ${what} not counted` : `${tokens.toLocaleString("en")} ${tokens === 1 ? "token" : "tokens"} ${what}`);
    const facts = [call.model, count(call.tokens_in, "in"), count(call.tokens_out, "out"),
      `${number(call.seconds, 2)} s`, call.usd === undefined ? null : `${call.usd ? Number(call.usd).toPrecision(2) : 0} USD`];
    const prompt = el("details", {}, el("summary", {}, ["Prompt", call.template].filter(Boolean).join(" · ")),
      call.system ? el("pre", { class: "prompt" }, call.system) : null, el("pre", { class: "prompt" }, call.prompt || ""));
    return el("div", { class: "asked" }, el("p", { class: "meta" }, facts.filter(Boolean).join(" · ")),
      el("p", {}, "Answer ", el("code", {}, call.answer || "(none)"), call.error ? el("span", { class: "lost" }, ` ${call.error}`) : null), prompt);
  }

  function calls(made) {
    return el("ul", { class: "calls" }, made.map((call) => el("li", {},
      el("span", { class: call.status === "failure" ? "lost" : "won", title: call.status }, SYMBOL[call.status] || "·"), el("code", {}, call.call),
      el("span", { class: "reason" }, [`steps ${call.first_step}–${call.last_step}`, call.reason, call.obstacle && `(${call.obstacle})`].filter(Boolean).join(" · ")))));
  }

  function colour(part) {
    if (!partColours.has(part)) partColours.set(part, `p${partColours.size % 6}`);
    return partColours.get(part);
  }

  function memories(listed, decision, detail, origin) {
    const sizes = listed.map((memory) => Object.values(memory.parts || {}).reduce((sum, part) => sum + Math.abs(part || 0), 0));
    const most = Math.max(...sizes, 1e-9);
    const rows = listed.map((memory) => {
      memory = { parts: {}, score: 0, reason: "", ...memory };
      const parts = Object.entries(memory.parts);
      const stack = el("div", { class: "stack", "aria-hidden": "true" }, parts.map(([name, value]) => {
        const bar = el("i", { class: `${colour(name)}${value < 0 ? " minus" : ""}`, title: `${name} ${number(value, 3)}` });
        bar.style.width = `${(100 * Math.abs(value || 0)) / most}%`;
        return bar;
      }));
      const terms = parts.map(([name, value], place) => el("span", {}, place ? (value < 0 ? " − " : " + ") : value < 0 ? "−" : "",
        el("span", { class: `key ${colour(name)}` }), `${name} ${number(Math.abs(value || 0), 3)}`));
      const total = parts.reduce((sum, [, value]) => sum + (value || 0), 0);
      const matches = Math.abs(total - memory.score) < 0.002;
      const use = decision.acted_on.includes(memory.id) ? ["acted on", "chip shown"] : decision.shown.includes(memory.id) ? ["shown", "chip"] : null;
      const helped = detail.feedback[memory.id];
      const feedback = helped === undefined ? null : el("span", { class: "from" }, helped ? " helped" : " did not help");
      const from = origin.has(memory.id) ? `from learning episode ${origin.get(memory.id)}` : null;
      const met = memory.obstacle ? `met “${memory.obstacle}”` : null;
      const when = memory.decision === undefined ? null : `recalled at decision ${memory.decision + 1}`;
      return el("tr", {}, el("td", {}, stack), el("td", {}, el("code", {}, memory.plan || "(no plan)"),
        el("div", { class: "sum" }, terms, parts.length ? ` = ${number(memory.score, 3)}` : `score ${number(memory.score, 3)}`,
          parts.length && !matches ? ` (the parts give ${number(total, 3)})` : null),
        el("div", { class: "from", title: memory.id }, [when, memory.reason, met, from, memory.id.slice(0, 32)].filter(Boolean).join(" · "))),
        el("td", { class: "number" }, use ? el("span", { class: use[1] }, use[0]) : null, feedback));
    });
    return el("table", { class: "memories" }, el("tbody", {}, rows));
  }

  const linked = wanted && index.rows.find((row) => key(row) === wanted);
  if (linked) { // a link to one episode: extend the list as far as that episode
    arm.value = String(linked[column.arm]); life.value = String(linked[column.lifetime]); phase.value = String(linked[column.phase]);
    shown = Math.max(PAGE, matching().indexOf(linked) + 1);
  } else if (index.rows.length) { // start with the held-out episodes of the focus arm
    const focus = index.looks.findIndex((look) => look === "c0");
    if (focus >= 0) arm.value = String(focus);
    phase.value = "1";
    if (!matching().length) { arm.value = ""; phase.value = ""; }
  }
  draw();
}

dimOthers();
const source = document.getElementById("episode-index");
if (source) browse(document.getElementById("browser"), JSON.parse(source.textContent));
for (const box of document.querySelectorAll(".scroll, pre")) tellScrolling(box);
