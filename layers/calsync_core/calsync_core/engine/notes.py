"""Notes as the setting `notes_format` wants them: plain text, or HTML of which only harmless formatting is left."""

import nh3

from calsync_core.domain.appointments import Notes
from calsync_core.domain.notes import LONGEST_NOTES, text_of_html

LONGEST_HTML = 64 * 1024  # twice what may be left of it; cleaning takes longer than linear time when tags nest deeply
TAGS = {"p", "br", "b", "i", "u", "strong", "em", "ul", "ol", "li", "a"}
_LINKS = {"https", "mailto"}
_HIDDEN = {"script", "style", "head", "title"}


def formatted(notes: Notes | None, wish: str, lines: list[str]) -> Notes | None:
    """`notes` in the wished format ("text" or "html"), with `lines` of plain text above; at most 32 KB.

    HTML stays HTML only with the wish "html", and then as an allow-list: no script, style, picture or other address
    than https and mailto. What is too long to be kept with its formatting becomes text.
    """
    head = "\n".join(lines)
    if notes is None or not notes.text.strip():
        return Notes(head[:LONGEST_NOTES]) if head else None
    body = _body(notes.text) if wish == "html" and notes.is_html else ""
    if 0 < len(body) <= LONGEST_HTML:
        above = "<br>".join(nh3.clean_text(line) for line in lines)
        html = f"{above}<br><br>{_clean(body)}" if above else _clean(body)
        if len(html.encode()) <= LONGEST_NOTES:
            return Notes(html, is_html=True) if text_of_html(html) else None
    text = text_of_html(notes.text) if notes.is_html else notes.text
    text = "\n\n".join(part for part in (head, text) if part.strip())
    return Notes(text[:LONGEST_NOTES]) if text else None


def _body(html: str) -> str:
    """Without Outlook's head, which alone is longer than most notes; half a surrogate pair is no text."""
    start = html.lower().find("<body")
    return html[max(start, 0) :].encode("utf-8", "replace").decode()


def _clean(html: str) -> str:
    return nh3.clean(
        html, tags=TAGS, clean_content_tags=_HIDDEN,
        attributes={"a": {"href"}}, url_schemes=_LINKS, link_rel="noopener noreferrer nofollow",
    ).strip()  # fmt: skip
