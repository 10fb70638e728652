"""Secrets that stand in what a service answers: keys by their form, and the plan's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_rollout.core.redaction import Redactor

_FORMS = {
    "a private key in PEM": rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
    "an access key of a cloud": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of a code host": rb"\b(?:ghp|gho|ghs|ghu|github_pat|glpat)[-_][0-9A-Za-z_]{20,}",
    "a token of a chat": rb"\bxox[abpors]-[0-9A-Za-z-]{10,}",
    "a live payment key": rb"\b[sr]k_live_[0-9A-Za-z]{16,}",
    "a database's password": rb"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqp)://[^\s:/@\"']*:[^\s@\"']+@",
    "a value called a secret": (
        rb"(?i)[\"'](?:[a-z0-9]*[_-]?)(?:private[_-]?key|mnemonic|secret(?:[_-]?key)?|passw(?:or)?d|api[_-]?key|"
        rb"seed[_-]?phrase)[\"']\s*:\s*[\"'][^\"'<*\s]{6,}"
    ),
}
"""What gives a secret away by its form alone."""

_COMPILED = {what: re.compile(form) for what, form in _FORMS.items()}


def leaks(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    """What secrets stand in ``content``, in words; never the secrets themselves."""
    found = [what for what, form in _COMPILED.items() if form.search(content)]
    own = [name for name, value in secrets.items() if not Redactor({name: value}).is_clean(content)]
    return found + [f"the value of {name}" for name in own]
