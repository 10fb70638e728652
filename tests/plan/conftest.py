"""One folder that plans of these tests are written into, with the files they refer to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rollout.core.errors import PlanError
from pytest_rollout.core.rollout import Rollout
from pytest_rollout.plan import load

Load = Callable[..., Rollout]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one rollout's folder, ``suites/takumi``: artifacts, a deployment, flags."""
    folder = tmp_path / "suites" / "takumi"
    (folder / "contracts" / "out").mkdir(parents=True)
    for name in ("SkillProfile", "SkillClaim", "Endorsement"):
        (folder / "contracts" / "out" / f"{name}.json").write_text("{}")
    (folder / "contracts" / "out" / "SkillProfile.dbg.json").write_text("{}")
    deployed = {"Registry": "0x" + "11" * 20, "Core#Vault": {"address": "0x" + "22" * 20}}
    (folder / "devnet.json").write_text(json.dumps(deployed))
    flags = {"flags": {"newFlow": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}}}
    (folder / "flags.json").write_text(json.dumps(flags))
    (folder / "broken.json").write_text("[")
    return tmp_path


@pytest.fixture
def load_text(root: Path) -> Load:
    """Writes a plan's text, or bytes, to its place and loads it."""

    def load_it(content: str | bytes, **environment: str) -> Rollout:
        path = root / "suites" / "takumi" / "rollout.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load(path, environment=environment, root=root)

    return load_it


@pytest.fixture
def sentence_of(load_text: Load) -> Callable[..., str]:
    """The sentence a plan is refused with, which carries nothing else along."""

    def sentence(content: str | bytes, **environment: str) -> str:
        with pytest.raises(PlanError) as caught:
            load_text(content, **environment)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        return str(caught.value)

    return sentence
