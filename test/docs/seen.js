// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a person would see that is wrong with the page as it stands: given(selector of the text), a list of sentences.
{
  const [textIn] = given;
  const faults = new Set();
  const isSeen = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const name = element => `<${element.localName}> "${element.textContent.trim().replace(/\s+/g, " ").slice(0, 40)}"`;

  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth > clientWidth) {
    const range = document.createRange();
    const widest = [...document.querySelectorAll("body *")].filter(each => {
      range.selectNodeContents(each);
      return Math.abs(range.getBoundingClientRect().right - scrollWidth) < 2;
    }).at(-1);
    faults.add(`the page is ${scrollWidth - clientWidth} px wider than the window: ${widest ? name(widest) : "?"}`);
  }

  // The column of text: neither a strip nor a whole wide screen.
  const least = Math.min(280, innerWidth - 80), most = 900;
  for (const each of document.querySelectorAll(textIn)) {
    const {width} = each.getBoundingClientRect();
    if (isSeen(each) && (width < least || width > most)) faults.add(`${name(each)} is ${Math.round(width)} px wide`);
  }
  for (const cell of document.querySelectorAll("td")) {
    const {width} = cell.getBoundingClientRect();
    if (isSeen(cell) && cell.textContent.trim().length > 12 && width < 60)
      faults.add(`the cell ${name(cell)} is ${Math.round(width)} px wide`);
  }

  // Where each piece of text is, as far as its scrolling boxes show it.
  function shown(element, box) {
    let {left, right, top, bottom} = box;
    for (let each = element; each; each = each.parentElement) {
      if (!/auto|scroll|hidden/.test(getComputedStyle(each).overflow)) continue;
      const clip = each.getBoundingClientRect();
      left = Math.max(left, clip.left);
      right = Math.min(right, clip.right);
      top = Math.max(top, clip.top);
      bottom = Math.min(bottom, clip.bottom);
    }
    return right - left > 1 && bottom - top > 1 && right > 0 ? {element, left, right, top, bottom} : null;
  }
  // What opens above the page, as the results of the search do, covers it on purpose.
  function sheet(element) {
    for (let each = element; each; each = each.parentElement)
      if (/absolute|fixed/.test(getComputedStyle(each).position)) return each;
    return null;
  }
  const texts = [], elements = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !isSeen(element) || /script|style|noscript/.test(element.localName)) continue;
    elements.add(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) texts.push(shown(element, box));
  }
  const boxes = texts.filter(Boolean).sort((a, b) => a.top - b.top);
  boxes.forEach((a, i) => {
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom - 3; ++j) {
      const b = boxes[j];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - b.top;
      const least = Math.min(a.bottom - a.top, b.bottom - b.top);
      if (a.element !== b.element && across > 2 && down > 0.35 * least && sheet(a.element) === sheet(b.element))
        faults.add(`${name(a.element)} lies on ${name(b.element)}`);
    }
  });

  // WCAG 2.2, success criterion 1.4.3, and its definition of relative luminance.
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const known = new Map();
  function rgba(color) {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      known.set(color, [...canvas.getImageData(0, 0, 1, 1).data].map((part, i) => i < 3 ? part : part / 255));
    }
    return known.get(color);
  }
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  function background(element) {
    if (!element) return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, background(element.parentElement));
  }
  function luminance(color) {
    const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.map(part => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  for (const element of elements) {
    const below = background(element);
    const text = over(rgba(getComputedStyle(element).color), below);
    const [low, high] = [luminance(text), luminance(below)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faults.add(`${name(element)} has a contrast of ${contrast.toFixed(2)}`);
  }
  return [...faults].slice(0, 12);
}
