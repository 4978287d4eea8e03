"""What a fault rule can do to the content of an answer: pages of HTML, documents cut, bombed or blown up."""

from typing import Literal

Page = Literal["server_error", "login", "proxy", "unavailable"]
Spoil = Literal["entities", "external_entity", "not_utf8"]

_IIS = """<html><head><title>Runtime Error</title></head><body><h1>Server Error in '/EWS' Application.</h1>
<h2><i>Runtime Error</i></h2></body></html>"""
_WEB_MAIL = """<html><head><title>Outlook</title></head><body><form action="/owa/auth.owa" method="POST">
<input name="username"/><input name="password" type="password"/></form></body></html>"""
_PROXY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

PAGES: dict[Page, tuple[int, str]] = {
    "server_error": (500, _IIS),
    "login": (200, _WEB_MAIL),
    "proxy": (502, _PROXY),
    "unavailable": (503, "<html><body><h2>Service Unavailable</h2><p>HTTP Error 503.</p></body></html>"),
}
"""Status and content of what stands where SOAP should: IIS, a web mail's sign-in, a broken proxy."""

_LAYERS = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 11))
_DOCTYPES: dict[str, tuple[str, str]] = {
    "entities": (f'<!DOCTYPE x [<!ENTITY e0 "lol">{_LAYERS}]>', "&e10;"),
    "external_entity": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "&e;"),
}


def cut(body: bytes, kept: float) -> bytes:
    """The first bytes of a document: below 1 a share of it, else a number."""
    return body[: int(len(body) * kept) if kept < 1 else int(kept)]


def spoil(body: bytes, how: Spoil) -> bytes:
    """A document that a careless reader chokes on."""
    if how == "not_utf8":
        return body.replace(b"</", b"\xff\xfe</", 1)
    doctype, reference = _DOCTYPES[how]
    begin = body.find(b"?>") + 2 if body.startswith(b"<?xml") else 0
    end = body.rfind(b"</")
    return body[:begin] + doctype.encode() + body[begin:end] + reference.encode() + body[end:]


def blow_up(body: bytes, size: int) -> bytes:
    """The same document with so many bytes of comments in it."""
    begin = body.find(b"?>") + 2 if body.startswith(b"<?xml") else 0
    comment = b"<!--" + b"x" * 1017 + b"-->"
    return body[:begin] + comment * -(-size // len(comment)) + body[begin:]
