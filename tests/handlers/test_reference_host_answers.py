"""Answers without content carry an empty body, not null: the local cloud's gateway turns null into a 500."""

from calsync_core.hosts.reference.app import build_app
from calsync_core.keys import host_key

from tests.reference_host import SETTINGS, Calsync, Door, http_event, moto_table


def test_redirects_and_deletions_have_an_empty_body() -> None:
    with moto_table() as client:
        handler = build_app(SETTINGS, client, Door(), post=Calsync())
        key = {"authorization": f"Bearer {host_key(SETTINGS.root_key, SETTINGS.account)}"}
        signed_out = handler(http_event("GET", "/bookings", "", {}, b""), None)
        deleted = handler(http_event("DELETE", "/host/blocks/nobody", "", key, b""), None)

    assert (signed_out["statusCode"], signed_out["body"]) == (303, "")
    assert deleted["statusCode"] in (204, 404)
    assert isinstance(deleted["body"], str)
