"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")]
PlanFormat = Annotated[
    Literal["text", "json", "markdown", "html"],
    typer.Option("--format", help="For people, for programs, or a runbook to be followed by hand."),
]
EstateFile = Annotated[str, typer.Argument(metavar="ESTATE", help="The estate file.", show_default=False)]
PlanFile = Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, made by 'plan -o'.", show_default=False)]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; 'status' lists them.", show_default=False)]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="[DEPLOYMENT=]RELEASE", help="The release to reach, instead of the file's aim."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="RULE[@SUBJECT]", help="Accept this risk by its name."),
]
Guides = Annotated[
    list[str] | None,
    typer.Option("--guides", metavar="FOLDER", help="Also use the guides in this folder."),
]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store of runs; by default in the home folder."),
]
Ask = Annotated[bool, typer.Option("--ask", help="On the twin: wait for people instead of playing them.")]
