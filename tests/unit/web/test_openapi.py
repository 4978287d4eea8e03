"""docs/api/openapi.json is the document of this code, and what it says about answers is true."""

import json
from pathlib import Path

import jsonschema
import pytest
from calsync_core.web.api.openapi import document, text
from calsync_core.web.api.routes import OPERATIONS
from calsync_core.web.wording import CATALOGUE

from tests.console_world import World

COMMITTED = Path(__file__).parents[3] / "docs/api/openapi.json"


def test_the_committed_document_is_current() -> None:
    """If this is red: python -m calsync_core.web.api.openapi > docs/api/openapi.json"""
    assert COMMITTED.read_text() == text()


def test_every_reference_leads_somewhere() -> None:
    schemas = document()["components"]["schemas"]
    refs = {part.split('"')[0] for part in text().split('"$ref": "')[1:]}

    assert {ref.removeprefix("#/components/schemas/") for ref in refs} <= set(schemas)


def test_operation_ids_and_addresses_are_unique() -> None:
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)


def test_every_named_code_has_words() -> None:
    assert {code for one in OPERATIONS for code in one.errors} <= set(CATALOGUE)


@pytest.mark.parametrize(
    ("operation", "url"),
    [
        ("resources_list", "/v1/resources"),
        ("resources_one", "/v1/resources/anna"),
        (
            "resources_availability",
            "/v1/resources/anna/availability?from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z",
        ),
        ("resources_log", "/v1/resources/anna/log"),
        ("settings_of_resource", "/v1/resources/anna/settings"),
        ("settings_of_account", "/v1/settings"),
        ("conflicts_list", "/v1/conflicts"),
    ],
)
def test_answers_fit_the_document(operation: str, url: str) -> None:
    world = World()
    world.add_resource()
    world.connect()
    whole = document()
    described = next(
        one for path in whole["paths"].values() for one in path.values() if one["operationId"] == operation
    )

    status, body = world.api("GET", url)

    schema = described["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.validate(body, {**schema, "components": whole["components"]}, cls=jsonschema.Draft202012Validator)


def test_problems_fit_the_document() -> None:
    whole = document()
    status, body = World().api("GET", "/v1/resources/nobody")

    assert status == 404
    problem = {"$ref": "#/components/schemas/ProblemOut", "components": whole["components"]}
    jsonschema.validate(body, problem, cls=jsonschema.Draft202012Validator)
    assert json.dumps(body)
