"""DavMail (Debian's package) as a process of its own between a CalDAV client and the sandbox's Exchange."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import PASSWORD

JAR = Path("/usr/share/davmail/davmail.jar")
_PASSWORD = "changeit"
_CHOSEN = "java", "keytool"


def skip_without_davmail() -> None:
    """Skip the test where DavMail or Java is not installed."""
    missing = [name for name in _CHOSEN if shutil.which(name) is None]
    if missing or not JAR.exists():
        pytest.skip(f"DavMail is not installed (Debian: apt-get install davmail); missing: {missing or JAR}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _configure(folder: Path, microsoft: Microsoft, port: int) -> Path:
    settings = {
        "davmail.server": "true",
        "davmail.mode": "EWS",
        "davmail.url": microsoft.addresses["ews"],
        "davmail.caldavPort": str(port),
        "davmail.allowRemote": "false",
        "davmail.bindAddress": "127.0.0.1",
        "davmail.disableUpdateCheck": "true",
        "davmail.logFilePath": str(folder / "davmail.log"),
        "davmail.caldavPastDelay": "0",
    }
    file = folder / "davmail.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    store = folder / "trust.p12"
    command = ["keytool", "-importcert", "-noprompt", "-alias", "sandbox", "-file", microsoft.addresses["ca_file"]]
    command += ["-keystore", str(store), "-storepass", _PASSWORD]
    subprocess.run(command, check=True, capture_output=True)
    return file


@contextmanager
def davmail(microsoft: Microsoft, folder: Path, address: str) -> Iterator[httpx.Client]:
    """A running DavMail; the client speaks CalDAV with it as that person, below the person's calendar."""
    port = _free_port()
    properties = _configure(folder, microsoft, port)
    trust = [f"-Djavax.net.ssl.trustStore={folder / 'trust.p12'}", f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"]
    command = ["java", "-Xmx200m", "-Djava.awt.headless=true", *trust, "-cp", str(JAR), "davmail.DavGateway"]
    with (folder / "davmail.out").open("w") as out:
        process = subprocess.Popen(
            [*command, str(properties)], stdout=out, stderr=out, env={**os.environ, "HOME": str(folder)}
        )
    try:
        _wait(process, port, folder)
        base = f"http://127.0.0.1:{port}/users/{address}/calendar/"
        with httpx.Client(base_url=base, auth=(address, PASSWORD), timeout=60, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        process.wait(15)


def _wait(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    for _ in range(600):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"DavMail did not start: {(folder / 'davmail.out').read_text()[-2000:]}")
