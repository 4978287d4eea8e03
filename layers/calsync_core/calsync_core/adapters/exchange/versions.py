"""What may be said to which server. The version is known from the connection test and never guessed again.

"Use the 2007 protocol" stays at 2007 for good: exchangelib alone would go over to later elements after the first
answer (ews.md section 1), so this package hands it a version that does not move.
"""

from dataclasses import dataclass

from calsync_core.ports.exchange import ExchangeServer

# In order of age; what a server calls V2015 and later is a name of its answers, asked as Exchange2016.
API_VERSIONS = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
)
NEWEST = API_VERSIONS[-1]
OLDEST = "Exchange2007_SP1"
# build (major, minor) -> the version that such a server understands for certain (ews.md section 1)
_BY_BUILD = {
    (8, 0): "Exchange2007",
    (8, 1): "Exchange2007_SP1",
    (14, 0): "Exchange2010",
    (14, 1): "Exchange2010_SP1",
    (14, 2): "Exchange2010_SP2",
    (14, 3): "Exchange2010_SP2",
    (15, 0): "Exchange2013",
    (15, 1): "Exchange2016",
    (15, 2): "Exchange2016",
}
_PRODUCTS = {8: "Exchange 2007", 14: "Exchange 2010"}
_PRODUCTS_OF_15 = {0: "Exchange 2013", 1: "Exchange 2016", 2: "Exchange 2019 or SE", 20: "Exchange Online"}


@dataclass(frozen=True, slots=True)
class Speech:
    """What a session says: the version in the header, and whether newer elements may be used."""

    api_version: str
    build: tuple[int, int]

    @classmethod
    def of(cls, server: ExchangeServer) -> "Speech":
        if server.is_2007:
            return cls(OLDEST, (8, 1))
        version = server.api_version if server.api_version in API_VERSIONS else NEWEST
        return cls(version, _BUILD_OF[version])

    @property
    def has_zones(self) -> bool:
        """StartTimeZone and EndTimeZone in place of MeetingTimeZone, since 2010."""
        return self.build >= (14, 0)

    @property
    def has_zone_ids(self) -> bool:
        """StartTimeZoneId, a name without its rules, since 2013."""
        return self.build >= (15, 0)


_BUILD_OF = {
    "Exchange2007": (8, 0),
    "Exchange2007_SP1": (8, 1),
    "Exchange2010": (14, 0),
    "Exchange2010_SP1": (14, 1),
    "Exchange2010_SP2": (14, 2),
    "Exchange2013": (15, 0),
    "Exchange2013_SP1": (15, 0),
    "Exchange2015": (15, 1),
    "Exchange2016": (15, 1),
}


def api_version_of(build: str) -> str:
    """The version to ask a server of this build with."""
    major, minor = _numbers(build)
    if (major, minor) in _BY_BUILD:
        return _BY_BUILD[major, minor]
    return NEWEST if major >= 15 else OLDEST


def product_of(build: str) -> str:
    """The name by which people know it, for the connection test."""
    major, minor = _numbers(build)
    return _PRODUCTS_OF_15.get(minor, "Exchange") if major == 15 else _PRODUCTS.get(major, "Exchange")


def is_online(build: str) -> bool:
    """15.20 is Microsoft 365."""
    return _numbers(build) == (15, 20)


def _numbers(build: str) -> tuple[int, int]:
    parts = [*build.split("."), "0", "0"]
    if not (parts[0].isdecimal() and parts[1].isdecimal()):
        return 15, 1
    return int(parts[0]), int(parts[1])
