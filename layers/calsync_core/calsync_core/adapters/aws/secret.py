"""The one secret of the stack, read at its first use and then kept by the warm function."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.aws.errors import translate
from calsync_core.domain.errors import InstallationError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class StackSecret:
    """The two client secrets may be empty: the operator puts them in later.

    Properties raise InstallationError: `secret_broken` for what is no such JSON, `secret_missing` without a root key.
    """

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._values: dict[str, str] | None = None

    @property
    def root_key(self) -> str:
        value = self._value("root_key")
        if not value:
            raise InstallationError("secret_missing", field="root_key")
        return value

    @property
    def entra_client_secret(self) -> str:
        return self._value("entra_client_secret")

    @property
    def oidc_client_secret(self) -> str:
        return self._value("oidc_client_secret")

    def forget(self) -> None:
        """Read again next time: a client secret that Microsoft refused may have been replaced meanwhile."""
        self._values = None

    def _value(self, name: str) -> str:
        if self._values is None:
            self._values = self._read()
        return self._values.get(name, "")

    def _read(self) -> dict[str, str]:
        try:
            answer = self._client.get_secret_value(SecretId=self._arn)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "get_secret_value") from None
        try:
            values = json.loads(answer.get("SecretString", ""))
        except ValueError:
            raise InstallationError("secret_broken") from None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise InstallationError("secret_broken")
        return values
