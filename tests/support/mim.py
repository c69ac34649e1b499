"""MIM's scenarios: sample estates with changes, as `tests/products/mim/scenarios.yaml` has them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from handrail.documents.estate import estate_document
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate

FOLDER = Path(__file__).parent.parent / "products" / "mim"
SCENARIOS: dict[str, dict[str, Any]] = load_tree(FOLDER / "scenarios.yaml").data


def change(data: Any, path: str, value: Any) -> None:
    """Set what the keys in `path` lead to; None takes it away."""
    *way, last = (int(key) if key.isdigit() else key for key in path.split())
    for key in way:
        data = data[key] if isinstance(key, int) else data.setdefault(key, {})
    if value is None:
        data.pop(last, None)
    elif isinstance(data, list) and last == len(data):
        data.append(value)
    else:
        data[last] = value


def estate_of(scenario: dict[str, Any], catalogue: Catalogue) -> Estate:
    data = copy.deepcopy(load_tree(SHIPPED / "mim" / "estates" / f"{scenario['estate']}.yaml").data)
    before = SCENARIOS[scenario["like"]] if "like" in scenario else {}
    for path, value in {**before.get("change", {}), **scenario.get("change", {})}.items():
        change(data, path, value)
    return check_estate(estate_document(tree_of(data, "the scenario's estate")), catalogue)
