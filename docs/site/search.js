// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Search in the text of all pages. The index is loaded when the field is first used.
"use strict";
const field = document.getElementById("search");
const found = document.getElementById("found");
const MOST = 20;
let sections = null;

function searchIndex(all) {
  sections = all.map(([page, name, pageTitle, title, text]) => {
    return {page, name, pageTitle, title, text, lowTitle: title.toLowerCase(), lowText: text.toLowerCase()};
  });
  show();
}

function load() {
  if (document.getElementById("index")) return;
  const script = document.createElement("script");
  script.id = "index";
  script.src = "search_index.js";
  document.head.append(script);
}

// A word that begins where it was found counts for more than a part of one.
function weight(section, word) {
  let sum = 0;
  for (const [text, each] of [[section.lowTitle, 10], [section.lowText, 1]]) {
    const at = text.indexOf(word);
    if (at < 0) continue;
    sum += each * (at === 0 || !/[\p{L}\p{N}_]/u.test(text[at - 1]) ? 2 : 1);
  }
  return sum;
}

function search(words) {
  const hits = [];
  for (const section of sections) {
    const weights = words.map(word => weight(section, word));
    if (weights.every(each => each > 0)) hits.push([weights.reduce((a, b) => a + b), section]);
  }
  return hits.sort((a, b) => b[0] - a[0]).map(each => each[1]);
}

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

// The text around the first word, which is marked.
function excerpt(section, word) {
  const at = section.lowText.indexOf(word);
  if (at < 0) return [section.text.slice(0, 140)];
  const from = Math.max(0, section.text.lastIndexOf(" ", Math.max(0, at - 50)));
  const end = at + word.length;
  return [(from ? "…" : "") + section.text.slice(from, at), element("mark", "", section.text.slice(at, end)),
          section.text.slice(end, end + 100)];
}

function show() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = !words.length || !sections;
  if (found.hidden) return;
  const hits = search(words);
  const links = hits.slice(0, MOST).map(section => {
    const link = element("a", "", element("b", "", section.title),
      section.title === section.pageTitle ? "" : element("i", "", section.pageTitle),
      element("span", "", ...excerpt(section, words[0])));
    link.href = section.page + (section.name ? "#" + section.name : "");
    return link;
  });
  const count = hits.length > MOST ? `The first ${MOST} of ${hits.length} places.` :
    hits.length ? "" : "No page has this. Try one word, or the beginning of one.";
  found.replaceChildren(...links, element("p", "", count));
  found.lastChild.setAttribute("role", "status");
}

function close() {
  found.hidden = true;
}

field.addEventListener("focus", () => {
  load();
  show();
});
field.addEventListener("input", show);
field.form.addEventListener("submit", event => {
  event.preventDefault();
  found.querySelector("a")?.click();
});
field.form.addEventListener("focusout", event => {
  if (!field.form.contains(event.relatedTarget)) close();
});
field.form.addEventListener("keydown", event => {
  const stops = [field, ...found.querySelectorAll("a")];
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step) {
    event.preventDefault();
    stops[stops.indexOf(document.activeElement) + step]?.focus();
  } else if (event.key === "Escape") {
    field.focus();
    close();
  }
});
found.addEventListener("click", event => {
  if (event.target.closest("a")) close();
});
document.addEventListener("keydown", event => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === field) return;
  event.preventDefault();
  field.focus();
});

// On a narrow screen the lists wait until they are asked for.
if (matchMedia("(max-width: 60rem)").matches)
  for (const list of document.querySelectorAll("#pages > details, .toc > details")) list.open = false;
