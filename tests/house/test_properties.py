"""The properties P1-P15 that calsync promises: each is proved by at least one test that carries its number."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def on_tests() -> set[str]:
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.prop":
                found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_each_property_is_proved_by_a_test() -> None:
    assert on_tests() == {f"P{number}" for number in range(1, 16)}
