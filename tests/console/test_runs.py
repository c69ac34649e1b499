"""The pages of runs: what they show, what they hide, and what a live page is told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.console import ADDRESS, PASSWORD, Browser, Site, site
from tests.support.counting import QUICK, build, opening, plan, signatures, step

from handrail.console.guarding import SITTING
from handrail.console.live import Hub
from handrail.console.looking import Looking
from handrail.console.output import said_since
from handrail.documents.plan import freeze, plan_to_json
from handrail.model.finding import Citation
from handrail.model.journal import PEOPLE_LANE, Entry
from handrail.model.plan import Because, GoesBack, Plan, Remedy
from handrail.running.chain import canonical
from handrail.running.clock import moment, stamp
from handrail.running.said import AT_WORK, Said
from handrail.running.session import Session
from handrail.running.tails import putting

EVIL = "<script>alert(1)</script>"
OURS = Citation("ours", "tests")


def stubborn() -> Plan:
    """One host fails with an error that the plan knows but cannot mend, another one is through, a person is asked."""
    known = Remedy("insert-disk", (), log="Insert disk", retries=0, says="The disk is asked for.", source=OURS)
    failing = step(
        "patch",
        "stubborn",
        "b",
        with_={"name": "patched", "needs": "disk", "log": f"Insert disk {EVIL}"},
        remedies=(known,),
    )
    ask = step("sure", "hold", None, with_={"question": f"Is it night? {EVIL}"})
    last = step("last", host="c", after=(ask.id,), because=(Because(ask.id, "Somebody has to say so.", OURS),))
    return plan(step("one"), failing, ask, last)


@contextmanager
def visited(folder: Path, made: Plan) -> Iterator[tuple[Site, Session, str]]:
    """A console, and a run of the plan as far as it goes by itself."""
    with opening(folder, play=False) as session:
        run = session.start(made, "ann", target="hosts")
        asyncio.run(session.carry_out(run, "ann", settings=QUICK))
        opener = session.openers["hosts"]
        with site(
            folder / "home", openers={"hosts": opener, "twin": opener}, build=build, signatures=signatures()
        ) as one:
            yield one, session, run


@pytest.fixture
def stood(tmp_path: Path) -> Iterator[tuple[Site, Session, str]]:
    with visited(tmp_path, stubborn()) as made:
        yield made


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_run_says_what_failed_what_it_waits_for_and_how_hosts_stand(stood: tuple[Site, Session, str]) -> None:
    console, _, run = stood
    answer = console.browser("viewer").get(f"/runs/{run}")
    text = text_of(answer.text)

    assert answer.status_code == 200
    assert "Failed: it stopped" in text
    assert "insert-disk" in text and "The disk is asked for." in text
    assert "Is it night?" in text
    assert "1 to come" in text and "1 done" in text and "1 failed" in text and "1 waiting" in text
    assert "begun by ann" in text
    assert EVIL not in answer.text and 'style="' not in answer.text and "onclick" not in answer.text


def test_every_step_has_a_page_with_all_that_the_journal_says(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    browser = console.browser("viewer")
    found = session.plan(run)
    for one in found.steps:
        answer = browser.get(f"/runs/{run}/steps/{one.id}")
        assert answer.status_code == 200 and "Macro" not in answer.text and "notice good" not in answer.text
    page = browser.get(f"/runs/{run}/steps/{found.steps[1].id}")

    assert "alert(1)" in page.text and EVIL not in page.text
    assert "Begun" in page.text and "Failed" in page.text and "insert-disk" in page.text


def test_who_answered_is_said_on_the_steps_page(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    session.answer(run, "sure", "yes", "bob", "it is dark")
    page = console.browser("viewer").get(f"/runs/{run}/steps/it/app@-/2/sure")

    assert "yes, says bob (it is dark)" in text_of(page.text)


@pytest.mark.parametrize(
    "path",
    ["/runs/nope", "/runs/{run}/steps/nope", "/runs/nope/steps/x", "/runs/nope/hosts", "/runs/nope/live",
     "/runs/{run}/live?step=nope", "/runs/{run}/steps/../../../etc/passwd", "/runs/%2e%2e/steps/x"],
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_not_there(stood: tuple[Site, Session, str], path: str) -> None:
    console, _, run = stood

    assert console.browser("viewer").get(path.replace("{run}", run)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/runs", "/runs/{run}", "/runs/{run}/hosts", "/runs/{run}/asking", "/runs/{run}/live"]
)
def test_nothing_of_it_is_for_people_who_have_not_signed_in(stood: tuple[Site, Session, str], path: str) -> None:
    console, _, run = stood
    answer = console.browser().get(path.replace("{run}", run))

    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def test_the_list_says_how_runs_stand_without_reading_those_that_have_ended(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    done = plan(step("fresh", host="d"))
    other = session.start(done, "ann", target="twin")
    asyncio.run(session.carry_out(other, "ann", settings=QUICK))
    text = text_of(console.browser("viewer").get("/runs").text)

    assert text.index(other) < text.index(run)
    assert "succeeded" in text and "failed" in text


def test_hosts_are_found_by_name_and_state(stood: tuple[Site, Session, str]) -> None:
    console, _, run = stood
    browser = console.browser("viewer")

    assert "1 host, failed" in text_of(browser.get(f"/runs/{run}/hosts?state=failed").text)
    assert "There are none." in browser.get(f"/runs/{run}/hosts?find=zzz").text
    assert browser.get(f"/runs/{run}/hosts?page=0").status_code == 422
    assert EVIL not in browser.get(f"/runs/{run}/hosts", params={"find": EVIL, "wave": EVIL, "fold": "x"}).text


def test_forms_are_for_whoever_may_answer(stood: tuple[Site, Session, str]) -> None:
    console, _, run = stood
    seen = {role: console.browser(role).get(f"/runs/{run}/asking").text for role in ("viewer", "operator")}

    assert "<form" not in seen["viewer"]
    assert f'action="/runs/{run}/answer"' in seen["operator"]


async def told(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        async for data in stream:
            if b"event: parts" in data:
                line = next(line for line in data.splitlines() if line.startswith(b"data: "))
                return json.loads(line[6:])  # type: ignore[no-any-return]
    raise AssertionError("the stream ended")


def test_a_live_page_is_told_what_the_journal_says_as_it_comes(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood

    async def follow() -> None:
        looking = Looking(console.console, console.app.state.templates, Hub(pace=0.02))
        stream = looking.hub.listen((run, ""), lambda: looking.view(run))
        first = await told(stream)
        assert {"standing", "now", "failed", "back", "story", "marks", "asked"} <= set(first)
        assert first["marks"] == "1:done 2:failed 3:waiting"
        assert EVIL not in json.dumps(first)
        session.answer(run, "sure", "yes", "bob")
        changed = await told(stream)
        while "marks" not in changed:
            changed |= await told(stream)
        assert changed["marks"] == "1:done 2:failed 3:begun"
        assert changed["asked"] != first["asked"]
        assert "answered" in changed["story"]
        await stream.aclose()  # type: ignore[attr-defined]
        assert looking.hub.watched == 0

    asyncio.run(follow())


@pytest.mark.parametrize("how", ["signed out", "disabled"])
def test_whoever_is_signed_out_or_disabled_loses_the_live_page(stood: tuple[Site, Session, str], how: str) -> None:
    console, _, run = stood
    app, accounts = console.app, console.console.accounts
    app.state.looking = Looking(console.console, app.state.templates, Hub(pace=0.02, beat=0.05, check=0.05))
    account = accounts.add("vera", PASSWORD, ["viewer"])
    secret = console.console.sittings.begin(account, ADDRESS)
    sent: list[bytes] = []

    waiting = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if b"event: parts" in sent[-1]:
            if how == "disabled":
                await asyncio.to_thread(accounts.set_enabled, "vera", False)
            else:
                await asyncio.to_thread(console.console.sittings.end, secret)

    async def follow() -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/runs/{run}/live",
            "query_string": b"",
            "http_version": "1.1",
        }
        scope |= {"headers": [(b"host", b"127.0.0.1"), (b"cookie", f"{SITTING}={secret}".encode())]}
        scope |= {"client": (ADDRESS, 1), "server": ("127.0.0.1", 8417), "scheme": "http", "root_path": ""}
        async with asyncio.timeout(20):
            await app({**scope, "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(follow())
    assert b"event: over\ndata: {}\n\n" in sent


def test_nothing_that_is_sent_to_all_belongs_to_one(stood: tuple[Site, Session, str]) -> None:
    """No token, no form, no name of whoever looks."""
    console, _, run = stood
    looking = Looking(console.console, console.app.state.templates, Hub())
    frame = looking.view(run).look()

    assert not any(word in text for text in frame.parts.values() for word in ("<form", "csrf", "viewer", "<input"))


def test_an_interrupted_run_is_called_so(tmp_path: Path) -> None:
    with visited(tmp_path, plan(step("one"))) as (console, session, _):
        run = session.start(plan(step("later", host="e")), "ann", target="twin")
        page = console.browser("viewer").get(f"/runs/{run}")
        listed = console.browser("viewer").get("/runs")

    assert "Interrupted: no process on this machine carries it on." in page.text
    assert "interrupted" in listed.text and "nobody carries it on" in listed.text


def test_what_is_under_way_is_told_with_its_host_its_times_and_what_the_host_says(tmp_path: Path) -> None:
    slow, late = step("slow", host="s1", takes=3600.0), step("late", host="s2", takes=0.001)
    with visited(tmp_path, plan(step("one"))) as (console, session, _):
        run = session.start(plan(slow, late), "ann", target="hosts")
        with session.journal.store.hold(run, "the run"):
            heads, _taken = session.journal.take(run, ["s1", "s2"], {"who": "ann"})
            begun = [(one.host or "", Entry("begun", one.id, 1, {"before": {}, "late": {}})) for one in (slow, late)]
            events = asyncio.run(session.journal.append(run, heads, begun))
            folder = session.home.transcripts(run)
            folder.mkdir(parents=True)
            said = {"text": f"half way {EVIL}\n"}
            line = {
                "ask": "execute",
                "at": events[0].at,
                "argv": ["setup.exe"],
                "outcome": "exited",
                "code": 0,
                "out": said,
            }
            (folder / "s1.jsonl").write_text(json.dumps(line) + "\n")
            browser = console.browser("viewer")
            html = browser.get(f"/runs/{run}").text
            own = browser.get(f"/runs/{run}/steps/{slow.id}").text
        text = text_of(html)

    assert "Running." in text and "2 at work" in text
    assert text.index("s2 late") < text.index("s1 slow")  # what is overdue comes first
    assert text.count("expected until") == 2 and text.count("overdue") == 1
    for page in (html, own):
        assert "setup.exe" in page and "half way &lt;script&gt;" in page and EVIL not in page


def test_what_hosts_of_workers_say_comes_from_their_store_as_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "listeners", lambda _: 1)
    slow = step("slow", host="s1")
    with visited(tmp_path, plan(step("one"))) as (console, session, _):
        run = session.start(plan(slow), "ann", target="twin", workers=True)
        put = putting(session.journal.store, run)
        put({"s1": Said("2020", AT_WORK, "", ("of an earlier step",), True)}, (), "")
        heads, _taken = session.journal.take(run, ["s1"], {"who": "ann"})
        begun = Entry("begun", slow.id, 1, {"before": {}, "late": {}})
        (event,) = asyncio.run(session.journal.append(run, heads, [("s1", begun)]))
        view = Looking(console.console, console.app.state.templates, Hub()).view(run)
        seen = [view.look().parts["now"]]
        for word in ("one", "two"):
            put({"s1": Said(event.at, AT_WORK, "", (f"line {word} {EVIL}",), True)}, (), "")
            event = replace(event, at=stamp(moment(event.at) + timedelta(seconds=1)))
            seen.append(view.look().parts["now"])
        own = console.browser("viewer").get(f"/runs/{run}/steps/{slow.id}").text

    assert ["line" in one for one in seen] == [False, True, True] and "earlier" not in "".join(seen)
    assert "line one" in seen[1] and "line two" in seen[2] and "line two" in own
    assert EVIL not in "".join(seen) + own


def test_a_page_without_scripts_reads_itself_again_until_the_run_is_over(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    refresh = '<noscript><meta http-equiv="refresh"'
    other = session.start(plan(step("fresh", host="d")), "ann", target="twin")
    asyncio.run(session.carry_out(other, "ann", settings=QUICK))
    browser: Browser = console.browser("viewer")

    assert refresh in browser.get(f"/runs/{run}").text
    assert refresh not in browser.get(f"/runs/{other}").text
    assert "Load again" in browser.get(f"/runs/{run}").text


def test_a_plan_says_what_it_does_and_why(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    made = session.plan(run)
    browser = console.browser("viewer")
    page = text_of(browser.get(f"/plans/{made.digest}").text)
    assert "4 steps on 3 hosts" in page and "No point of no return" in page
    for one in made.steps:
        told_ = browser.get(f"/plans/{made.digest}/steps/{one.id}")
        assert told_.status_code == 200 and "Why it stands here" in told_.text and "By hand" in told_.text
    assert browser.get(f"/plans/{made.digest}/steps/nope").status_code == 404
    assert browser.get(f"/plans/{made.digest}/hosts?find=a").status_code == 200
    assert browser.get("/plans/sha256:0/hosts").status_code == 404


def test_the_end_of_a_transcript_is_what_the_host_said_since_the_step_began(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        {"ask": "execute", "at": "2026-11-20T21:00:00.000000Z", "argv": ["old"], "outcome": "exited", "code": 0},
        {"ask": "read", "at": "2026-11-20T22:00:01.000000Z", "path": "x", "outcome": "read", "size": 3},
        {"ask": "execute", "at": "2026-11-20T22:00:02.000000Z", "argv": ["sc", "stop", "x"], "outcome": "exited",
         "code": 5, "out": {"text": "no\r\nright\r\n"}, "err": {"text": "denied"}},
        *({"ask": "execute", "at": f"2026-11-20T22:00:{10 + number}.000000Z", "outcome": "exited", "code": 0,
           "argv": ["sh", "-c", "...", "poll", "job", "4096"], "out": {"text": f"running\nline {number}\n"}}
          for number in range(3)),
    ]  # fmt: skip
    path.write_text("".join(json.dumps(one) + "\n" for one in lines) + '{"half')
    stop, job = said_since(path, "2026-11-20T22:00:00.000000Z")

    assert (stop.asked, stop.outcome, stop.lines) == ("sc stop x", "exit code 5", ("no", "right", "denied"))
    assert job.job and job.lines == ("line 2",)
    assert said_since(tmp_path / "none.jsonl", "") == ()


def test_a_way_back_and_its_run_lead_to_each_other(stood: tuple[Site, Session, str]) -> None:
    console, session, run = stood
    back = freeze(replace(plan(step("undo")), goes_back=GoesBack(run, session.plan(run).digest)))
    document = canonical(plan_to_json(back))
    other = session.journal.create("contoso", back.digest, document, "hosts", "ann", {"goes_back": run})
    session.journal.add(run, PEOPLE_LANE, Entry("going-back", data={"by": other, "who": "ann"}))
    browser = console.browser("viewer")
    assert f'href="/runs/{other}"' in browser.get(f"/runs/{run}").text
    assert f'href="/runs/{run}"' in browser.get(f"/runs/{other}").text

    session.journal.add(run, PEOPLE_LANE, Entry("taken-back", data={"by": other}))
    page = text_of(browser.get(f"/runs/{run}").text)
    assert "Rolled back." in page and f"It was taken back by {other}" in page
