"""Values: made once, written by nobody afterwards. A change makes another one, with `replace`.

To the type checker they are the frozen dataclasses of the standard library: it says who writes a field, or names one
that does not exist. At run time they are ordinary dataclasses that can be hashed. A frozen one sets each field by a
call of its own, which takes ten times as long, and a run makes a new value for every step that a link takes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
    from dataclasses import replace
else:
    from dataclasses import dataclass, fields
    from functools import cache
    from operator import attrgetter

    def value(*, frozen, slots):
        return dataclass(slots=slots, unsafe_hash=frozen)

    def replace(old, /, **changes):
        """As that of the standard library, which reads each field by itself and passes it by its name."""
        places, read = _fields_of(type(old))
        *values, kind = read(old)
        for name, new in changes.items():
            values[places[name]] = new
        return kind(*values)

    @cache
    def _fields_of(kind):
        """Where each field stands among the arguments of `__init__`; and what reads them all, the class last."""
        names = [one.name for one in fields(kind)]
        return {name: place for place, name in enumerate(names)}, attrgetter(*names, "__class__")


__all__ = ["replace", "value"]
