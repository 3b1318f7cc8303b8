"use strict";

// What is looked at: a sentence, a layer and a head (null is the mean over them), and words.
// A word is {s: index} of the source, {t: index} of the target, or both for a cell of the map.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const look = {sentence: 0, layer: data.layers > 1 ? null : 0, head: data.heads > 1 ? null : 0, kept: null, pointed: null};
const FAINT = 0.02; // lines of less are not drawn while all are shown

const range = count => Array.from({length: count}, (_, index) => index);
const sentence = () => data.sentences[look.sentence];
const word = () => look.pointed ?? look.kept ?? {};
const counts = ({source_tokens: source, target_tokens: target}) => [source.length, target.length];

// weights_TS of one layer and head, or the mean over them; flat, row after row.
function weights(layer, head) {
  const one = sentence(), [S, T] = counts(one);
  one.unpacked ??= new Uint16Array(Uint8Array.from(atob(one.weights), letter => letter.charCodeAt(0)).buffer);
  const found = new Float64Array(T * S);
  const layers = layer === null ? range(data.layers) : [layer], heads = head === null ? range(data.heads) : [head];
  for (const l of layers) for (const h of heads) {
    const start = (l * data.heads + h) * T * S;
    for (let at = 0; at < T * S; at++) found[at] += one.unpacked[start + at];
  }
  return found.map(sum => sum / (data.scale * layers.length * heads.length));
}

function named(layer, head) {
  if (data.layers * data.heads === 1) return "";
  const of = layer === null ? "all layers" : `layer ${layer}`;
  return head !== null && data.heads > 1 ? `${of}, head ${head}` : data.heads > 1 ? `${of}, mean over heads` : of;
}

function make(tag, properties = {}, dataset = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, dataset);
  return made;
}

// In parts of an <svg>, whose names are not HTML's.
function draw(tag, attributes, text = "") {
  const drawn = document.createElementNS($("map").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) drawn.setAttribute(name, value);
  drawn.textContent = text;
  return drawn;
}

// The three things that change, from the rarest to the most frequent; each shows what follows from it too.
function showSentence() {
  const one = sentence();
  look.kept = look.pointed = null;
  for (const side of ["source", "target"]) {
    $(`${side}-text`).textContent = one[side];
    $(side).replaceChildren(...one[`${side}_tokens`].map((token, index) => {
      const item = make("li"), button = make("button", {type: "button", title: token, tabIndex: index ? -1 : 0}, {[side[0]]: index});
      button.append(make("span", {className: "token", textContent: token, dir: "auto"}), make("span", {className: "weight"}));
      item.append(button);
      return item;
    }));
  }
  const rows = Math.max(...counts(one));
  $("lines").setAttribute("viewBox", `0 0 100 ${rows}`);
  $("lines").style.setProperty("--rows", rows);
  $("lines").parentElement.classList.toggle("long", rows > 20);
  $("sentence").value = look.sentence;
  $("before").disabled = look.sentence === 0;
  $("after").disabled = look.sentence === data.sentences.length - 1;
  showHeads();
  showHead();
}

function showHead() {
  $("layer").value = look.layer ?? "mean";
  $("head").value = look.head ?? "mean";
  $("head").disabled = look.layer === null;
  for (const button of $("heads").querySelectorAll("button")) {
    const chosen = button.dataset.layer === $("layer").value && button.dataset.head === $("head").value;
    button.setAttribute("aria-pressed", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  for (const whose of document.querySelectorAll(".whose")) whose.textContent = named(look.layer, look.head);
  showMap();
}

function showWord() {
  const one = sentence(), [S, T] = counts(one), {s, t} = word(), weights_TS = weights(look.layer, look.head);
  const read = t !== undefined ? index => weights_TS[t * S + index] : null; // by the source word at index
  const readers = t === undefined && s !== undefined ? index => weights_TS[index * S + s] : null;
  for (const [side, weight, chosen] of [["source", read, s], ["target", readers, t]]) {
    [...$(side).children].forEach((item, index) => {
      const button = item.firstChild, value = weight?.(index) ?? null;
      item.style.setProperty("--weight", value ?? 0);
      button.lastChild.textContent = value >= 0.005 ? value.toFixed(2) : "";
      button.classList.toggle("lit", index === chosen);
      button.setAttribute("aria-pressed", look.kept?.[side[0]] === index);
    });
  }
  const lines = [];
  for (const row of read ? [t] : range(T)) for (const column of readers ? [s] : range(S)) {
    const weight = weights_TS[row * S + column];
    if (weight < (read || readers ? 0.005 : FAINT)) continue;
    const d = `M0 ${column + 0.5}C50 ${column + 0.5} 50 ${row + 0.5} 100 ${row + 0.5}`;
    lines.push(draw("path", {d, "stroke-width": 1 + 5 * weight, "stroke-opacity": 0.12 + 0.88 * weight}));
  }
  $("lines").replaceChildren(...lines);
  for (const lit of $("map").querySelectorAll(".lit")) lit.classList.remove("lit");
  if (t !== undefined) $("map").querySelector(`.t[data-t="${t}"]`).classList.add("lit");
  if (s !== undefined) $("map").querySelector(`.s[data-s="${s}"]`).classList.add("lit");
  for (const [name, size, index] of [["--row", T, t], ["--column", S, s]]) {
    $("heads").style.setProperty(name, index === undefined ? -1 : index / size);
    $("heads").style.setProperty(`${name}-size`, 1 / size);
  }
  const mark = $("map").querySelector(".mark"), cell = +mark.dataset.cell, left = +mark.dataset.left, top = +mark.dataset.top;
  const [x, wide] = s === undefined ? [0, S] : [s, 1], [y, tall] = t === undefined ? [0, T] : [t, 1];
  mark.setAttribute("visibility", t === undefined && s === undefined ? "hidden" : "visible");
  Object.entries({x: left + cell * x, y: top + cell * y, width: cell * wide - 2, height: cell * tall - 2}).forEach(pair =>
    mark.setAttribute(...pair));
  $("said").textContent = said(one, weights_TS, s, t);
}

// "goes ← 간다 0.83 …": the three strongest, in words.
function said({source_tokens: source, target_tokens: target}, weights_TS, s, t) {
  const S = source.length, at = (row, column) => weights_TS[row * S + column];
  const strongest = (tokens, weight) => range(tokens.length).sort((a, b) => weight(b) - weight(a)).slice(0, 3)
    .filter(index => weight(index) >= 0.005).map(index => `${tokens[index]} ${weight(index).toFixed(2)}`).join(" · ");
  if (t !== undefined && s !== undefined) return `${target[t]} ← ${source[s]} ${at(t, s).toFixed(2)}`;
  if (t !== undefined) return `${target[t]} ← ${strongest(source, column => at(t, column))}`;
  if (s !== undefined) return `${source[s]} → ${strongest(target, row => at(row, s))}`;
  return "";
}

// The map: a square a weight. Tokens stand at 55 degrees, as they do in the report.
function showMap() {
  const one = sentence(), [S, T] = counts(one), weights_TS = weights(look.layer, look.head);
  const pen = make("canvas").getContext("2d");
  pen.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  const width = token => pen.measureText(token).width * 1.06; // bold, when it is lit
  const room = $("map").parentElement.clientWidth, longest = Math.min(150, 0.34 * room);
  const fit = token => {
    const kept = [...token];
    while (kept.length > 1 && width(`${kept.join("")}…`) > longest) kept.pop();
    return width(token) > longest ? `${kept.join("")}…` : token;
  };
  const [across, down] = [one.source_tokens.map(fit), one.target_tokens.map(fit)];
  const left = 12 + Math.max(...down.map(width)), top = 14 + Math.max(...across.map(token => 0.82 * width(token)));
  const lean = Math.max(0, ...across.map((token, index) => 0.58 * width(token) - (S - 1 - index) * 24));
  const cell = Math.max(16, Math.min(26, (room - left - lean) / S));
  const size = {width: left + cell * S + lean, height: top + cell * T};
  const map = $("map"), parts = [];
  for (const [name, value] of Object.entries(size)) map.setAttribute(name, Math.ceil(value));
  map.setAttribute("viewBox", `0 0 ${Math.ceil(size.width)} ${Math.ceil(size.height)}`);
  across.forEach((token, column) => {
    const x = left + cell * (column + 0.62), y = top - 7;
    parts.push(draw("text", {class: "s", "data-s": column, x, y, transform: `rotate(-55 ${x} ${y})`}, token));
  });
  down.forEach((token, row) => {
    parts.push(draw("text", {class: "t", "data-t": row, x: left - 8, y: top + cell * row + cell / 2 + 3.5}, token));
    for (const column of range(S)) {
      const place = {x: left + cell * column, y: top + cell * row, width: cell - 2, height: cell - 2, rx: 2};
      parts.push(draw("rect", {class: "bed", ...place}), draw("rect", {
        class: "cell", "data-s": column, "data-t": row, ...place, "fill-opacity": weights_TS[row * S + column].toFixed(4)}));
    }
  });
  parts.push(draw("rect", {class: "mark", rx: 2, "data-cell": cell, "data-left": left, "data-top": top}));
  map.replaceChildren(...parts);
  showWord();
}

// All heads at once: a dot a weight, in the page's colour as it is now (light, dark, on paper).
function showHeads() {
  const [S, T] = counts(sentence());
  $("heads").style.setProperty("--shape", Math.max(1, Math.min(2, S / T)));
  $("heads").parentElement.parentElement.hidden = data.layers * data.heads === 1;
  $("heads").style.setProperty("--heads", data.heads > 1 ? data.heads : 0);
  const heads = data.heads > 1 ? [null, ...range(data.heads)] : [0], layers = data.layers > 1 ? [null, ...range(data.layers)] : [0];
  // "layer" or "head" before a number is the style's, which leaves it out where there is no room.
  const label = (index, all, of) => make("span", {className: `label ${of}`, textContent: index ?? all}, {of: index === null ? "" : of});
  const parts = [make("span"), ...heads.map(head => label(head, "mean", "head"))];
  for (const layer of layers) {
    parts.push(label(layer, "all", "layer"));
    for (const head of heads) parts.push(layer === null && head !== heads[0] ? make("i") : thumbnail(layer, head));
  }
  $("heads").replaceChildren(...parts);
}

function thumbnail(layer, head) {
  const [S, T] = counts(sentence()), canvas = make("canvas", {width: S, height: T}), pen = canvas.getContext("2d");
  const button = make("button", {type: "button", title: named(layer, head)}, {layer: layer ?? "mean", head: head ?? "mean"});
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--run");
  weights(layer, head).forEach((weight, at) => {
    pen.globalAlpha = weight;
    pen.fillRect(at % S, Math.floor(at / S), 1, 1);
  });
  button.setAttribute("aria-label", named(layer, head));
  button.append(canvas);
  return button;
}

// What a person does.
function choose(layer, head) {
  look.layer = layer;
  look.head = layer === null && data.heads > 1 ? null : head;
  showHead();
}

function turn(to) {
  look.sentence = Math.max(0, Math.min(data.sentences.length - 1, to));
  showSentence();
}

function wordAt(event) {
  const {s, t} = event.target.closest?.("[data-s], [data-t]")?.dataset ?? {};
  return s === undefined && t === undefined ? null : {...(s !== undefined && {s: +s}), ...(t !== undefined && {t: +t})};
}

function point(to) {
  look.pointed = to;
  showWord();
}

function keep(to) {
  look.kept = to && look.kept && to.s === look.kept.s && to.t === look.kept.t ? null : to;
  point(null);
}

// Arrow keys, Home and End, among the buttons of `group`, which lie in rows of `across`; an i element is a place left free.
function walk(event, group, across) {
  const places = [...group.querySelectorAll("button, i")], at = places.indexOf(document.activeElement);
  const moves = {ArrowUp: at - across, ArrowDown: at + across, ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: places.length - 1};
  if (at < 0 || !(event.key in moves)) return;
  event.preventDefault();
  const there = places[moves[event.key]], next = there?.tagName === "I" ? places[0] : there;
  if (!next) return;
  document.activeElement.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

for (const name of ["source", "target", "map"]) {
  const group = $(name);
  group.addEventListener("pointerover", event => point(wordAt(event)));
  group.addEventListener("pointerleave", () => point(null));
  group.addEventListener("click", event => wordAt(event) && keep(wordAt(event)));
  if (name === "map") continue;
  group.addEventListener("focusin", event => {
    if (!event.target.matches(":focus-visible")) return;
    look.kept = wordAt(event);
    point(null);
  });
  group.addEventListener("keydown", event => walk(event, group, 1));
}
$("heads").addEventListener("click", event => {
  const {layer, head} = event.target.closest("button")?.dataset ?? {};
  if (layer !== undefined) choose(layer === "mean" ? null : +layer, head === "mean" ? null : +head);
});
$("heads").addEventListener("keydown", event => walk(event, $("heads"), data.heads > 1 ? data.heads + 1 : 1));
document.addEventListener("keydown", event => {
  if (event.key === "Escape") keep(null);
});
$("sentence").addEventListener("change", () => turn(+$("sentence").value));
$("before").addEventListener("click", () => turn(look.sentence - 1));
$("after").addEventListener("click", () => turn(look.sentence + 1));
for (const name of ["layer", "head"]) $(name).addEventListener("change", () => {
  const [layer, head] = ["layer", "head"].map(each => $(each).value === "mean" ? null : +$(each).value);
  choose(layer, head);
});
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", () => {
  showHeads();
  showHead();
});
addEventListener("resize", showMap);

$("sentence").append(...data.sentences.map(({line, source}, index) =>
  make("option", {value: index, textContent: `${line} · ${source}`})));
for (const [name, all] of [["layer", "all layers"], ["head", "mean"]]) {
  const count = data[`${name}s`], options = range(count).map(index => make("option", {value: index, textContent: `${name} ${index}`}));
  $(name).append(...(count > 1 ? [make("option", {value: "mean", textContent: all})] : []), ...options);
  $(name).parentElement.hidden = count === 1;
}
for (const [side, language] of [["source", data.languages[0]], ["target", data.languages[1]]])
  for (const id of [side, `${side}-text`]) $(id).lang = language;
showSentence();
