"""Imports point one way (see the tree in the README): who may know whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def dotted(path: Path) -> str:
    """mnistcmp/models/spec.py -> mnistcmp.models.spec; a package is called by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(path): path for path in sorted((ROOT / "mnistcmp").rglob("*.py"))}


def names_imported(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Every dotted name that `source` imports, at the top or within a function.

    `from a import b` counts as a and as a.b, because b may be a module; relative ones are resolved.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*(up if node.level else []), *filter(None, [node.module])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


IMPORTS = {
    module: names_imported(path.read_text(), module, is_package=path.name == "__init__.py")
    for module, path in FILES.items()
}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def known_to(module: str) -> set[str]:
    """Every file of the package that importing `module` may bring in, by whatever way."""
    known, waiting = set(), [module]
    while waiting:
        found = {name for name in IMPORTS[waiting.pop()] if name in FILES} - known
        known |= found
        waiting += found
    return known


def test_names_imported_finds_every_kind_of_import():
    source = """
import a.b, c as d
from mnistcmp import files
from . import sibling
from ..studies import STUDIES
def late():
    from e import f
"""
    assert names_imported(source, "mnistcmp.app.draw") == {
        *("a.b", "c", "mnistcmp", "mnistcmp.safe_files", "e", "e.f"),
        *("mnistcmp.app", "mnistcmp.app.sibling", "mnistcmp.studies", "mnistcmp.studies.STUDIES"),
    }
    package = names_imported("from . import draw", "mnistcmp.app", is_package=True)
    assert package == {"mnistcmp.app", "mnistcmp.app.draw"}


def test_known_to_follows_imports_all_the_way():
    known = known_to("mnistcmp.training.campaign")
    assert {
        "mnistcmp.training.worker_pool",
        "mnistcmp.training.loop",
        "mnistcmp.models.spec",
    } <= known
    assert "mnistcmp.training.campaign" not in known


@pytest.mark.parametrize("module", FILES)
def test_streamlit_is_imported_by_the_app_only(module):
    if not within(module, "mnistcmp.app"):
        app = {name for name in IMPORTS[module] if name.startswith(("streamlit", "mnistcmp.app"))}
        assert not app


@pytest.mark.parametrize("module", [name for name in FILES if within(name, "mnistcmp.models")])
def test_models_know_nothing_of_the_package_but_models(module):
    ours = {name for name in IMPORTS[module] if within(name, "mnistcmp")}
    assert not {name for name in ours if not within(name, "mnistcmp.models")}


@pytest.mark.parametrize("module", ["checkpoints", "results", "studies", "drawing"])
def test_what_the_app_reads_knows_nothing_of_training(module):
    makers = {f"mnistcmp.{name}" for name in ("training", "campaign", "workers", "data")}
    assert makers <= FILES.keys()  # else this test would look for names that are gone
    assert not known_to(f"mnistcmp.{module}") & makers


@pytest.mark.parametrize("module", ["findings", "measures", "compare", "samples", "titles"])
def test_what_studies_are_computed_with_brings_no_torch(module):
    for name in {f"mnistcmp.{module}", *known_to(f"mnistcmp.{module}")}:
        assert not {found for found in IMPORTS[name] if within(found, "torch")}


def test_training_knows_nothing_of_campaigns_and_records():
    campaign = {f"mnistcmp.{name}" for name in ("campaign", "workers", "results", "checkpoints")}
    assert not known_to("mnistcmp.training.loop") & campaign


def test_torchvision_is_never_imported_at_the_top():
    for module, path in FILES.items():
        top = ast.parse(path.read_text())
        top.body = [node for node in top.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = names_imported(ast.unparse(top), module)
        assert not {name for name in names if within(name, "torchvision")}, module


def test_what_the_app_imports_brings_neither_torchvision_nor_streamlit():
    modules = [f"mnistcmp.{name}" for name in ("checkpoints", "drawing", "results", "models")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(modules) <= loaded
    assert not loaded & {"torchvision", "streamlit"}
