"""The files behind /static: own style and vendored htmx, known by the hash in their address, cached for a year."""

import hashlib
from functools import lru_cache
from importlib.resources import files

from calsync_core.domain.errors import NotFoundError
from calsync_core.web.answers import Answer

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_NAMES = ("calsync.css", "console.css", "htmx.min.js", "mark.svg")

# htmx.org 2.0.10 from the npm registry, dist/htmx.min.js; a test compares file and hash.
HTMX_SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"


@lru_cache
def _content(name: str) -> bytes:
    return files("calsync_core.web").joinpath("static", name).read_bytes()


@lru_cache
def static_url(name: str) -> str:
    """The address of a file, new whenever its content is: `/static/calsync.css?v=...`."""
    if name not in _NAMES:
        raise ValueError(name)
    return f"/static/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"


def static_file(name: str) -> Answer:
    """`name` is what follows /static/. Raises NotFoundError("page_unknown")."""
    if name not in _NAMES:
        raise NotFoundError("page_unknown")
    kind = _TYPES[name[name.rindex(".") :]]
    return Answer(
        200,
        _content(name).decode(),
        kind,
        {"cache-control": "public, max-age=31536000, immutable"},
    )
