"""Names below .localhost for requests: they mean this machine (RFC 6761), but not every resolver knows it.

Used only when the configured host ends in .localhost, that is against the local cloud; real hosts never come here.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter


def is_loopback_name(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(".localhost")


class LoopbackAdapter(HTTPAdapter):
    """Connects to 127.0.0.1 and names the real host in the Host header."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - loopback never goes through a proxy
    ) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        port = f":{parts.port}" if parts.port else ""
        request.url = urlunsplit((parts.scheme, f"127.0.0.1{port}", parts.path, parts.query, ""))
        return super().send(request, stream, timeout, verify, cert, None)


def mounted(session: requests.Session, base_url: str) -> requests.Session:
    """The session, which reaches `base_url` even when its name ends in .localhost."""
    if is_loopback_name(base_url):
        parts = urlsplit(base_url)
        session.mount(f"{parts.scheme}://{parts.netloc}", LoopbackAdapter(max_retries=0))
    return session
