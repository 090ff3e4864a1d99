"""The bucket is made once, on whatever store the settings name."""

import pytest
from tests.servers import free_port, rclone_s3

from city.bootstrap import main


def test_the_bucket_is_created_and_then_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with rclone_s3() as store:
        monkeypatch.setenv("GARONNE_S3", store.url)
        monkeypatch.setenv("GARONNE_S3_ACCESS_KEY", store.user)
        monkeypatch.setenv("GARONNE_S3_SECRET_KEY", store.password)
        codes = [main(), main()]

    assert [0, 0] == codes
    assert "bucket garonne-raw created\nbucket garonne-raw was there\n" == (
        capsys.readouterr().err
    )


def test_a_store_that_does_not_answer_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GARONNE_S3", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("GARONNE_S3_ACCESS_KEY", "a")
    monkeypatch.setenv("GARONNE_S3_SECRET_KEY", "hush")

    assert 1 == main()
    said = capsys.readouterr().err
    assert 1 == said.count("\n")
    assert "hush" not in said


def test_settings_that_lack_are_all_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GARONNE_S3", "GARONNE_S3_ACCESS_KEY", "GARONNE_S3_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert 2 == main()
    assert 3 == capsys.readouterr().err.count("is not set")
