"""Comparing two connector-space exports of a million objects, beside parsing both with lxml's iterparse.

python -m bench.connector_space [OBJECTS]

The exports are made first. Every object stands elsewhere in the second one, with its attributes and values in another
order and another time of its last import; a thousandth differ in a value, and some are missing, added or renamed. Each
measurement is a process of its own; parsing is measured before and after comparing. Both keep one core busy, so the
core's time is what is compared: other work on the machine changes it little.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

LIMIT_RATIO = 3.0
LIMIT_MEMORY = 300.0

ALLOWED = {"name": "import-time", "ignore": ["<last-import-delta-time>"]}
ATTRIBUTES = ("accountName", "company", "department", "displayName", "employeeID", "mail", "sn", "telephoneNumber")


def written(number: int, when: int, mixed: random.Random) -> str:
    """One object of about 1.7 kB with ten attributes. In the second export (`when` 2) every thousandth is changed."""
    changed = when == 2 and number % 1000 == 1
    name = number + 10_000_000 if when == 2 and number % 1000 == 2 else number
    dn = f"CN=person{name},OU=People,DC=contoso,DC=com"
    attributes = [
        f'<attr name="{one}" type="string" multivalued="false"><value>{one} {number}'
        f"{'!' if changed and one == 'mail' else ''}</value></attr>"
        for one in ATTRIBUTES
    ]
    values = [f"<value>smtp:person{number}.{one}@contoso.com</value>" for one in range(3)]
    mixed.shuffle(values)
    attributes.append(f'<attr name="proxyAddresses" type="string" multivalued="true">{"".join(values)}</attr>')
    manager = f"<dn>CN=person{number // 10},OU=People,DC=contoso,DC=com</dn><anchor encoding='base64'>AAAA</anchor>"
    attributes.append(f'<dn-attr name="manager" multivalued="false"><dn-value>{manager}</dn-value></dn-attr>')
    mixed.shuffle(attributes)
    return (
        f'<cs-object cs-dn="{dn}" id="{{{number:08X}-0000-4000-8000-000000000000}}" object-type="user">'
        f'<synchronized-hologram><entry dn="{dn}"><anchor encoding="base64">AAAA{number}</anchor>'
        "<primary-objectclass>user</primary-objectclass><objectclass><oc-value>top</oc-value>"
        "<oc-value>person</oc-value><oc-value>user</oc-value></objectclass>"
        f"{''.join(attributes)}</entry></synchronized-hologram><connector>1</connector>"
        "<connector-state>normal</connector-state><seen-by-import>1</seen-by-import>"
        "<rebuild-in-progress>0</rebuild-in-progress>"
        f"<last-import-delta-time>2026-11-2{when} 10:00:00</last-import-delta-time></cs-object>\n"
    )


def make(path: Path, objects: int, when: int) -> None:
    mixed = random.Random(when)
    numbers = list(range(objects))
    if when == 2:
        numbers = [one for one in numbers if one % 1000 != 3] + list(range(objects, objects + objects // 1000))
    mixed.shuffle(numbers)
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<cs-objects>\n')
        file.writelines(written(one, when, mixed) for one in numbers)
        file.write("</cs-objects>\n")


def parse(path: Path) -> int:
    """As it is usually done in bounded memory."""
    from lxml import etree

    count = 0
    for _, element in etree.iterparse(path, tag="cs-object"):
        count += 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return count


def parse_both(before: Path, after: Path) -> Iterator[str]:
    yield f"{parse(before) + parse(after):,} objects parsed"


def compare_both(before: Path, after: Path) -> Iterator[str]:
    from handrail.comparing.allowances import read_allowances
    from handrail.comparing.compare import compare

    found = compare(before, after, read_allowances([ALLOWED]))
    share = found.before.objects // 1000
    wanted = {"added": share, "changed": share, "missing": share, "renamed": share}
    if dict(found.counts) != wanted or found.allowed["import-time"] != found.before.objects - share:
        sys.exit(f"the comparison is wrong: {found.counts}, {found.allowed}")
    yield ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())


WORK = {"parse": parse_both, "compare": compare_both}


def measure(what: str, folder: Path) -> None:
    """Prints seconds of the processor, seconds in all, MiB at the peak, and what was found."""
    began, working = time.perf_counter(), time.process_time()
    said = list(WORK[what](folder / "before.xml", folder / "after.xml"))
    working, taken = time.process_time() - working, time.perf_counter() - began
    print(working, taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *said)


def child(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench.connector_space", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(objects: int = 1_000_000) -> None:
    with TemporaryDirectory(prefix="handrail-bench-") as folder:
        for when, name in ((1, "before.xml"), (2, "after.xml")):
            child("--make", str(Path(folder, name)), str(objects), str(when))
        size = sum(one.stat().st_size for one in Path(folder).iterdir()) / 1e9
        print(f"two exports of {objects:,} objects, {size:.1f} GB, everything in another order")
        rows = [(what, child("--measure", what, folder).split(maxsplit=3)) for what in ("parse", "compare", "parse")]
    for what, (working, taken, peak, said) in rows:
        times = f"{float(working):7.1f} s of one core, {float(taken):7.1f} s in all"
        print(f"{what:8}{times}  {float(peak):5.0f} MiB at the peak  {said.strip()}")
    parsing = sum(float(row[0]) for what, row in rows if what == "parse") / 2
    ratio, memory = float(rows[1][1][0]) / parsing, float(rows[1][1][2])
    print(f"comparing takes {ratio:.1f} times what parsing takes, limit {LIMIT_RATIO:.0f}: ", end="")
    print("kept" if ratio <= LIMIT_RATIO else "BROKEN")
    print(f"peak {memory:.0f} MiB, limit {LIMIT_MEMORY:.0f}: {'kept' if memory <= LIMIT_MEMORY else 'BROKEN'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
