"""`deepworth plan` on a generated CSV of 1,000,000 x 20, from the start of the command to its end: seconds and peak GB.

Beside it, what a bare polars scan of the same file takes on this machine now. Goal on 2 cores: under 10 s and 1.5 GB.

    python benchmarks/plan.py [--rows 1000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from open_profile import write_csv

CHILD = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""
SCAN = (
    "import sys, polars; polars.scan_csv(sys.argv[1], try_parse_dates=True).select(polars.all().null_count()).collect()"
)


def timed(*words: str) -> tuple[float, float]:
    """Seconds and peak GB of a run of Python: a child of a child, so that the peak is not that of an earlier one."""
    done = subprocess.run([sys.executable, "-c", CHILD, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    seconds, peak = json.loads(done.stdout)
    return seconds, peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "table.csv"
        write_csv(source, asked.rows)
        print(f"{asked.rows:,} x 20, {source.stat().st_size / 1e6:.0f} MB; best of {asked.repeat}")
        best = scan = float("inf")
        peak = 0.0
        for _ in range(asked.repeat):  # in turns: what else the machine does falls on both alike
            scan = min(scan, timed("-c", SCAN, str(source))[0])
            seconds, peak = timed("-m", "deepworth", "plan", str(source), "--target", "flag", "--json")
            best = min(best, seconds)
        print(f"plan             {best:6.2f} s  {peak:5.2f} GB  {best / scan:5.2f} x polars ({scan:.2f} s)")


if __name__ == "__main__":
    main()
