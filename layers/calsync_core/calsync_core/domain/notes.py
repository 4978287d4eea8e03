"""Text out of HTML notes. Cleaning HTML that is shown to people stands in engine/notes.py."""

import re
from html import unescape

LONGEST_NOTES = 32_768
"""Characters of plain text, bytes of HTML: what both sides take."""

LONGEST_READ = 512 * 1024
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,15})")
_BLOCKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"})
_HIDDEN = frozenset({"script", "style", "head", "title"})


def text_of_html(html: str) -> str:
    """The text of HTML notes, blocks as lines; scripts, styles and comments dropped. Not for showing HTML.

    Every step goes on behind what it read, so that no input takes more than linear time (html.parser takes a minute for
    a megabyte of comments that never end).
    """
    html, parts, place = html[:LONGEST_READ], [], 0
    while True:
        start = html.find("<", place)
        if start < 0:
            parts.append(_flat(html[place:]))
            break
        parts.append(_flat(html[place:start]))
        text, place = _after_tag(html, start)
        parts.append(text)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(lines).strip()


def _after_tag(html: str, start: int) -> tuple[str, int]:
    """What the markup at `start` says, and where it ends."""
    if html.startswith("<!--", start):
        return "", _behind(html, "-->", start)
    tag = _TAG.match(html, start)
    if tag is None:
        is_markup = html.startswith(("<!", "<?", "</"), start)
        return ("", _behind(html, ">", start)) if is_markup else ("<", start + 1)
    name = tag[1].lower()
    end = _behind(html, ">", start)
    if name in _HIDDEN and html[start + 1] != "/":
        closing = _closing(html, name, end)
        return "", closing
    return ("\n" if name in _BLOCKS and html[start + 1] != "/" else ""), end


def _closing(html: str, name: str, place: int) -> int:
    """Behind the closing tag; a head that never ends ends with the body's beginning, all else with the text."""
    found = re.compile(rf"</{name}|<body" if name == "head" else rf"</{name}", re.IGNORECASE).search(html, place)
    return found.start() if found else len(html)


def _behind(html: str, mark: str, place: int) -> int:
    found = html.find(mark, place)
    return len(html) if found < 0 else found + len(mark)


def _flat(text: str) -> str:
    return unescape(text).replace("\n", " ").replace("\r", " ")
