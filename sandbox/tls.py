"""The sandbox's own certificate authority and its server certificate, kept in the state folder.

Clients trust `ca.pem`; it is made once, so that a restart does not invalidate what was configured with it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")
_FILES = {
    "good": "server.pem",
    "wrong_name": "server-wrong-name.pem",
    "expired": "server-expired.pem",
    "unknown_authority": "server-unknown-authority.pem",
}


def ca_file(folder: Path) -> Path:
    """The authority's certificate, made with the server's certificates when they are not there yet."""
    ca_path = folder / "ca.pem"
    if not (ca_path.exists() and (folder / _FILES["good"]).exists()):
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="Microsoft sandbox on this machine")
        long_ago = datetime.now(UTC) - timedelta(days=30)
        made = {
            "good": authority.issue_cert(*NAMES),
            "wrong_name": authority.issue_cert("mail.elsewhere.example"),
            "expired": authority.issue_cert(*NAMES, not_before=long_ago, not_after=long_ago + timedelta(days=1)),
            "unknown_authority": trustme.CA(organization_name="Nobody you know").issue_cert(*NAMES),
        }
        for kind, certificate in made.items():
            path = folder / _FILES[kind]
            path.touch(mode=0o600)
            path.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
        authority.cert_pem.write_to_path(ca_path)
    return ca_path


def certificate_file(folder: Path, kind: str) -> Path:
    """A certificate with its key: good, wrong_name, expired, unknown_authority.

    Raises ValueError in a folder of an older sandbox, which made the good one only.
    """
    ca_file(folder)
    path = folder / _FILES[kind]
    if not path.exists():
        raise ValueError(f"{path} is missing; begin with an empty state folder to have it")
    return path
