"""Accessibility checks of a page: contrast, overflow, names of controls."""

from typing import Any

from playwright.sync_api import Page

CONTRAST = """() => {
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    if (text.startsWith("color(srgb")) return [...parts.slice(0, 3).map((part) => part * 255), parts[3] ?? 1];
    return [...parts.slice(0, 3), parts[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const share = [0.2126, 0.7152, 0.0722];
  const light = (colour) => share.reduce((sum, part, i) => sum + part * linear(colour[i] / 255), 0);
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const card = each.closest?.("svg .card");
      const fill = card && each === element ? getComputedStyle(card.querySelector(".frame")).fill : null;
      layers.push(parse(fill && fill !== "none" ? fill : getComputedStyle(each).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || !box.height || style.visibility === "hidden") continue;
    if (element.closest("script, style, title, option, .hidden, .skip, :disabled, noscript")) continue;
    const behind = ground(element);
    const ink = over(parse(element.closest("svg") ? style.fill : style.color), behind);
    const [one, other] = [light(ink), light(behind)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) found.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
NAMELESS = """() => [...document.querySelectorAll("button, select, input, [role=button], [role=region], [tabindex]")]
  .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.labels?.length))
  .filter((each) => !each.getAttribute("aria-labelledby"))
  .map((each) => each.outerHTML.slice(0, 120))"""
WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


def faint(page: Page) -> list[Any]:
    """Return texts whose contrast is below 4.5:1, WCAG's AA."""
    return page.evaluate(CONTRAST)


def nameless(page: Page) -> list[Any]:
    """Return controls that a screen reader could not name."""
    return page.evaluate(NAMELESS)


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return max(0, page.evaluate(WIDE))
