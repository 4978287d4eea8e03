"""What pyproject.toml wants is what the locks pin, with hashes, and nothing stands in two layers."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "layers/calsync_core"
EXCHANGE = REPOSITORY / "layers/exchange"
LOCKS = [CORE / "requirements.txt", EXCHANGE / "requirements.txt", *sorted((REPOSITORY / "requirements").glob("*.txt"))]


def pinned(lock: Path) -> dict[str, Version]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in found}


def wanted(layer: Path) -> list[Requirement]:
    return [
        Requirement(text) for text in tomllib.loads((layer / "pyproject.toml").read_text())["project"]["dependencies"]
    ]


def group(name: str) -> list[Requirement]:
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    return [Requirement(text) for text in groups[name]]


def unmet(requirements: list[Requirement], lock: dict[str, Version]) -> list[str]:
    return [
        str(requirement)
        for requirement in requirements
        if canonicalize_name(requirement.name) not in lock
        or not requirement.specifier.contains(lock[canonicalize_name(requirement.name)], prereleases=True)
    ]


@pytest.mark.parametrize("layer", [CORE, EXCHANGE], ids=lambda layer: layer.name)
def test_each_dependency_of_a_layer_is_pinned_within_its_bounds(layer: Path) -> None:
    assert not unmet(wanted(layer), pinned(layer / "requirements.txt"))


@pytest.mark.parametrize("name", ["dev", "sam", "emulator"])
def test_each_tool_is_pinned_within_its_bounds(name: str) -> None:
    assert not unmet(group(name), pinned(REPOSITORY / f"requirements/{name}.txt"))


def test_development_uses_the_versions_that_are_deployed() -> None:
    dev = pinned(REPOSITORY / "requirements/dev.txt")
    deployed = pinned(CORE / "requirements.txt") | pinned(EXCHANGE / "requirements.txt")

    assert {name: dev.get(name) for name in deployed} == deployed


def test_the_two_layers_share_no_package() -> None:
    assert not set(pinned(CORE / "requirements.txt")) & set(pinned(EXCHANGE / "requirements.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(REPOSITORY)))
def test_each_pin_has_hashes(lock: Path) -> None:
    for entry in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text()):
        if "==" in entry.splitlines()[0]:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(REPOSITORY)))
def test_no_lock_names_a_registry_or_a_machine(lock: Path) -> None:
    assert not re.search(r"://|^-[-a-z]*(index|find-links)|^-e ", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("layer", [CORE, EXCHANGE], ids=lambda layer: layer.name)
def test_each_dependency_says_why_it_is_here(layer: Path) -> None:
    lines = (layer / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("\n]")[0].splitlines()

    assert not [line for line in lines if line.strip() and "#" not in line]
