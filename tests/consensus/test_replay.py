"""Replay: every block once, in whatever process, however often it was interrupted."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_rollout.consensus.chunk import Done, opened
from pytest_rollout.consensus.cluster import dask_executor
from pytest_rollout.consensus.corpus import Corpus
from pytest_rollout.consensus.replay import replay
from pytest_rollout.core.engines import EngineKind, EngineSettings, EngineSpec
from pytest_rollout.core.errors import EngineError

HERE = Path(__file__).parent
ENGINES = HERE / "engines_of_tests.py"


def pair(candidate: str, reference: str = "Reference") -> EngineSettings:
    return EngineSettings(
        reference=EngineSpec(kind=EngineKind.IMPORT, target=f"engines_of_tests.py:{reference}"),
        candidate=EngineSpec(kind=EngineKind.IMPORT, target=f"engines_of_tests.py:{candidate}"),
        limit=timedelta(seconds=20),
    )


def blocks(number: int) -> list[dict]:
    return [{"index": index, "transactions": [index % 7, index // 100]} for index in range(number)]


@pytest.fixture
def corpus(tmp_path):
    def write(number: int, name: str = "blocks.ndjson") -> Corpus:
        path = tmp_path / name
        lines = "".join(json.dumps(each) + "\n" for each in blocks(number))
        path.write_text(lines if name.endswith("ndjson") else json.dumps(blocks(number), indent=1))
        return Corpus(path)

    return write


@pytest.mark.parametrize("workers", [0, 2])
def test_every_block_is_counted_once(corpus, workers) -> None:
    """The same counts, whether in this process or over two."""
    result = replay(corpus(1000), pair("Same"), HERE, workers=workers, chunk=64)

    assert result.blocks == 1000
    assert result.counts.document() | {"comparisons": 1000, "agreed_refusals": 100} == result.counts.document()
    assert result.is_clean
    assert result.ratio()["samples"] == 1000


def test_the_first_divergence_is_that_of_the_lowest_block(corpus, tmp_path) -> None:
    """Blocks 1300 to 1399 hold transaction 13; every tenth of them is refused by both."""
    result = replay(corpus(1500), pair("WrongOnce"), HERE, workers=2, chunk=50, keep_in=tmp_path / "kept")

    assert (result.counts.differing, result.counts.divergences) == (90, 90)
    assert result.first == (1300, "block 1300 (1300): total: reference 18, candidate 19")
    assert not result.is_clean
    assert len(result.kept) == len(list((tmp_path / "kept").iterdir())) >= 3


def test_it_stops_at_the_first_divergence_when_asked(corpus) -> None:
    result = replay(corpus(5000), pair("WrongOnce"), HERE, workers=0, chunk=50, stop=True)

    assert result.stopped
    assert result.counts.divergences == 1
    assert result.blocks == 1301
    assert not result.is_clean


def test_any_executor_does(corpus) -> None:
    with ThreadPoolExecutor(2) as executor:
        assert replay(corpus(300), pair("Same"), HERE, executor=executor).is_clean


def test_parts_share_the_blocks_and_none_is_in_two(corpus) -> None:
    there = corpus(103)
    parts = [replay(there, pair("Same"), HERE, workers=0, part=(part, 4)) for part in range(1, 5)]

    assert [each.blocks for each in parts] == [26, 26, 26, 25]
    assert sum(each.counts.agreed_refusals for each in parts) == 10


def test_a_candidate_that_always_raises_is_never_clean(corpus) -> None:
    result = replay(corpus(77), pair("Raising"), HERE, workers=0)

    assert (result.counts.candidate_errors, result.counts.divergences + result.counts.agreed_refusals) == (70, 77)
    assert not result.is_clean


def test_an_empty_corpus_is_not_clean(corpus) -> None:
    """Nothing compared is not no divergence (rule 23)."""
    assert not replay(corpus(0), pair("Same"), HERE, workers=0).is_clean


def test_an_engine_that_cannot_load_is_told_before_anything_starts(corpus) -> None:
    with pytest.raises(EngineError, match="has no 'Nobody'"):
        replay(corpus(10), pair("Nobody"), HERE, workers=2)


# ------------------------------------------------------------------------------------------------ resuming


def test_a_replay_goes_on_from_its_journal(corpus, tmp_path) -> None:
    there, journal = corpus(1000), tmp_path / "journal"
    first = replay(there, pair("WrongOnce"), HERE, workers=0, chunk=100, journal=journal)
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:6]) + lines[6][:20])  # killed while the sixth chunk was written

    again = replay(there, pair("WrongOnce"), HERE, workers=0, chunk=100, journal=journal)

    assert again.resumed == 500
    assert again.document()["counts"] == first.document()["counts"]
    assert again.first == first.first
    assert len(journal.read_bytes().splitlines()) == 11


def test_a_finished_journal_counts_nothing_twice(corpus, tmp_path) -> None:
    there, journal = corpus(300), tmp_path / "journal"
    replay(there, pair("Same"), HERE, workers=0, journal=journal)

    again = replay(there, pair("Same"), HERE, workers=0, journal=journal)

    assert (again.blocks, again.resumed, again.counts.comparisons) == (300, 300, 300)


@pytest.mark.parametrize("what", ["corpus", "candidate", "chunk", "ignore"])
def test_a_journal_of_something_else_is_refused(corpus, tmp_path, what) -> None:
    journal = tmp_path / "journal"
    settings = pair("Same")
    replay(corpus(300), settings, HERE, workers=0, journal=journal)
    if what == "candidate":
        settings = pair("WrongOnce")
    if what == "ignore":
        settings = replace(settings, ignore=("total",))
    there = corpus(301 if what == "corpus" else 300)

    with pytest.raises(EngineError, match=f"is of another {what}"):
        replay(there, settings, HERE, workers=0, journal=journal, chunk=7 if what == "chunk" else 200)


def test_a_journal_of_an_engine_that_was_changed_is_refused_though_it_calls_itself_the_same(tmp_path) -> None:
    """What the engine of yesterday agreed on is no evidence of today's."""
    (tmp_path / "blocks.ndjson").write_text('{"index": 1}\n')
    settings = EngineSettings(
        reference=EngineSpec(kind=EngineKind.IMPORT, target="old.py:Engine"),
        candidate=EngineSpec(kind=EngineKind.IMPORT, target="new.py:Engine"),
        limit=timedelta(seconds=20),
    )

    def write(name: str, answer: int) -> None:
        code = f"class Engine:\n    version = '1'\n    def verify_block(self, block): return {answer}\n"
        (tmp_path / name).write_text(code)
        opened.cache_clear()  # another process

    def again() -> bool:
        there = Corpus(tmp_path / "blocks.ndjson")
        return replay(there, settings, tmp_path, workers=0, journal=tmp_path / "journal").is_clean

    write("old.py", 1)
    write("new.py", 1)
    assert again()
    write("new.py", 2)

    with pytest.raises(EngineError, match="is of another candidate"):
        again()


class Elsewhere(ThreadPoolExecutor):
    """Workers on a machine that has another candidate."""

    def submit(self, run, job):
        def there() -> Done:
            done = run(job)
            done.engines |= {"candidate": "same 0, sha256 00"}
            return done

        return super().submit(there)


def test_a_worker_that_has_another_engine_is_told_and_counts_nothing(corpus) -> None:
    with (
        Elsewhere(1) as executor,
        pytest.raises(EngineError, match="has another candidate, same 0, sha256 00 instead of"),
    ):
        replay(corpus(100), pair("Same"), HERE, executor=executor)


@pytest.mark.parametrize(
    "line", ['{"chunk": 0, "blocks": 200}\n', "[]\n", "{}\n", "nonsense\n", '{"chunk": true}\n'], ids=str
)
def test_a_journal_that_was_changed_is_refused(corpus, tmp_path, line) -> None:
    there, journal = corpus(300), tmp_path / "journal"
    replay(there, pair("Same"), HERE, workers=0, journal=journal)
    with journal.open("a") as file:
        file.write(line)

    with pytest.raises(EngineError):
        replay(there, pair("Same"), HERE, workers=0, journal=journal)


def test_a_replay_that_was_killed_counts_every_block_once(corpus, tmp_path) -> None:
    """SIGKILL to the command and all its processes, in the middle."""
    there, journal = corpus(400), tmp_path / "journal"
    command = [
        *(sys.executable, "-m", "pytest_rollout", "replay", str(there.path), "--reference", f"{ENGINES}:Reference"),
        *("--candidate", f"{ENGINES}:Slow", "--journal", str(journal), "--chunk", "20", "--workers", "2", "--json"),
    ]
    environment = os.environ | {"ROLLOUT_TEST_SLEEP": "0.004"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while _lines(journal) < 4 and time.monotonic() < deadline:
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 4 <= _lines(journal) < 21

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    document = json.loads(done.stdout)
    assert (done.returncode, document["blocks"]) == (0, 400)
    assert document["counts"]["comparisons"] == 400
    assert 60 <= document["resumed"] < 400


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


# ---------------------------------------------------------------------------------------------------- Dask


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two worker processes, as one starts them on machines."""
    environment = os.environ | {
        "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
        "PYTHONPATH": str(HERE.parents[1]),
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
    }
    address = tmp_path / "scheduler.json"
    dask = str(Path(sys.executable).parent / "dask")
    about = ("--scheduler-file", str(address))
    started = [[dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *about]]
    started += [[dask, "worker", *about, "--nthreads", "1", "--no-dashboard", "--no-nanny"]] * 2
    running = []
    with contextlib.ExitStack() as resources:
        for command in started:
            log = resources.enter_context((tmp_path / f"log{len(running)}").open("wb"))
            running.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        deadline = time.monotonic() + 60
        while not address.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield json.loads(address.read_text())["address"]
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:  # a worker that waits for its scheduler on a busy machine
                process.kill()
                process.wait(20)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # distributed's own, on closing its loop
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # as above
def test_a_dask_cluster_gives_the_same_counts_to_the_last_block(corpus, cluster) -> None:
    """Two worker processes, both of which took part."""
    there = corpus(1500)
    with dask_executor(cluster) as executor:
        _await_workers(executor, 2)
        spread = replay(there, pair("WrongOnce"), HERE, executor=executor, workers=2, chunk=50)
        pids = {executor.submit(os.getpid).result() for _ in range(40)}

    alone = replay(there, pair("WrongOnce"), HERE, workers=0, chunk=50)
    assert spread.document()["counts"] == alone.document()["counts"]
    assert spread.first == alone.first
    assert len(pids - {os.getpid()}) == 2


def _await_workers(executor, number: int) -> None:
    executor._client.wait_for_workers(number, timeout=60)


def test_no_scheduler_is_an_error_in_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr("pytest_rollout.consensus.cluster.SECONDS", 0.2)

    with pytest.raises(EngineError, match="no Dask scheduler answers"), dask_executor("tcp://127.0.0.1:1"):
        pass


# -------------------------------------------------------------------------------------------------- corpora


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.json", "a.ndjson.gz", "a.json.gz"])
def test_a_corpus_streams_its_blocks_in_order(tmp_path, name) -> None:
    path = tmp_path / name
    text = json.dumps(blocks(500), indent=1) if ".json" in name and "l" not in name[2:7] else ""
    text = text or "\n".join(map(json.dumps, blocks(500)))
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)

    assert list(Corpus(path).blocks()) == blocks(500)


def test_an_array_is_cut_where_its_blocks_end(tmp_path, monkeypatch) -> None:
    """However the pieces it is read in fall: within numbers, texts, escapes, letters of two bytes."""
    content = [{"a": '],\\"{', "é": [1, [2, {"b": "}"}]]}, 123456, "text", None, [], {}, -1.5e3, True]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, ensure_ascii=False))
    for size in (1, 2, 3, 7, 1000):
        monkeypatch.setattr("pytest_rollout.consensus.corpus._READ", size)
        assert list(Corpus(path).blocks()) == content


def test_rlp_items_come_one_behind_the_other(tmp_path) -> None:
    import rlp

    items = [[b"a" * 60, [b"", b"\x01"]], b"x", [b"b" * 70_000], [b"c"] * 20]
    path = tmp_path / "blocks.rlp"
    path.write_bytes(b"".join(map(rlp.encode, items)))

    assert [rlp.decode(each) for each in Corpus(path).blocks()] == items


UNREADABLE = {
    "a line cut off": ("a.ndjson", b'{"index": 1}\n{"index": '),
    "a line of nonsense": ("a.ndjson", b'{"index": 1}\nblock 2\n'),
    "no array": ("a.json", b'{"index": 1}'),
    "an array without end": ("a.json", b'[{"index": 1}, {"index": 2}'),
    "an array that goes on": ("a.json", b"[1, 2] 3"),
    "a missing comma": ("a.json", b"[1 2]"),
    "a comma too many": ("a.json", b"[1, ]"),
    "an empty file": ("a.json", b""),
    "an item cut off": ("a.rlp", b"\xf8\xff\x01"),
    "an endless item": ("a.rlp", b"\xff" + b"\xff" * 8),
    "no gzip": ("a.ndjson.gz", b"{}"),
    "a cut gzip": ("a.ndjson.gz", gzip.compress(b"{}\n" * 1000)[:-12]),
    "not base64": ("a.ndjson", b'{"$bytes": "?"}\n'),
}


@pytest.mark.parametrize(("name", "content"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_block_that_cannot_be_read_is_an_error_and_never_left_out(tmp_path, name, content) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(EngineError):
        list(Corpus(tmp_path / name).blocks())


@pytest.mark.parametrize("name", ["blocks.txt", "blocks", "missing.json"])
def test_a_file_that_is_no_corpus_is_refused(tmp_path, name) -> None:
    (tmp_path / "blocks.txt").write_text("{}")

    with pytest.raises(EngineError):
        Corpus(tmp_path / name)
