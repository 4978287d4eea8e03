"""The composition root: one builder per function, which gives a Lambda handler built once per sandbox.

Each builder imports its own module `<name>_function`, so that a function loads only what it needs; concrete adapters
are chosen there and in parts.py and nowhere else. Each such module has one public function, `build()`.
This module itself imports nothing heavy: the webhook goes through it.
"""

import gc
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

Handler = Callable[[dict[str, Any], object], Any]


def _build(name: str) -> Handler:
    # What is imported and built here stays: looking through it for garbage, again and again while it grows, was a
    # tenth of a cold start. Frozen, it is not looked through later either.
    gc.disable()
    try:
        handler: Handler = import_module(f"calsync_core.bootstrap.{name}").build()
        gc.freeze()
    finally:
        gc.enable()
    return handler


@lru_cache
def console() -> Handler:
    """The admin's pages, the sign-in and the static files."""
    return _build("console_function")


@lru_cache
def host_api() -> Handler:
    """/v1 and the booking system's events."""
    return _build("host_api_function")


@lru_cache
def reference_host() -> Handler:
    """The bundled booking system."""
    return _build("reference_host_function")


@lru_cache
def invitation() -> Handler:
    """Pages behind links in mails."""
    return _build("invitation_function")


@lru_cache
def oauth_callback() -> Handler:
    """Where Microsoft sends the browser back to."""
    return _build("oauth_callback_function")


@lru_cache
def graph_webhook() -> Handler:
    """Notifications of Graph; loads neither pydantic nor msal nor jinja2."""
    return _build("graph_webhook_function")


@lru_cache
def exchange_webhook() -> Handler:
    """Posts of Exchange servers; loads neither pydantic nor an XML library."""
    return _build("exchange_webhook_function")


@lru_cache
def start_sync() -> Handler:
    """Wishes from the queue become runs."""
    return _build("start_sync_function")


@lru_cache
def sync_job() -> Handler:
    """The two steps of sync_resource."""
    return _build("sync_job_function")


@lru_cache
def sweep() -> Handler:
    """What is due."""
    return _build("sweep_function")


@lru_cache
def mail_feedback() -> Handler:
    """Bounces, complaints and deliveries."""
    return _build("mail_feedback_function")
