"""Row 37 of the bad inputs: a server name that a person gives leads nowhere but to public web servers."""

import pytest
from calsync_core.adapters.exchange.addresses import AddressGuard, ews_url
from calsync_core.domain.errors import InputError, ProviderUnavailableError

PUBLIC = "203.0.113.20"  # a documentation network counts as private, so tests name real public ones
REAL = "93.184.216.34"
URL = "https://mail.clinic.example/EWS/Exchange.asmx"


def guard(*addresses: str, allowed: tuple[str, ...] = ()) -> AddressGuard:
    return AddressGuard(allowed, resolve=lambda _host, _port: addresses or (REAL,))


def test_a_public_name_is_looked_up_once_and_its_address_is_kept() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [REAL, "2606:2800:220:1:248:1893:25c8:1946"]

    place = AddressGuard(resolve=resolve).place(URL)

    assert (place.host, place.port) == ("mail.clinic.example", 443)
    assert place.addresses == (REAL, "2606:2800:220:1:248:1893:25c8:1946")
    assert asked == ["mail.clinic.example"]


@pytest.mark.bad_input(37)
@pytest.mark.parametrize(
    "url",
    [
        "http://mail.clinic.example/EWS/Exchange.asmx",
        "ftp://mail.clinic.example/",
        "file:///etc/passwd",
        "https://10.0.0.5/EWS/Exchange.asmx",
        "https://172.16.3.4/EWS/Exchange.asmx",
        "https://192.168.1.1/EWS/Exchange.asmx",
        "https://127.0.0.1/EWS/Exchange.asmx",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.1.1/EWS/Exchange.asmx",
        "https://0.0.0.0/EWS/Exchange.asmx",
        "https://224.0.0.1/EWS/Exchange.asmx",
        "https://255.255.255.255/EWS/Exchange.asmx",
        "https://198.18.0.1/EWS/Exchange.asmx",
        f"https://{PUBLIC}/EWS/Exchange.asmx",
        "https://[::1]/EWS/Exchange.asmx",
        "https://[::]/EWS/Exchange.asmx",
        "https://[fe80::1]/EWS/Exchange.asmx",
        "https://[fe80::1%25eth0]/EWS/Exchange.asmx",
        "https://[fd00:ec2::254]/EWS/Exchange.asmx",
        "https://[ff02::1]/EWS/Exchange.asmx",
        "https://[::ffff:7f00:1]/EWS/Exchange.asmx",
        "https://[::ffff:93.184.216.34]/EWS/Exchange.asmx",
        "https://[2002:7f00:1::]/EWS/Exchange.asmx",
        "https://[64:ff9b::7f00:1]/EWS/Exchange.asmx",
        "https://[2001:0:7f00:1::]/EWS/Exchange.asmx",
        "https://0x7f.1/EWS/Exchange.asmx",
        "https://0x7f000001/EWS/Exchange.asmx",
        "https://2130706433/EWS/Exchange.asmx",
        "https://127.1/EWS/Exchange.asmx",
        "https://0177.0.0.1/EWS/Exchange.asmx",
        "https://mail.clinic.example:22/EWS/Exchange.asmx",
        "https://mail.clinic.example:99999/EWS/Exchange.asmx",
        "https://user@mail.clinic.example/EWS/Exchange.asmx",
        "https://user:password@mail.clinic.example/EWS/Exchange.asmx",
        "https://mail.clinic.example/EWS/Exchange.asmx?x=1",
        "https://mail.clinic.example/EWS/Exchange.asmx#x",
        "https://mail.clinic.example\\@evil.example/",
        "https://mail.clinic.example/EWS\r\nHost: evil",
        "https://mail..example/",
        "https://-mail.example/",
        "https:///EWS/Exchange.asmx",
        "https://" + "a" * 4096 + ".example/",
        "https://" + ".".join(["a" * 60] * 5) + "/",
        "",
        "mail.clinic.example",
    ],
)
def test_what_leads_elsewhere_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InputError, match="server_address"):
        guard().place(url)


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.0.0.5",),
        ("127.0.0.1",),
        (REAL, "10.0.0.5"),
        (REAL, "169.254.169.254"),
        (REAL, "::1"),
        (REAL, "::ffff:10.0.0.5"),
        ("fe80::1%eth0",),
    ],
)
def test_one_private_address_among_those_of_a_name_refuses_the_name(addresses: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="server_address"):
        guard(*addresses).place(URL)


def test_a_name_that_changes_its_answer_is_asked_for_once_per_connection() -> None:
    """DNS rebinding: the second answer is never used, because who connects takes the checked address."""
    answers = iter([[REAL], ["127.0.0.1"]])
    changing = AddressGuard(resolve=lambda _host, _port: next(answers))

    assert changing.place(URL).addresses == (REAL,)
    with pytest.raises(InputError):
        changing.place(URL)


def test_a_name_that_nobody_knows_is_no_bad_input() -> None:
    with pytest.raises(ProviderUnavailableError, match="name_not_found"):
        AddressGuard(resolve=lambda _host, _port: []).place(URL)


@pytest.mark.parametrize(
    ("allowed", "url", "is_let_through"),
    [
        ("127.0.0.1:8443", "https://127.0.0.1:8443/EWS/Exchange.asmx", True),
        ("127.0.0.1:8443", "https://127.0.0.1/EWS/Exchange.asmx", False),
        ("127.0.0.1:8443", "https://127.0.0.2:8443/EWS/Exchange.asmx", False),
        ("127.0.0.1:8443", "https://93.184.216.34:8443/EWS/Exchange.asmx", False),
        ("10.1.0.0/16", "https://10.1.2.3/EWS/Exchange.asmx", True),
        ("10.1.0.0/16", "https://10.2.2.3/EWS/Exchange.asmx", False),
        ("10.1.0.0/16:4443", "https://10.1.2.3:4443/EWS/Exchange.asmx", True),
        ("[::1]:8443", "https://[::1]:8443/EWS/Exchange.asmx", True),
        ("fd00::/8", "https://[fd00::5]/EWS/Exchange.asmx", True),
        ("*:4443", "https://93.184.216.34:4443/EWS/Exchange.asmx", True),
        ("*:4443", "https://10.0.0.5:4443/EWS/Exchange.asmx", False),
        ("*:4443", "https://10.0.0.5/EWS/Exchange.asmx", False),
    ],
)
def test_the_operators_list_opens_exactly_what_it_names(allowed: str, url: str, is_let_through: bool) -> None:
    listed = AddressGuard((allowed,))
    if is_let_through:
        assert listed.place(url).addresses
    else:
        with pytest.raises(InputError, match="server_address"):
            listed.place(url)


@pytest.mark.parametrize("line", ["10.0.0.0/99", "mail.example", "10.0.0.1:x"])
def test_a_line_that_is_no_network_is_told_to_the_operator(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        AddressGuard((line,))


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("mail.clinic.example", "https://mail.clinic.example/EWS/Exchange.asmx"),
        (" mail.clinic.example ", "https://mail.clinic.example/EWS/Exchange.asmx"),
        ("https://mail.clinic.example/owa/", "https://mail.clinic.example/EWS/Exchange.asmx"),
        ("https://mail.clinic.example/ews/exchange.asmx", "https://mail.clinic.example/ews/exchange.asmx"),
        ("https://mail.clinic.example:8443/owa", "https://mail.clinic.example:8443/EWS/Exchange.asmx"),
        ("127.0.0.1:8443", "https://127.0.0.1:8443/EWS/Exchange.asmx"),
        ("https://[::1]:8443/", "https://[::1]:8443/EWS/Exchange.asmx"),
        ("müller.example", "https://xn--mller-kva.example/EWS/Exchange.asmx"),
        ("http://mail.clinic.example", "http://mail.clinic.example/EWS/Exchange.asmx"),
    ],
)
def test_what_people_type_becomes_the_address_of_the_web_services(typed: str, url: str) -> None:
    assert ews_url(typed) == url


@pytest.mark.parametrize("typed", ["", "   ", "https://", "a@mail.example", "https://mail.example:x/", "x" * 600])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="server_address"):
        ews_url(typed)
