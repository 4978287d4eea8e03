"""Who may use the pages and the control API: this machine, and no web page that a browser of it happens to show.

The sandbox asks for no sign-in there, so a foreign site must reach it neither by a name that it points at 127.0.0.1
(the Host header tells) nor by a form or script of its own (the Origin header tells).
"""

from urllib.parse import urlsplit

from starlette.types import Scope


def is_local_request(scope: Scope) -> bool:
    """Tell whether Host and Origin (where there is one) name this machine."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = urlsplit(f"//{headers.get(b'host', '')}").hostname or ""
    origin = headers.get(b"origin", "")
    # "null" is what a page in a sandboxed frame sends, and a redirected form post.
    if origin in ("", "null"):
        return _is_local(host) and (not origin or scope["method"] == "GET" or not scope["path"].startswith("/control"))
    return _is_local(host) and _is_local(urlsplit(origin).hostname or "")


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1") or host.endswith(".localhost")
