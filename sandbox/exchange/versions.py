"""Which Exchange releases there are, which request versions each knows, and how they present themselves."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from sandbox.exchange.errors import SchemaError, SoapFaultError

Release = Literal["2007_SP1", "2010", "2010_SP1", "2010_SP2", "2013", "2013_SP1", "2016", "2019", "SE"]


class Version(IntEnum):
    """A RequestServerVersion, oldest first; compare with < and >=."""

    EXCHANGE2007 = 1
    EXCHANGE2007_SP1 = 2
    EXCHANGE2010 = 3
    EXCHANGE2010_SP1 = 4
    EXCHANGE2010_SP2 = 5
    EXCHANGE2013 = 6
    EXCHANGE2013_SP1 = 7
    EXCHANGE2015 = 8
    EXCHANGE2016 = 9
    V2015_10_05 = 10
    V2016_01_06 = 11
    V2016_04_13 = 12
    V2016_07_13 = 13
    V2016_10_10 = 14
    V2017_01_07 = 15
    V2017_04_14 = 16
    V2017_07_11 = 17


_NAMES = {v.name.replace("EXCHANGE", "Exchange"): v for v in Version}


@dataclass(frozen=True, slots=True)
class Build:
    """What a release tells of itself in ServerVersionInfo, and the newest version it speaks."""

    major: int
    minor: int
    major_build: int
    minor_build: int
    shown: str
    newest: Version


BUILDS: dict[Release, Build] = {
    "2007_SP1": Build(8, 1, 240, 5, "Exchange2007_SP1", Version.EXCHANGE2007_SP1),
    "2010": Build(14, 0, 639, 21, "Exchange2010", Version.EXCHANGE2010),
    "2010_SP1": Build(14, 1, 218, 15, "Exchange2010_SP1", Version.EXCHANGE2010_SP1),
    "2010_SP2": Build(14, 3, 513, 0, "Exchange2010_SP2", Version.EXCHANGE2010_SP2),
    "2013": Build(15, 0, 516, 29, "Exchange2013", Version.EXCHANGE2013),
    "2013_SP1": Build(15, 0, 1497, 48, "V2_23", Version.EXCHANGE2013_SP1),
    "2016": Build(15, 1, 2507, 58, "V2017_07_11", Version.V2017_07_11),
    "2019": Build(15, 2, 1748, 36, "V2017_07_11", Version.V2017_07_11),
    "SE": Build(15, 2, 2562, 17, "V2017_07_11", Version.V2017_07_11),
}


def read_version(text: str | None, release: Release) -> Version:
    """The version that a request asks for; without one Exchange takes its first.

    Raises:
        SchemaError: no such version is in the schema.
        SoapFaultError: the server does not know it yet.
    """
    if text is None:
        return Version.EXCHANGE2007
    version = _NAMES.get(text)
    newest = BUILDS[release].newest
    if version is None:
        # A 2007 server validates the header by its schema; later ones answer their own error for any unknown name.
        if release == "2007_SP1":
            raise SchemaError(f"The 'Version' attribute is invalid - The value '{text}' is invalid.")
        raise SoapFaultError("ErrorInvalidServerVersion")
    if version > newest:
        raise SoapFaultError("ErrorInvalidServerVersion")
    return version
