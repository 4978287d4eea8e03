"""Who may import whom: the arrows of house-style.md section 2, read from the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "layers/calsync_core/calsync_core"
FREE = set(sys.stdlib_module_names)

# package -> (our own packages it may import, third parties it may import; None: any)
ARROWS: dict[str, tuple[set[str], set[str] | None]] = {
    "domain": (set(), {"pydantic", "dateutil"}),  # dateutil: recurrence rules, pure
    "engine": ({"domain"}, {"nh3"}),  # nh3 cleans HTML notes: a pure function
    "ports": ({"domain"}, set()),
    "usecases": ({"domain", "engine", "ports"}, set()),
    "adapters": ({"domain", "ports", "keys"}, None),
    "web": (
        {"domain", "ports", "usecases", "engine", "keys", "jobs", "observability"},
        {"aws_lambda_powertools", "jinja2", "pydantic", "nh3", "markupsafe"},
    ),
    "hosts": (
        {"keys", "web"},
        {
            *("pydantic", "aws_lambda_powertools", "boto3", "botocore", "jinja2", "dateutil", "requests", "nh3"),
            *("standardwebhooks", "markupsafe", "mypy_boto3_dynamodb"),
        },
    ),
    "jobs": ({"domain", "usecases", "ports"}, {"aws_lambda_powertools", "pydantic"}),
    "keys": (set(), set()),
}
NOBODY_BUT_EDGES = {"bootstrap", "__main__"}  # __main__: the operator's commands


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Every module that a file imports, as parts; relative ones resolved. Also those inside functions."""
    package = path.relative_to(_root(path)).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (tuple(name.name.split(".")) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level] if node.level else ()
            module = start + tuple((node.module or "").split(".")) if node.module else start
            yield module
            yield from ((*module, name.name) for name in node.names)


def _root(path: Path) -> Path:
    return CORE.parent if path.is_relative_to(CORE) else REPOSITORY


def part_of_core(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


CORE_FILES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ARROWS))
def test_a_package_imports_only_what_its_arrows_allow(package: str) -> None:
    ours, theirs = ARROWS[package]
    wrong = set()
    for path in CORE_FILES:
        if part_of_core(path) != package:
            continue
        for module in imports(path):
            where = path.relative_to(CORE)
            if module[0] == "calsync_core":
                if len(module) > 1 and module[1] not in ours | {package}:
                    wrong.add(f"{where} imports {'.'.join(module[:3])}")
            elif theirs is not None and module[0] and module[0] not in FREE | theirs:
                wrong.add(f"{where} imports {module[0]}")
    assert not wrong


def test_no_adapter_imports_another_adapter() -> None:
    wrong = set()
    for path in CORE_FILES:
        parts = path.relative_to(CORE).parts
        if parts[0] != "adapters" or len(parts) < 3:
            continue
        for module in imports(path):
            if module[:2] == ("calsync_core", "adapters") and len(module) > 2 and module[2] != parts[1]:
                wrong.add(f"{path.relative_to(CORE)} imports {'.'.join(module[:3])}")
    assert not wrong


def test_only_functions_launcher_and_tests_import_bootstrap() -> None:
    wrong = [
        str(path.relative_to(CORE))
        for path in CORE_FILES
        if part_of_core(path) not in NOBODY_BUT_EDGES
        and any(module[:2] == ("calsync_core", "bootstrap") for module in imports(path))
    ]
    assert not wrong


def test_the_pure_part_knows_no_clock_no_network_and_no_environment() -> None:
    forbidden = {"os", "socket", "requests", "boto3", "logging", "time", "random", "secrets", "subprocess", "urllib"}
    wrong = {
        f"{path.relative_to(CORE)} imports {module[0]}"
        for path in CORE_FILES
        if part_of_core(path) in {"domain", "engine", "ports", "usecases"}
        for module in imports(path)
        if module[0] in forbidden
    }
    assert not wrong


def test_the_booking_system_knows_nothing_of_the_sync() -> None:
    allowed = {("keys",), ("web", "session"), ("hosts",)}
    wrong = {
        f"{path.relative_to(CORE)} imports {'.'.join(module)}"
        for path in CORE_FILES
        if path.is_relative_to(CORE / "hosts" / "reference")
        for module in imports(path)
        if module[0] == "calsync_core"
        and len(module) > 1
        and not any(module[1 : 1 + len(a)] == a for a in allowed)
        and module != ("calsync_core", "web")
    }
    assert not wrong


def test_the_sync_reaches_the_booking_system_only_over_http() -> None:
    wrong = {
        str(path.relative_to(CORE))
        for path in CORE_FILES
        if part_of_core(path) not in {"hosts", "bootstrap"}
        and any(module[:2] == ("calsync_core", "hosts") for module in imports(path))
    }
    assert not wrong


def test_the_sandbox_and_the_core_never_meet() -> None:
    sandbox = {
        path for path in (REPOSITORY / "sandbox").rglob("*.py") if any(m[0] == "calsync_core" for m in imports(path))
    }
    core = {path for path in CORE_FILES if any(module[0] in {"sandbox", "local"} for module in imports(path))}

    assert not sandbox | core


def test_a_function_imports_one_builder_and_nothing_else_of_ours() -> None:
    for path in sorted((REPOSITORY / "functions").glob("*/app.py")):
        ours = {module for module in imports(path) if module[0] not in FREE}
        name = path.parent.name
        assert ours == {("calsync_core", "bootstrap"), ("calsync_core", "bootstrap", name)}, name
