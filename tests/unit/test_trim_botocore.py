"""What the layer's build leaves of botocore's descriptions says the same about the services that stay."""

import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.session import get_session
from trim_botocore import trim

SERVICES = {"sqs": "sqs", "sesv2": "email"}
WHOLE = Path(botocore.__file__).parent / "data"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layer = tmp_path_factory.mktemp("layer")
    data = layer / "botocore/data"
    data.mkdir(parents=True)
    for one in WHOLE.glob("*.json"):
        shutil.copy(one, data)
    for service in (*SERVICES, "sns"):
        shutil.copytree(WHOLE / service, data / service)
    trim(layer, set(SERVICES))
    return data


@pytest.fixture
def loader(data: Path) -> Loader:
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_a_client_finds_the_same_place(loader: Loader, service: str, region: str) -> None:
    trimmed = get_session()
    trimmed.register_component("data_loader", loader)
    secret = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}

    clients = [one.create_client(service, region, **secret) for one in (get_session(), trimmed)]

    assert clients[0].meta.endpoint_url == clients[1].meta.endpoint_url


@pytest.mark.parametrize("service", SERVICES)
def test_operations_and_shapes_stay(loader: Loader, service: str) -> None:
    whole, left = (ServiceModel(one.load_service_model(service, "service-2"), service) for one in (Loader(), loader))

    assert left.operation_names == whole.operation_names
    assert left.shape_names == whole.shape_names
    assert left.metadata == whole.metadata
    for name in whole.operation_names:
        assert _told(left.operation_model(name).input_shape) == _told(whole.operation_model(name).input_shape)


def _told(shape: Any) -> Any:
    return shape and (shape.name, shape.type_name, sorted(shape.members), shape.required_members, shape.serialization)


def test_the_rest_is_gone(loader: Loader, data: Path) -> None:
    assert {one.name for one in data.iterdir() if one.is_dir()} == set(SERVICES)
    assert {name for one in loader.load_data("endpoints")["partitions"] for name in one["services"]} == set(
        SERVICES.values()
    )
    with pytest.raises(UnknownServiceError):
        loader.load_service_model("sns", "service-2")
    assert '"documentation":"' not in (next(data.glob("sqs/*/service-2.json"))).read_text()
