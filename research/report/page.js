"use strict";

// The page's language and its light: as the browser asks, until a person says otherwise; what was said is kept.
const root = document.documentElement, page = selector => document.querySelector(selector);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const kept = (name, value) => {
  try {
    if (value !== undefined) localStorage.setItem(`lookback.${name}`, value);
    return localStorage.getItem(`lookback.${name}`);
  } catch {
    return null; // a browser that keeps nothing still switches
  }
};
let theme = ["light", "dark"].includes(kept("theme")) ? kept("theme") : null;
const isDark = () => theme ? theme === "dark" : prefersDark.matches;

// Dark is the style sheets' own: their rules for who prefers it are made to hold, or not to.
const darkRules = new WeakMap();
function light(shown) {
  if (!darkRules.has(shown)) {
    const rules = [...shown.styleSheets].flatMap(sheet => [...sheet.cssRules]);
    darkRules.set(shown, rules.filter(rule => rule.media?.mediaText.includes("prefers-color-scheme")));
  }
  for (const rule of darkRules.get(shown)) rule.media.mediaText = isDark() ? "screen" : "not all";
  shown.defaultView.dispatchEvent(new Event("resize"));
}

function speak(language) {
  root.lang = language;
  document.title = `Lookback: ${root.dataset[language]}`;
  const other = page("#language");
  if (!other) return; // while the page is read
  [other.lang, other.textContent] = language === "ko" ? ["en", "English"] : ["ko", "한국어"];
  for (const opened of document.querySelectorAll(".look[open]")) explore(opened);
}

function lighten() {
  light(document);
  for (const frame of document.querySelectorAll("iframe")) if (frame.contentDocument) light(frame.contentDocument);
  page("#theme")?.setAttribute("aria-pressed", isDark());
}

// An explorer is made when it is opened, and goes when it is closed.
function explore(details) {
  details.querySelector("iframe")?.remove();
  if (!details.open) return;
  const store = page("#explorers"), data = details.querySelector("script").textContent;
  const frame = Object.assign(document.createElement("iframe"), {title: store.dataset[root.lang]});
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument;
    light(inside);
    const fit = () => frame.style.height = `${Math.ceil(inside.body.getBoundingClientRect().height)}px`;
    new ResizeObserver(fit).observe(inside.body);
    fit();
  });
  frame.srcdoc = JSON.parse(store.textContent)[root.lang].replace("@DATA@", () => data);
  details.append(frame);
}

speak(["en", "ko"].find(code => code === kept("language")) ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
lighten();

document.addEventListener("DOMContentLoaded", () => {
  page(".switches").hidden = false;
  speak(root.lang);
  lighten();
  page("#language").addEventListener("click", () => {
    // What is looked at stays where it is, though its words are longer or shorter now.
    const looked = [...document.querySelectorAll("section")].find(each => each.getBoundingClientRect().bottom > 60);
    const before = looked?.getBoundingClientRect().top;
    speak(kept("language", root.lang === "ko" ? "en" : "ko") ?? (root.lang === "ko" ? "en" : "ko"));
    if (looked && scrollY > 0) scrollBy({top: looked.getBoundingClientRect().top - before, behavior: "instant"});
  });
  page("#theme").addEventListener("click", () => {
    theme = isDark() ? "light" : "dark";
    kept("theme", theme);
    lighten();
  });
  for (const details of document.querySelectorAll(".look")) details.addEventListener("toggle", () => explore(details));
});

// A chart is drawn when a reader comes near it; the others follow while nothing else is to do, so that all are printed.
// What is pointed at is said below it.
function drawChart(box) {
  const source = box.querySelector("script");
  if (!source || !box.offsetWidth) return;
  const place = document.createElement("div"), said = box.closest("figure").querySelector("output");
  const config = {...JSON.parse(page("#config").textContent), font: getComputedStyle(document.body).fontFamily};
  source.replaceWith(place);
  const tooltip = (_, event, item, value) => said.textContent = value ?? "";
  const options = {config, tooltip, mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false};
  return vegaEmbed(place, JSON.parse(source.textContent), options);
}
addEventListener("load", () => {
  const charts = [...document.querySelectorAll(".chart")];
  const near = new IntersectionObserver(seen => {
    for (const {isIntersecting, target} of seen) if (isIntersecting) drawChart(target);
  }, {rootMargin: "600px"});
  for (const box of charts) near.observe(box);
  const idle = window.requestIdleCallback ?? setTimeout;
  const next = () => charts.length && Promise.resolve(drawChart(charts.shift())).then(() => idle(next));
  idle(next);
});

// A table that is wider than the screen can be moved by the arrow keys too.
function reach() {
  for (const box of document.querySelectorAll(".scroll, .fold")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
for (const moment of ["DOMContentLoaded", "resize"]) addEventListener(moment, reach);
document.addEventListener("toggle", reach, true);
prefersDark.addEventListener("change", lighten);

// On paper, whatever can be read is open.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.data:not([open])")];
  for (const details of opened) details.open = true;
  for (const box of document.querySelectorAll(".chart")) drawChart(box);
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
