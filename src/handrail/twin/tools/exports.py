"""Tools that write down what a synchronization service holds: `csexport` (connector spaces) and `svrexport`.

Exit codes other than 0 are ours: what the real tools answer is not documented.
"""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin import paths
from handrail.twin.declarations import ToolBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, databases, files, spaces
from handrail.twin.things import Database, Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say


def connector_space(machine: Machine, tool: ToolBits, program: str, arguments: Sequence[str]) -> Reply:
    """`AGENT FILE`: the whole connector space; its options for parts of it are not modelled."""
    if len(arguments) != 2 or any(one.startswith("/") for one in arguments):
        raise not_rehearsed(program, arguments)
    database = _database(machine, tool)
    if database is None:
        return complain(1, "Unable to connect to the synchronization service.")
    agent, path = arguments[0], machine.path(arguments[1])
    if agent not in spaces.agents(database):
        return complain(1, f"Unable to find the management agent {agent}.")
    if not _put(machine, path, spaces.export(database, agent, machine.stamp() + path)):
        return complain(1, "The file cannot be written.")
    machine.did("export", f"connector space of {agent} exported to {path}")
    return say(0, f"Exported the connector space of {agent}.")


def configuration(machine: Machine, tool: ToolBits, program: str, arguments: Sequence[str]) -> Reply:
    """`FOLDER`, which must be empty or new."""
    if len(arguments) != 1 or arguments[0].startswith("/"):
        raise not_rehearsed(program, arguments)
    database, folder = _database(machine, tool), machine.path(arguments[0])
    if database is None:
        return complain(1, "Unable to connect to the synchronization service.")
    if files.below(machine, folder) or not (files.is_folder(machine, folder) or files.make_folder(machine, folder)):
        return complain(1, "The folder is not empty, or cannot be made.")
    for name, text in spaces.configuration(database, machine.name, machine.stamp()).items():
        if not _put(machine, paths.join(folder, name), text):
            return complain(1, "The file cannot be written.")
    machine.did("export", f"configuration exported to {folder}")
    return say(0, "Exported the configuration.")


def _database(machine: Machine, tool: ToolBits) -> Database | None:
    """What the tool's component holds, as long as its services run."""
    component = machine.components().get(tool.component)
    if component is None:
        return None
    wanted = [machine.get(Service, one.name) for one in components.bits_of(machine, component).services]
    if any(one is None or one.state != "RUNNING" for one in wanted):
        return None
    found = databases.of_component(machine, component)
    return found[1] if found else None


def _put(machine: Machine, path: str, text: str) -> bool:
    if not files.writable(machine, path):
        return False
    files.write(machine, path, files.of_bytes(path, text.encode(), machine.stamp()))
    return True
