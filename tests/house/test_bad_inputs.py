"""The forty bad inputs and faults: each has a test that carries its number (`@pytest.mark.bad_input(row)`)."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def on_tests() -> set[int]:
    """Also of the contract suites, whose files are no tests by themselves."""
    found = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.bad_input":
                found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_each_row_has_a_test() -> None:
    assert on_tests() == set(range(1, 41))
