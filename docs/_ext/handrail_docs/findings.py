"""What assessing can find that no guide says: the engine's own rules, and those of the way to a host."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import handrail
from handrail.assessing.assess import OWN_ACCEPTABLE
from handrail.assessing.transport_rules import RULES
from handrail.model.finding import Citation, Finding
from handrail.restoring import undoing
from handrail_docs.writing import code, prose, table
from handrail_docs.writing import page as a_page

_SOURCE = Path(handrail.__file__).parent
_FOLDERS = ("assessing", "planning", "restoring")


def page() -> str:
    """Kinds of findings, then the rules."""
    own = list(_own_rules())
    return a_page(
        "Findings",
        "A finding is a **blocker**, a **risk** or a **note**. Blockers block; what could not be determined is a "
        "blocker marked *unknown*, and says which command would settle it. Some blockers may be accepted by name: "
        "`--accept RULE`, or `--accept RULE@SUBJECT` for one subject. Such a risk is recorded in the plan. There is no "
        "`--force`.",
        prose(Finding.__doc__ or ""),
        "The verdict is `blocked` when something blocks, `risky` when there are risks or accepted blockers, otherwise "
        "`clear`.",
        "Rules of products stand on the page of their guide.",
        "## The engine's own rules",
        table(
            ("rule", "what it says", "acceptable"),
            ((code(name), says, "yes" if name in OWN_ACCEPTABLE else "") for name, says in own),
        ),
        f"{code(undoing.NO_WAY_BACK)} and {code(undoing.STAYS)} are findings of `handrail rollback`.",
        "## The way to a host",
        "`handrail preflight` looks for these, and so does every run before it begins. [Transports](../transports.md) "
        "tells of them at length.",
        table(
            ("rule", "level", "what is wrong", "acceptable", "source"),
            (
                (code(name), one.level, one.says, "yes" if one.acceptable else "", _cited(one.source))
                for name, one in RULES.items()
            ),
        ),
    )


def _cited(source: Citation) -> str:
    shown = f"{source.title or source.document}: {source.section}"
    return f"[{shown}]({source.url})" if source.url else shown


def _own_rules() -> Iterator[tuple[str, str]]:
    """Constants that name a rule, with the text below them, in every folder that finds something."""
    for folder in _FOLDERS:
        for path in sorted((_SOURCE / folder).glob("*.py")):
            body = ast.parse(path.read_text("utf-8")).body
            for at, node in enumerate(body):
                rule = _rule_in(node)
                if rule is not None:
                    yield rule, _text(body[at + 1]) if at + 1 < len(body) else ""


def _rule_in(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        value = node.value.value
        if isinstance(value, str) and value.startswith("handrail/"):
            return value
    return None


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""
