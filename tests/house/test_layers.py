"""The built layers carry everything that the functions import, within their budget of megabytes.

`make layers` comes first (`make unit` calls it): the tests look at .aws-sam/build (Lambda's wheels) and
.aws-sam/native (this machine's); what is not built is skipped.
"""

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOR_LAMBDA = REPOSITORY / ".aws-sam" / "build"
NATIVE = REPOSITORY / ".aws-sam" / "native"
EMULATOR_PYTHON = REPOSITORY / ".tools" / "emulator" / "bin" / "python"
CORE_MEGABYTES = 45
BOTH_MEGABYTES = 92
FUNCTIONS = sorted(path.parent.name for path in (REPOSITORY / "functions").glob("*/app.py"))

# -I: neither this folder nor the person's packages; -S: not even the interpreter's own site-packages.
IMPORT = """
import sys, json
sys.path[:0] = json.loads(sys.argv[1])
import app, importlib
importlib.import_module("calsync_core.bootstrap." + sys.argv[2] + "_function")
print(json.dumps(sorted(sys.modules)))
"""


def layer(build: Path, name: str) -> Path:
    folder = build / name / "python"
    if not folder.is_dir():
        pytest.skip(f"{name} is not built in {build.name}: run `make layers` first")
    return folder


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def bytecode(folder: Path) -> float:
    """Megabytes of bytecode that are not there yet, as large as this interpreter's: 3.13's is a little smaller."""
    if any(folder.rglob("*.pyc")):
        return 0.0
    code = (compile(path.read_bytes(), path.name, "exec", dont_inherit=True) for path in folder.rglob("*.py"))
    return sum(len(marshal.dumps(one)) + 16 for one in code) / 1e6


def test_the_layers_stay_within_their_megabytes() -> None:
    """With bytecode, which `sam build` leaves out where there is no python3.13: the source is compiled to see."""
    core, exchange = (layer(FOR_LAMBDA, name) for name in ("CoreLayer", "ExchangeLayer"))

    assert megabytes(core) + bytecode(core) <= CORE_MEGABYTES
    assert sum(megabytes(one) + bytecode(one) for one in (core, exchange)) <= BOTH_MEGABYTES


def test_the_wheels_are_those_of_lambda() -> None:
    libraries = [path.name for path in layer(FOR_LAMBDA, "CoreLayer").rglob("*.so")]

    assert libraries
    assert not [name for name in libraries if "x86_64" in name or "darwin" in name or "cpython-311" in name]


def test_no_module_stands_in_both_layers() -> None:
    core, exchange = (layer(NATIVE, name) for name in ("CoreLayer", "ExchangeLayer"))

    # A folder of bytecode is no module: Python looks there only for the module beside it.
    assert not {path.name for path in core.iterdir()} & {path.name for path in exchange.iterdir()} - {"__pycache__"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_from_the_layer_and_its_own_folder_alone(function: str) -> None:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's interpreter is not installed: run `make setup`")
    import json

    path = [str(REPOSITORY / "functions" / function), str(layer(NATIVE, "CoreLayer"))]
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-I", "-S", "-c", IMPORT, json.dumps(path), function],
        env={"AWS_DEFAULT_REGION": "eu-central-1", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-1500:]
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"exchangelib", "lxml"}, "only the Exchange worker may pay for exchangelib"
    if function in {"graph_webhook", "exchange_webhook"}:
        assert not loaded & {"pydantic", "msal", "jinja2", "requests", "cryptography"}, "the webhook must start quickly"


def test_every_template_is_read_from_the_layer_alone() -> None:
    """The template engine loads parts of itself by name, which no import shows."""
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's interpreter is not installed: run `make setup`")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from calsync_core.web.render import _environment\n"
        "names = _environment('en').list_templates()\n"
        "print(len([_environment('en').get_template(name) for name in names]))"
    )
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-I", "-S", "-c", code, str(layer(NATIVE, "CoreLayer"))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-1500:]
    assert int(done.stdout) > 10


def test_the_bytecode_in_the_native_layer_is_really_used() -> None:
    """Unchecked-hash files for the interpreter that runs the functions here: flags 0b01 in the header."""
    tag = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    compiled = sorted((layer(NATIVE, "CoreLayer") / "calsync_core").rglob(f"*.{tag}.pyc"))

    assert compiled
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\x00\x00\x00"}
