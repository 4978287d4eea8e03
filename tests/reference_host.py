"""The bundled booking system for tests: on moto's DynamoDB, with a clock, a receiving calsync and a door."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import boto3
import requests
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.app import HostSettings, Lambda
from calsync_core.hosts.reference.documents import Booking
from calsync_core.hosts.reference.messages import NewBooking, parse
from calsync_core.keys import host_key
from moto import mock_aws

SETTINGS = HostSettings("main", "Practice Weber", "calsync-test", "r" * 64, "https://calsync.example")
# A Saturday; the week after it is used for bookings.
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Calsync:
    """The receiving end of events: what was posted, and how it answers."""

    status: int | None = 202
    posted: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self.status is None:
            raise requests.ConnectTimeout("nobody there")
        self.posted.append((url, body, headers))
        return self.status

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body, _ in self.posted]


class Serialised:
    """A client whose calls run one at a time: moto's transactions are not safe under threads, DynamoDB's are.

    Only single calls are serialised, so rivals still interleave between reading and writing.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            with self._lock:
                self.calls.append(name)
                return method(**arguments)

        return call


@contextmanager
def moto_table() -> Iterator[Any]:
    """A client of an empty table of the stack's shape."""
    with mock_aws():
        raw = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        raw.create_table(
            TableName=SETTINGS.table_name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
            KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        )
        try:
            yield Serialised(raw)
        finally:  # another suite's mock may be around this one and would keep the table
            raw.delete_table(TableName=SETTINGS.table_name)


@contextmanager
def served(build: Callable[[], Lambda]) -> Iterator[str]:
    """The handler behind a real HTTP server on this machine, as API Gateway would call it; gives its address.

    Each connection gets a handler of its own, as concurrent calls get Lambda environments of their own.
    """

    class Gateway(BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            self.handler = build()

        def do(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = self.handler(http_event(self.command, path, query, dict(self.headers.items()), body), None)
            payload = (answer.get("body") or "").encode()
            self.send_response(answer["statusCode"])
            for name, value in (answer.get("headers") or {}).items():
                self.send_header(name, str(value))
            if answer["statusCode"] != 204:
                self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - the base's names

        def log_message(self, *_: Any) -> None:
            """Tests read answers, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def http_event(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0, its body base64 as API Gateway sends whatever is not text."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def new_booking(start: str, end: str, **fields: Any) -> NewBooking:
    """Berlin wall times of the day 2026-11-23 (a Monday), or whole instants."""
    start, end = (f"2026-11-23T{text}:00+01:00" if len(text) == 5 else text for text in (start, end))
    return parse(NewBooking, json.dumps({"resource_ids": ["anna"], "start": start, "end": end} | fields))


def booked(system: System, start: str, end: str, **fields: Any) -> Booking:
    answer = system.desk.book(new_booking(start, end, **fields))
    return system.calendars.find(answer.body["id"]).booking


@dataclass(frozen=True)
class Person:
    account: str = "main"


class Door:
    """A sign-in that looks at one cookie, and form tokens made of it."""

    def read_session(self, event: Mapping[str, Any]) -> Person | None:
        cookie = {"session=anna": "main", "session=stranger": "other"}.get(event["headers"].get("cookie", ""))
        return Person(cookie) if cookie else None

    def form_token(self, event: Mapping[str, Any]) -> str:
        return "token of " + str(event["headers"]["cookie"])

    def is_form_token(self, event: Mapping[str, Any], token: str) -> bool:
        return token == self.form_token(event)


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Web:
    """Sends HTTP API events to the handler."""

    def __init__(self, handle: Lambda) -> None:
        self._handle = handle
        self.key = host_key(SETTINGS.root_key, SETTINGS.account)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """An API call with the key; a str body is sent as it is."""
        raw = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, path, raw, {"authorization": f"Bearer {self.key}"} | headers)

    def page(self, path: str, cookie: str = "session=anna") -> Answered:
        return self.send("GET", path, None, {"cookie": cookie})

    def post(self, path: str, form: dict[str, str], cookie: str = "session=anna", token: str | None = None) -> Answered:
        """A posted form, base64 as API Gateway may send it."""
        token = f"token of {cookie}" if token is None else token
        raw = base64.b64encode(urlencode(form | {"csrf": token}).encode()).decode()
        headers = {"cookie": cookie, "content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, raw, headers, is_base64=True)

    def send(
        self, method: str, path: str, body: str | None, headers: dict[str, str], *, is_base64: bool = False
    ) -> Answered:
        path, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"},
            "body": body,
            "isBase64Encoded": is_base64,
        }
        answer = self._handle(event, None)
        found = {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
        return Answered(answer["statusCode"], found, answer.get("body") or "")
