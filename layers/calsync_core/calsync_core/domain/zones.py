"""Time zone names as calendars write them -> zones that Python knows. An unknown name is None, never an error."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from calsync_core.domain.windows_zones import WINDOWS_TO_IANA

_FOLDED = {name.casefold(): iana for name, iana in WINDOWS_TO_IANA.items()}
_SPECIAL = {
    "coordinated universal time": "Etc/UTC",
    "tzone://microsoft/utc": "Etc/UTC",
    "tzone://microsoft/custom": None,  # a legacy zone without a name: only its UTC times count
    "customized time zone": None,
}


@lru_cache(maxsize=1024)
def iana_name(name: str) -> str | None:
    """The IANA name of a Windows or IANA name in any case; None when nobody can know what it means."""
    folded = name.strip().casefold()
    if folded in _SPECIAL:
        return _SPECIAL[folded]
    iana = _FOLDED.get(folded, name.strip())
    return iana if _is_known(iana) else None


@lru_cache(maxsize=1024)
def _is_known(iana: str) -> bool:
    try:
        ZoneInfo(iana)
    except (ValueError, OSError, LookupError):  # not found, malformed, or a folder of the zone data
        return False
    return True
