"""botocore's errors -> our tree, by code and never by message text; the only place where DynamoDB's codes are known.

Conditions that fail are part of the protocol: `table.py` turns them into ConditionFailedError before this is asked.
Everything else is either "try again later" or a mistake in our own set-up.
"""

from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from calsync_core.domain.errors import (
    CalsyncError,
    ConcurrentChangeError,
    InputError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
)

# After botocore's own tries are used up; the caller waits in the state machine or the queue.
_RETRY_AFTER = timedelta(seconds=5)

THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "Throttling",
    }
)
UNAVAILABLE = frozenset(
    {
        "BackupInUseException",
        "InternalServerError",
        "InternalFailure",
        "ResourceInUseException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "TableInUseException",
        "RequestTimeout",
    }
)
# Somebody else is writing the same items at this moment: tried again at once, a few times.
CONFLICT = frozenset({"TransactionConflictException", "TransactionInProgressException", "TransactionConflict"})
CONDITION = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed", "DuplicateItemException"})
TOO_LARGE = frozenset({"ItemCollectionSizeLimitExceededException", "ItemCollectionSizeLimitExceeded"})
# Wrong table, wrong rights, a request we should not have sent, or an operation this program never calls.
INSTALLATION = frozenset(
    {
        "AccessDeniedException",
        "BackupNotFoundException",
        "ContinuousBackupsUnavailableException",
        "ExpiredTokenException",
        "ExportConflictException",
        "ExportNotFoundException",
        "GlobalTableAlreadyExistsException",
        "GlobalTableNotFoundException",
        "IdempotentParameterMismatchException",
        "ImportConflictException",
        "ImportNotFoundException",
        "IncompleteSignatureException",
        "IndexNotFoundException",
        "InvalidEndpointException",
        "InvalidExportTimeException",
        "InvalidRestoreTimeException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "PointInTimeRecoveryUnavailableException",
        "PolicyNotFoundException",
        "ReplicaAlreadyExistsException",
        "ReplicaNotFoundException",
        "ResourceNotFoundException",
        "TableAlreadyExistsException",
        "TableNotFoundException",
        "TransactionCanceledException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: ClientError | BotoCoreError, operation: str) -> CalsyncError:
    """Which of our errors this is. No text of the answer is taken over: it may hold keys."""
    if isinstance(error, ClientError):
        return of_code(code_of(error), operation, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if isinstance(error, NoCredentialsError | ParamValidationError):
        return InstallationError("store_request", operation=operation, aws=type(error).__name__)
    # Cut connections and time-outs: the write may have taken effect, so the caller reads again.
    return ProviderUnavailableError("store_unavailable", operation=operation, aws=type(error).__name__)


def of_code(code: str, operation: str, status: int = 0) -> CalsyncError:
    if code in THROTTLED:
        return ProviderThrottledError(_RETRY_AFTER, "store_throttled", operation=operation, aws=code)
    if code in CONFLICT or code in CONDITION:
        return ConcurrentChangeError(operation=operation, aws=code)
    if code in TOO_LARGE:
        return InputError("item_collection_too_large", operation=operation, aws=code)
    if code in INSTALLATION:
        return InstallationError("store_request", operation=operation, aws=code)
    if code in UNAVAILABLE or status >= 500:
        return ProviderUnavailableError("store_unavailable", operation=operation, aws=code)
    return InstallationError("store_request", operation=operation, aws=code)


def is_known(code: str) -> bool:
    """For the house test that lists what botocore models."""
    return code in THROTTLED | UNAVAILABLE | CONFLICT | CONDITION | TOO_LARGE | INSTALLATION
