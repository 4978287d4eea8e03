"""Reads the repository's CloudFormation and ASL files as plain data, for the house tests."""

import json
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTIONS = "AWS::Serverless::Function"


class _Loader(yaml.SafeLoader):
    """Short forms (!Ref, !GetAtt, !Sub ...) become the long forms that CloudFormation documents."""


def _long_form(loader: yaml.Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _long_form)


def load_template(path: str = "template.yaml") -> dict[str, Any]:
    """The template as data."""
    loaded: dict[str, Any] = yaml.load((REPOSITORY / path).read_text(), _Loader)
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by logical id."""
    found = load_template()["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def load_machine(name: str) -> dict[str, Any]:
    """A state machine's definition; substitutions stand in strings, so the file is JSON as it is."""
    loaded: dict[str, Any] = json.loads((REPOSITORY / "statemachine" / f"{name}.asl.json").read_text())
    return loaded


def as_list(value: Any) -> list[Any]:
    """CloudFormation allows a single value where a list may stand."""
    return value if isinstance(value, list) else [value]


def names_in(value: Any) -> set[str]:
    """Every logical id that a value refers to by Ref, GetAtt or Sub."""
    if isinstance(value, dict):
        found = {value["Ref"]} if "Ref" in value else set()
        if "Fn::GetAtt" in value:
            found.add(value["Fn::GetAtt"][0])
        return found.union(*(names_in(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(names_in(part) for part in value))
    return {part.split("}")[0].split(".")[0] for part in value.split("${")[1:]} if isinstance(value, str) else set()
