"""``rollout init``: what is missing is written, what is there is left alone."""

from __future__ import annotations

import pytest

WRITTEN = ["rollout.toml", "conftest.py", "suites/alpha/test_alpha.py", "suites/test_every_stage.py"]


def test_a_first_rollout_runs_green_at_once(bare) -> None:
    """The four commands of the tutorial, as they are typed."""
    made = bare.rollout("init")
    again = bare.rollout("init")
    bare.commit()
    judged = bare.pytest("--stage=alpha")
    ordinary = bare.pytest("suites/alpha")
    status = bare.rollout("status")
    promoted = bare.rollout("promote", "alpha")

    assert made.out.splitlines()[:4] == [f"wrote {name}" for name in WRITTEN]
    assert made.out.splitlines()[-1].startswith("created ledger ")
    assert again.out == "the ledger is there; nothing to do\n"
    assert judged.status == 0, judged.out
    assert ordinary.status == 0, ordinary.out
    assert "next: rollout promote project:alpha" in status.out
    assert "now at public" in promoted.out


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_written_over(bare, name: str) -> None:
    """One file in the way, and none is written; a plan that is there is a plan."""
    bare.write({name: "# mine\n"})

    ran = bare.rollout("init")

    assert (bare.folder / name).read_text() == "# mine\n"
    if name == "rollout.toml":
        assert ran.status == 0
        assert "created ledger" in ran.out
    else:
        assert ran.status == 4
        assert f"{name} is already there; move it away, or write rollout.toml by hand" in ran.err
        assert not (bare.folder / "rollout.toml").exists()


NAMES = ["Toy", "1st", "a b", "", "ä", "a" * 33, "a_b", "-a", "../x", 'x"\ny = 1']


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_is_refused_before_anything_is_written(bare, name: str) -> None:
    ran = bare.rollout("init", "--name", name)

    assert ran.status == 4
    assert "a name has lower-case letters, digits and dashes" in ran.err
    assert not (bare.folder / "rollout.toml").exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Töy Rollout", "toy-rollout"), ("123", "first-rollout"), ("日本", "first-rollout"), ("A" * 60, "a" * 32)],
)
def test_the_name_is_the_folders_as_far_as_it_can_be(bare, folder: str, name: str) -> None:
    (bare.folder / folder).mkdir()

    ran = bare.rollout("init", folder)

    assert ran.status == 0, ran.err
    assert f'name = "{name}"' in (bare.folder / folder / "rollout.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("nowhere",), 4, "nowhere: no such folder; create it first"),
        (("--rollout-ledger", "sqlite:////proc/nowhere/ledger.db"), 10, "cannot be created"),
        (("--rollout-ledger", "mysql://u:p@h/d"), 10, "no ledger is kept in 'mysql'"),
    ],
    ids=["no folder", "no place for the ledger", "another database"],
)
def test_what_cannot_be_begun_is_one_sentence(bare, arguments, status, says) -> None:
    ran = bare.rollout("init", *arguments)

    assert ran.status == status, ran.err
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_ledger_is_never_put_over_something_else(bare) -> None:
    bare.write({".rollout": "a file\n"})

    ran = bare.rollout("init")

    assert ran.status == 10
    assert "ledger .rollout/ledger.db: cannot be created" in ran.err
    assert (bare.folder / ".rollout").read_text() == "a file\n"
