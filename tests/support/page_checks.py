"""Accessibility of a report, as far as a program can tell: page_checks.py PAGE.html ...
Contrast of texts and curves in light and dark (WCAG 2.1: 4.5 to 1 for text, 3 to 1 for graphics), names for whatever can
be focused or stands for a picture, headings in order, tables with heads. Give it the page as a browser has drawn it."""
import html.parser
import re
import sys


def blocks(style):
    """The custom properties of the light and of the dark page."""
    light, dark = re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    properties = lambda text: dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", text))
    return {"light": properties(light), "dark": properties(light) | properties(dark)}


def rgb(color):
    return [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]


def mixed(color, share, below):
    return [share * a + (1 - share) * b for a, b in zip(rgb(color), rgb(below))]


def luminance(channels):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    a, b = sorted((luminance(one), luminance(other)))
    return (b + 0.05) / (a + 0.05)


def check_contrast(style):
    for name, colors in blocks(style).items():
        def need(least, what, one, other):
            got = contrast(one, other)
            assert got >= least, f"{name}: {what} has a contrast of {got:.2f}, not {least}"
        for ground in ("page", "panel"):
            for text in ("text", "quiet"):
                need(4.5, f"{text} on {ground}", rgb(colors[text]), rgb(colors[ground]))
            for curve in range(8):
                need(3, f"curve {curve} on {ground}", rgb(colors[f"c{curve}"]), rgb(colors[ground]))
        need(4.5, "a button that is on", rgb(colors["c0"]), rgb(colors["panel"]))
        need(4.5, "marked words", rgb(colors["text"]), mixed(colors["c4"], 0.28, colors["page"]))
        for shade in ("c0", "c1"):  # the darkest cell of a confusion matrix
            need(4.5, "a full cell", rgb(colors["text"]), mixed(colors[shade], 0.45, colors["page"]))


class Page(html.parser.HTMLParser):
    VOID = {"meta", "input", "br", "img", "link", "hr"}

    def __init__(self):
        super().__init__()
        self.open, self.nodes, self.style = [], [], ""

    def handle_starttag(self, tag, attributes):
        node = {"tag": tag, "text": "", "inside": [n["tag"] for n in self.open], **{f"@{k}": v for k, v in attributes}}
        self.nodes.append(node)
        if tag not in self.VOID:
            self.open.append(node)

    def handle_endtag(self, tag):
        while self.open and self.open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for node in self.open:
            node["text"] += data


def check_names(page):
    heading = 0
    for node in page.nodes:
        tag, named = node["tag"], bool(node["text"].strip() or node.get("@aria-label"))
        if tag == "html":
            assert node.get("@lang"), "no language"
        if tag in ("button", "summary", "title", "caption"):
            assert named, f"a {tag} without a name"
        if tag == "input":
            assert "label" in node["inside"], "an input without a label"
        if node.get("@role") == "img":
            assert node.get("@aria-label"), "a picture without alternative text"
        if "@tabindex" in node:
            assert node["@tabindex"] == "0" and node.get("@role") and node.get("@aria-label"), f"a {tag} that can have the focus, but no name"
        if re.fullmatch("h[1-6]", tag):
            assert int(tag[1]) <= heading + 1, f"{node['text']}: a heading of level {tag[1]} after one of level {heading}"
            heading = int(tag[1])
        if tag == "th":
            assert node.get("@scope") in ("row", "col"), "a table's head without a scope"
        if "scroll" in (node.get("@class") or "").split():
            assert node.get("@tabindex") == "0", "what scrolls cannot be reached with the keyboard"
    tags = [node["tag"] for node in page.nodes]
    assert tags.count("h1") == 1 and tags.count("main") == 1, "not one h1 and one main"


for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    page = Page()
    page.feed(text)
    check_contrast(re.search(r"<style>(.*?)</style>", text, re.S).group(1))
    check_names(page)
    print(f"{path}: {len(page.nodes)} elements, contrast and names are all right")
