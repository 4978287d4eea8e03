"""The operator's commands, on memory stores."""

import json

import pytest
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.bootstrap import operator
from calsync_core.domain.apps import AppRule
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.ids import AccountId
from calsync_core.ports.stores import Stores

MAIN = AccountId("main")


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    stores = memory_stores()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(operator, "dynamodb_stores", lambda _client, table: stores if table == "the-table" else None)
    return stores


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    assert operator.main(["apps", *words, "--table", "the-table", "--json"]) == 0
    answer: dict[str, str] = json.loads(capsys.readouterr().out)
    return answer


def test_a_code_is_shown_once_and_stored_as_a_hash(stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    issued = ask(capsys, "code", "--app", "exchange")

    assert issued["code"].startswith("exchange-")
    assert issued["code"] not in repr(vars(stores.apps))
    assert len(issued["code"]) > 40


def test_a_rule_of_an_account_comes_and_goes(stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "rule", "--app", "exchange", "--rule", "off")["exchange"] == "off"
    assert stores.apps.get(MAIN).rule(ProviderKind.EXCHANGE, {}) is AppRule.OFF
    assert ask(capsys, "rule", "--app", "exchange", "--rule", "default") == {
        "office365": "as deployed",
        "exchange": "as deployed",
    }
    assert stores.apps.get(AccountId("other")).rules == ()


def test_a_command_that_says_too_little_is_refused(stores: Stores) -> None:
    for words in (["apps", "code", "--table", "t"], ["apps", "rule", "--table", "t", "--app", "exchange"], []):
        with pytest.raises(SystemExit) as refused:
            operator.main(words)
        assert refused.value.code == 2
