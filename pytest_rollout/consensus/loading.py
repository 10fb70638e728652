"""Engines by import path; one that cannot be loaded is an error, whatever the mode."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.likeness import tokens_of
from pytest_rollout.core.errors import EngineError, suggestion

_FORM = "write package.module:Name or file.py:Name"


def import_engine(target: str, folder: Path) -> Any:
    """The engine at ``package.module:Name``, or ``file.py:Name`` relative to ``folder``.

    A class or factory is called without arguments. Raises ``EngineError`` for whatever keeps the
    engine from being there, an exception of its own module among it.
    """
    return import_with_tokens(target, folder)[0]


def import_with_tokens(target: str, folder: Path) -> tuple[Any, list[str]]:
    """The same engine, and the tokens by which it is known under another name; see ``consensus.likeness``."""
    place, colon, name = target.rpartition(":")
    if not (colon and place and name):
        raise EngineError(f"engine {target}: no import path; {_FORM}.")
    module = _module(target, place, folder)
    if not hasattr(module, name):
        public = [each for each in vars(module) if not each.startswith("_")]
        raise EngineError(f"engine {target}: {place} has no {name!r}.{suggestion(name, public)}")
    found = engine = getattr(module, name)
    if inspect.isclass(found) or not hasattr(found, "verify_block"):
        if not callable(found):
            raise EngineError(f"engine {target}: {name} has no verify_block(block), and is no class or factory.")
        try:
            engine = found()
        except Exception as error:
            raise EngineError(f"engine {target}: {name}() raised {type(error).__name__}: {error}") from error
    return checked(engine, target), tokens_of(engine, found)


def checked(engine: Any, target: str) -> Any:
    """The engine itself; raises ``EngineError`` where it cannot verify a block."""
    verify = getattr(engine, "verify_block", None)
    if not callable(verify):
        raise EngineError(f"engine {target}: {type(engine).__name__} has no verify_block(block).")
    if inspect.iscoroutinefunction(verify):
        raise EngineError(
            f"engine {target}: verify_block is a coroutine function; give a plain one, "
            "and call the dual run with `await dual.verify_block_async(block)`."
        )
    return engine


def _module(target: str, place: str, folder: Path) -> Any:
    try:
        if place.endswith(".py"):
            return _file(folder / place)
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        return importlib.import_module(place)
    except EngineError:
        raise
    except ModuleNotFoundError as error:
        raise EngineError(f"engine {target}: no module {error.name!r}; {_FORM}.") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise EngineError(f"engine {target}: importing it raised {type(error).__name__}: {error}") from error


def _file(path: Path) -> Any:
    if not path.is_file():
        raise EngineError(f"engine {path.name}: no such file beside the plan; {_FORM}.")
    name = f"rollout_engine_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise EngineError(f"engine {path.name}: no Python file; {_FORM}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def version_of(engine: Any) -> str:
    """An engine's version: its own ``version``, its distribution's, or the digest of its file."""
    own = getattr(engine, "version", None)
    if isinstance(own, str) and own:
        return own
    module = sys.modules.get(type(engine).__module__)
    package = (getattr(module, "__name__", "") or "").partition(".")[0]
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except (importlib.metadata.PackageNotFoundError, ValueError):
        pass
    file = getattr(module, "__file__", None)
    if isinstance(file, str) and Path(file).is_file():
        return f"sha256 {hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]}"
    return "unknown"
