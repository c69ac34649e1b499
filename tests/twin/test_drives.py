"""Drive letters: SUBST and its logon sessions, mounted media, restarts."""

from __future__ import annotations

from tests.support.twins import SP2, SP3, Console, a_twin, an_estate, done


def test_a_letter_made_in_one_session_is_unseen_in_another() -> None:
    twin = a_twin()
    mine, theirs = Console(twin), Console(twin)
    assert mine("subst", "E:", "C:\\Windows").code == 0

    assert mine("subst").text == "E:\\: => C:\\Windows\r\n"
    assert mine("cmd", "/c", "dir", "E:\\").code == 0
    assert theirs("subst").text == ""
    assert theirs("cmd", "/c", "dir", "E:\\").code == 1


def test_a_letter_made_in_a_session_is_unseen_by_a_task_of_the_system() -> None:
    console = Console(a_twin())
    console("subst", "E:", "C:\\Windows")
    console.as_system('dir E:\\ > "C:\\out.txt" 2>&1')

    assert b"cannot find the path" in console.read("C:\\out.txt")


def test_a_letter_made_by_the_system_is_seen_everywhere_and_taken_away_only_by_it() -> None:
    twin = a_twin()
    one, other = Console(twin), Console(twin)
    one.as_system("subst E: C:\\Windows")

    assert other("subst").text == "E:\\: => C:\\Windows\r\n"
    assert other("subst", "E:", "/D").code == 1
    assert other("subst", "E:", "C:\\Windows").text == "Drive already SUBSTed\r\n"
    one.as_system("subst E: /D")
    assert other("subst").text == ""


def test_a_restart_ends_every_letter_and_takes_images_out() -> None:
    console = Console(a_twin())
    console("subst", "X:", "C:\\Windows")
    console.as_system("subst Y: C:\\Windows")
    console.script("mount-image", SP2)

    console("shutdown", "/r", "/t", "0")
    assert console("subst").text == ""
    assert console.script("mounted-media").text == ""
    assert console("cmd", "/c", "dir", "X:\\").code == 1


def test_logging_off_ends_the_letters_of_that_session() -> None:
    console = Console(a_twin())
    console("subst", "E:", "C:\\Windows")
    done(console.host.close())

    assert console("subst").text == ""
    assert [one.kind for one in console.twin.effects()] == ["drive", "drive"]


def test_a_letter_that_is_a_volume_or_leads_nowhere_is_refused() -> None:
    console = Console(a_twin())

    assert console("subst", "C:", "C:\\Windows").code == 1
    assert console("subst", "E:", "C:\\nowhere").text == "Path not found - C:\\nowhere\r\n"
    assert console("subst", "E").code == 1


def test_a_letter_may_lead_through_another() -> None:
    console = Console(a_twin())
    console("subst", "X:", "C:\\Windows")
    console("subst", "Y:", "X:\\System32")

    assert console("cmd", "/c", "cd", "/d", "Y:\\").code == 0


def test_a_mounted_image_takes_the_next_letter_and_its_label_and_cannot_be_written() -> None:
    console = Console(a_twin())
    assert console.script("mount-image", SP2).code == 0
    assert console.script("mount-image", SP3).code == 0

    assert console.script("mounted-media").text == f"E:|MIM_SP2|{SP2}\r\nF:|MIM_SP3|{SP3}\r\n"
    assert console.line("vol E:").text.startswith(" Volume in drive E is MIM_SP2")
    assert console("cmd", "/c", "copy", "/y", "nul", "E:\\probe").code == 1
    assert console("cmd", "/c", "mkdir", "E:\\folder").code == 1


def test_mounting_twice_and_taking_out_twice_changes_nothing_more() -> None:
    console = Console(a_twin())
    for _ in range(2):
        console.script("mount-image", SP2)
    for _ in range(2):
        console.script("dismount-image", SP2)

    assert [one.kind for one in console.twin.effects()] == ["media", "media"]


def test_media_that_the_estate_says_are_mounted_are_mounted() -> None:
    console = Console(a_twin(an_estate(host_facts={"mounted_media": ["sp2-iso"]})))

    assert console.script("mounted-media").text == f"E:|MIM_SP2|{SP2}\r\n"
    assert console.twin.effects() == []


def test_what_is_no_image_cannot_be_mounted() -> None:
    console = Console(a_twin())

    assert console.script("mount-image", "C:\\Media\\hotfix.msp").code == 1
    assert console.script("mount-image", "C:\\nothing.iso").code == 3


def test_administrative_shares_lead_to_other_hosts() -> None:
    console = Console(a_twin())

    assert console("cmd", "/c", "mkdir", "\\\\sql01\\C$\\backups").code == 0
    assert Console(console.twin, "sql01")("cmd", "/c", "dir", "C:\\backups").code == 0
    assert console("cmd", "/c", "dir", "\\\\nobody\\C$\\").code == 1
