"""Import rules: every level of the package imports only from lower levels."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY

# Package or top-level module -> its level. It may import from lower levels and from within itself,
# but not from others on its own level.
LEVELS = {
    "safe_files": 0,
    "catalogue": 1,
    "json_files": 1,
    "machine": 1,
    "models": 2,
    "drawing": 2,
    "records": 2,
    "data": 3,
    "inference": 3,
    "manifest": 3,
    "robustness_records": 3,
    "nudge_records": 3,
    "checkpoints": 4,
    "inspection": 5,
    "robustness": 5,
    "analysis": 6,
    "cli_parser": 6,
    "training": 7,
    "app": 8,
    "cli": 8,
    "__main__": 9,
}
# In addition to the levels: training must not depend on the analysis for readers.
FORBIDDEN = {("training", "analysis")}

# Modules that must not import torch, not even indirectly, because it takes seconds.
WITHOUT_TORCH = (
    "catalogue",
    "drawing",
    "records",
    "manifest",
    "inference",
    "robustness.breaking_points",
    "robustness.holding_out",
    "robustness_records",
    "nudge_records",
    "safe_files",
    "json_files",
    "analysis",
    "data.sample_pack",
    "app.main",
    "app.background_reading",
    "app.cached_records",
    "app.charts",
    "app.palette",
    "app.pictures",
    "app.session",
    "app.benchmarks",
    "app.break_it",
    "app.lesson",
    "app.studies",
    "cli",
)


def dotted(path: Path) -> str:
    """mnistcmp/data/load.py -> mnistcmp.data.load; a package has the name of its folder."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(path): path for path in sorted((REPOSITORY / "mnistcmp").rglob("*.py"))}


def names_imported(
    source: str, module: str = "", *, is_package: bool = False, at_the_top: bool = False
) -> set[str]:
    """Every dotted name that `source` imports, except for type checking.

    `from a import b` counts as a and a.b, because b may be a module. Relative imports are resolved.
    With `at_the_top`, imports within functions are left out, because they run only when needed.
    """
    names: set[str] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                up = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*(up if node.level else []), *filter(None, [node.module])])
                names.update({base, *(f"{base}.{alias.name}" for alias in node.names)})
            elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            elif not (at_the_top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
                for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                    visit(getattr(node, field, []))

    visit(ast.parse(source).body)
    return names


def imports_of(module: str, *, at_the_top: bool = False) -> set[str]:
    """The modules that a module of the package imports."""
    path = FILES[module]
    names = names_imported(
        path.read_text(), module, is_package=path.name == "__init__.py", at_the_top=at_the_top
    )
    # Importing a module imports its packages first.
    packages = {
        ".".join(name.split(".")[:i]) for name in names for i in range(1, name.count(".") + 1)
    }
    return {name for name in names | packages if name in FILES or not within(name, "mnistcmp")}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def part_of(module: str) -> str:
    """mnistcmp.data.load -> data."""
    return module.split(".")[1]


def known_to(module: str) -> set[str]:
    """Every name that `module` imports, directly or indirectly."""
    known, waiting = set(), [module]
    while waiting:
        found = imports_of(waiting.pop(), at_the_top=True) - known
        known |= found
        waiting += found & FILES.keys()
    return known


def test_names_imported_finds_every_kind_of_import():
    source = """
import a.b, c as d
from mnistcmp import records
from . import sibling
from ..studies import STUDIES
if TYPE_CHECKING:
    import only_for_types
try:
    import tried
except ImportError:
    import instead
class Thing:
    def late(self):
        with open("x"):
            from e import f
"""
    at_the_top = {
        *("a.b", "c", "mnistcmp", "mnistcmp.records", "tried", "instead"),
        *("mnistcmp.app", "mnistcmp.app.sibling", "mnistcmp.studies", "mnistcmp.studies.STUDIES"),
    }
    assert names_imported(source, "mnistcmp.app.draw", at_the_top=True) == at_the_top
    assert names_imported(source, "mnistcmp.app.draw") == at_the_top | {"e", "e.f"}
    package = names_imported("from . import draw", "mnistcmp.app", is_package=True)
    assert package == {"mnistcmp.app", "mnistcmp.app.draw"}


def test_known_to_follows_indirect_imports():
    known = known_to("mnistcmp.training.campaign")
    assert {"mnistcmp.training.loop", "mnistcmp.models.shapes", "torch"} <= known
    assert "mnistcmp.app" not in known


def test_every_part_of_the_package_has_a_level():
    assert {part_of(module) for module in FILES if module != "mnistcmp"} == LEVELS.keys()


@pytest.mark.parametrize("module", [module for module in FILES if module != "mnistcmp"])
def test_module_imports_only_from_levels_below(module):
    own = part_of(module)
    for name in imports_of(module) - {"mnistcmp"}:
        if within(name, "mnistcmp") and part_of(name) != own:
            assert LEVELS[part_of(name)] < LEVELS[own], name
            assert (own, part_of(name)) not in FORBIDDEN, name


@pytest.mark.parametrize("module", FILES)
def test_only_the_app_imports_streamlit(module):
    if not within(module, "mnistcmp.app"):
        assert not {name for name in imports_of(module) if within(name, "streamlit")}


@pytest.mark.parametrize(
    "module",
    [m for m in FILES if within(m, *(f"mnistcmp.{name}" for name in WITHOUT_TORCH))],
)
def test_module_does_not_import_torch(module):
    assert not {name for name in known_to(module) if within(name, "torch", "torchvision")}


def test_modules_without_torch_exist():
    for name in WITHOUT_TORCH:
        assert f"mnistcmp.{name}" in FILES


def test_torchvision_is_never_imported_at_the_top():
    for module in FILES:
        names = imports_of(module, at_the_top=True)
        assert not {name for name in names if within(name, "torchvision")}, module


def test_torch_is_not_loaded_by_modules_without_torch():
    modules = [f"mnistcmp.{name}" for name in WITHOUT_TORCH]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(modules) <= loaded
    assert not loaded & {"torch", "torchvision"}


def test_torchvision_is_not_loaded_by_modules_of_the_app():
    modules = [f"mnistcmp.{name}" for name in ("checkpoints", "inference", "inspection.explain")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torchvision", "streamlit"}


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES.values()}))
def test_folder_is_small_and_has_a_one_line_docstring(folder):
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= 12, folder
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert docstring and "\n" not in docstring, folder


def test_scripts_do_not_change_the_search_path():
    for path in (REPOSITORY / "scripts").rglob("*.py"):
        assert "sys.path" not in path.read_text(), path
