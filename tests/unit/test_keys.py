"""Derived keys: stable, apart from one another, never made of nothing."""

import base64

import pytest
from calsync_core.keys import derive, host_events_secret, host_key

ROOT = "k" * 64


def test_the_derivation_is_fixed() -> None:
    """Deployed stacks and their booking systems hold keys made by it: a change would lock them out."""
    assert derive(ROOT, "session").hex() == "ad14bf6dbc1a72ab55844c414b4d23dd2c35db885c5f67f16bea3693614e4174"


def test_purposes_and_accounts_have_keys_of_their_own() -> None:
    purposes = ["host-key:main", "host-key:other", "host-events:main", "session", "links", "csrf"]

    assert len({derive(ROOT, purpose) for purpose in purposes} | {derive(ROOT + "x", "session")}) == 7


def test_both_sides_get_the_key_in_the_form_they_use() -> None:
    padded = host_key(ROOT, "main") + "="

    assert base64.urlsafe_b64decode(padded) == derive(ROOT, "host-key:main")
    assert base64.b64decode(host_events_secret(ROOT, "main")) == derive(ROOT, "host-events:main")


@pytest.mark.parametrize(("root_key", "purpose"), [("", "session"), (ROOT, "")])
def test_no_key_comes_out_of_nothing(root_key: str, purpose: str) -> None:
    with pytest.raises(ValueError, match="needs a root key"):
        derive(root_key, purpose)
