"""Forms and texts of a portal in every language, compared before and after."""

from __future__ import annotations

import pytest

from handrail.comparing.resources import Change, Item, Resources, compare, read_resources
from handrail.errors import BadInput

FORM = '<Form><Panel Name="p"><Control Name="a" Caption="{a}" /><Control Name="b" Caption="{b}" /></Panel></Form>'
RENAMED = {"de-DE": "de", "zh-CN": "zh-hans"}


def a_set(**values: str) -> Resources:
    """`de_DE="…"` is the value in that locale, `en` the one of all others."""
    items = {
        Item("id-1", "ConfigurationData", "Invariant" if k == "en" else k.replace("_", "-")): v
        for k, v in values.items()
    }
    return Resources(items, {"id-1": "Group Creation"}, {"id-1": "ObjectVisualizationConfiguration"})


STOCK = a_set(en=FORM.format(a="A", b="B"))


def test_an_export_is_read_with_every_culture() -> None:
    data = b"""<?xml version="1.0"?><Results><ExportObject><ResourceManagementObject>
      <ObjectIdentifier>urn:uuid:AB</ObjectIdentifier><ObjectType>ObjectVisualizationConfiguration</ObjectType>
      <ResourceManagementAttributes>
        <ResourceManagementAttribute><AttributeName>DisplayName</AttributeName><Value>Form</Value></ResourceManagementAttribute>
        <ResourceManagementAttribute><AttributeName>CreatedTime</AttributeName><Value>now</Value></ResourceManagementAttribute>
        <ResourceManagementAttribute><AttributeName>Several</AttributeName><Values><string>1</string><string>2</string></Values>
        </ResourceManagementAttribute>
      </ResourceManagementAttributes>
      <LocalizedResourceManagementAttributes><LocalizedResourceManagementAttribute><Culture>de</Culture>
        <ResourceManagementAttributes><ResourceManagementAttribute><AttributeName>DisplayName</AttributeName>
          <Value>Formular</Value></ResourceManagementAttribute></ResourceManagementAttributes>
      </LocalizedResourceManagementAttribute></LocalizedResourceManagementAttributes>
      </ResourceManagementObject></ExportObject></Results>"""
    found = read_resources(data, "x.xml")

    assert found.values == {
        Item("ab", "DisplayName"): "Form",
        Item("ab", "DisplayName", "de"): "Formular",
        Item("ab", "Several"): "1\n2",
    }
    assert found.locales == ["Invariant", "de"]


@pytest.mark.parametrize("data", [b"<Other />", b"<Results><ResourceManagementObject /></Results>", b""])
def test_what_is_no_export_is_said(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_resources(data, "x.xml")


def test_a_translation_that_is_there_under_the_new_name_of_its_locale_is_carried() -> None:
    found = compare(a_set(de_DE="<a />"), a_set(de="<a />"), stock_old=a_set(), renamed=RENAMED)

    assert [(one.item, one.fate) for one in found.fates] == [("ConfigurationData, de-DE (now de)", "carried")]
    assert not found.changes


def test_a_translation_that_is_gone_is_written_again_under_the_new_name() -> None:
    found = compare(a_set(en="<a />", de_DE="<b />"), a_set(en="<a />"), stock_old=a_set(en="<a />"), renamed=RENAMED)

    assert [one.fate for one in found.fates] == ["dropped"]
    assert found.changes == (Change("id-1", "ObjectVisualizationConfiguration", "ConfigurationData", "de", "<b />"),)


def test_a_form_that_setup_put_back_to_its_own_is_written_again() -> None:
    found = compare(a_set(en=FORM.format(a="ours", b="B")), STOCK, stock_old=STOCK)

    assert [one.value for one in found.changes] == [FORM.format(a="ours", b="B")]


def test_a_form_that_both_changed_is_merged_and_stays_merged() -> None:
    mine, new = a_set(en=FORM.format(a="ours", b="B")), a_set(en=FORM.format(a="A", b="new"))
    found = compare(mine, new, stock_old=STOCK)

    assert [one.fate for one in found.fates] == ["merged"]
    assert found.changes[0].value == FORM.format(a="ours", b="new")
    assert compare(mine, a_set(en=found.changes[0].value), stock_old=STOCK).changes == ()


def test_what_both_changed_alike_places_needs_a_person() -> None:
    found = compare(a_set(en=FORM.format(a="1", b="B")), a_set(en=FORM.format(a="2", b="B")), stock_old=STOCK)

    assert [one.fate for one in found.fates] == ["needs-a-person"]
    assert not found.changes


def test_without_the_old_stock_only_what_people_are_known_to_have_changed_is_written_again() -> None:
    before, after = a_set(en=FORM.format(a="ours", b="B")), STOCK

    assert not compare(before, after).changes
    assert [one.fate for one in compare(before, after).fates] == ["needs-a-person"]
    assert compare(before, after, customised=["Group*"]).changes


def test_an_object_that_is_gone_needs_a_person() -> None:
    assert [one.fate for one in compare(a_set(en="ours"), Resources(), stock_old=STOCK).fates] == ["needs-a-person"]
