"""Own style within its budget; what is vendored is what its publisher released."""

import hashlib
import re
from importlib.resources import files

import pytest
from calsync_core.domain.errors import NotFoundError
from calsync_core.web.static_files import HTMX_SHA256, static_file, static_url

WEB = files("calsync_core.web")


def test_htmx_is_the_released_file() -> None:
    assert hashlib.sha256(WEB.joinpath("static", "htmx.min.js").read_bytes()).hexdigest() == HTMX_SHA256


def test_the_style_stays_within_8_kb() -> None:
    assert len(WEB.joinpath("static", "calsync.css").read_bytes()) <= 8192


def test_an_address_changes_with_its_content_and_is_kept_for_a_year() -> None:
    answer = static_file("calsync.css").as_gateway()
    assert re.fullmatch(r"/static/calsync\.css\?v=[0-9a-f]{12}", static_url("calsync.css"))
    assert "immutable" in answer["headers"]["cache-control"]
    assert answer["headers"]["content-type"].startswith("text/css")


@pytest.mark.parametrize("name", ["../config.py", "static_files.py", "", "htmx.min.js/", "%2e%2e/config.py"])
def test_nothing_else_is_served(name: str) -> None:
    with pytest.raises(NotFoundError):
        static_file(name)


def test_no_template_has_anything_inline() -> None:
    """The content policy would stop it in the browser, where no test of ours looks."""
    for path in _templates("pages", "console"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"\son\w+=", text), path
        assert "style=" not in text, path
        assert "javascript:" not in text, path


def test_every_form_that_posts_carries_the_token() -> None:
    for path in _templates("pages"):
        for form in re.findall(r'<form method="post".*?</form>', path.read_text(), re.DOTALL):
            assert "form_token()" in form, path


def _templates(*folders: str) -> list:  # type: ignore[type-arg]
    root = WEB.joinpath("templates")
    found = [one for folder in folders for one in root.joinpath(folder).iterdir() if one.name.endswith(".html")]
    assert found
    return found
