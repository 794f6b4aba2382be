"""Open and profile a generated CSV of 1,000,000 x 20, in seconds and peak GB, beside a bare polars scan of it.

Each step runs in a process of its own, imports included. Goal on 2 cores: open + profile < 5 s and < 1.5 GB.

    python benchmarks/open_profile.py [--rows 1000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _csv_files import mixed
from _timing import SCAN, in_turns, table

OPEN = """
import sys, tempfile
from pathlib import Path
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.profile.run import profile_data
from deepworth.types import Goals, SourceOptions
options = SourceOptions(target="flag")
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    opened = open_source(sys.argv[1], options, folder / "data")
    assert opened.table.num_columns == 20 and opened.modality == "tabular", opened.columns
"""
PROFILE = """
    prepare(opened, Goals(), options, folder)
    profile_data(folder)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "table.csv"
        mixed(source, asked.rows)
        print(f"{asked.rows:,} x 20, {source.stat().st_size / 1e6:.0f} MB; medians of {asked.repeat}")
        runs = {"polars": SCAN, "open": OPEN, "open + profile": OPEN + PROFILE}
        print(table(in_turns({n: ("-c", code, str(source)) for n, code in runs.items()}, asked.repeat), "polars"))


if __name__ == "__main__":
    main()
