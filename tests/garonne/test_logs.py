"""Logs of many parts become lines of one stream, whatever the pieces."""

import io
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from garonne.supervisor.logs import Logs


def test_pieces_become_whole_lines_with_the_name_in_front(tmp_path: Path) -> None:
    logs = Logs(tmp_path, stream := io.StringIO())

    logs.feed("worker", b"one\ntw")
    logs.feed("sender", b"other\n")
    logs.feed("worker", b"o\nhalf")
    logs.end("worker")
    logs.close()

    assert [
        "worker       one",
        "sender       other",
        "worker       two",
        "worker       half",
    ] == stream.getvalue().splitlines()
    assert "one\ntwo\nhalf\n" == (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert ["one", "two", "half"] == logs.last_words("worker")


def test_quiet_keeps_the_files_and_the_supervisors_own_sentences(
    tmp_path: Path,
) -> None:
    logs = Logs(tmp_path, stream := io.StringIO(), quiet=True)

    logs.feed("worker", b"line\n")
    logs.say("worker is ready")
    logs.close()

    assert "garonne      worker is ready\n" == stream.getvalue()
    assert "line\n" == (tmp_path / "worker.log").read_text(encoding="utf-8")


def test_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in (b"old\n", b"new\n"):
        logs = Logs(tmp_path, io.StringIO())
        logs.feed("worker", word)
        logs.close()

    assert "new\n" == (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert "old\n" == (tmp_path / "worker.log.1").read_text(encoding="utf-8")


@given(pieces=st.lists(st.binary()))
def test_no_bytes_make_it_stumble_or_lose_a_line(pieces: list[bytes]) -> None:
    stream = io.StringIO(newline="\n")
    with tempfile.TemporaryDirectory() as folder:
        logs = Logs(Path(folder), stream)
        for piece in pieces:
            logs.feed("x", piece)
        logs.end("x")
        logs.close()
        written = (Path(folder) / "x.log").read_bytes() if any(pieces) else b""

    whole = b"".join(pieces)
    missing_end = b"\n" if whole and not whole.endswith(b"\n") else b""
    assert whole + missing_end == written
    assert written.count(b"\n") == stream.getvalue().count("\n")
