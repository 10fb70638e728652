"""Nothing that is secret stands in an answer or in a log, and the chain refuses who has no role."""

import os
import re
from pathlib import Path

import pytest

SECRET = re.compile(r"0x[0-9a-fA-F]{64}|BEGIN [A-Z ]*PRIVATE KEY|(?i:password|passwd|api[_-]?key|secret)\s*[=:]\s*\S")


def test_logs_hold_no_secret(people):
    """After users registered, whose keys were made: no key, no password, and something was logged at all."""
    folder = os.environ.get("KNOWTON_LOGS")
    assert folder, "KNOWTON_LOGS names the folder of the services' logs; platform_up.py prints it"
    user = people.user()
    people.work(user)

    logs = {each.name: each.read_text(errors="replace") for each in Path(folder).glob("*.log")}

    assert "POST /api/v1/users" in logs["backend.log"]
    assert {name: SECRET.findall(text) for name, text in logs.items() if SECRET.search(text)} == {}


def test_a_user_s_answer_holds_no_key(people):
    """What the backend says of a new user is the address, and nothing else."""
    answer = people.post("backend", "/api/v1/users", handle=people.user()[2:])

    assert answer.keys() == {"address"}


@pytest.mark.parametrize(
    ("contract", "function", "given"),
    [
        ("CopyrightNFT", "register", ["0x000000000000000000000000000000000000bEEF"]),
        ("CopyrightNFT", "mint", ["0x000000000000000000000000000000000000bEEF", b"\x01" * 32, 1]),
        ("CopyrightNFT", "pause", []),
        ("KnowTonToken", "mint", ["0x000000000000000000000000000000000000bEEF", 1]),
        ("IPBond", "issue", [1, 1, 10]),
    ],
)
def test_strangers_can_do_nothing(contracts, contract, function, given):
    """Called as somebody without a role, each is refused for that reason."""
    call = getattr(contracts[contract].functions, function)(*given)

    with pytest.raises(Exception, match="AccessControlUnauthorizedAccount"):
        call.call({"from": "0x000000000000000000000000000000000000dEaD"})


def test_an_unknown_path_says_nothing_about_the_machine(services):
    """404 without a trace, 405 without a list."""
    for answer in (services.backend.get("/api/v1/.env"), services.backend.get("/../../etc/passwd")):
        assert answer.status_code == 404
        assert answer.json() == {"error": "nothing is there"}
