"""Reports are whole, of this run, where they belong - or there is one sentence that says why not."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_rollout.core.errors import ReportError
from pytest_rollout.core.evidence import Attachment, Evidence
from pytest_rollout.core.finding import Finding
from pytest_rollout.core.judgement import Sealed
from pytest_rollout.core.outcome import Outcome
from pytest_rollout.core.redaction import Redactor
from pytest_rollout.core.rollout import Stage
from pytest_rollout.reporting import Format, clear, write
from pytest_rollout.reporting.folder import Folder

FILES = {"verdict.json", "brief.md", "brief.html", "junit.xml", "allure-results"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "takumi" / "alpha"


@pytest.fixture
def sealed(seal, findings: list[Finding]) -> Sealed:
    result: Sealed = seal(findings)
    return result


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_everything_is_written_and_told_with_its_digest(sealed, evidence, stage: Stage, folder: Path) -> None:
    written = write(sealed, evidence, stage, folder)

    assert written.folder == folder
    assert names(folder) == FILES
    assert [report.format for report in written.reports] == list(Format)
    for report in written.reports:
        assert written.path(report.format) == report.path
        if report.path.is_file():
            data = report.path.read_bytes()
            assert (report.sha256, report.size) == (hashlib.sha256(data).hexdigest(), len(data))
        else:
            assert report.files == len(list(report.path.iterdir()))


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (frozenset(), {"verdict.json"}),
        ({"brief"}, {"verdict.json", "brief.md"}),
        ({Format.JUNIT, "allure"}, {"verdict.json", "junit.xml", "allure-results"}),
    ],
    ids=["none", "brief", "two"],
)
def test_what_is_asked_for_is_written_and_the_verdict_always(sealed, evidence, stage, folder, asked, left) -> None:
    write(sealed, evidence, stage, folder, asked)

    assert names(folder) == left


def test_nothing_of_an_earlier_run_stays(seal, finding, evidence, stage: Stage, folder: Path) -> None:
    """Old passes beside new failures are how a results folder turns green."""
    write(seal([finding("test_old")]), evidence, stage, folder)
    write(seal([finding("test_new", Outcome.FAIL)]), evidence, stage, folder, {"allure"})

    assert names(folder) == {"verdict.json", "allure-results"}
    text = "".join(each.read_text() for each in (folder / "allure-results").iterdir())
    assert "test_new" in text
    assert "test_old" not in text


def test_foreign_files_stay(sealed, evidence, stage: Stage, folder: Path) -> None:
    """But an attestation, which is about the judgement of the run before."""
    folder.mkdir(parents=True)
    (folder / "minutes.txt").write_text("{}")
    (folder / "attestation.json").write_text("{}")

    write(sealed, evidence, stage, folder)

    assert names(folder) == FILES | {"minutes.txt"}


def test_clearing_leaves_what_is_not_ours(sealed, evidence, stage: Stage, folder: Path) -> None:
    write(sealed, evidence, stage, folder)
    (folder / "notes.txt").write_text("x")
    (folder / ".verdict.json.part").write_text("torn by a crash")

    clear(folder)

    assert names(folder) == {"notes.txt"}


@pytest.mark.parametrize("path", ["kustodia/alpha", "takumi/beta", "takumi"], ids=str)
def test_reports_of_one_gate_do_not_go_into_anothers_folder(sealed, evidence, stage, tmp_path: Path, path: str) -> None:
    with pytest.raises(ReportError, match=r"reports of takumi:alpha go into takumi/alpha\.$"):
        write(sealed, evidence, stage, tmp_path / path)


@pytest.mark.parametrize("name", ["..", "Beta", "a b", "x" * 33, "a\nb"])
def test_a_name_that_is_no_name_makes_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match="cannot be the name of a folder"):
        clear(tmp_path / "takumi" / name)


@pytest.mark.parametrize("place", ["reports/takumi", "reports/takumi/alpha"])
def test_a_link_out_of_the_reports_folder_is_refused(
    sealed, evidence, stage, folder: Path, tmp_path: Path, place: str
) -> None:
    """A suite may plant a link where the supervisor will write."""
    outside = tmp_path / "outside"
    (outside / "alpha").mkdir(parents=True)
    link = tmp_path / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside, target_is_directory=True)

    with pytest.raises(ReportError, match=r"it is a link, .*\. Remove the link or choose another"):
        write(sealed, evidence, stage, folder)

    assert names(outside) == {"alpha"}
    assert names(outside / "alpha") == set()


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_link_in_the_place_of_a_report_is_replaced(
    sealed, evidence, stage, folder: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    folder.mkdir(parents=True)
    (folder / name).symlink_to(outside if name == "allure-results" else outside / "kept")

    write(sealed, evidence, stage, folder)

    assert not (folder / name).is_symlink()
    assert (outside / "kept").read_text() == "kept"


def test_the_reports_folder_itself_may_be_a_link(sealed, evidence, stage, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")

    write(sealed, evidence, stage, folder)

    assert names(tmp_path / "elsewhere" / "takumi" / "alpha") == FILES


@pytest.mark.parametrize("place", ["reports", "reports/takumi", "reports/takumi/alpha"])
def test_a_file_in_the_place_of_a_folder_is_told(
    sealed, evidence, stage, folder: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("in the way")

    with pytest.raises(ReportError) as raised:
        write(sealed, evidence, stage, folder)

    assert str(raised.value).startswith(f"{tmp_path / place}: the report could not be written (")
    assert str(raised.value).endswith(
        "Move away what is there instead of a folder or choose another with --rollout-reports; "
        "the ledger has the judgement."
    )
    assert (tmp_path / place).read_text() == "in the way"


def test_a_folder_in_the_place_of_a_file_gives_way(sealed, evidence, stage: Stage, folder: Path) -> None:
    (folder / "verdict.json" / "x").mkdir(parents=True)

    write(sealed, evidence, stage, folder)

    assert (folder / "verdict.json").is_file()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that another user can reach; pytest's own are closed to others."""
    place = Path(tempfile.mkdtemp(prefix="rollout-reports-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@contextlib.contextmanager
def stranger() -> Iterator[None]:
    """For root nothing is read-only, so root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("place", [".", "takumi", "takumi/alpha"])
def test_a_read_only_folder_is_told_in_one_sentence(sealed, evidence, stage, open_place: Path, place: str) -> None:
    folder = open_place / "takumi" / "alpha"
    (open_place / place).mkdir(parents=True, exist_ok=True)
    (open_place / place).chmod(0o555)

    with stranger(), pytest.raises(ReportError) as raised:
        write(sealed, evidence, stage, folder)

    assert re.fullmatch(
        rf"{open_place}/\S+: the report could not be written \(Permission denied\)\. Make the folder writable "
        r"or choose another with --rollout-reports; the ledger has the judgement\.",
        str(raised.value),
    )
    (open_place / place).chmod(0o755)


def test_earlier_reports_that_cannot_be_removed_are_told(sealed, evidence, stage, open_place: Path) -> None:
    """They would be read as this run's."""
    folder = open_place / "takumi" / "alpha"
    write(sealed, evidence, stage, folder)
    folder.chmod(0o555)

    with stranger(), pytest.raises(ReportError, match="could not be written"):
        write(sealed, evidence, stage, folder)


FULL = """
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    import conftest
    from pytest_rollout.core.errors import ReportError
    from pytest_rollout.core.evidence import Evidence
    from pytest_rollout.core.outcome import Outcome
    from pytest_rollout.core.rollout import Stage
    from pytest_rollout.reporting import write

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    findings = [conftest.make_finding(f"test_{{i}}", Outcome.FAIL, detail="E   x" * 400) for i in range(40)]
    try:
        write(conftest.make_sealed(findings), Evidence(), Stage(name="alpha", title="A"), Path({folder!r}))
    except ReportError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("limit", "whole"),
    [(1_000, set()), (90_000, {"verdict.json", "brief.md", "brief.html"}), (100_000_000, FILES)],
    ids=["first report", "third report", "room enough"],
)
def test_a_full_disk_leaves_whole_files_and_a_sentence(folder: Path, limit: int, whole: set[str]) -> None:
    """A torn junit.xml that still parses is worse than none."""
    script = textwrap.dedent(FULL).format(here=str(Path(__file__).parent), limit=limit, folder=str(folder))

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert names(folder) == whole
    if whole != FILES:
        assert "Raise the limit on file sizes or choose another with --rollout-reports" in ended.stdout
        assert ended.stdout.count("\n") == 1
        assert ".part" not in ended.stdout


def test_no_descriptor_is_left_open(sealed, evidence, stage: Stage, folder: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))

    write(sealed, evidence, stage, folder)

    assert len(list(Path("/dev/fd").iterdir())) == before


def test_another_run_is_waited_for_and_told(folder: Path) -> None:
    folder.mkdir(parents=True)
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with Folder.open(folder) as here, pytest.raises(ReportError, match="another process is writing reports"):
        here.lock(patience_seconds=0.05)

    os.close(descriptor)
    with Folder.open(folder) as here:
        here.lock(patience_seconds=0)


SECRET = "0x" + "3f" * 32


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(attachments=[Attachment(item="a", name="n", media_type="text/plain", content=f"key {SECRET}")]),
        Evidence(attachments=[Attachment(item="a", name="n", media_type="text/plain", content="3F" * 32)]),
        Evidence(attachments=[Attachment(item="a", name=SECRET, media_type="text/plain", content="x")]),
    ],
    ids=["content", "another spelling", "name"],
)
def test_a_report_that_spells_a_secret_is_not_put_in_place(sealed, stage, folder: Path, evidence) -> None:
    """The last look before a file has its name; redaction itself happens when evidence arrives."""
    with pytest.raises(ReportError, match=r"allure-results: .* a secret of the plan stands in .*Do not use it"):
        write(sealed, evidence, stage, folder, redactor=Redactor({"DEPLOYER_KEY": SECRET}))

    assert names(folder) == FILES - {"allure-results"}
    assert SECRET not in "".join(each.read_text() for each in folder.iterdir())


def test_a_judgement_that_spells_a_secret_leaves_nothing(seal, finding, stage: Stage, folder: Path) -> None:
    sealed = seal([finding(measured=f"connected to {SECRET}")])

    with pytest.raises(ReportError, match=r"verdict\.json: .* a secret of the plan stands in it"):
        write(sealed, Evidence(), stage, folder, redactor=Redactor({"DEPLOYER_KEY": SECRET}))

    assert names(folder) == set()


def test_hostile_text_is_written_and_read_back(hostile_sealed, hostile_evidence, stage: Stage, folder: Path) -> None:
    written = write(hostile_sealed, hostile_evidence, stage, folder)

    assert names(folder) == FILES
    assert json.loads((folder / "verdict.json").read_text())["digest"] == hostile_sealed.digest
    assert sum(report.size for report in written.reports[1:]) < 10_000_000


def test_a_payload_that_is_not_the_judgement_is_refused(seal, findings, evidence, stage, folder: Path) -> None:
    """Whoever seals must seal this judgement: a report of another one would read promote."""
    held, other = seal(findings), seal([])
    mixed = Sealed(judgement=held.judgement, payload=other.payload, digest=other.digest)

    with pytest.raises(ReportError, match=r"verdict\.json: the report does not read back .*counts"):
        write(mixed, evidence, stage, folder)

    assert names(folder) == set()
