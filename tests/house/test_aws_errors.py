"""Every error that botocore models for the services we call is mapped: a new one is looked at, not met at night."""

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from calsync_core.adapters.aws import errors as aws
from calsync_core.adapters.dynamodb import errors as dynamodb
from calsync_core.domain.errors import (
    CalsyncError,
    ConcurrentChangeError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
)

BAD_GATEWAY = ClientError({"Error": {"Code": "New"}, "ResponseMetadata": {"HTTPStatusCode": 502}}, "X")
SERVICES = {
    "dynamodb": dynamodb,
    "kms": aws,
    "secretsmanager": aws,
    "sesv2": aws,
    "sqs": aws,
    "stepfunctions": aws,
}


def _modelled(service: str) -> list[str]:
    model = botocore.session.get_session().get_service_model(service)
    return sorted({shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes})


@pytest.mark.parametrize("service", SERVICES)
def test_every_modelled_error_is_mapped(service: str) -> None:
    unmapped = [code for code in _modelled(service) if not SERVICES[service].is_known(code)]

    assert unmapped == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_becomes_one_of_ours_and_says_nothing_of_the_answer(service: str) -> None:
    for code in [*_modelled(service), "SomethingNew"]:
        answer = {"Error": {"Code": code, "Message": "anna@example.com"}}
        error = SERVICES[service].translate(ClientError(answer, "Operation"), "operation")

        assert isinstance(error, CalsyncError)
        assert "anna" not in f"{error} {error.detail}"


@pytest.mark.parametrize("errors", [aws, dynamodb], ids=["aws", "dynamodb"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (EndpointConnectionError(endpoint_url="https://x"), ProviderUnavailableError),
        (ReadTimeoutError(endpoint_url="https://x"), ProviderUnavailableError),
        (NoCredentialsError(), InstallationError),
        (BAD_GATEWAY, ProviderUnavailableError),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "X"), ProviderThrottledError),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "X"), InstallationError),
        (ClientError({}, "X"), InstallationError),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_and_what_will_not_is_told(errors, fault, expected) -> None:
    error = errors.translate(fault, "operation")

    assert type(error) is expected


def test_two_writers_at_once_are_no_fault_of_the_installation() -> None:
    error = dynamodb.of_code("TransactionConflictException", "operation")

    assert isinstance(error, ConcurrentChangeError)
