"""Every code that anything raises or logs has a text for people."""

import ast
import re
from pathlib import Path

import calsync_core
import pytest
from calsync_core.domain import errors
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.errors import CalsyncError, ProviderThrottledError
from calsync_core.domain.synclog import Reason
from calsync_core.web.problems import problem_json, status_of
from calsync_core.web.wording import CATALOGUE
from calsync_core.web.wording.words import Wording

SOURCES = Path(calsync_core.__file__).parent
# What the bundled booking system raises are codes of its own API (docs/hosts/connector-v1.md), never shown by us.
FOREIGN = {SOURCES / "hosts"}


def classes() -> list[type[CalsyncError]]:
    return [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, CalsyncError) and one is not CalsyncError
    ]


def raised_codes() -> set[tuple[str, str]]:
    """(code, file) of each literal that is handed to one of our errors as its code."""
    names = {one.__name__ for one in classes()}
    found = set()
    for path in SOURCES.rglob("*.py"):
        if any(folder in path.parents for folder in FOREIGN):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in names:
                continue
            place = 1 if node.func.id == ProviderThrottledError.__name__ else 0
            if len(node.args) > place and isinstance(node.args[place], ast.Constant):
                found.add((str(node.args[place].value), path.name))
    return found


@pytest.mark.parametrize("error", classes(), ids=lambda one: one.__name__)
def test_every_error_has_a_text_and_a_status(error: type[CalsyncError]) -> None:
    assert error.code in CATALOGUE


def test_every_code_that_is_raised_has_a_text() -> None:
    missing = sorted({f"{code} ({name})" for code, name in raised_codes() if code not in CATALOGUE})
    assert not missing, f"write a text in web/wording/ for: {', '.join(missing)}"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_the_log_has_a_text(reason: Reason) -> None:
    assert reason.value in CATALOGUE


@pytest.mark.parametrize("kind", list(ConflictKind))
def test_every_kind_of_conflict_has_a_text_for_its_mail(kind: ConflictKind) -> None:
    assert kind.value in CATALOGUE


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_text_says_what_happened_and_what_to_do(code: str) -> None:
    words: Wording = CATALOGUE[code]
    assert words.title
    assert not words.title.endswith((".", "!"))
    assert words.next_step.endswith(".")
    assert words.meaning == "" or words.meaning.endswith(".")
    everything = f"{words.title} {words.meaning} {words.next_step}"
    assert "!" not in everything
    # rule 10 of the pages: no word from the engine room; rule of wording: no empty phrases
    room = r"\b(delta|tokens?|webhooks?|tenants?|subscriptions?|mutations?|graph|oauth|something went wrong|invalid)\b"
    assert not re.search(room, everything.lower()), everything


def test_problem_json_shows_code_and_text_but_nothing_of_the_error_itself() -> None:
    answer = problem_json(errors.InputError("setting_unknown", field="x", resource="r-1"))
    body = str(answer.body)
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"
    assert '"code":"setting_unknown"' in body
    assert "r-1" not in body


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.LinkUnknownError(), 404),
        (errors.LinkExpiredError(), 410),
        (errors.SignInRefusedError("state_foreign"), 403),
        (errors.MailboxTakenError(), 409),
        (errors.InputError("form_expired"), 403),
        (errors.ProviderUnavailableError(), 503),
        (CalsyncError(), 500),
    ],
)
def test_statuses(error: CalsyncError, status: int) -> None:
    assert status_of(error) == status
