"""Checks EWS requests and answers against the schema of Exchange SE; counts what was checked.

Not a test: test_ews_*.py use it on the whole request log. The schema files stand beside the repository (they are
Microsoft's and are not copied); without them nothing is checked and the tests that need them skip with that reason.
"""

from collections import Counter
from functools import lru_cache
from typing import Any

import pytest
from lxml import etree

from tests.sandbox.small_microsoft import EWS_SCHEMA, Microsoft

FOLDER = EWS_SCHEMA
COUNTS: Counter[str] = Counter()
"""What was checked in this session: "requests", "answers", and each by operation."""

_XS, _XML = "{http://www.w3.org/2001/XMLSchema}", "http://www.w3.org/XML/1998/namespace"
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"


class _NameSpaceOfXml(etree.Resolver):
    """Tells libxml2 where the xml: namespace is, which types.xsd imports without a place."""

    def resolve(self, url: str, _public: str, context: Any) -> Any:
        if not url.endswith("types.xsd"):
            return None
        tree = etree.parse(url)
        for one in tree.getroot().findall(f"{_XS}import"):
            if one.get("namespace") == _XML:
                one.set("schemaLocation", "../xml.xsd")
        return self.resolve_string(etree.tostring(tree), context, base_url=url)


@lru_cache(maxsize=1)
def schema() -> Any:
    """The schema, loaded once. Skips the test where the files are missing."""
    if not FOLDER.exists():
        pytest.skip(f"no EWS schema at {FOLDER}")
    parser = etree.XMLParser()
    parser.resolvers.add(_NameSpaceOfXml())
    return etree.XMLSchema(etree.parse(str(FOLDER / "messages.xsd"), parser))


def body_of(document: str | bytes) -> Any:
    """The first child of the SOAP body, cut loose from the envelope."""
    raw = document.encode() if isinstance(document, str) else document
    return etree.fromstring(etree.tostring(etree.fromstring(raw).find(_BODY)[0]))


def check(document: str | bytes, kind: str) -> None:
    """Fail when the body does not fit the schema; faults are no part of it. Without the files nothing is checked."""
    inside = body_of(document)
    if inside.tag == _FAULT or not FOLDER.exists():
        return
    judge = schema()
    assert judge.validate(inside), f"{kind}: {judge.error_log}\n{etree.tostring(inside, pretty_print=True).decode()}"
    COUNTS[kind] += 1
    COUNTS[f"{kind} {etree.QName(inside).localname}"] += 1


def check_log(microsoft: Microsoft, *, ignore_requests: bool = False) -> None:
    """Hold every exchange with EWS in the request log against the schema.

    A request that the server refused as invalid is not checked; `ignore_requests` leaves all of them out.
    """
    for exchange in microsoft.control("GET", "/log?path=(?i)^/ews/exchange.asmx")["entries"]:
        is_xml = exchange["response_headers"].get("content-type", "").startswith("text/xml")
        if exchange["status"] == 200 and is_xml and "x-sandbox-fault" not in exchange["response_headers"]:
            check(exchange["response_body"], "answers")
            if not ignore_requests:
                check(exchange["request_body"], "requests")
