"""Who works at the demo clinic: facts only. clinic.py brings them to the sandbox and to the booking system."""

from dataclasses import dataclass

from local.cloud import ADMIN_EMAIL, TENANT_DOMAIN

TIME_ZONE = "Europe/Berlin"


@dataclass(frozen=True)
class Mailbox:
    """One account at the sandbox. Rooms have no sign-in of their own: their custodian sees them in his list."""

    email: str
    display_name: str
    kind: str = "user"
    is_admin: bool = False
    calendars: tuple[str, ...] = ()
    is_on_premises: bool = False
    """The mailbox lives on the clinic's own Exchange server; Microsoft 365 knows the person, but has no calendar."""

    is_role_account: bool = False
    """The account of the organisation that sees when everybody is free; nobody reads its mail."""

    @property
    def may_sign_in(self) -> bool:
        """Whether a person sits behind it."""
        return self.kind == "user"


@dataclass(frozen=True)
class Bookable:
    """One resource of the booking system and the mailbox that is its calendar."""

    id: str
    name: str
    mailbox: str
    kind: str = "staff"
    owner_id: str = ""
    owner_name: str = ""
    owner_email: str = ""


ANNA = f"anna.weber@{TENANT_DOMAIN}"
BEN = f"ben.okafor@{TENANT_DOMAIN}"
CARLA = f"carla.rossi@{TENANT_DOMAIN}"
DANA = "dana.lind@outlook.com"
ERIK = f"erik.holm@{TENANT_DOMAIN}"
FARAH = f"farah.haddad@{TENANT_DOMAIN}"
ROOM = f"treatment1@{TENANT_DOMAIN}"
HOSPITAL = "hospital.example"
"""The partner next door, on the same Exchange server: nobody of it is a resource, but one may see who is free there."""
GIL = f"gil.brandt@{HOSPITAL}"
FREE_BUSY = f"free-busy@{HOSPITAL}"

MAILBOXES = (
    Mailbox(ANNA, "Dr. Anna Weber", calendars=("Family",)),
    Mailbox(BEN, "Ben Okafor", calendars=("Rowing club",)),
    Mailbox(CARLA, "Carla Rossi"),
    Mailbox(DANA, "Dana Lind"),
    Mailbox(ERIK, "Erik Holm"),
    Mailbox(FARAH, "Farah Haddad", calendars=("Choir",), is_on_premises=True),
    Mailbox(GIL, "Dr. Gil Brandt", is_on_premises=True),
    Mailbox(FREE_BUSY, "Free and busy", is_on_premises=True, is_role_account=True),
    Mailbox(ROOM, "Treatment room 1", kind="room"),
    Mailbox(f"it@{TENANT_DOMAIN}", "IT of the clinic", is_admin=True),
    Mailbox(ADMIN_EMAIL, "Administration"),
)

BOOKABLES = (
    Bookable("anna", "Dr. Anna Weber", ANNA, owner_id="anna", owner_name="Dr. Anna Weber", owner_email=ANNA),
    Bookable("ben", "Ben Okafor", BEN, owner_id="ben", owner_name="Ben Okafor", owner_email=BEN),
    # One person, one mailbox, two locations.
    Bookable(
        "carla-centre", "Carla Rossi (Centre)", CARLA, owner_id="carla", owner_name="Carla Rossi", owner_email=CARLA
    ),
    Bookable(
        "carla-harbour", "Carla Rossi (Harbour)", CARLA, owner_id="carla", owner_name="Carla Rossi", owner_email=CARLA
    ),
    # A personal account.
    Bookable("dana", "Dana Lind", DANA, owner_id="dana", owner_name="Dana Lind", owner_email=DANA),
    # The room is connected by its custodian.
    Bookable(
        "treatment-1", "Treatment room 1", ROOM, "room", owner_id="erik", owner_name="Erik Holm", owner_email=ERIK
    ),
    # Her mailbox is on the clinic's own Exchange server.
    Bookable("farah", "Farah Haddad", FARAH, owner_id="farah", owner_name="Farah Haddad", owner_email=FARAH),
)

CONNECTED = BOOKABLES[0]
"""The one that has gone through the journey already when the demo is ready."""
