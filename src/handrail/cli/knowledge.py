"""`guide list`, `show`, `lint` and `schema`: the knowledge itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handrail.actions.catalogue import signatures
from handrail.cli import options
from handrail.cli.faults import sentence
from handrail.cli.output import Output
from handrail.errors import BadDocument, BadInput
from handrail.guides import catalogue as guide_catalogue
from handrail.guides.lint import lint
from handrail.guides.parts import load_guide
from handrail.reporting import text, words
from handrail.reporting.guide import guide_document, guide_page, guides_document, guides_page

LINT_SCHEMA = "handrail/lint/v1"


def list_guides(output: Output, guides: Sequence[str], format: str) -> int:
    catalogue = guide_catalogue.load(options.folders(guides), signatures=signatures())
    found = [catalogue.guides[name].guide for name in sorted(catalogue.guides)]
    if format == "json":
        output.json(guides_document(found))
    else:
        output.lines(text.render(guides_page(found), width=output.width, colour=output.colour))
    return 0


def show_guide(output: Output, product: str, guides: Sequence[str], format: str) -> int:
    guide = guide_catalogue.load(options.folders(guides), signatures=signatures()).of(product).guide
    if format == "json":
        output.json(guide_document(guide))
    else:
        output.lines(text.render(guide_page(guide), width=output.width, colour=output.colour))
    return 0


def lint_guides(output: Output, files: Sequence[str], format: str) -> int:
    """Every mistake of every guide on standard error; exit 2 when there is one."""
    paths = [path for name in files for path in _guide_files(Path(name))] if files else guide_files_shipped()
    mistakes: list[BadInput] = []
    for path in paths:
        try:
            mistakes += lint(load_guide(path), signatures())
        except BadDocument as error:
            mistakes += error.mistakes
        except BadInput as error:
            mistakes.append(error)
    if format == "json":
        output.json({"schema": LINT_SCHEMA, "guides": [str(path) for path in paths], "mistakes": _listed(mistakes)})
    for mistake in mistakes:
        output.complain(sentence(mistake))
    if not mistakes and format == "text":
        output.line(f"{words.count(len(paths), 'guide')} checked, nothing wrong.")
    return 2 if mistakes else 0


def guide_files_shipped() -> list[Path]:
    return _guide_files(guide_catalogue.SHIPPED)


def _guide_files(path: Path) -> list[Path]:
    """A file is taken as a guide whatever its name; a folder for the guides in it."""
    if not path.is_dir():
        return [path]
    file = guide_catalogue.FILE
    found = [path / file] if (path / file).exists() else sorted(path.glob(f"*/{file}"))
    if not found:
        raise BadInput(f"There is no {file} in {path}.", "Name a guide, or a folder that holds guides.")
    return found


def _listed(mistakes: Sequence[BadInput]) -> list[dict[str, object]]:
    return [
        {
            "file": mistake.place.file if mistake.place else None,
            "line": mistake.place.line if mistake.place else None,
            "column": mistake.place.column if mistake.place else None,
            "message": mistake.message,
            "advice": mistake.advice,
        }
        for mistake in mistakes
    ]


def print_schema(output: Output, of: str) -> int:
    if of == "scenario":
        from handrail.rehearsing.schema import scenario_schema

        output.json(scenario_schema())
        return 0
    from handrail.guides.schema import schema

    output.json(schema(signatures()))
    return 0
