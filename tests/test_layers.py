"""The layers of docs/architecture.md: who may import whom, read from the source with ast."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "deepworth"
FILES = sorted(PACKAGE.rglob("*.py"))
LAYERS = (  # a file may import from its own layer and from those above it in this list
    ("types", "errors"),
    ("registry", "store", "words", "quantities"),
    ("data", "readers", "modalities", "metrics", "weights", "trackers"),
    ("profile",),
    ("decide", "cost"),
    ("models", "train", "nets"),
    ("climb",),
    ("verdict",),
    ("report", "exporters", "explain", "serve"),
    ("verbs", "course", "run"),
    ("estimators", "progress", "predictions", "views"),
    ("cli", "__main__"),
)
NETWORKS = {"torch", "tabm", "rtdl_num_embeddings"}  # torch, and packages of nothing but torch modules
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> set[str]:
    """Every module a file imports, also inside functions; `from a import b` gives a.b where that is a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*node.module.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                found.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return found


def own(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", [p for p in FILES if part(own(p))], ids=own)
def test_imports_point_to_lower_layers(path: Path) -> None:
    here = part(own(path))
    assert here in LEVEL, f"{here} has no layer: give it one here and in docs/architecture.md"
    for module in imports(path):
        if module.startswith("deepworth."):
            assert LEVEL[part(module)] <= LEVEL[here], f"{own(path)} imports {module} from a layer above it"


def test_concrete_things_are_reached_through_their_registry() -> None:
    concrete = {own(path) for path in FILES if "\nSPECS = " in path.read_text()}
    assert concrete
    for path in FILES:
        described = own(path).replace("._", ".")  # `_x.py` may know the record in `x.py` that names it
        assert not imports(path) & concrete - {described}, (
            f"{own(path)} imports a concrete thing: go through deepworth.registry"
        )


@pytest.mark.parametrize("path", sorted((PACKAGE / "nets").glob("*.py")), ids=own)
def test_nets_know_torch_only(path: Path) -> None:
    for module in imports(path):
        top = module.split(".")[0]
        allowed = top in NETWORKS or top in sys.stdlib_module_names or module.startswith("deepworth.nets")
        assert allowed, f"{own(path)} imports {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "train").glob("*.py")), ids=own)
def test_train_knows_no_other_room(path: Path) -> None:
    allowed = ("deepworth.train", "deepworth.types", "deepworth.errors")
    for module in imports(path):
        assert not module.startswith("deepworth") or module.startswith(allowed), f"{own(path)} imports {module}"


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from deepworth.verbs import fit\n    import deepworth.cli\n")
    assert imports(bad) == {"deepworth.verbs", "deepworth.cli"}
