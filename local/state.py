"""What a local cloud remembers between two starts, in one small file of its folder."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class State:
    """Remembered facts. Without them a restart would have new addresses and links in mails would be dead."""

    api_id: str = field(default_factory=lambda: secrets.token_hex(4))
    """8 hexadecimal digits; the emulator routes no other id."""
    client_id: str = "c0ffee00-ca15-4c00-8000-000000000001"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    """calsync's own app registration."""
    scripts_client_id: str = "c0ffee00-ca15-4c00-8000-000000000002"
    scripts_client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    """The app registration with rights of its own, for scripts."""
    password: str = field(default_factory=lambda: f"Demo-{secrets.token_hex(6)}-1")
    """Of all demo people, and of the administrator."""
    ports: dict[str, int] = field(default_factory=dict)
    processes: list[tuple[int, str | None]] = field(default_factory=list)
    """What runs now: process id and start time."""
    mail_seen: int = 0
    """The last mail of the sandbox whose fate was published."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What the demo clinic remembers: resource ids, what is connected."""

    @classmethod
    def load(cls, path: Path) -> "State":
        """The remembered state, or a fresh one."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        half = path.with_suffix(".half")
        half.write_text(json.dumps(asdict(self), indent=1))
        half.chmod(0o600)
        half.replace(path)
