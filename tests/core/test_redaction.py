"""Secrets of the plan reach no report, in whatever spelling a client prints them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

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


@pytest.fixture(scope="module")
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
