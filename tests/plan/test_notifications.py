"""Who is told: addresses are read, checked, and never shown."""

from __future__ import annotations

import pytest

from pytest_rollout.core.notice import Importance

PLAN = """
[rollout]
name = "takumi"

[stages.alpha.flags]
[[stages.alpha.checklist]]
text = "Letter received"

[notifications.critical]
urls = {urls}
"""


def test_addresses_are_secrets_wherever_they_come_from(load_text) -> None:
    """One written into the plan itself would open the same door."""
    plan = PLAN.replace("{urls}", '["${PAGER}", "slack://TokenA/TokenB/TokenC"]') + '[cdevents]\nsink = "http://h/in"\n'
    rollout = load_text(plan, PAGER="pagerduty://integration@key")

    assert rollout.notifications.routes == {
        Importance.CRITICAL: ("pagerduty://integration@key", "slack://TokenA/TokenB/TokenC")
    }
    assert rollout.notifications.cdevents == "http://h/in"
    assert {"slack://TokenA/TokenB/TokenC", "http://h/in"} <= set(rollout.secrets.values())
    assert rollout.secrets["PAGER"] == "pagerduty://integration@key"
    assert "TokenB" not in repr(rollout)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('urls = ["nowhere"]', "notifications.critical.urls[#1]: is no address"),
        ("urls = []", "notifications.critical.urls: "),
        ('urls = ["slack://x"]\nurl = "y"', "notifications.critical: no key 'url'; allowed are urls."),
        ('urls = ["slack://x"]\n[notifications.loud]\nurls = ["slack://x"]', "notifications: no key 'loud'"),
        ('urls = ["slack://x"]\n[cdevents]\nsink = "ftp://h/x"', "cdevents.sink: is no http or https address"),
    ],
    ids=["no scheme", "nobody", "key", "importance", "scheme of the sink"],
)
def test_a_mistake_is_one_sentence(sentence_of, text, sentence) -> None:
    told = sentence_of(PLAN.replace("urls = {urls}", text))

    assert sentence in told
