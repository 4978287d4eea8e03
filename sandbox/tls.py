"""The sandbox's own certificate authority and its server certificate, kept in the state folder.

Clients trust `ca.pem`; it is made once, so that a restart does not invalidate what was configured with it.
"""

import ssl
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")


def ca_file(folder: Path) -> Path:
    """The authority's certificate, made with the server's certificate when they are not there yet."""
    ca_path, server_path = folder / "ca.pem", folder / "server.pem"
    if not (ca_path.exists() and server_path.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="Microsoft sandbox on this machine")
        server = authority.issue_cert(*NAMES)
        server_path.touch(mode=0o600)
        server_path.write_bytes(server.private_key_and_cert_chain_pem.bytes())
        authority.cert_pem.write_to_path(ca_path)
    return ca_path


def server_context(folder: Path) -> ssl.SSLContext:
    """A server context with the certificate of the folder."""
    ca_file(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "server.pem")
    return context
