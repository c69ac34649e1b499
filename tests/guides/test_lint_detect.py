"""Lint of how components and software are recognised on hosts."""

from __future__ import annotations

import pytest
from tests.guides.test_lint import mistakes
from tests.support.guides import GUIDE

COMPONENT = next(line for line in GUIDE.splitlines() if line.startswith("  web:"))
GOOD = "uninstall: 'Shop*', folder: 'C:\\Shop', file: shop.exe, service: Shop"


def guide(detect: str, software: str = "") -> str:
    """The small guide with a component that is recognised so."""
    lines = GUIDE.splitlines()
    at = lines.index(COMPONENT)
    if COMPONENT.rstrip().endswith("}"):
        lines[at] = COMPONENT.rstrip()[:-1] + f", detect: {{{detect}}}}}"
    else:
        lines.insert(at + 1, f"    detect: {{{detect}}}")
    return "\n".join(lines) + "\n" + (f"software: {{x: {{{software}}}}}\n" if software else "")


def test_a_component_that_can_be_recognised_is_no_mistake() -> None:
    assert mistakes(guide(GOOD, "uninstall: 'X *'")) == []
    assert mistakes(guide(GOOD, "registry: {key: 'HKLM\\X', value: V}, versions: {'10': '1.0'}")) == []
    assert mistakes(guide("reads: postgresql")) == []


@pytest.mark.parametrize(
    ("detect", "says"),
    [
        ("service: Shop", "Nothing says how it is recognised."),
        ("uninstall: 'Shop*', reads: postgresql", "needs no `uninstall`"),
        ("uninstall: 'Shop*', file: shop.exe", "Nothing says in which folder 'shop.exe' lies."),
        ("uninstall: 'Shop*', config_files: [shop.config]", "Nothing says in which folder 'shop.config' lies."),
        ("uninstall: 'Shop*', build: file", "No file is named whose version could tell the build."),
        ("uninstall: 'Shop*', releases: {'*9*': r9}", "The release 'r9' is not in this guide."),
        ("uninstall: 'Shop*', key_set: true", "No service is named that needs the key set."),
        ("uninstall: 'Shop*', folder_at: {key: 'SOFTWARE\\Shop', value: Path}", "is no key of the registry"),
        ("uninstall: 'Shop*', database: {key: 'HKLM\\Shop', server: Server}", "what the database is called"),
        ("uninstall: 'Shop*', fle: shop.exe", "Did you mean 'file'?"),
    ],
)
def test_what_cannot_be_recognised_is_a_mistake(detect: str, says: str) -> None:
    found = mistakes(guide(detect))

    assert any(says in one for one in found), found
    assert all(one.startswith("guide.yaml:") for one in found)


@pytest.mark.parametrize(
    ("software", "says"),
    [
        ("versions: {}", "either by `uninstall` or by `registry`"),
        ("uninstall: 'X', registry: {key: 'HKLM\\X', value: V}", "either by `uninstall` or by `registry`"),
        ("registry: {key: 'HKLM\\X', value: V}, versions: {new: '2'}", "'new' is no number."),
    ],
)
def test_software_that_cannot_be_recognised_is_a_mistake(software: str, says: str) -> None:
    assert any(says in one for one in mistakes(guide(GOOD, software)))
