"""NTLM, raw or inside Negotiate, by pyspnego's server side; one handshake per TCP connection.

pyspnego reads the users' secrets from the file that NTLM_USER_FILE names. The file lives for one step only, which no
other request can meet: a step is synchronous. Kerberos inside Negotiate is not spoken; clients fall back to NTLM.
"""

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from spnego._ntlm_raw.crypto import ntowfv1
from spnego._ntlm_raw.messages import Authenticate, AvId, NTClientChallengeV2
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from sandbox.exchange.directory import ExchangeAccount, ExchangeServer, ExchangeState
from sandbox.people import Directory

_AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"
_NO_BINDINGS = bytes(16)


class HandshakeError(Exception):
    """The handshake failed; `account` is the one that was named, when there is one, for counting wrong passwords."""

    def __init__(self, reason: str, account: ExchangeAccount | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.account = account


class Handshake:
    """One NTLM handshake: `step` twice, then `account` is who signed in."""

    def __init__(self, kind: str, certificate: str) -> None:
        self.kind = kind
        self.account: ExchangeAccount | None = None
        self._bindings = end_point_bindings(certificate) if certificate else None
        self._context: Any = None

    def step(self, token: str, server: ExchangeServer, state: ExchangeState, directory: Directory) -> str:
        """Take the client's token and return the one to challenge with; empty when nothing is left to say.

        Raises:
            HandshakeError: no NTLM, a wrong name or password, or channel bindings of another connection.
        """
        try:
            raw = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError) as broken:
            raise HandshakeError("malformed") from broken
        claimed = _claimed(raw)
        account = state.account_named(server, claimed.domain_name or "", claimed.user_name or "") if claimed else None
        if claimed is not None and account is None:
            raise HandshakeError("unknown_user")
        with _secrets(account, claimed, directory):
            try:
                answer = self._acceptor(claimed, server).step(raw)
            except (SpnegoError, ValueError, KeyError, IndexError, OSError) as refused:
                reason = "channel_bindings" if "indings" in str(refused) else "wrong_password"
                raise HandshakeError(reason if claimed else "malformed", account) from refused
        if self._context.complete:
            self.account = account
        return base64.b64encode(answer).decode() if answer else ""

    def _acceptor(self, claimed: Authenticate | None, server: ExchangeServer) -> Any:
        if self._context is None:
            options = spnego.NegotiateOptions.use_ntlm
            if self.kind == "Negotiate":
                options = spnego.NegotiateOptions.use_negotiate
            self._context = spnego.server(protocol="ntlm" if self.kind == "NTLM" else "negotiate", options=options)
        if claimed is not None:
            self._check_bindings(claimed, server)
        return self._context

    def _check_bindings(self, claimed: Authenticate, server: ExchangeServer) -> None:
        """Extended Protection: "allow" checks what is sent, "require" wants it. Raises HandshakeError."""
        if server.extended_protection == "none" or self._bindings is None:
            return
        sent = _bindings_of(claimed)
        if sent in (None, _NO_BINDINGS):
            if server.extended_protection == "require":
                raise HandshakeError("channel_bindings")
            return
        # NTLM itself says MD5 here.
        digest = hashlib.md5(self._bindings.pack(), usedforsecurity=False).digest()
        if digest != sent:
            raise HandshakeError("channel_bindings")


def _claimed(raw: bytes) -> Authenticate | None:
    """The authenticate message in a token, also inside SPNEGO; None before it comes."""
    begin = raw.find(_AUTHENTICATE)
    if begin < 0:
        return None
    try:
        return Authenticate.unpack(raw[begin:])
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as broken:
        raise HandshakeError("malformed") from broken


def _bindings_of(claimed: Authenticate) -> bytes | None:
    answer = claimed.nt_challenge_response or b""
    if len(answer) <= 24:
        return None
    return NTClientChallengeV2.unpack(answer[16:]).av_pairs.get(AvId.channel_bindings)


@contextmanager
def _secrets(account: ExchangeAccount | None, claimed: Authenticate | None, directory: Directory) -> Iterator[None]:
    """Let pyspnego find the one password that it needs, under the very name that the client gave."""
    name, password = "nobody", os.urandom(16).hex()
    if account is not None and claimed is not None:
        domain = f"{claimed.domain_name}\\" if claimed.domain_name else ""
        name = f"{domain}{claimed.user_name}"
        password = directory.people[account.person_id].password or password
    # As hash and not as text: a password may have a colon in it.
    line = f"{name}:0:{'0' * 32}:{ntowfv1(password).hex()}:[U]:0"
    before = os.environ.get("NTLM_USER_FILE")
    handle, path = tempfile.mkstemp(prefix="ntlm-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(line)
        os.environ["NTLM_USER_FILE"] = path
        yield
    finally:
        os.environ.pop("NTLM_USER_FILE", None)
        if before is not None:
            os.environ["NTLM_USER_FILE"] = before
        Path(path).unlink()


@lru_cache(maxsize=256)
def end_point_bindings(certificate: str) -> GssChannelBindings:
    """RFC 5929's tls-server-end-point of the certificate in a PEM file."""
    shown = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0]
    algorithm = shown.signature_hash_algorithm
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(shown.public_bytes(Encoding.DER))
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())
