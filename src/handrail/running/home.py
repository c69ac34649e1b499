"""The home folder: the store, the twins of runs, the identity that opens what was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import BadInput, StoreUnwritable


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that is made when something is first put into it."""

    path: Path

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> Home:
        """`HANDRAIL_HOME` where it is set, otherwise the platform's usual data folder."""
        named = environment.get("HANDRAIL_HOME", "").strip()
        if named:
            return cls(Path(named).expanduser().absolute())
        import platformdirs  # only where it is needed: it costs start-up time

        return cls(Path(platformdirs.user_data_dir("handrail", appauthor=False)))

    @property
    def store_path(self) -> Path:
        return self.path / "store.db"

    @property
    def store(self) -> str:
        """The URL of the store."""
        return f"sqlite:///{self.store_path}"

    @property
    def config(self) -> Path:
        """The configuration of this machine; most homes have none."""
        return self.path / "config.yaml"

    @property
    def custody(self) -> Path:
        """Where the program's own identity lies, which opens what it sealed."""
        return self.path / "custody"

    def refuse_foreign(self) -> None:
        """BadInput when the folder is there, and is plainly none of ours: it was mistyped."""
        try:
            names = {one.name for one in self.path.iterdir()}
        except OSError:
            return  # to be made; or whoever makes it says what is wrong
        if names and not names & {"store.db", "custody", "config.yaml", "twins", "runs", "logs", "console"}:
            raise BadInput(
                f"{self.path} is no home folder of Handrail: it holds other things.", "Name one, or a new folder."
            )

    def twin(self, run: str) -> Path:
        """Where the twin of a run lives."""
        return self.path / "twins" / run

    def transcripts(self, run: str) -> Path:
        """Where it is written down what a run asked of its hosts."""
        return self.path / "runs" / run / "transcripts"

    def make(self) -> Home:
        """Make the folder. StoreUnwritable when that cannot be."""
        make_folder(self.path)
        return self


def make_folder(path: Path) -> None:
    """Make `path`, readable by its owner only. StoreUnwritable when that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file of that name is in the way" if isinstance(error, FileExistsError) else error.strerror
        raise StoreUnwritable(
            f"The folder {path} cannot be made: {reason}.", "Set HANDRAIL_HOME to a folder that you may write to."
        ) from error
