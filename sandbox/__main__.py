"""Starts the sandbox: `python -m sandbox --state-dir DIR`. Prints one JSON line when everything listens."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from sandbox.app import machine_app, people_app
from sandbox.exchange.schema import Schema
from sandbox.listeners import OwnPorts, listen, server_for
from sandbox.microsoft import Addresses, Sandbox
from sandbox.persistence import StateError
from sandbox.smtp import MailHandler, serve_smtp
from sandbox.tls import ca_file


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="where state and certificate authority live")
    parser.add_argument("--https-port", type=int, default=0, help="sign-in and Graph for machines (0: a free one)")
    parser.add_argument("--http-port", type=int, default=0, help="pages for people, control API (0: a free one)")
    parser.add_argument("--smtp-port", type=int, default=0, help="incoming mail (0: a free one)")
    parser.add_argument("--ready-file", type=Path, help="written with the same JSON when everything listens")
    parser.add_argument("--save-every", type=float, default=5, help="seconds between saves (0: only at the end)")
    parser.add_argument("--ews-schema", type=Path, help="folder with messages.xsd: judge every request by it")
    parser.add_argument("--seed", type=int, help="the same seed draws the same ids")
    return parser


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT; saves the state at the end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    https, http, mail = listen(options.https_port), listen(options.http_port), listen(options.smtp_port)
    ports = [s.getsockname()[1] for s in (https, http, mail)]
    folder: Path = options.state_dir.resolve()
    ca_file(folder)
    sandbox = Sandbox(Addresses(*ports), folder, options.seed)
    if options.ews_schema is not None:
        sandbox.exchange.schema = Schema(options.ews_schema)
    smtp = await serve_smtp(MailHandler(sandbox.inboxes, sandbox.has_inbox, sandbox.now), mail)
    machines = machine_app(sandbox)
    servers = [server_for(machines, folder / "server.pem"), server_for(people_app(sandbox))]
    serving = [
        asyncio.create_task(server.serve([listener])) for server, listener in zip(servers, (https, http), strict=True)
    ]
    background = [
        asyncio.create_task(work)
        for work in (
            sandbox.deliveries.run(),
            sandbox.subscriptions.run(),
            sandbox.exchange.notifications.run(),
            sandbox.save_now_and_then(options.save_every),
        )
    ]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    sandbox.own_ports = OwnPorts(machines, folder, sandbox.exchange.state)
    await sandbox.own_ports.apply()
    _announce(sandbox, folder, options.ready_file)
    stopped = asyncio.create_task(stop.wait())
    # A background task that ends has failed: better to stop loudly than to go on without deliveries.
    await asyncio.wait([stopped, *background, *serving], return_when=asyncio.FIRST_COMPLETED)
    sandbox.save()
    for server in servers:
        server.should_exit = True
    smtp.close()
    await sandbox.own_ports.close()
    await asyncio.gather(*serving)
    sandbox.save()  # once more: requests that were under way have changed something
    for task in background:
        if not task.done():
            task.cancel()
    ended = await asyncio.gather(*background, return_exceptions=True)
    await sandbox.webhooks.close()
    for problem in ended:
        if isinstance(problem, Exception):
            raise problem


def _announce(sandbox: Sandbox, folder: Path, ready_file: Path | None) -> None:
    line = json.dumps(sandbox.addresses.as_json(folder))
    if ready_file is not None:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        half = ready_file.with_suffix(".half")
        half.write_text(line + "\n")
        half.replace(ready_file)
    print(line, flush=True)


def main() -> int:
    """Run; 2 for a state that cannot be read or a port that is taken."""
    options = arguments().parse_args()
    try:
        asyncio.run(serve(options))
    except (StateError, OSError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
