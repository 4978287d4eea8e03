"""The numbered complaints of docs/complaints.md: each has a test that carries its number, and no test has another."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def in_docs() -> list[int]:
    text = (REPOSITORY / "docs/complaints.md").read_text()
    return [int(number) for number in re.findall(r"^- \*\*(\d+)\*\* \*\S", text, re.MULTILINE)]


def on_tests() -> set[int]:
    found = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.complaint":
                found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_each_complaint_has_its_sentence_and_its_test() -> None:
    assert in_docs() == list(range(1, 33))
    assert on_tests() == set(in_docs())
