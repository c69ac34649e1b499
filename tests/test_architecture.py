"""The shape of the code, as docs/architecture.md promises it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "handrail"
ORDER = [
    *("errors", "model", "documents", "comparing", "products", "guides", "assessing", "planning"),
    *("hosts", "twin", "probing", "actions", "restoring", "running", "rehearsing", "reporting"),
    *("api", "console", "cli"),
]
MODULES = sorted(SOURCE.rglob("*.py"))


def folder_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    """The handrail folders that a module imports, also inside functions, but not for type checking alone."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "handrail" else [f"handrail.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("handrail."))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_folder_imports_only_from_those_above_it(module: Path) -> None:
    """The order is that of design section 4; `handrail/__init__.py` stands outside it."""
    own = folder_of(module)
    if own == "__init__":
        return
    below = {name for name in imports(module) if name in ORDER and ORDER.index(name) > ORDER.index(own)}

    assert not below, f"{module.name} stands in {own}/ and imports from {sorted(below)}"


@pytest.mark.parametrize("folder", ["assessing", "planning", "guides"])
def test_the_pure_core_never_sees_a_host(folder: str) -> None:
    seen = {name for module in (SOURCE / folder).glob("*.py") for name in imports(module)}

    assert not seen & {"hosts", "twin", "actions", "running"}


def test_the_twin_knows_no_rule_of_any_guide() -> None:
    """Otherwise it would prove the guide by the guide (design section 4.4)."""
    seen = {name for module in (SOURCE / "twin").rglob("*.py") for name in imports(module)}

    assert not seen & {"guides", "assessing", "planning"}


def test_no_module_is_much_above_500_lines() -> None:
    long = {str(path): lines for path in MODULES if (lines := path.read_text("utf-8").count("\n")) > 520}

    assert not long


def test_the_engine_names_no_product() -> None:
    """Adding a product must not touch the engine: nothing before `actions/` speaks of one."""
    products = "|".join(path.name for path in (SOURCE / "products").iterdir() if path.is_dir() and path.name[0] != "_")
    engine = [
        path for path in MODULES if folder_of(path) in {"documents", "guides", "assessing", "planning", "running"}
    ]
    naming = [str(path) for path in engine if re.search(rf"[\"']({products})[\"'/]", path.read_text("utf-8"))]

    assert not naming
