"""botocore's errors of SQS, SES, Step Functions, KMS and Secrets Manager -> our tree, by code and never by text.

A code that is expected in one place (`ExecutionAlreadyExists`, `MessageRejected`) is asked for there, before this.
"""

from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from calsync_core.domain.errors import CalsyncError, InstallationError, ProviderThrottledError, ProviderUnavailableError

_RETRY_AFTER = timedelta(seconds=5)

THROTTLED = frozenset(
    {
        "KmsThrottled",
        "KmsThrottlingException",
        "LimitExceededException",
        "OverLimit",
        "RequestThrottled",
        "ServiceQuotaExceededException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ActivityLimitExceeded",
        "ActivityWorkerLimitExceeded",
        "ExecutionLimitExceeded",
        "StateMachineLimitExceeded",
    }
)
UNAVAILABLE = frozenset(
    {
        "ConcurrentModificationException",
        "ConflictException",
        "DependencyTimeoutException",
        "InternalFailure",
        "InternalServiceError",
        "InternalServiceErrorException",
        "KMSInternalException",
        "KeyUnavailableException",
        "QueueDeletedRecently",
        "ServiceUnavailable",
        "TaskTimedOut",
        "XksProxyUriUnreachableException",
    }
)
# What is wrong with us: rights, names, a key that was switched off, sending that was suspended, a request of ours.
INSTALLATION = {
    "AccountSuspendedException": "mail_suspended",
    "MailFromDomainNotVerifiedException": "mail_sender_unverified",
    "SendingPausedException": "mail_paused",
    "AccessDenied": "aws_access",
    "AccessDeniedException": "aws_access",
    "ExpiredToken": "aws_access",
    "ExpiredTokenException": "aws_access",
    "InvalidClientTokenId": "aws_access",
    "InvalidSecurity": "aws_access",
    "InvalidSignatureException": "aws_access",
    "UnrecognizedClientException": "aws_access",
    "DecryptionFailure": "key_unusable",
    "DisabledException": "key_unusable",
    "EncryptionFailure": "key_unusable",
    "KMSInvalidStateException": "key_unusable",
    "KmsAccessDenied": "key_unusable",
    "KmsAccessDeniedException": "key_unusable",
    "KmsDisabled": "key_unusable",
    "KmsInvalidKeyUsage": "key_unusable",
    "KmsInvalidState": "key_unusable",
    "KmsInvalidStateException": "key_unusable",
    "KmsNotFound": "key_unusable",
    "KmsOptInRequired": "key_unusable",
    "NotFoundException": "aws_missing",
    "QueueDoesNotExist": "aws_missing",
    "AWS.SimpleQueueService.NonExistentQueue": "aws_missing",
    "ResourceNotFound": "aws_missing",
    "ResourceNotFoundException": "aws_missing",
    "StateMachineDeleting": "aws_missing",
    "StateMachineDoesNotExist": "aws_missing",
}
# Modelled by botocore, but only for operations that this program never calls, or for requests that it never builds.
NEVER = frozenset(
    {
        "ActivityAlreadyExists",
        "ActivityDoesNotExist",
        "AlreadyExistsException",
        "BadRequestException",
        "BatchEntryIdsNotDistinct",
        "BatchRequestTooLong",
        "CloudHsmClusterInUseException",
        "CloudHsmClusterInvalidConfigurationException",
        "CloudHsmClusterNotActiveException",
        "CloudHsmClusterNotFoundException",
        "CloudHsmClusterNotRelatedException",
        "CustomKeyStoreHasCMKsException",
        "CustomKeyStoreInvalidStateException",
        "CustomKeyStoreNameInUseException",
        "CustomKeyStoreNotFoundException",
        "DryRunOperationException",
        "EmptyBatchRequest",
        "ExecutionAlreadyExists",
        "ExecutionDoesNotExist",
        "ExecutionNotRedrivable",
        "ExpiredImportTokenException",
        "IncorrectKeyException",
        "IncorrectKeyMaterialException",
        "IncorrectTrustAnchorException",
        "InvalidAddress",
        "InvalidAliasNameException",
        "InvalidArn",
        "InvalidArnException",
        "InvalidAttributeName",
        "InvalidAttributeValue",
        "InvalidBatchEntryId",
        "InvalidCiphertextException",
        "InvalidDefinition",
        "InvalidEncryptionConfiguration",
        "InvalidExecutionInput",
        "InvalidGrantIdException",
        "InvalidGrantTokenException",
        "InvalidIdFormat",
        "InvalidImportTokenException",
        "InvalidKeyUsageException",
        "InvalidLoggingConfiguration",
        "InvalidMarkerException",
        "InvalidMessageContents",
        "InvalidName",
        "InvalidNextTokenException",
        "InvalidOutput",
        "InvalidParameterException",
        "InvalidRequestException",
        "InvalidToken",
        "InvalidTracingConfiguration",
        "KMSInvalidMacException",
        "KMSInvalidSignatureException",
        "MalformedPolicyDocumentException",
        "MessageNotInflight",
        "MessageRejected",
        "MissingRequiredParameter",
        "PreconditionNotMetException",
        "PublicPolicyException",
        "PurgeQueueInProgress",
        "QueueNameExists",
        "ReceiptHandleIsInvalid",
        "ResourceExistsException",
        "StateMachineAlreadyExists",
        "StateMachineTypeNotSupported",
        "TagException",
        "TaskDoesNotExist",
        "TooManyEntriesInBatchRequest",
        "TooManyTags",
        "UnsupportedOperation",
        "UnsupportedOperationException",
        "ValidationException",
        "XksKeyAlreadyInUseException",
        "XksKeyInvalidConfigurationException",
        "XksKeyNotFoundException",
        "XksProxyIncorrectAuthenticationCredentialException",
        "XksProxyInvalidConfigurationException",
        "XksProxyInvalidResponseException",
        "XksProxyUriEndpointInUseException",
        "XksProxyUriInUseException",
        "XksProxyVpcEndpointServiceInUseException",
        "XksProxyVpcEndpointServiceInvalidConfigurationException",
        "XksProxyVpcEndpointServiceNotFoundException",
    }
)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: ClientError | BotoCoreError, operation: str) -> CalsyncError:
    """Which of our errors this is; no text of the answer is taken over: it may hold addresses."""
    if not isinstance(error, ClientError):
        name = type(error).__name__
        if isinstance(error, NoCredentialsError | ParamValidationError):
            return InstallationError("aws_request", operation=operation, aws=name)
        return ProviderUnavailableError("aws_unavailable", operation=operation, aws=name)
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in THROTTLED or status == 429:
        return ProviderThrottledError(_RETRY_AFTER, "aws_throttled", operation=operation, aws=code)
    if code in UNAVAILABLE or status >= 500:
        return ProviderUnavailableError("aws_unavailable", operation=operation, aws=code)
    return InstallationError(INSTALLATION.get(code, "aws_request"), operation=operation, aws=code)


def is_known(code: str) -> bool:
    """For the house test that lists what botocore models."""
    return code in THROTTLED or code in UNAVAILABLE or code in INSTALLATION or code in NEVER
