"""Rows: what the layers weigh unzipped, with their .pyc, built in this run."""

from bench.layer_build import NotBuiltError, built, megabytes
from bench.rows import Options, Row, Yardstick, null, ratio

LIMIT_MB = 250.0
_COMMAND = "make -C layers/<layer> build-<Layer> ARTIFACTS_DIR=... LAYER_PYTHON=<this python>; sum of file sizes"


def rows(options: Options) -> list[Row]:
    if options.tiny:
        return [null("layers_core", "core layer unzipped", "<= 45 MB", "MB", "not built in a tiny run")]
    found: list[Row] = []
    core = _size("calsync_core", "build-CoreLayer")
    exchange = _size("exchange", "build-ExchangeLayer")
    found.append(_row("layers_core", "core layer unzipped, with .pyc", 45.0, core))
    both = core + exchange if isinstance(core, float) and isinstance(exchange, float) else exchange
    found.append(_row("layers_exchange", "core and Exchange layers together, unzipped, with .pyc", 92.0, both))
    return found


def _size(layer: str, target: str) -> float | str:
    try:
        return megabytes(built(layer, target))
    except NotBuiltError as error:
        return f"the layer could not be built here: {error}"


def _row(name: str, what: str, budget: float, size: float | str) -> Row:
    if isinstance(size, str):
        return null(name, what, f"<= {budget:.0f} MB", "MB", size)
    limit = Yardstick("Lambda's limit for code and layers", _COMMAND, LIMIT_MB)
    met = size <= budget
    bound = None if met else "the packages of the lock"
    return Row(name, what, f"<= {budget:.0f} MB", round(size, 2), "MB", limit, ratio(size, LIMIT_MB), met, bound)
