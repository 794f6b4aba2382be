"""`deepworth plan` on a generated CSV of 1,000,000 x 20, from the start of the command to its end: seconds and peak GB.

Beside it, what a bare polars scan of the same file takes on this machine now. Goal on 2 cores: under 10 s and 1.5 GB.

    python benchmarks/plan.py [--rows 1000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _csv_files import mixed
from _timing import SCAN, in_turns, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "table.csv"
        mixed(source, asked.rows)
        print(f"{asked.rows:,} x 20, {source.stat().st_size / 1e6:.0f} MB; medians of {asked.repeat}")
        plan = ("-m", "deepworth", "plan", str(source), "--target", "flag", "--json")
        print(table(in_turns({"polars": ("-c", SCAN, str(source)), "plan": plan}, asked.repeat), "polars"))


if __name__ == "__main__":
    main()
