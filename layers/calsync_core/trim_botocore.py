"""Makes botocore's descriptions as small as calsync needs them; run by the Makefile in the built layer.

    python3 trim_botocore.py <folder of the layer> <services, by commas>

Every client reads its service's description, and the first one the list of all endpoints, at each cold start: texts for
people are a third of the one, regions of 400 services nearly all of the other. What is left says the same to botocore
about the services that stay. Unpacked, because unpacking was a fifth of the reading.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

_FOR_PEOPLE = {"documentation", "documentationUrl"}


def trim(layer: Path, services: set[str]) -> None:
    data = layer / "botocore/data"
    prefixes = set()
    for folder in [one for one in data.iterdir() if one.is_dir()]:
        if folder.name not in services:
            shutil.rmtree(folder)
            continue
        for packed in folder.glob("*/examples-1.json*"):
            packed.unlink()
        for packed in folder.glob("*/*.json.gz"):
            description = _without_texts(json.loads(gzip.decompress(packed.read_bytes())))
            prefixes.add(description.get("metadata", {}).get("endpointPrefix"))
            _write(packed.with_suffix(""), description)
            packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in prefixes}
    _write(data / "endpoints.json", endpoints)


def _without_texts(one: Any) -> Any:
    """A member that happens to be called so is a shape, not a text, and stays."""
    if isinstance(one, dict):
        return {
            name: _without_texts(value)
            for name, value in one.items()
            if name not in _FOR_PEOPLE or not isinstance(value, str)
        }
    return [_without_texts(value) for value in one] if isinstance(one, list) else one


def _write(path: Path, document: Any) -> None:
    # A new file, never in place: files may be links into uv's cache.
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(document, separators=(",", ":")))


if __name__ == "__main__":
    trim(Path(sys.argv[1]), set(sys.argv[2].split(",")))
