"""What a way back costs, at a given state of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.model.finding import Finding
from handrail.restoring.putting_back import Restored


@dataclass(frozen=True, slots=True)
class Cost:
    """`steps` in number; `seconds` altogether, where what is restored takes as long as its backup did, as a guess.
    `restored`: the assets that return to an earlier moment. `lost`: why there is no way back any more; then there is
    no other price."""

    steps: int = 0
    seconds: float = 0.0
    restored: tuple[Restored, ...] = ()
    lost: tuple[Finding, ...] = ()

    @property
    def size(self) -> int | None:
        """Bytes to restore; None when a backup did not say."""
        sizes = [one.size for one in self.restored]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def moment(self) -> str | None:
        """The earliest moment to which anything returns (ISO 8601, UTC); None when nothing is restored."""
        return min((one.moment for one in self.restored if one.moment), default=None)


def cost_to_json(cost: Cost) -> dict[str, Any]:
    """As `status` shows it: `possible`, and then the price, or why not."""
    if cost.lost:
        return {"possible": False, "because": [one.message for one in cost.lost]}
    return {
        "possible": True,
        "steps": cost.steps,
        "seconds": cost.seconds,
        "bytes": cost.size,
        "restores": [{"asset": one.asset, "to": one.moment, "bytes": one.size} for one in cost.restored],
    }


def told(cost: Cost) -> str:
    """The price in two or three sentences, for people."""
    if cost.lost:
        return "There is no way back any more. " + " ".join(one.message for one in cost.lost)
    if not cost.steps:
        return "Nothing has been changed yet: there is nothing to take back."
    text = f"Going back takes about {duration(cost.seconds)}"
    if not cost.restored:
        return f"{text}; nothing has to be restored. What was entered meanwhile is not carried over."
    text += f" and restores {_listed([_asset(one.asset) for one in cost.restored])}"
    text += f" ({_size(cost.size)})." if cost.size else "."
    moment = cost.moment
    if moment:
        several = len({when(one.moment) for one in cost.restored}) > 1
        text += f" They return to {'when each was backed up, from ' if several else ''}{when(moment)}"
        text += f"{' on' if several else ''}: what was entered since then is lost."
    return text


def when(moment: str) -> str:
    """A moment to the minute: `2026-11-20 22:05 UTC`."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _size(count: int | None) -> str:
    size = float(count or 0)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _asset(address: str) -> str:
    subject, hash_, name = address.partition("#")
    return f"{name} of {subject}" if hash_ else address.replace(":", " ", 1)


def _listed(names: list[str], limit: int = 6) -> str:
    unique = list(dict.fromkeys(names))
    if len(unique) > limit:
        return f"{', '.join(unique[:limit])} and {len(unique) - limit} more"
    return " and ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else "".join(unique)
