"""The words of the house: names of files and classes, and nothing of the machine that it was written on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PRODUCTION = ("layers/calsync_core/calsync_core", "functions", "sandbox", "local", "bench")
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "env", "venv"}
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".sh",
    ".mk",
    ".cfg",
    ".ini",
    "",
}


def tracked() -> list[Path]:
    """Files that git has or would take; without git, everything that is not ignored by habit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [REPOSITORY / name for name in names if (REPOSITORY / name).is_file()]


def sources() -> list[Path]:
    return [path for folder in PRODUCTION for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def classes(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]


def test_no_file_or_folder_has_an_empty_word_for_a_name() -> None:
    assert not [
        relative(path)
        for path in sources()
        if EMPTY_WORDS & {part.removesuffix(".py") for part in path.relative_to(REPOSITORY).parts}
    ]


def test_no_production_file_looks_like_a_test() -> None:
    assert not [relative(path) for path in sources() if path.name.startswith("test_") or path.name.endswith("_test.py")]


def test_errors_end_in_error_and_nothing_else_does() -> None:
    wrong = []
    for path in sources():
        for node in classes(path):
            bases = [
                base.id if isinstance(base, ast.Name) else base.attr
                for base in node.bases
                if isinstance(base, ast.Name | ast.Attribute)
            ]
            raises = any(base.endswith(("Error", "Exception")) for base in bases)
            if raises and not node.name.endswith("Error"):
                wrong.append(f"{relative(path)}: {node.name}")
    assert not wrong


def test_no_class_is_called_manager_helper_or_abstract() -> None:
    bad = re.compile(r"^(Abstract|I[A-Z][a-z]\w+[a-z]$(?<!Id))|(Manager|Helper|Utils?)$")
    found = [f"{relative(path)}: {node.name}" for path in sources() for node in classes(path) if bad.search(node.name)]

    assert not [
        name
        for name in found
        if not re.search(r": I(nter|nv|nst|nbox|nc|nt|mport|ds?$|dent|nfo|nput|tem|ssue|mmut|n[A-Z]|ndex|nit)", name)
    ]


def test_each_module_says_what_it_is_for() -> None:
    assert not [
        relative(path)
        for path in sources()
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]


def test_functions_are_one_thin_file_each() -> None:
    for folder in sorted((REPOSITORY / "functions").iterdir()):
        modules = [path.name for path in folder.glob("*.py")]
        assert modules == ["app.py"], folder.name
        assert len((folder / "app.py").read_text().splitlines()) <= 60


# Written in parts, so that this file does not name what it forbids.
FOREIGN = [
    r"/wo" + r"rk/",
    r"/ho" + r"me/[a-z]",
    r"/ro" + r"ot/",
    r"/Us" + r"ers/[a-z]",
    r"fa" + r"rm-[a-z]",
    r"/opt/py" + r"pi",
    r"find-li" + r"nks\s*=",
    r"index-u" + r"rl\s*=",
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
]


@pytest.mark.parametrize("pattern", FOREIGN)
def test_nothing_names_this_machine_a_registry_or_a_secret(pattern: str) -> None:
    wrong = re.compile(pattern)
    found = [
        relative(path) for path in tracked() if path.suffix in TEXT and wrong.search(path.read_text(errors="replace"))
    ]
    assert not found
