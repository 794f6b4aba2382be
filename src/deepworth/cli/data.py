"""`deepworth data`: what is in a source, and what looks wrong."""

from __future__ import annotations

from typing import Any

from deepworth.cli.options import Json, reads_source


@reads_source
def data(about: dict[str, Any], as_json: Json = False) -> None:
    """Look into SOURCE without training anything: its columns, and what looks wrong, with --target and without.

    Suspected leaks, rows that stand twice, groups and time order that a random split would break, broken files, rare
    classes, labels that look wrong: each with the rows or columns concerned.
    """
    from deepworth.profile.look import look  # not by way of the verbs, which bring all that a fit needs: 0.4 s
    from deepworth.types import dump

    found = look(**about)
    if as_json:
        print(dump(found).decode())
        return
    from deepworth.views.console import stdout
    from deepworth.views.look import look_view

    stdout().print(look_view(found))
