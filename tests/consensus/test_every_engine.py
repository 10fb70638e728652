"""What every engine owes: the double, engines by import, command, process and URL, the dual run, COINjecture's and the EVMs."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_rollout.consensus.dual import DualRun
from pytest_rollout.consensus.opening import open_engine
from pytest_rollout.core.engines import EngineKind, EngineSpec, Isolation
from pytest_rollout.core.errors import EngineError
from pytest_rollout.testing.engines import EngineContract, MemoryEngine

HERE = Path(__file__).parent
TARGET = "engines_of_tests.py:Reference"
VALID = [{"index": index, "transactions": [index, 2**70]} for index in (1, 2, 8)]
INVALID = [{"index": 9, "transactions": [1]}, {"index": 19}]
PROGRAM = """
import json, sys
from engines_of_tests import Reference
for line in sys.stdin:
    try:
        said = {"value": Reference().verify_block(json.loads(line)["block"])}
    except Exception as error:
        said = {"raised": type(error).__name__, "text": str(error)}
    print(json.dumps(said), flush=True)
"""


class Refused(Exception):  # noqa: N818 - what projects write
    pass


def _memory() -> MemoryEngine:
    answers = {str(each["index"]): {"index": each["index"], "total": 2**70 + each["index"]} for each in VALID}
    return MemoryEngine(answers | {"9": Refused("nine"), "19": Refused("nineteen")})


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        block = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["block"]
        try:
            said = {"value": _imported().verify_block(block)}
        except Exception as error:  # noqa: BLE001 - as the engine raised
            said = {"raised": type(error).__name__, "text": str(error)}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _imported() -> Any:
    return open_engine(EngineSpec(kind=EngineKind.IMPORT, target=TARGET), HERE, seconds=5)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


KINDS = ["memory", "import", "command", "process", "url", "shadow", "candidate-primary", "candidate-only"]


@pytest.fixture(scope="module", params=KINDS)
def every_kind(request: pytest.FixtureRequest, url: str) -> Iterator[Any]:
    imported = EngineSpec(kind=EngineKind.IMPORT, target=TARGET)
    made: Any
    if request.param == "memory":
        made = _memory()
    elif request.param == "import":
        made = _imported()
    elif request.param == "command":
        spec = EngineSpec(kind=EngineKind.COMMAND, command=(sys.executable, "-c", PROGRAM))
        made = open_engine(spec, HERE, seconds=30)
    elif request.param == "process":
        made = open_engine(imported, HERE, seconds=30, isolation=Isolation.PROCESS)
    elif request.param == "url":
        made = open_engine(EngineSpec(kind=EngineKind.URL, target=url), HERE, seconds=30)
    else:
        made = DualRun(_imported(), _imported(), mode=request.param, limit=30)
        made.version = request.param
    yield made
    if hasattr(made, "close"):
        made.close()


class TestEveryKindOfEngine(EngineContract):
    """A dual run stands where an engine stood, so it owes the same on every rung."""

    @pytest.fixture
    def engine(self, every_kind: Any) -> Any:
        return every_kind

    @pytest.fixture
    def valid_blocks(self) -> list[Any]:
        return VALID

    @pytest.fixture
    def invalid_blocks(self) -> list[Any]:
        return INVALID


def _module(name: str, path: Path) -> Any:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


COINJECTURE = Path(__file__).parents[2] / "suites" / "coinjecture"


class TestCoinjecture(EngineContract):
    """Both engines of the suite, on blocks of the suite."""

    @pytest.fixture(params=["Reference", "Candidate"])
    def engine(self, request: pytest.FixtureRequest) -> Any:
        return getattr(_module("coinjecture_engines", COINJECTURE / "engines.py"), request.param)()

    @pytest.fixture
    def valid_blocks(self) -> list[Any]:
        blocks = _module("coinjecture_blocks", COINJECTURE / "blocks.py")
        return [blocks.make(index) for index in (0, 1, 2)]

    @pytest.fixture
    def invalid_blocks(self) -> list[Any]:
        blocks = _module("coinjecture_blocks", COINJECTURE / "blocks.py")
        return [blocks.make(blocks.INVALID * number - 1) for number in (1, 2, 3)]


class TestEvms(EngineContract):
    """py-evm, the executable specification and pyrevm, on signed transactions."""

    pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode present:DeprecationWarning")  # py-evm's own

    @pytest.fixture(params=["PyEvm", "Eels", "PyRevm"])
    def engine(self, request: pytest.FixtureRequest) -> Any:
        return getattr(_module("evms_of_tests", HERE / "evm" / "evms.py"), request.param)()

    @pytest.fixture
    def valid_blocks(self) -> list[Any]:
        return [each for each in _evm_blocks() if each["name"] in {"a transfer", "count up", "revert"}]

    @pytest.fixture
    def invalid_blocks(self) -> list[Any]:
        names = {"more than there is", "too little gas"}  # pyrevm's bindings take any nonce
        return [each for each in _evm_blocks() if each["name"] in names]


def _evm_blocks() -> list[Any]:
    found: list[Any] = json.loads((HERE / "evm" / "blocks.json").read_text())
    return found


def test_the_double_stands_in_a_dual_run_and_tells_what_it_was_asked() -> None:
    candidate = MemoryEngine({"1": {"valid": True}, "2": Refused("two")}, version="new 2")
    with closing(DualRun(MemoryEngine({"1": {"valid": True}, "2": {"valid": True}}), candidate)) as dual:
        assert dual.verify_block({"index": 1}) == dual.verify_block({"index": 2}) == {"valid": True}
        stats = dual.stats()

    assert (stats["comparisons"], stats["candidate_errors"], stats["versions"]["candidate"]) == (2, 1, "new 2")
    assert candidate.asked == [{"index": 1}, {"index": 2}]
    with pytest.raises(EngineError, match="engine new 2: no answer for block 3; it has 1, 2"):
        candidate.verify_block({"index": 3})


BROKEN = {
    "answers otherwise every time": (
        lambda calls, block: calls.append(1) or {"at": len(calls)},
        "test_the_same_block_has_the_same_answer",
    ),
    "answers what has no fields": (lambda calls, block: object(), "test_an_answer_can_be_compared_and_kept"),
    "changes the block": (lambda calls, block: block.update(seen=True) or True, "test_the_block_is_left_as_it_was"),
    "crashes instead of refusing": (
        lambda calls, block: block["nonce"],
        "test_a_block_is_refused_for_a_class_of_reason",
    ),
    "refuses nothing": (lambda calls, block: True, "test_a_block_is_refused_for_a_class_of_reason"),
    "gives its own state away": (lambda calls, block: calls, "test_an_answer_is_the_callers_own"),
}


@pytest.mark.parametrize(("do", "test"), BROKEN.values(), ids=BROKEN)
def test_the_contract_finds_an_engine_that_breaks_it(do, test) -> None:
    """Tests to inherit that cannot fail are worth nothing."""
    calls: list[Any] = [0]

    class Broken:
        version = "broken"

        def verify_block(self, block: Any) -> Any:
            return do(calls, block)

    given = {"engine": Broken(), "valid_blocks": VALID, "invalid_blocks": INVALID}
    names = getattr(EngineContract, test).__code__.co_varnames[1 : getattr(EngineContract, test).__code__.co_argcount]
    with pytest.raises(AssertionError):
        getattr(EngineContract(), test)(**{name: given[name] for name in names})
