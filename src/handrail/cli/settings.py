"""What the command line takes from the process: the home folder, and who is asking. Nothing else reads these."""

from __future__ import annotations

import os

from handrail.running.home import Home


def home() -> Home:
    """`HANDRAIL_HOME`, otherwise the platform's usual data folder. It is made when something is put into it."""
    return Home.find(os.environ)


def who() -> str:
    """The operating system's user: who they are to the system, not what a variable says."""
    try:
        import pwd
    except ImportError:  # Windows
        import getpass

        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
