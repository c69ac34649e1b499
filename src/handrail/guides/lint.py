"""What is wrong with a guide beyond its spelling: the whole list, each with its place.

`lint_rules` looks at names, releases, edges, requirements and order; `lint_steps` at procedures, their actions and
their way back; `lint_expressions` at everything that is CEL; `lint_detect` at how components are recognised.
"""

from __future__ import annotations

from collections.abc import Mapping

from handrail.documents.tree import Tree
from handrail.errors import BadDocument, BadInput
from handrail.guides.language import Language
from handrail.guides.lint_detect import check_detect
from handrail.guides.lint_expressions import check_expressions
from handrail.guides.lint_rules import check_rules
from handrail.guides.lint_steps import check_steps
from handrail.guides.notes import Notes
from handrail.guides.reader import GuideDocument, read_guide
from handrail.guides.variables import defaults, variables
from handrail.model.signature import Signature


def lint(tree: Tree, signatures: Mapping[str, Signature] | None = None) -> list[BadInput]:
    """Every mistake in a guide, in the order of the file. Without `signatures` actions are not looked at."""
    try:
        document = read_guide(tree)
    except BadDocument as error:
        return list(error.mistakes)
    guide = document.guide
    language = Language(variables(guide), defaults=defaults(guide), name=guide.name)
    return lint_document(document, language, signatures)


def lint_document(
    document: GuideDocument, language: Language, signatures: Mapping[str, Signature] | None
) -> list[BadInput]:
    """Every mistake in a guide that could be read."""
    notes = Notes(document.tree)
    check_rules(document, notes)
    check_detect(document.guide, notes)
    check_steps(document, notes, signatures)
    check_expressions(document, language, notes)
    return notes.sorted()
