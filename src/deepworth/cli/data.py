"""`deepworth data`: what is in a source, and what looks wrong."""

from __future__ import annotations

import os
import sys
from typing import Any

from deepworth.cli.options import Json, reads_source


@reads_source
def data(about: dict[str, Any], as_json: Json = False) -> None:
    """Look into SOURCE without training anything: its columns, and what looks wrong, with --target and without.

    Suspected leaks, rows that stand twice, groups and time order that a random split would break, broken files, rare
    classes, labels that look wrong: each with the rows or columns concerned.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its matrices are small: a second thread would mostly wait
    _leave_pandas_out()
    from deepworth.profile.look import look  # not by way of the verbs, which bring all that a fit needs: 0.4 s
    from deepworth.types import dump

    found = look(**about)
    if as_json:
        print(dump(found).decode())
        return
    from deepworth.views.console import stdout
    from deepworth.views.look import look_view

    stdout().print(look_view(found))


class _NoPandas:
    """An import hook that knows no pandas (a None in `sys.modules` is more than pyarrow can take)."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if name == "pandas":
            raise ImportError(name)


def _leave_pandas_out() -> None:
    """Let pyarrow's one quiet attempt to import pandas fail: it comes with its first array, and costs 0.2 s of CPU.

    Only where no frame comes, as SOURCE is a path here: until `pa.Table.from_pandas` tries the import again, `pa.array`
    does not know the missing values of a pandas Series.
    """
    import pyarrow

    sys.meta_path.insert(0, _NoPandas)
    pyarrow.array([])
    sys.meta_path.remove(_NoPandas)
