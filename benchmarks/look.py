"""`deepworth data` beside a bare polars scan of the same CSV, whole process against whole process, in turns.

Goal: within 3 times the scan. Beside it what pyarrow's reader alone takes, for which polars is no match either.

    python benchmarks/look.py [--repeat 5] [--rows 1000000] [--shapes mixed,long,wide,columns,texts,...]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from _csv_files import again, categories, dates, missing, mixed, texts, wide
from _timing import SCAN, in_turns, table

READ = "import sys, pyarrow.csv as pc; pc.read_csv(sys.argv[1], read_options=pc.ReadOptions(block_size=1 << 22))"


def long(path: Path, rows: int) -> None:
    """Ten times the rows."""
    part = path.with_name("part.csv")
    mixed(part, rows)
    again(path, part, 10)
    part.unlink()


SHAPES: dict[str, tuple[Callable[[Path, int], None], str]] = {  # how it is made of 1,000,000 rows, and its target
    "mixed": (mixed, "flag"),
    "long": (long, "flag"),
    "wide": (lambda path, rows: wide(path, rows // 50, 2000), "x0"),
    "columns": (lambda path, rows: wide(path, rows // 1000, 10_000), "x0"),
    "texts": (lambda path, rows: texts(path, 3 * rows // 10, 200), "label"),
    "categories": (lambda path, rows: categories(path, rows // 2, 10_000), "c0"),
    "dates": (dates, "label"),
    "missing": (missing, "label"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--shapes", default="mixed", help="of " + ", ".join(SHAPES))
    asked = parser.parse_args()
    for shape in asked.shapes.split(","):
        make, target = SHAPES[shape]
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "table.csv"
            make(source, asked.rows)
            print(f"{shape}, {source.stat().st_size / 1e6:.0f} MB; medians of {asked.repeat}")
            look = ("-m", "deepworth", "data", str(source))
            runs = {
                "polars": ("-c", SCAN, str(source)),
                "pyarrow": ("-c", READ, str(source)),
                "data": look,
                "data --target": (*look, "--target", target),
            }
            print(table(in_turns(runs, asked.repeat), "polars"))


if __name__ == "__main__":
    main()
