"""Secrets of the plan reach no report, in whatever spelling a client prints them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from pytest_rollout.core.inert import shortened
from pytest_rollout.core.redaction import Redactor

KEY = "0x" + "1f2e3d4c" * 8
TOKEN = "9aa3d95b3bc440fa88ea12eaa4456161"
URL = f"https://mainnet.node.example:8443/v3/{TOKEN}"
PASSWORD = "p@ss \"w'rd</&ü\\9"
SECRETS = {
    "DEPLOYER_KEY": KEY,
    "RPC_URL": URL,
    "DB_URL": "postgresql://gate:hunter2hunter2@db.example/ledger",
    "API": "https://api.example/x?apikey=qwertz123456&network=mainnet",
    "PASSWORD": PASSWORD,
    "PIN": "1234",
}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(SECRETS)


DIGITS = KEY[2:]
RAW = bytes.fromhex(DIGITS)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        pytest.param(KEY, "DEPLOYER_KEY", id="exact"),
        pytest.param(DIGITS, "DEPLOYER_KEY", id="without 0x"),
        pytest.param(KEY.upper(), "DEPLOYER_KEY", id="upper case"),
        pytest.param(DIGITS.title(), "DEPLOYER_KEY", id="mixed case"),
        pytest.param(str(int(DIGITS, 16)), "DEPLOYER_KEY", id="decimal"),
        pytest.param(repr(RAW)[2:-1], "DEPLOYER_KEY", id="bytes"),
        pytest.param(base64.b64encode(RAW).decode(), "DEPLOYER_KEY", id="base64 of the bytes"),
        pytest.param(base64.b64encode(KEY.encode()).decode(), "DEPLOYER_KEY", id="base64 of the text"),
        pytest.param(URL, "RPC_URL", id="url"),
        pytest.param(TOKEN, "RPC_URL", id="key in the path"),
        pytest.param(f"/v3/{TOKEN}", "RPC_URL", id="path"),
        pytest.param("mainnet.node.example", "RPC_URL", id="host"),
        pytest.param(quote(URL, safe=""), "RPC_URL", id="url in a url"),
        pytest.param("hunter2hunter2", "DB_URL", id="password of a url"),
        pytest.param("gate:hunter2hunter2", "DB_URL", id="userinfo"),
        pytest.param("qwertz123456", "API", id="key in the query"),
        pytest.param(PASSWORD, "PASSWORD", id="text"),
        pytest.param(json.dumps(PASSWORD)[1:-1], "PASSWORD", id="json"),
        pytest.param(json.dumps(PASSWORD, ensure_ascii=False)[1:-1], "PASSWORD", id="json unicode"),
        pytest.param(repr(PASSWORD)[1:-1], "PASSWORD", id="repr"),
        pytest.param(quote(PASSWORD), "PASSWORD", id="percent"),
        pytest.param(quote(PASSWORD).lower(), "PASSWORD", id="percent, lower case"),
        pytest.param(quote_plus(PASSWORD), "PASSWORD", id="form"),
        pytest.param(PASSWORD.replace("&", "&amp;").replace("<", "&lt;"), "PASSWORD", id="xml"),
    ],
)
def test_every_spelling_is_replaced_by_the_name(redactor: Redactor, spelling: str, name: str) -> None:
    text = redactor.text(f"before {spelling} after")

    assert text.startswith(f"before <{name}>")
    assert text.endswith(" after")
    if spelling == repr(RAW)[2:-1]:
        assert text == f"before <{name}> after"
    assert spelling not in text
    assert not redactor.is_clean(f"before {spelling} after".encode())
    assert redactor.is_clean(text.encode())


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "longer user:"])
@pytest.mark.parametrize("after", ["", "!", "@@"])
def test_a_secret_inside_an_encoded_text_is_found(redactor: Redactor, before: str, after: str) -> None:
    """A header carries user and password encoded together, at any offset."""
    header = base64.b64encode(f"{before}{KEY}{after}".encode()).decode()

    assert "<DEPLOYER_KEY>" in redactor.text(f"cookie={header};")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "HTTPSConnectionPool(host='mainnet.node.example', port=8443): "
            f"Max retries exceeded with url: /v3/{TOKEN} (Caused by x)",
            "HTTPSConnectionPool(host='<RPC_URL>', port=8443): Max retries exceeded with url: <RPC_URL> (Caused by x)",
            id="requests",
        ),
        pytest.param(
            "git clone https://ghp_TOKEN123@github.com/x/y",
            "git clone https://<redacted>@github.com/x/y",
            id="userinfo of any url",
        ),
        pytest.param(
            "GET https://other.example/q?a=1&api_key=abcdefgh&b=2",
            "GET https://other.example/q?a=1&api_key=<redacted>&b=2",
            id="token in any query",
        ),
        pytest.param(
            "{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic <redacted>'}", id="basic header"
        ),
        pytest.param("Authorization: Bearer abc.def.ghi", "Authorization: Bearer <redacted>", id="bearer header"),
        pytest.param("Basic assertions of a token=1", "Basic assertions of a token=1", id="plain words"),
        pytest.param("a@b.example, 3 == 4", "a@b.example, 3 == 4", id="mail address"),
        pytest.param("mainnet", "mainnet", id="words of a query are no secrets"),
    ],
)
def test_what_libraries_print(redactor: Redactor, text: str, shown: str) -> None:
    assert redactor.text(text) == shown


def test_a_short_value_is_replaced_only_as_the_whole_text(redactor: Redactor) -> None:
    """``1234`` is in too many numbers to be cut out of them."""
    assert redactor.text("1234") == "<PIN>"
    assert redactor.text("block 1234, 12345") == "block 1234, 12345"
    assert redactor.is_clean(b"1234")


def test_the_longest_secret_gives_the_name() -> None:
    redactor = Redactor({"SHORT": "secret", "LONG": "secret-and-more"})

    assert redactor.text("a secret-and-more b") == "a <LONG> b"
    assert redactor.text("a secret b") == "a <SHORT> b"


def test_nothing_is_left_where_secrets_overlap() -> None:
    redactor = Redactor({"FIRST": "abcdefgh", "SECOND": "fghijklmnop"})

    assert redactor.text("xabcdefghijklmnopx") == "x<SECOND>x"


def test_values_are_searched_through() -> None:
    redactor = Redactor(SECRETS)
    value = {
        f"key {TOKEN}": [KEY, 1, True, None, 0.5, {"deep": (f"x{DIGITS}",)}],
        "number": int(DIGITS, 16),
        "small": 1234,
    }

    told = redactor.value(value)

    assert told == {
        "key <RPC_URL>": ["<DEPLOYER_KEY>", 1, True, None, 0.5, {"deep": ("x<DEPLOYER_KEY>",)}],
        "number": "<DEPLOYER_KEY>",
        "small": 1234,
    }
    assert value["number"] == int(DIGITS, 16), "the value handed in is not changed"


@pytest.mark.parametrize(
    "text",
    ["", "x", "İstanbul \ud800 \x00", "é" * 100, "://", "=", "?token=", "Authorization:", "a" * 100_000],
    ids=ascii,
)
def test_other_text_is_left_as_it_is(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text
    assert redactor.is_clean(text.encode("utf-8", "surrogatepass"))


def test_places_are_right_beside_letters_that_change_length() -> None:
    """Lower-casing İ makes two letters of it, and would shift every place behind it."""
    assert Redactor({"X": "SECRETS"}).text("İİİ secrets İ") == "İİİ <X> İ"


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"EMPTY": ""},
        {"SPACE": "   "},
        {"ZERO": "0x" + "0" * 64},
        {"ODD": "0x123456789"},
        {"HALF": "abcdef\udcff"},
        {"URL": "http://[broken"},
        {"PORT": "http://host.example:99999/"},
        {"HUGE": "f" * 100_000},
    ],
    ids=lambda secrets: next(iter(secrets), "none"),
)
def test_any_value_can_be_a_secret(secrets: dict[str, str]) -> None:
    redactor = Redactor(secrets)

    assert redactor.text("an ordinary line, 42") == "an ordinary line, 42"
    for name, value in secrets.items():
        if len(value.strip()) >= 6:
            assert redactor.text(f"<{value}>") == f"<<{name}>>"


def test_local_nodes_are_no_secret_hosts() -> None:
    redactor = Redactor({"RPC_URL": "http://127.0.0.1:8545"})

    assert redactor.text("127.0.0.1 refused") == "127.0.0.1 refused"
    assert redactor.text("http://127.0.0.1:8545 refused") == "<RPC_URL> refused"


def test_a_redactor_keeps_its_secrets_to_itself(redactor: Redactor) -> None:
    assert TOKEN not in repr(redactor)


def shows(secrets: dict[str, str], text: str) -> str:
    return Redactor(secrets).text(text)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        pytest.param("https://user-name@h/", "user-name", "<S>", id="a user without a password"),
        pytest.param("https://u:pass-word@h/", "u:pass-word", "<S>", id="userinfo"),
        pytest.param("https://u:pass-word@h/", "pass-word", "<S>", id="a password"),
        pytest.param("https://u:pass@word@host.example/", "pass@word", "<S>", id="a password with an at"),
        pytest.param("https://u:pass@word@host.example/", "u:pass@word", "<S>", id="userinfo with an at"),
        pytest.param("https://ab:c@ssword1@h/", "ab:c@ssword1", "<S>", id="userinfo with an at near its beginning"),
        pytest.param("https://host.example/", "host.example", "<S>", id="a host"),
        pytest.param("https://host.example/", "host.example:None", "<S>:None", id="a host without a port"),
        pytest.param("https://host.example:8545/", "host.example:8545", "<S>", id="a host with its port"),
        pytest.param("https://h/v3/0123456789abcdef0123", "0123456789abcdef0123", "<S>", id="a segment that is a key"),
        pytest.param("https://h/v3/0123456789ab", "0123456789ab", "<S>", id="the shortest segment that is a key"),
        pytest.param("https://h/status/healthcheck", "/status/healthcheck", "/status/healthcheck", id="a path without one"),
        pytest.param("https://h/?token=abcdefgh", "abcdefgh", "<S>", id="a value that its name tells"),
        pytest.param("https://h/?q=0123456789abcdef0123", "0123456789abcdef0123", "<S>", id="a value that is a key"),
        pytest.param("https://h/?network=mainnet1", "mainnet1", "mainnet1", id="a value that is none"),
        pytest.param("no-url:hunter2hunter2", "hunter2hunter2", "hunter2hunter2", id="no url"),
    ],
)  # fmt: skip
def test_of_a_url_those_parts_are_secret_that_open_doors(value: str, text: str, shown: str) -> None:
    assert shows({"S": value}, f"<{text}>") == f"<{shown}>"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("secret", ["hunter2!hunter2!", "hunter2!hunter2!!", "hunter2!hunter2!!?"], ids=[16, 17, 18])
def test_a_secret_is_found_at_any_place_of_an_encoded_text(before: int, secret: str) -> None:
    """In three bytes there are four letters, so it looks different at each of three places."""
    encoded = base64.b64encode(b"x" * before + secret.encode() + b"yz").decode()

    shown = shows({"S": secret}, encoded)

    assert "<S>" in shown
    assert len(shown.replace("<S>", "")) <= 12
    assert not Redactor({"S": secret}).is_clean(encoded.encode())


@pytest.mark.parametrize("secret", ["\xff\xfe\xfb\xff\xfe\xfbsecret", "???>>>???>>>"], ids=["bytes", "marks"])
def test_both_alphabets_of_base64_are_known(secret: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert shows({"S": secret}, encode(secret.encode()).decode().rstrip("=")) != encode(secret.encode()).decode()


def test_where_secrets_overlap_the_longest_gives_the_name_and_all_of_it_goes() -> None:
    secrets = {"LONG": "abcdefghijkl", "SHORT": "ijklmnop", "INNER": "cdefghij", "NEXT": "mnopqrst"}

    assert shows(secrets, "[abcdefghijklmnopqrst]") == "[<LONG>]"
    assert shows(secrets, "[cdefghijk]") == "[<INNER>k]"
    assert shows({"A": "abcdefgh", "B": "ijklmnop"}, "[abcdefghijklmnop]") == "[<A><B>]"
    assert shows({"A": "abcdefgh", "B": "abcdefghij"}, "abcdefghij") == "<B>"


@pytest.mark.parametrize("text", ["hunter2x", "hunter2x hunter2x", "hunter2x, hunter2x, hunter2x!"])
def test_a_secret_is_replaced_wherever_it_stands(text: str) -> None:
    assert shows({"S": "hunter2x"}, text) == text.replace("hunter2x", "<S>")


@pytest.mark.parametrize(
    ("secrets", "shown"),
    [
        ({"A": "abcdefgh", "B": "efghijkl"}, "[<A>mnopqr]"),
        ({"A": "abcdefgh", "B": "fghijklmno", "C": "jklmnopqr"}, "[<B>]"),
    ],
    ids=["equally long", "three"],
)
def test_of_secrets_that_overlap_the_first_of_the_longest_gives_the_name(secrets: dict[str, str], shown: str) -> None:
    assert shows(secrets, "[abcdefghijklmnopqr]") == shown


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        pytest.param("a b/c d", "a%20b%2Fc%20d", "<S>", id="blanks and slashes in a url"),
        pytest.param("hunter2x", "null, None, full on", "null, None, full on", id="ordinary words"),
        pytest.param("0x00000001", "1 block", "1 block", id="a number too short to look for"),
        pytest.param("0x000186a0", "100000 blocks", "<S> blocks", id="the shortest number"),
        pytest.param("0x" + "1" * 1024, str(int("1" * 1024, 16)), "<S>", id="the longest key"),
        pytest.param("secret", "c2VjcmV0", "<S>", id="the shortest secret in base64"),
        pytest.param("secret", "eHNlY3JldA==", "eHNlY3JldA==", id="too short to be found behind another"),
        pytest.param("secretsecr", "eHNlY3JldHNlY3J5eg==", "eH<S>J5eg==", id="just long enough for it"),
        pytest.param("0x1f2e3d4c5b", "Hy49TFs=", "<S>s=", id="a short key as bytes in base64"),
    ],
)
def test_a_spelling_is_looked_for_if_it_is_long_enough(value: str, text: str, shown: str) -> None:
    assert shows({"S": value}, text) == shown


def test_numbers_are_looked_at_between_seven_digits_and_four_thousand_bits() -> None:
    longest = 2**4096 - 1
    redactor = Redactor({"S": str(longest)[:20], "N": "1000000", "M": "100000"})

    assert redactor.value([100_000, 10**6, -(10**6)]) == [100_000, "<N>", "-<N>"]
    assert redactor.value(longest) == f"<S>{str(longest)[20:]}"
    assert redactor.value(longest * 2) == longest * 2
    assert Redactor({"S": str(longest + 1)[:20]}).value(longest + 1) == longest + 1
    assert Redactor({"S": "1" * 1300}).value(int("1" * 1300)) == int("1" * 1300)


def test_the_first_name_by_length_is_that_of_a_spelling_two_secrets_share() -> None:
    shared = {"URL": "https://host.example/a/b", "HOST": "host.example"}

    assert shows(shared, "at host.example:") == "at <URL>:"


def test_a_number_is_looked_at_if_it_is_as_long_as_a_secret() -> None:
    redactor = Redactor({"K": "0x" + f"{10**9:x}", "N": "1000000000"})

    assert redactor.value(10**9) in {"<N>", "<K>"}
    assert redactor.value([1, True, 1.5, None, 10**9 + 1]) == [1, True, 1.5, None, 10**9 + 1]
    assert redactor.value(2**4097) == 2**4097
    assert Redactor({}).value(10**9) == 10**9


def test_bytes_are_clean_where_no_spelling_stands_in_them() -> None:
    redactor = Redactor({"S": "Hunter2Hunter2"})

    assert redactor.is_clean(b"hunter2") is True
    assert redactor.is_clean(b"xx HUNTER2HUNTER2") is False
    assert Redactor({}).is_clean(b"anything") is True
    assert Redactor({"EMPTY": ""}).text("") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic abc", "Authorization: Basic <redacted>"),
        ("authorization: Token abc", "authorization: Token <redacted>"),
        ("a bearer 0123456789abcdef", "a bearer <redacted>"),
        ("https://u:p@h/?token=x", "https://<redacted>@h/?token=<redacted>"),
        ("https://h/?a=1", "https://h/?a=1"),
    ],
)
def test_credentials_that_are_no_secret_of_the_plan_are_shown_by_no_text(text: str, shown: str) -> None:
    assert shows({}, text) == shown


@pytest.mark.parametrize("length", [64, 63])
def test_a_key_in_hex_is_known_as_a_number(length: int) -> None:
    digits = "1f2e3d4c" * 8
    key = digits[:length]

    assert shows({"K": f"0x{key}"}, str(int(key, 16))) == "<K>"
    assert shows({"K": f"0x{key}"}, key) == "<K>"


@pytest.mark.parametrize("at", [0, 55, 60, 66, 20_000, 39_953, 39_966, 39_986])
def test_of_a_long_text_no_part_of_a_secret_is_kept(at: int) -> None:
    """Wherever it stands: at the beginning, at the end, across a cut."""
    secret = "hunter2hunter2"
    text = ("x" * at + secret).ljust(40_000, "y")

    shown = Redactor({"S": secret}).bounded(text, 100)

    assert "hunter" not in shown
    assert "unter2" not in shown
    assert "\n… 39,900 characters cut …\n" in shown
    assert len(shown) <= 130


def test_a_long_text_keeps_two_thirds_of_its_beginning_and_a_third_of_its_end() -> None:
    redactor = Redactor({"S": "hunter2hunter2"})
    text = "".join(chr(65 + index % 26) for index in range(50_000))

    assert redactor.bounded(text, 90) == f"{text[:60]}\n… 49,910 characters cut …\n{text[-30:]}"
    assert redactor.bounded(text[:90], 90) == text[:90]
    assert redactor.bounded(text[:91], 90) == shortened(text[:91], 90)
    assert redactor.bounded("a hunter2hunter2", 90) == "a <S>"


def test_a_secret_longer_than_the_usual_margin_is_not_kept_by_half() -> None:
    secret = "".join(chr(97 + index * index % 26) for index in range(6000))
    text = ("0" * 40 + secret).ljust(40_000, "1") + secret + "2" * 20

    for short in ("zzzzzzzz", "aaaaaaaa"):
        shown = Redactor({"SHORT": short, "LONG": secret}).bounded(text, 90)

        assert secret[:10] not in shown
        assert secret[-10:] not in shown


def test_where_a_text_is_nothing_but_secrets_no_half_of_one_is_shown() -> None:
    secret = "".join(chr(97 + index * index % 26) for index in range(1000))

    shown = Redactor({"S": secret}).bounded(secret * 40, 90)

    assert secret[:10] not in shown
    assert secret[-10:] not in shown


@pytest.mark.parametrize(
    ("more", "cut"), [(0, 2 * 4186 - 90 - 11), (1, 2 * 4186 - 90 + 1)], ids=["whole", "by its ends"]
)
def test_how_much_was_cut_is_of_what_was_looked_at(more: int, cut: int) -> None:
    """A text that fits into both ends and their margins is looked at whole; the secret in it is 14 long and shown by 3."""
    text = ("x" * 4000 + "hunter2hunter2").ljust(2 * (90 + 4096) + more, "y")

    assert f"… {cut:,} characters cut …" in Redactor({"S": "hunter2hunter2"}).bounded(text, 90)
