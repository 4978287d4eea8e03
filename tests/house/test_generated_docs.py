"""docs/errors.md and docs/security.md say what the code does. If red: python -m tests.house.generated_docs"""

import re
from typing import get_args

import pytest
from calsync_core.domain.settings import CopyField, SyncSettings
from calsync_core.web.wording import CATALOGUE

from tests.house import generated_docs as pages
from tests.house.template import REPOSITORY


def test_the_page_of_errors_is_current() -> None:
    assert pages.ERRORS.read_text() == pages.errors_page()


def test_the_page_of_errors_has_every_code_once() -> None:
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", pages.errors_page(), re.MULTILINE)
    assert sorted(listed) == sorted(CATALOGUE)


def test_the_data_matrix_is_current() -> None:
    present = pages.SECURITY.read_text()
    assert present == pages.security_page(present)


@pytest.mark.parametrize("field", get_args(CopyField))
def test_every_field_of_a_copy_has_its_line(field: str) -> None:
    assert f"(`{field}` is " in pages.data_matrix()


def test_every_setting_about_texts_is_named() -> None:
    """A new setting of either privacy group is a decision about this table."""
    about_time = {
        *("show_as", "sensitivity", "alarm", "alarm_minutes", "time_zone", "buffers"),
        *("tentative", "working_elsewhere", "free", "all_day", "declined", "not_responded"),
    }
    settings = SyncSettings()
    groups = {"to_calendar": settings.to_calendar, "from_calendar": settings.from_calendar}
    all_keys = {f"{group}.{name}" for group, model in groups.items() for name in type(model).model_fields}
    about_texts = {key for key in all_keys if key.partition(".")[2] not in about_time} | {"notes_format"}
    assert about_texts == pages.settings_of_texts()
    for key in pages.settings_of_texts():
        assert f"`{key}`" in pages.data_matrix()


def test_a_page_without_its_markers_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="markers"):
        pages.security_page("# Security\n")


def test_every_function_has_its_sentence_about_rights() -> None:
    functions = {path.parent.name for path in (REPOSITORY / "functions").glob("*/app.py")}
    rows = re.findall(r"^\| `([a-z_]+)` \|", pages.SECURITY.read_text(), re.MULTILINE)
    assert set(rows) >= functions


def test_the_page_of_limits_is_current_and_names_rules_that_exist() -> None:
    page = pages.limits_page()
    assert pages.LIMITS.read_text() == page
    rules = (REPOSITORY / "docs/sync-rules.md").read_text()
    named = set(re.findall(r"\bR[1-9][0-9]{0,2}\b", page))
    assert named
    assert [rule for rule in sorted(named) if f"**{rule}**" not in rules] == []
