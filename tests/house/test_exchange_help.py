"""docs/connect-exchange.md says the same words as the fields of the forms."""

from pathlib import Path

import pytest
from calsync_core.web.exchange_help import HELP
from calsync_core.web.role_help import ROLE_HELP

PAGE = Path(__file__).resolve().parents[2] / "docs/connect-exchange.md"


@pytest.mark.parametrize("text", [*HELP.values(), *ROLE_HELP.values()])
def test_the_page_says_what_stands_beside_the_field(text: str) -> None:
    page = " ".join(PAGE.read_text().split())

    assert text in page
