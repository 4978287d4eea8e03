"""Reads single variables of a function's environment with the standard library only.

The webhook functions and what they wake start cold often and must stay small, so their configuration is here and not
in config.py, which loads pydantic. Does not belong here: anything that another function needs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from calsync_core.domain.errors import InstallationError


def required(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Raises InstallationError("configuration_missing", variable=name) when it is not set or empty."""
    value = (os.environ if environment is None else environment).get(name, "")
    if not value:
        raise InstallationError("configuration_missing", variable=name)
    return value


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """All that graph_webhook and exchange_webhook know."""

    table_name: str
    queue_url: str


@dataclass(frozen=True, slots=True)
class StartConfig:
    """All that start_sync knows."""

    table_name: str
    sync_express_arn: str
    sync_standard_arn: str


C = TypeVar("C", WebhookConfig, StartConfig)


def load_small(kind: type[C], environment: Mapping[str, str] | None = None) -> C:
    """Raises InstallationError("configuration_missing"). A field's name in capitals is the variable's name."""
    return kind(**{one.name: required(one.name.upper(), environment) for one in fields(kind)})
