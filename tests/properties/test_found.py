"""Lives that once broke a promise, as short as the search made them. None has a fault in it: the order of what people
did was enough. Each name says what the engine (or the observer of the lives) got wrong."""

from typing import Any

import pytest
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import Status
from calsync_core.usecases.sync.keep_links import REVISIT

from tests.properties.faults import CrashError
from tests.properties.invariants import quiet_time
from tests.properties.life import Life
from tests.properties.simulation import Schedule, Step, replay
from tests.small_clinic import ACCOUNT


def _run(who: str, cause: str = "notification") -> Step:
    return ("run", {"who": who, "seed": 0, "share": 0.0, "cause": cause})


def _series(who: list[str], day: int, hour: float, rule: str) -> Step:
    return ("book_series", {"who": who, "day": day, "hour": hour, "rule": rule})


def _do(name: str, pick: int, **more: Any) -> Step:
    return (name, {"pick": pick, **more})


FORTNIGHTLY, DAILY, WEEKLY = "FREQ=WEEKLY;INTERVAL=2", "FREQ=DAILY;COUNT=5", "FREQ=WEEKLY;COUNT=4"
OTHER_DAYS = "FREQ=DAILY;INTERVAL=2;COUNT=3"

LIVES: dict[str, tuple[dict[str, Any], list[Step]]] = {
    "whose the dates of another resource's series are is asked once in a full round": (
        {"page_size": 1, "moved": "flag", "deleted": "restore", "exchange": ("anna", "bert", "home")},
        [("pause", {"who": "anna-north"}), _run("anna"), _series(["anna"], 7, 13, FORTNIGHTLY),
         ("time_passes", {"hours": 200}), _series(["anna-north", "anna"], 8, 9, FORTNIGHTLY)],
    ),
    "one date of a series stays with the resource, the series goes and is deleted in Outlook as well": (
        {"page_size": 50},
        [_series(["anna"], 5, 10, WEEKLY), _do("change_booking", 6, what="cancel"),
         _do("change_booking", 91, what="cancel"), _run("anna"), _do("reassign", 33, who=["anna-north"]),
         _do("delete_series", 94, place="anna"), _do("reassign", 88, who=["bert", "anna"])],
    ),
    "the series itself of another resource takes no time": (
        {"page_size": 50},
        [_series(["anna"], 5, 10, WEEKLY), _run("anna"), _do("reassign", 33, who=["anna-north"]),
         _run("anna-north", "full"), _do("delete_series", 94, place="anna")],
    ),
    "a new text of the series reaches the date that has a text of its own": (
        {"page_size": 50},
        [_series(["anna", "anna-north"], 11, 8, WEEKLY), _run("anna-north", "full"),
         _do("reassign", 39, who=["anna-north", "anna"]), _do("change_booking", 70, what="retitle")],
    ),
    "a date moved by itself becomes anonymous with its series": (
        {"page_size": 3, "deleted": "cancel_booking"},
        [_series(["bert"], 12, 8.5, OTHER_DAYS), _do("move_booking", 61, day=2, hour=8), _run("bert", "full"),
         ("change_settings", {"who": "bert", "values": {"to_calendar.privacy": "anonymous"}, "scope": "window"})],
    ),
    "two dates of one series on one day are told apart": (
        {"page_size": 50, "deleted": "cancel_booking"},
        [("book", {"who": ["anna-north"], "day": 12, "hour": 11}), _series(["bert"], 9, 14.5, WEEKLY),
         _do("reassign", 55, who=["anna-north", "bert"]), _do("change_booking", 4, what="cancel"),
         _do("reassign", 2, who=["bert", "anna"]), _do("move_booking", 5, day=12, hour=8),
         _do("change_rule", 99, rule=OTHER_DAYS)],
    ),
    "all dates of a shared series stop to block, on whichever page they come": (
        {"page_size": 3, "moved": "flag", "deleted": "restore"},
        [_series(["anna", "bert"], 7, 8.5, "FREQ=NEVER"), _series(["anna"], 5, 13, DAILY), _run("anna", "full"),
         _run("anna-north", "sweep"), _do("reassign", 2, who=["anna", "anna-north"])],
    ),
    "a series that was kept on leaving, and has no words any more": (
        {"page_size": 1},
        [_series(["anna-north", "bert"], 12, 11, WEEKLY), _run("anna-north"),
         ("disconnect", {"who": "anna-north", "remove": False}), _do("change_rule", 65, rule="FREQ=NEVER")],
    ),
    "a series that was kept on leaving, and is gone since": (
        {"page_size": 50},
        [_series(["anna", "bert"], 7, 8.5, DAILY), _run("bert", "full"),
         ("disconnect", {"who": "bert", "remove": False}), _do("change_booking", 6, what="remove")],
    ),
    "dates of a series wait while a person decides about it": (
        {"page_size": 1},
        [_series(["anna", "anna-north"], 6, 8.5, OTHER_DAYS),
         ("create_series", {"place": "home", "day": 3, "hour": 8, "count": 2}), _run("anna"),
         _do("delete_series", 53, place="anna"), _do("decide", 19, which=1)],
    ),
    "a series in dispute says nothing about the dates of others": (
        {"page_size": 1, "moved": "restore", "deleted": "restore"},
        [_series(["anna-north", "anna"], 10, 8, OTHER_DAYS), _run("anna"),
         _do("move_series", 73, place="anna", day=9, count=2), _do("change_booking", 98, what="remove"),
         _run("anna-north", "sweep"), _do("move_booking", 15, day=12, hour=13)],
    ),
    "a silent bell does not take a moved series for a deleted one": (
        {"page_size": 1, "moved": "flag", "deleted": "restore"},
        [("create_series", {"place": "anna", "day": 4, "hour": 13, "count": 5}),
         _series(["anna", "bert"], 4, 14.5, DAILY), _run("anna", "full"),
         _do("move_series", 97, place="anna", day=6, count=3), _do("change_booking", 5, what="cancel"),
         _run("anna", "sweep"), _run("anna")],
    ),
    "so many blocks go at once that a person has to say so": (
        {"page_size": 50, "deleted": "restore"},
        [_series(["bert", "anna-north"], 11, 16, FORTNIGHTLY), _run("anna-north"),
         _do("move_series", 40, place="anna", day=4, count=3), _run("anna-north", "full"),
         _do("move_series", 94, place="anna", day=1, count=5)],
    ),
    "a date that was handed over while its series moves to another calendar": (
        {"page_size": 3, "moved": "flag"},
        [_series(["bert", "anna"], 3, 16, FORTNIGHTLY), _run("bert"), _do("reassign", 82, who=["anna"]),
         ("choose_primary", {"who": "bert", "beside": True})],
    ),
    "a copy was moved and left the window by time": (
        {"page_size": 50, "moved": "restore", "deleted": "restore"},
        [("book", {"who": ["bert", "anna"], "day": 4, "hour": 14.5}), _run("anna"),
         _do("move_entry", 38, place="anna", day=10, hour=8), ("time_passes", {"hours": 600})],
    ),
    "the last date of a series is deleted in Outlook": (
        {"page_size": 1, "deleted": "cancel_booking"},
        [_series(["anna"], 9, 9, OTHER_DAYS), _run("anna", "full"), _do("change_booking", 19, what="cancel"),
         _do("reassign", 1, who=["anna-north"]), _run("anna-north", "sweep"),
         _do("change_booking", 0, what="retitle"), _run("anna", "sweep"),
         _do("change_occurrence", 79, place="anna", what="delete", day=9)],
    ),
    "a series moved with another pattern, and over before anybody looked": (
        {"page_size": 50},
        [_series(["bert"], 9, 13, DAILY), _run("bert", "sweep"), _do("move_series", 66, place="bert", day=9, count=5),
         ("time_passes", {"hours": 720})],
    ),
    "single entries that lie behind us when their series can be said": (
        {"page_size": 3, "moved": "restore"},
        [_run("bert", "full"), _series(["anna-north", "bert"], 1, 8.5, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3"),
         _run("bert"), _do("change_rule", 62, rule=WEEKLY), ("time_passes", {"hours": 720})],
    ),
    "a series handed over within one mailbox, by a resource that may not remove its own": (
        {"page_size": 1, "moved": "flag", "deleted": "cancel_booking"},
        [_series(["bert", "anna-north"], 4, 14.5, DAILY), _run("anna-north", "sweep"),
         ("change_settings", {"who": "anna-north", "values": {"direction": "from_calendar"}, "scope": "future"}),
         _run("anna", "sweep"), _do("reassign", 84, who=["anna"])],
    ),
    "a setting for the whole window reaches what was moved beyond it": (
        {"page_size": 1, "moved": "flag"},
        [("create_entry", {"place": "anna", "day": 9, "hour": 9, "busy": "tentative", "answer": "not_responded"}),
         _run("anna", "full"), _do("move_far_away", 97, place="anna"), _run("anna", "sweep"),
         ("change_settings",
          {"who": None, "values": {"from_calendar.not_responded": "ignore"}, "scope": "window"})],
    ),
    "a date from beyond the window that left its series moves to another calendar with it": (
        {"page_size": 50},
        [_run("bert"), _series(["bert"], 2, 8, FORTNIGHTLY), _run("bert"), _do("move_booking", 50, day=5, hour=9),
         _run("bert"), ("choose_primary", {"who": "bert", "beside": True})],
    ),
    "a series that a person moved, and that cannot be said any more": (
        {"page_size": 3, "moved": "restore", "deleted": "restore"},
        [_series(["anna", "bert"], 6, 11, WEEKLY), _run("bert", "sweep"),
         _do("move_series", 0, place="bert", day=12, count=4), _do("change_rule", 31, rule="FREQ=NEVER")],
    ),
    "a copy with guests whose booking is gone is touched by its server": (
        {"page_size": 1, "deleted": "cancel_booking"},
        [_run("anna", "full"), ("book", {"who": ["anna"], "day": 8, "hour": 14.5}), _run("anna", "full"),
         _do("invite_people", 1, place="anna"), _do("change_booking", 25, what="remove"), _run("anna", "sweep"),
         ("rotate_change_keys", {"place": "anna"})],
    ),
    "a date of a shared series that was moved behind the window before its series was written": (
        {"page_size": 50},
        [("time_passes", {"hours": 720}), _run("anna", "full"), _series(["anna-north", "anna"], 12, 16, FORTNIGHTLY),
         _do("move_booking", 26, day=10, hour=8.5)],
    ),
    "two dates of one series for one day, and only the moved one belongs to the resource": (
        {"page_size": 50, "deleted": "cancel_booking"},
        [_series(["anna-north", "bert"], 12, 14.5, WEEKLY), _do("move_booking", 6, day=6, hour=8),
         _do("move_booking", 0, day=5, hour=8.5), _do("reassign", 92, who=["anna"])],
    ),
    "a series in dispute stands on the day of a date that stands by itself": (
        {"page_size": 50, "moved": "flag", "deleted": "restore"},
        [_series(["anna-north"], 5, 11, DAILY), _run("anna-north"), _do("move_booking", 4, day=3, hour=8.5),
         _run("anna-north"), _do("move_series", 90, place="anna", day=1, count=4)],
    ),
    "a new series has a date further back than the window reaches from today": (
        {"page_size": 1, "deleted": "cancel_booking"},
        [("time_passes", {"hours": 720}), _run("anna", "full"), ("time_passes", {"hours": 30}),
         ("create_series", {"place": "home", "day": 9, "hour": 10, "count": 4})],
    ),
    "a copy with guests stays when its resource leaves": (
        {"page_size": 3, "moved": "restore"},
        [("book", {"who": ["anna-north"], "day": 8, "hour": 16}), _run("anna-north", "full"),
         _do("invite_people", 82, place="anna"), _do("reassign", 27, who=["anna"]),
         ("disconnect", {"who": "anna-north", "remove": True})],
    ),
    "a copy with guests that may not show a new setting stays a conflict": (
        {"page_size": 1},
        [("book", {"who": ["bert"], "day": 10, "hour": 14.5}), _run("bert"), _do("invite_people", 11, place="bert"),
         ("change_settings", {"who": "bert", "values": {"to_calendar.show_as": "oof"}, "scope": "window"}),
         _run("bert")],
    ),
    "a copy in dispute is found again in a moved mailbox": (
        {"page_size": 1, "moved": "flag", "deleted": "cancel_booking"},
        [_series(["anna"], 8, 11, "FREQ=NEVER"), _run("anna"), _do("move_entry", 93, place="anna", day=5, hour=14.5),
         _run("anna", "full"), ("move_mailbox", {"place": "anna"})],
    ),
    "a date that left its series is not cancelled because the mailbox was moved": (
        {"page_size": 3, "deleted": "cancel_booking"},
        [_series(["anna-north"], 12, 10, WEEKLY), _do("move_booking", 18, day=8, hour=9), _run("anna-north", "sweep"),
         ("move_mailbox", {"place": "anna"})],
    ),
    "another primary calendar is chosen, and the mailbox is moved before its copies were": (
        {"page_size": 3, "moved": "restore"},
        [_series(["bert"], 1, 8.5, WEEKLY), _run("bert", "full"), ("choose_primary", {"who": "bert", "beside": True}),
         ("move_mailbox", {"place": "bert"})],
    ),
    "a series that repeats no more, and was cut off before its dates were looked up": (
        {"page_size": 3},
        [("create_series", {"place": "bert", "day": 10, "hour": 8.5, "count": 5}), _run("bert", "full"),
         ("change_pattern", {"place": "bert", "pick": 68, "how": "once"}),
         ("run", {"who": "bert", "seed": 512472225, "share": 0.02, "cause": "sweep"})],
    ),
    "two resources of one person in two zones share a series": (
        {"page_size": 50, "deleted": "restore"},
        [("change_settings", {"who": "anna-north", "values": {"window.weeks_ahead": 1}, "scope": "future"}),
         ("change_zone", {"who": "anna-north", "zone": "Pacific/Auckland"}),
         _series(["anna-north", "anna"], 12, 16, FORTNIGHTLY)],
    ),
    "an occurrence that a person moved out of the window, of a series with fewer dates": (
        {"page_size": 3, "deleted": "restore"},
        [_series(["anna"], 9, 10, FORTNIGHTLY), _run("anna", "full"),
         ("change_pattern", {"place": "anna", "pick": 28, "how": "fewer"}),
         ("change_occurrence", {"place": "anna", "pick": 22, "what": "move", "day": 7}),
         ("time_passes", {"hours": 720})],
    ),
    "a copy in a moved mailbox was moved behind the window before anybody looked": (
        {"page_size": 3, "deleted": "cancel_booking"},
        [("book_rarely", {"who": ["bert", "anna-north"], "day": 3, "hour": 11, "what": "at the window's end"}),
         ("time_passes", {"hours": 720}), _run("bert", "sweep"), ("move_mailbox", {"place": "bert"}),
         _do("move_entry", 86, place="bert", day=1, hour=16)],
    ),
    "a copy with guests cannot follow to another primary calendar": (
        {"page_size": 1, "moved": "flag", "deleted": "cancel_booking"},
        [("book", {"who": ["bert"], "day": 5, "hour": 8.5}), _run("bert"),
         _do("move_entry", 30, place="bert", day=12, hour=8.5), ("choose_primary", {"who": "bert", "beside": True}),
         _do("invite_people", 15, place="bert")],
    ),
    "a series that was kept on leaving is made to repeat otherwise": (
        {"page_size": 50, "deleted": "restore"},
        [_series(["anna", "anna-north"], 10, 16, OTHER_DAYS), _run("anna"),
         ("disconnect", {"who": "anna", "remove": False}), _do("change_booking", 16, what="cancel"),
         ("change_pattern", {"place": "anna", "pick": 92, "how": "endless"})],
    ),
    "an import of small pages looks for strays in the next days and once more in the whole window": (
        {"page_size": 1, "exchange": ("anna", "bert", "home")},
        [_series(["anna-north"], 12, 10, OTHER_DAYS), _series(["anna", "anna-north"], 11, 8.5, DAILY),
         ("book", {"who": ["anna-north", "anna"], "day": 4, "hour": 16}), _series(["anna-north"], 9, 10, OTHER_DAYS)],
    ),
    "single entries of one series that were left in a calendar that is only checked now": (
        {"page_size": 3, "exchange": ("anna",)},
        [("choose_primary", {"who": "bert", "beside": True}),
         _series(["bert", "anna-north"], 12, 16, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3"), _run("bert", "sweep"),
         ("disconnect", {"who": "bert", "remove": False})],
    ),
    "a page that comes again, and then a crash: its news is not told yet": (
        {"page_size": 3, "moved": "restore", "deleted": "flag", "exchange": ("anna", "bert", "home")},
        [("book", {"who": ["bert", "anna-north"], "day": 10, "hour": 14.5}),
         ("run", {"who": "anna", "seed": 1645216541, "share": 0.02, "cause": "notification"}), _run("bert", "full"),
         _do("delete_entry", 32, place="bert"), _do("move_booking", 10, day=3, hour=8), _run("bert", "full"),
         ("run", {"who": "bert", "seed": 492902994, "share": 0.02, "cause": "sweep"}),
         _do("delete_entry", 45, place="bert")],
    ),
    "a pasted copy in a mailbox of two, whose original is gone when its booking becomes the other's too": (
        {"page_size": 50, "moved": "restore", "deleted": "cancel_booking", "exchange": ("anna",)},
        [("book_rarely", {"who": ["anna-north"], "day": 12, "hour": 11, "what": "buffers"}),
         _run("anna-north", "sweep"), _do("clone_copy", 60, place="anna", day=9, hour=10),
         _do("reassign", 31, who=["anna"]), _run("anna-north", "sweep"),
         _do("reassign", 83, who=["anna", "anna-north"])],
    ),
    "a series copy with guests that was made a single appointment and moved": (
        {"page_size": 50, "exchange": ("anna", "bert", "home")},
        [_series(["anna"], 4, 8, OTHER_DAYS), _run("anna", "sweep"),
         ("change_pattern", {"place": "anna", "pick": 92, "how": "once"}),
         _do("move_entry", 31, place="anna", day=6, hour=9), _do("invite_people", 60, place="anna")],
    ),
    "a pasted copy whose original is gone, a day later, in a mailbox of two that both connect anew": (
        {"page_size": 50},
        [("book", {"who": ["anna-north", "anna"], "day": 1, "hour": 8}), _run("anna", "sweep"),
         ("time_passes", {"hours": 30}), ("disconnect", {"who": "anna-north", "remove": False}),
         ("disconnect", {"who": "anna", "remove": True}), _do("clone_copy", 28, place="anna", day=6, hour=8.5)],
    ),
    "a pasted copy is not taken for the one that was written anew after the table was saved": (
        {"page_size": 3, "moved": "flag", "exchange": ("anna", "bert", "home")},
        [("book", {"who": ["bert"], "day": 2, "hour": 8}), _run("bert", "sweep"),
         _do("change_booking", 42, what="retitle"), ("back_up", {}), _do("delete_entry", 50, place="bert"),
         _run("bert"), _do("clone_copy", 79, place="bert", day=11, hour=8.5), ("restore", {})],
    ),
    "in a moved mailbox a date that stands by itself comes on a later page than its series, which repeats otherwise": (
        {"page_size": 3, "deleted": "restore"},
        [_series(["anna"], 5, 8, DAILY), _do("move_booking", 51, day=4, hour=16), _run("anna", "full"),
         ("move_mailbox", {"place": "anna"}), _do("change_pattern", 1, place="anna", how="endless")],
    ),
    "a booking behind the window is moved and handed over before a full check opens a new feed": (
        {"page_size": 1, "moved": "flag", "deleted": "cancel_booking"},
        [("book", {"who": ["anna"], "day": 5, "hour": 10}), _run("anna", "full"), ("time_passes", {"hours": 600}),
         _run("anna", "full"), _do("move_booking", 0, day=30, hour=8.5), _do("reassign", 0, who=["anna-north"]),
         _run("anna", "full")],
    ),
    "a person invited others to a copy that was handed over, and the mailbox was moved before anybody looked": (
        {"page_size": 50},
        [_series(["anna-north"], 3, 13, "FREQ=NEVER"), _run("anna-north", "sweep"),
         _do("invite_people", 83, place="anna"), _do("move_entry", 80, place="anna", day=5, hour=16),
         _do("reassign", 87, who=["anna"]), ("move_mailbox", {"place": "anna"})],
    ),
    "a series that others have written here is gone before its dates were ever this resource's": (
        {"page_size": 50, "deleted": "restore"},
        [_run("anna"), _series(["anna-north", "anna"], 2, 8.5, WEEKLY), _run("anna-north"),
         _do("change_booking", 67, what="remove")],
    ),
    "dates of a series that others have written here are gone, and were never this resource's": (
        {"page_size": 1, "moved": "restore", "deleted": "restore", "exchange": ("bert",)},
        [_run("anna", "sweep"), ("book", {"who": ["anna-north"], "day": 1, "hour": 8}),
         _series(["anna-north", "anna"], 6, 10, WEEKLY), _run("anna-north", "full"),
         _do("move_booking", 1, day=8, hour=11)],
    ),
    "a date that stands by itself is deleted with its series, which is another's by then": (
        {"page_size": 1, "moved": "restore", "deleted": "restore"},
        [_series(["anna"], 1, 8, DAILY), _do("move_booking", 13, day=10, hour=10), _run("anna", "sweep"),
         _do("delete_series", 49, place="anna"), _do("delete_entry", 55, place="anna"),
         _do("reassign", 84, who=["bert"])],
    ),
    "an Exchange copy was written in the middle of a full round and deleted before the feed told of it": (
        {"page_size": 1, "deleted": "cancel_booking", "exchange": ("anna",)},
        [("book", {"who": ["anna", "anna-north"], "day": 7, "hour": 8}), _run("anna-north"),
         ("time_passes", {"hours": 200}), _run("anna", "sweep"), _do("delete_entry", 99, place="anna")],
    ),
    "a copy with guests stayed beyond the next days, and its booking is in them when its resource comes back": (
        {},
        [("book", {"who": ["bert"], "day": 16, "hour": 10}), _run("bert", "full"),
         _do("invite_people", 0, place="bert"), _do("move_booking", 0, day=10, hour=9),
         ("disconnect", {"who": "bert", "remove": True})],
    ),
    "a booking is removed whose copy another resource of the mailbox may not remove": (
        {"page_size": 50},
        [("book", {"who": ["anna", "anna-north"], "day": 9, "hour": 13}), _run("anna"),
         ("change_settings", {"who": "anna", "values": {"direction": "from_calendar"}, "scope": "future"}),
         _run("anna-north"), _do("change_booking", 14, what="remove")],
    ),
    "a booking is removed whose copy another resource keeps, and neither may write copies now": (
        {"page_size": 50},
        [("change_settings", {"who": "anna-north", "values": {"direction": "from_calendar"}, "scope": "future"}),
         ("book", {"who": ["anna", "anna-north"], "day": 9, "hour": 13}), _run("anna"), _run("anna-north"),
         ("change_settings", {"who": "anna", "values": {"direction": "from_calendar"}, "scope": "future"}),
         _do("change_booking", 14, what="remove")],
    ),
    "a date that was given away comes back with the person's rhythm": (
        {"page_size": 50, "deleted": "cancel_booking", "exchange": ("anna", "bert", "home")},
        [_series(["bert"], 11, 13, FORTNIGHTLY), _run("bert", "sweep"), _do("reassign", 96, who=["anna-north"]),
         _run("bert"), _do("change_pattern", 58, place="bert", how="in other words"),
         _do("change_pattern", 3, place="bert", how="endless")],
    ),
    "a date that stands by itself comes back into a series that nobody writes any more": (
        {"page_size": 50, "moved": "restore", "exchange": ("anna", "bert", "home")},
        [_series(["bert", "anna-north"], 10, 16, FORTNIGHTLY), _do("move_booking", 4, day=5, hour=13),
         _run("bert", "full"),
         ("change_settings", {"who": None, "values": {"direction": "from_calendar"}, "scope": "future"}),
         _do("change_pattern", 85, place="bert", how="in other words"),
         _do("change_pattern", 34, place="bert", how="more")],
    ),
    "a series becomes a single entry while it moves to another calendar": (
        {"page_size": 3, "moved": "restore", "deleted": "cancel_booking"},
        [_series(["bert"], 2, 14.5, FORTNIGHTLY), _run("bert", "sweep"),
         ("choose_primary", {"who": "bert", "beside": True}),
         ("run", {"who": "bert", "seed": 566110869, "share": 0.02, "cause": "sweep"}),
         _do("change_pattern", 12, place="bert", how="once")],
    ),
    "a date whose booking was moved behind us still stands in the series of a resource that looks two weeks ahead": (
        {"page_size": 1, "deleted": "cancel_booking", "exchange": ("anna", "bert", "home")},
        [_series(["anna-north", "anna"], 6, 13, FORTNIGHTLY), _do("move_booking", 86, day=10, hour=13),
         ("change_settings", {"who": "anna-north", "values": {"window.weeks_ahead": 2}, "scope": "window"}),
         ("time_passes", {"hours": 720})],
    ),
    "a date is given away between two calls of a first import": (
        {"page_size": 3, "moved": "restore", "deleted": "flag", "exchange": ("anna", "bert", "home")},
        [("create_entry", {"place": "home", "day": 12, "hour": 10, "busy": "busy", "private": False,
                           "answer": "not_responded", "all_day": False, "beside": False}),
         ("run", {"who": "anna", "seed": 4035043399, "share": 0.02, "cause": "sweep"}),
         _series(["anna-north", "anna"], 9, 13, WEEKLY), _run("anna-north", "full"),
         ("run", {"who": "anna", "seed": 1743663394, "share": 0.1, "cause": "sweep"})],
    ),
    "a date gives way to an entry while its series is in dispute": (
        {"page_size": 50, "moved": "flag", "deleted": "restore"},
        [_run("anna", "sweep"), _series(["anna"], 8, 16, FORTNIGHTLY),
         ("create_rare_entry", {"place": "home", "day": 7, "hour": 9, "what": "several days"}),
         ("deliver", {"place": "home", "how": "doubled"}), _do("decide", 52, which=1),
         _do("change_pattern", 59, place="anna", how="more")],
    ),
    "the dates of a series that nobody here shows leave a closed direction, and none is asked for by itself": (
        {"page_size": 50, "moved": "restore", "deleted": "cancel_booking", "exchange": ("bert",)},
        [_run("anna", "full"), _series(["anna", "anna-north"], 5, 16, FORTNIGHTLY),
         _do("change_rule", 34, rule=OTHER_DAYS),
         ("change_settings", {"who": None, "values": {"direction": "from_calendar"}, "scope": "window"})],
    ),
    "a booking beyond a window that was made smaller is followed where the feed has lost its place": (
        {"page_size": 50, "deleted": "cancel_booking", "exchange": ("bert",)},
        [("book_rarely", {"who": ["anna", "anna-north"], "day": 2, "hour": 14.5, "what": "at the window's end"}),
         _run("anna", "full"), ("clone_copy", {"place": "anna", "pick": 37, "day": 12, "hour": 14.5}),
         ("change_settings", {"who": None, "values": {"window.weeks_ahead": 1}, "scope": "future"}),
         ("run", {"who": "anna", "seed": 1784815425, "share": 0.1, "cause": "notification"}),
         ("expire_host_cursors", {})],
    ),
    "a series that has no date in the window any more is made to repeat otherwise, and its feed has lost its place": (
        {"page_size": 1, "moved": "restore", "deleted": "flag", "exchange": ("bert",)},
        [("run", {"who": "anna-north", "seed": 2341605811, "share": 0.0, "cause": "full"}),
         _series(["anna-north"], 1, 8, FORTNIGHTLY),
         ("run", {"who": "anna-north", "seed": 37029245, "share": 0.0, "cause": "sweep"}),
         ("time_passes", {"hours": 720}), ("expire_host_cursors", {}),
         _do("change_rule", 22, rule="FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")],
    ),
}  # fmt: skip


@pytest.mark.prop("P1")
@pytest.mark.prop("P14")
@pytest.mark.parametrize("name", LIVES)
def test_it_ends_as_promised(name: str) -> None:
    opening, steps = LIVES[name]
    replay(opening, steps)


WHOLE = (
    4158,
    *(64169, 12010559, 14002519, 1795263701, 1795266526, 1795291792, 1795294074, 50003236, 50004743),
    *(130003834, 140001126, 140006065, 160003892, 160013286, 160022073, 160029258, 170004770, 170017245),
    *(174101993, 210031516, 230001528, 220005396, 240083193, 241096581, 241121057),
)


@pytest.mark.parametrize("seed", WHOLE)
def test_lives_that_broke_a_promise_by_a_fault_at_its_moment_keep_it_now(seed: int) -> None:
    """Whole lives of the soak, because a crash or an overtaking at one certain call was needed."""
    script = Schedule(seed).script()

    replay(script.opening, script.steps)


@pytest.mark.rule("R122")
def test_a_disconnect_removes_the_copies_that_a_moved_mailbox_has_given_new_ids() -> None:
    life = Life()
    life.book(["bert"], 3, 9)
    life.book_series(["bert"], 4, 9, "FREQ=WEEKLY;COUNT=3")
    life.clinic.run("bert")
    assert len(life.copies("bert")) == 4
    life.move_mailbox("bert")

    life.disconnect("bert", remove=True)
    life.clinic.run("bert")

    assert life.copies("bert") == []


@pytest.mark.rule("R34")
@pytest.mark.parametrize("exchange", [(), ("anna",)])
def test_a_date_that_leaves_while_an_import_reads_the_calendars_blocks_in_the_end(exchange: tuple[str, ...]) -> None:
    life = Life(exchange=exchange)
    life.book_series(["anna-north", "anna"], 20, 9, WEEKLY)  # nothing of it in the next days, which are read first
    life.clinic.run("anna-north")
    date = [one.id for one in life.clinic.system.bookings.values() if not one.is_series_master][2]

    def hand_over(_operation: str, _phase: str) -> None:
        rows = life.stores.cursors.load(ACCOUNT, ResourceId("anna"))
        if DEFAULT in rows and not rows[DEFAULT].is_round_open:
            life.clinic.fault = life.faults
            life.clinic.system.reassign(date, ["anna-north"])

    life.clinic.fault = hand_over
    life.clinic.run("anna")

    quiet_time(life)

    assert len(life.clinic.blocks("anna")) == 1


@pytest.mark.rule("R40")
def test_a_series_whose_create_was_cut_off_takes_no_time_twice_when_its_direction_is_closed() -> None:
    life = Life()
    life.book_series(["anna-north"], 2, 8, OTHER_DAYS)
    life.clinic.fault = _cut_off_after_create
    with pytest.raises(CrashError):
        life.clinic.run("anna-north")
    life.clinic.fault = life.faults
    life.time_passes(1)
    life.change_settings("anna-north", {"direction": "from_calendar"}, "future")

    quiet_time(life)

    assert len(life.copies("anna")) == 3
    assert life.clinic.blocks("anna-north") == []


def _cut_off_after_create(operation: str, phase: str) -> None:
    if (operation, phase) == ("create", "after"):
        raise CrashError


@pytest.mark.rule("R37")
def test_a_second_look_at_a_block_whose_calendar_is_checked_no_more_asks_nobody() -> None:
    life = Life()
    life.create_entry("home", 3, 9)
    life.clinic.run("anna")
    [block] = life.clinic.blocks("anna")
    life.stores.links.set_leaving(ACCOUNT, ResourceId("anna"), REVISIT, [block.ref])  # as a run that was overtaken does
    life.choose_conflict_calendars("anna", False)

    life.clinic.run("anna")

    assert life.state("anna").status is Status.CONNECTED
    assert life.clinic.blocks("anna") == []


@pytest.mark.rule("R122")
@pytest.mark.parametrize("exchange", [(), ("anna",)])
def test_a_copy_on_a_later_page_than_that_of_another_resource_is_not_written_twice(exchange: tuple[str, ...]) -> None:
    life = _with_a_shared_booking(exchange)
    life.back_up()
    life.clinic.run("anna-north")
    life.clinic.run("anna")
    before = [entry.id for entry in life.copies("anna")]
    assert len(before) == 2

    life.restore()
    life.clinic.settle("anna")

    assert [entry.id for entry in life.copies("anna")] == before
    assert life.is_own(life.copies("anna")[-1])


@pytest.mark.rule("R32")
def test_a_copy_that_was_kept_on_leaving_is_adopted_whichever_page_tells_of_its_booking() -> None:
    life = _with_a_shared_booking(())
    life.clinic.run("anna-north")
    life.clinic.run("anna")
    before = [entry.id for entry in life.copies("anna")]
    life.disconnect("anna", remove=False)
    life.clinic.run("anna")

    life.reconnect("anna")
    life.clinic.run("anna")

    assert [entry.id for entry in life.copies("anna")] == before
    assert all(life.is_own(entry) for entry in life.copies("anna"))


def _with_a_shared_booking(exchange: tuple[str, ...]) -> Life:
    """Nobody has written a copy of it yet; the calendar tells one entry a page."""
    life = Life(page_size=1, exchange=exchange)
    life.clinic.run("anna")
    life.clinic.run("anna-north")
    life.book(["anna", "anna-north"], 7, 13)
    return life
