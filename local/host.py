"""The bundled booking system over its HTTP contract, as any script would use it."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests


class HostCallError(RuntimeError):
    """The booking system refused a call; the message has its answer."""


class Host:
    """Host Connector v1 with a Bearer key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self._session = requests.Session()
        self._session.trust_env = False

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        accepted: tuple[int, ...] = (200, 201, 204),
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One call; answers the JSON, None for an empty answer.

        Raises:
            HostCallError: an answer that is not among the accepted ones.
        """
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = self._session.request(
            method, f"{self.url}{path}", json=body, params=query, headers=headers, timeout=30
        )
        if answer.status_code not in accepted:
            raise HostCallError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def list(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, page by page."""
        cursor = ""
        while True:
            page = self.call("GET", path, query=query | ({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"] or ""
            if not cursor:
                return
