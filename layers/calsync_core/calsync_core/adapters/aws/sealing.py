"""Sealing with the account's own data key, which KMS sealed: AES-256-GCM, one KMS call per account and warm function.

    sealed = version (1 byte: 1) + nonce (12 bytes, random) + AES-GCM(data key, plain, associated data)
    associated data = version | account | context

Another account's text, another row's or a changed one does not open. The data key itself is sealed with the encryption
context {account}, so KMS refuses it for any other account.
"""

import os
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calsync_core.adapters.aws.errors import code_of, translate
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_VERSION = b"\x01"
_NONCE = 12
# The data key was not sealed by this key, or not for this account.
_FOREIGN = frozenset({"IncorrectKeyException", "InvalidCiphertextException"})


class DataKeys(Protocol):
    """Where the sealed data keys are kept."""

    def load(self, account: AccountId) -> bytes | None: ...

    def claim(self, account: AccountId, sealed: bytes) -> bytes:
        """Keep it unless there is one already; gives the one that stands."""


class KmsSealer:
    def __init__(self, client: "KMSClient", key_arn: str, keys: DataKeys) -> None:
        self._client = client
        self._key_arn = key_arn
        self._keys = keys
        self._ciphers: dict[AccountId, AESGCM] = {}

    def seal(self, account: AccountId, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher(account).encrypt(nonce, plain, _associated(account, context))

    def unseal(self, account: AccountId, sealed: bytes, context: str) -> bytes:
        if sealed[:1] != _VERSION or len(sealed) <= len(_VERSION) + _NONCE:
            raise _unsealing_failed(account)
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher(account).decrypt(nonce, text, _associated(account, context))
        except InvalidTag:
            raise _unsealing_failed(account) from None

    def _cipher(self, account: AccountId) -> AESGCM:
        if account not in self._ciphers:
            sealed_key = self._keys.load(account) or self._keys.claim(account, self._new_key(account))
            self._ciphers[account] = AESGCM(self._open_key(account, sealed_key))
        return self._ciphers[account]

    def _new_key(self, account: AccountId) -> bytes:
        """Only the sealed form is taken: which of two new keys stands is known after it was claimed."""
        try:
            answer = self._client.generate_data_key(
                KeyId=self._key_arn, KeySpec="AES_256", EncryptionContext={"account": account}
            )
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "generate_data_key") from None
        return answer["CiphertextBlob"]

    def _open_key(self, account: AccountId, sealed_key: bytes) -> bytes:
        try:
            answer = self._client.decrypt(
                KeyId=self._key_arn, CiphertextBlob=sealed_key, EncryptionContext={"account": account}
            )
        except ClientError as error:
            if code_of(error) in _FOREIGN:
                raise _unsealing_failed(account) from None
            raise translate(error, "decrypt") from None
        except BotoCoreError as error:
            raise translate(error, "decrypt") from None
        return answer["Plaintext"]


def _associated(account: AccountId, context: str) -> bytes:
    return b"|".join([_VERSION, account.encode(), context.encode()])


def _unsealing_failed(account: AccountId) -> InstallationError:
    return InstallationError("unsealing_failed", account=account)
