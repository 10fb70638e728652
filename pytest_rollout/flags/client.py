"""The OpenFeature client that a stage's audience asks through.

The client owns its provider instead of finding it in OpenFeature's process-wide registry: two
stages, or a project's own providers, cannot replace each other, and a suite that calls
``openfeature.api.clear_providers()`` does not silently turn every later answer into a default.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext, get_evaluation_context
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails, Reason
from openfeature.hook import Hook, HookContext, HookHints, get_hooks
from openfeature.provider import FeatureProvider, ProviderStatus
from openfeature.transaction_context import get_transaction_context

from pytest_rollout.core.errors import FlagError
from pytest_rollout.core.rollout import Value
from pytest_rollout.flags.port import Answer
from pytest_rollout.flags.users import canonical_user


class Source(Protocol):
    """Where providers come from; one module for each kind implements it."""

    @property
    def name(self) -> str:
        """The provider as the plan names it."""

    def names(self) -> Collection[str]:
        """The flags that exist."""

    def provider(self) -> FeatureProvider:
        """A new provider, not yet initialised."""

    def refresh(self, provider: FeatureProvider) -> None:
        """Have the provider look at its source once more, so that its status is of this moment."""

    def end(self, provider: FeatureProvider) -> None:
        """Shut the provider down and wait until nothing of it runs."""


class CanonicalUser(Hook):
    """Brings every targeting key into its one spelling before the provider hashes it."""

    def before(self, hook_context: HookContext, hints: HookHints) -> EvaluationContext | None:
        """Replace the key; all else in the context stays."""
        del hints
        key = hook_context.evaluation_context.targeting_key
        return EvaluationContext(targeting_key=canonical_user(key)) if key else None


class StageClient(OpenFeatureClient):
    """An OpenFeature client with a provider and a status of its own."""

    def __init__(self, provider: FeatureProvider, *, domain: str, context: EvaluationContext) -> None:
        super().__init__(domain=domain, version=None, context=context, hooks=[CanonicalUser()])
        self._provider = provider
        self._status = ProviderStatus.NOT_READY
        self.message = ""

    @property
    def provider(self) -> FeatureProvider:
        """The provider of this client alone."""
        return self._provider

    def get_provider_status(self) -> ProviderStatus:
        """The status by the provider's last event."""
        return self._status

    def start(self) -> None:
        """Initialise the provider; raises what it raises."""
        self._provider.attach(self._on_event)
        self._provider.initialize(EvaluationContext())
        self._status, self.message = ProviderStatus.READY, ""

    def stop(self) -> None:
        """Answer nothing more: every evaluation is PROVIDER_NOT_READY from here on."""
        self._status, self.message = ProviderStatus.NOT_READY, "closed"
        self._provider.detach()

    def _on_event(self, provider: FeatureProvider, event: ProviderEvent, details: ProviderEventDetails) -> None:
        del provider
        status = _STATUS.get(event)
        if status is not None:
            self._status = status
            self.message = "" if status is ProviderStatus.READY else details.message or ""


_STATUS = {
    ProviderEvent.PROVIDER_READY: ProviderStatus.READY,
    ProviderEvent.PROVIDER_ERROR: ProviderStatus.ERROR,
    ProviderEvent.PROVIDER_STALE: ProviderStatus.STALE,
}


class StageFlags:
    """``Flags`` over any OpenFeature provider."""

    def __init__(self, source: Source, *, rollout: str, stage: str, audience: str) -> None:
        self._source = source
        self._rollout = rollout
        self._stage = stage
        self._audience = audience
        self._closed = False
        context = EvaluationContext(targeting_key=audience, attributes={"rollout": rollout, "stage": stage})
        try:
            provider = source.provider()
        except ValueError as error:
            raise _not_started(source, error) from error
        self._client = StageClient(provider, domain=f"{rollout}/{stage}", context=context)
        try:
            self._client.start()
        except (OpenFeatureError, OSError, ValueError) as error:
            self.close()
            raise _not_started(source, error) from error

    @property
    def stage(self) -> str:
        """The stage whose audience asks."""
        return self._stage

    @property
    def source(self) -> str:
        """The provider as the plan names it."""
        return self._source.name

    @property
    def client(self) -> StageClient:
        """The OpenFeature client for project code."""
        return self._client

    def names(self) -> Collection[str]:
        """The flags that exist."""
        return self._source.names()

    def ask(self, key: str, default: Value, *, user: str | None = None) -> Answer:
        """Evaluate one flag as the type of ``default``; never raises for what the provider says."""
        context = None if user is None else EvaluationContext(targeting_key=user)
        return _answer(self._details(default)(key, default, context))

    def ask_many(self, key: str, *, default: bool, users: Iterable[str]) -> Iterator[Answer]:
        """Evaluate one boolean flag for many users.

        The provider is asked without the SDK's bookkeeping around each answer, two thirds of the
        cost; unless somebody else's hooks stand in between, for they may change an answer.
        """
        if get_hooks() or [type(hook) for hook in self._client.hooks] != [CanonicalUser]:
            yield from (self.ask(key, default, user=user) for user in users)
            return
        provider = self._client.provider
        around = get_evaluation_context().merge(get_transaction_context()).merge(self._client.context)
        for user in users:
            context = around.merge(EvaluationContext(targeting_key=canonical_user(user)))
            if self._client.get_provider_status() is ProviderStatus.NOT_READY:
                yield Answer(value=default, reason=Reason.ERROR, error=ErrorCode.PROVIDER_NOT_READY)
            else:
                yield _resolved(provider, key, default, context)

    def trouble(self) -> str:
        """Why answers cannot be believed; the SDK itself keeps serving what it read last."""
        if not self._closed:
            self._source.refresh(self._client.provider)
        status = self._client.get_provider_status()
        if status is ProviderStatus.READY:
            return ""
        return f"PROVIDER_{status.value}: {self._client.message or 'the provider gave no message'}"

    def again(self) -> StageFlags:
        """The same flags through a provider and a client of their own."""
        return StageFlags(self._source, rollout=self._rollout, stage=self._stage, audience=self._audience)

    def close(self) -> None:
        """Stop the provider and wait for it."""
        if self._closed:
            return
        self._closed = True
        self._source.end(self._client.provider)
        self._client.stop()

    def _details(self, default: Value) -> Callable[..., FlagEvaluationDetails[Any]]:
        # bool before int: a bool is an int to Python, but not to a flag.
        if isinstance(default, bool):
            return self._client.get_boolean_details
        if isinstance(default, int):
            return self._client.get_integer_details
        if isinstance(default, str):
            return self._client.get_string_details
        return self._client.get_object_details


def _resolved(provider: FeatureProvider, key: str, default: bool, context: EvaluationContext) -> Answer:
    """One answer from the provider itself, with every failure told as the SDK's client tells it."""
    told: FlagResolutionDetails[Any]
    try:
        told = provider.resolve_boolean_details(key, default, context)
    except OpenFeatureError as error:
        told = FlagResolutionDetails(default, error.error_code, error.error_message, Reason.ERROR)
    except Exception as error:  # noqa: BLE001 - a flag's rule may raise anything; the SDK does the same
        told = FlagResolutionDetails(default, ErrorCode.GENERAL, str(error), Reason.ERROR)
    if not told.error_code and not isinstance(told.value, bool):
        seen = f"Expected type bool but got {type(told.value).__name__}"
        told = FlagResolutionDetails(told.value, ErrorCode.TYPE_MISMATCH, seen, Reason.ERROR)
    return _answer(told.to_flag_evaluation_details(key))


def _answer(details: FlagEvaluationDetails[Any]) -> Answer:
    return Answer(
        value=details.value,
        reason=str(details.reason or ""),
        variant=details.variant or "",
        error=_error(details),
    )


def _error(details: FlagEvaluationDetails[Any]) -> str:
    code = details.error_code
    if code is None and details.reason != Reason.ERROR:
        return ""
    return ": ".join(part for part in (str(code or "ERROR"), details.error_message or "") if part)


def _not_started(source: Source, error: BaseException) -> FlagError:
    """The refusal with the innermost thing said; the SDK's outer errors often say nothing."""
    told = [type(error).__name__]
    link: BaseException | None = error
    while link is not None:
        said = link.error_message if isinstance(link, OpenFeatureError) else str(link)
        if said:
            told.append(said)
        link = link.__cause__
    return FlagError(
        f"rollout.toml: flags.provider: '{source.name}' did not start ({told[-1]}). "
        "Correct the flags or name another provider."
    )
