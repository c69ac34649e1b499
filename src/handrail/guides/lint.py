"""What is wrong with a guide beyond its spelling. Filled in below; see `lint`."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.documents.tree import Tree
from handrail.errors import BadDocument, BadInput
from handrail.guides.language import Language
from handrail.guides.reader import GuideDocument, read_guide
from handrail.guides.variables import defaults, variables
from handrail.model.signature import Signature


def lint(tree: Tree, signatures: Mapping[str, Signature] | None = None) -> list[BadInput]:
    """Every mistake in a guide, with its place. Without `signatures` actions are not looked at."""
    try:
        document = read_guide(tree)
    except BadDocument as error:
        return list(error.mistakes)
    guide = document.guide
    return lint_document(document, Language(variables(guide), defaults=defaults(guide), name=guide.name), signatures)


def lint_document(
    document: GuideDocument, language: Language, signatures: Mapping[str, Signature] | None
) -> list[BadInput]:
    return []
