"""Rule ids: in the code, in docs/sync-rules.md and on tests, each everywhere or nowhere."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "layers/calsync_core/calsync_core"
RULE = re.compile(r"\bR[1-9][0-9]{0,2}\b")


def in_code() -> set[str]:
    files = [*(CORE / "engine").glob("*.py"), *(CORE / "usecases").rglob("*.py")]
    return {rule for path in files for rule in RULE.findall(path.read_text())}


def in_docs() -> list[str]:
    return re.findall(r"^- \*\*(R\d+)\*\* \S", (REPOSITORY / "docs/sync-rules.md").read_text(), re.MULTILINE)


def on_tests() -> set[str]:
    """Ids given to `pytest.mark.rule`, read from the source."""
    found = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_each_rule_of_the_code_has_its_sentence_and_the_other_way_round() -> None:
    assert in_code() == set(in_docs())
    assert len(in_docs()) == len(set(in_docs())), "one sentence each"


def test_each_rule_of_the_code_has_a_test_and_the_other_way_round() -> None:
    assert in_code() == on_tests()


def test_the_tables_name_only_rules_that_exist() -> None:
    text = (REPOSITORY / "docs/sync-rules.md").read_text()
    assert set(RULE.findall(text)) == set(in_docs())
