"""Tables of predictions as files: whole or not at all, and refused before the work where they cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
import pytest

from deepworth.errors import UserError
from deepworth.predictions import FORMATS, check_format, write_table
from tests.data.test_cache import full_disk

READ = {".parquet": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv, ".jsonl": pyarrow.json.read_json}
TABLE = pa.table({"prediction": ["a", "b", None] * 10_000, "p_a": [0.25, 0.5, 1.0] * 10_000})


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_comes_back(suffix: str, tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix}"]
    assert READ[suffix](tmp_path / f"out{suffix}").column("p_a").equals(TABLE["p_a"])


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_what_was_there(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    with full_disk(1000), pytest.raises(UserError, match=f"cannot write .*out{suffix}"):
        write_table(TABLE, path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "there" / "real.csv")
    write_table(TABLE, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "there" / "real.csv").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("out.txt", "must end in"), ("no/out.csv", "no folder"), ("d.csv", "folder")]
)
def test_what_cannot_be_written_is_said_first(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UserError, match=said):
        check_format(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder_is_said_first(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        check_format(tmp_path / "out.csv")


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_format(tmp_path / "out.csv")
    check_format(None)
    assert not list(tmp_path.iterdir())
