"""What Exchange does to texts: wraps and cleans HTML, turns text into HTML and back, trims subjects."""

import html
import re
from functools import lru_cache

_ACTIVE = re.compile(r"<(script|iframe|object|embed|applet)\b.*?(?:</\1\s*>|$)|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_HANDLER = re.compile(r"""\s+on\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"""(href|src)\s*=\s*(["'])\s*javascript:[^"']*\2""", re.IGNORECASE)
_INNER = re.compile(r"<body[^>]*>(.*?)(?:</body\s*>|$)", re.IGNORECASE | re.DOTALL)
_HEADLESS = re.compile(r"<head\b.*?</head\s*>|</?(?:html|body|!doctype)[^>]*>", re.IGNORECASE | re.DOTALL)
_HIDDEN = re.compile(r"<(head|style|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|tr|li|h[1-6])\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")
_SPACE = re.compile(r"[ \t]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
PREVIEW_LENGTH = 255


def rewrite_html(content: str) -> str:
    """Return HTML as Exchange stores it: cleaned of active content, in a frame of its own, CRLF lines."""
    if not content.strip():
        return ""
    cleaned = _SCRIPT_URL.sub("", _HANDLER.sub("", _ACTIVE.sub("", content)))
    inner = _INNER.search(cleaned)
    body = inner.group(1) if inner else _HEADLESS.sub("", cleaned)
    body = re.sub(r"\r?\n", "\r\n", body.strip())
    return f"<html>\r\n<head>\r\n{_META}\r\n</head>\r\n<body>\r\n{body}\r\n</body>\r\n</html>\r\n"


@lru_cache(maxsize=4096)
def text_to_html(text: str) -> str:
    """Return plain text as the HTML that Exchange shows for it."""
    if not text.strip():
        return ""
    lines = html.escape(text, quote=False).replace("\r\n", "\n").split("\n")
    inner = "<br>\r\n".join(line or "&nbsp;" for line in lines)
    return (
        f"<html><head>\r\n{_META}\r\n"
        '<meta name="Generator" content="Microsoft Exchange Server">\r\n'
        "<!-- converted from text -->\r\n<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; "
        "border-left: #800000 2px solid; } --></style></head>\r\n<body>\r\n"
        '<font size="2"><span style="font-size:11pt;"><div class="PlainText">'
        f"{inner}</div></span></font>\r\n</body>\r\n</html>\r\n"
    )


@lru_cache(maxsize=4096)
def html_to_text(content: str) -> str:
    """Return the text of HTML as Exchange renders it for a client that prefers text."""
    bare = _HIDDEN.sub("", re.sub(r"<!--.*?-->", "", content, flags=re.DOTALL))
    bare = _BREAK.sub("\n", re.sub(r"\s+", " ", bare))
    text = html.unescape(_TAG.sub("", bare)).replace("\xa0", " ")
    lines = [_SPACE.sub(" ", line).strip() for line in text.split("\n")]
    return "\r\n".join(lines).strip("\r\n")


@lru_cache(maxsize=4096)
def preview(body_type: str, content: str) -> str:
    """The first 255 characters of a body's text."""
    text = content if body_type == "text" else html_to_text(content)
    return text[:PREVIEW_LENGTH]


def shown_body(body_type: str, content: str, wanted: str) -> dict[str, str]:
    """Return a body as the client prefers it."""
    if wanted == "text":
        text = content if body_type == "text" else html_to_text(content)
        return {"contentType": "text", "content": text}
    return {"contentType": "html", "content": text_to_html(content) if body_type == "text" else content}


def normal_subject(subject: str) -> str:
    """Return a subject without surrounding space and control characters, as Exchange keeps it."""
    return _CONTROL.sub(" ", subject).strip()
