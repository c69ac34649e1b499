"""What guides can do on Linux hosts without code of their own: carry out a product's own commands, and secure files."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.actions.linux import commands, trees
from handrail.actions.protocol import Action

ACTIONS: Mapping[str, type[Action]] = {
    "command.check": commands.CheckCommand,
    "command.run": commands.RunCommand,
    "command.undoable": commands.UndoableCommand,
    "tree.backup": trees.BackUpTree,
    "tree.prove": trees.ProveTree,
    "tree.restore": trees.RestoreTree,
}
