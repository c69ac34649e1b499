"""Long commands of actions: started on the host as a job under the receipt's name, so that nothing is begun twice."""

from __future__ import annotations

from dataclasses import replace

from handrail.actions.base import Undetermined
from handrail.actions.protocol import Receipt
from handrail.hosts import detached
from handrail.hosts.jobs import JobState
from handrail.hosts.protocol import Command, Host


async def carry_out(host: Host, receipt: Receipt, command: Command) -> JobState:
    """Start the job of this attempt, or find it, and wait for its end; the state is always `exited`.

    Raises `Undetermined` when it is still running after the command's timeout or is gone without an exit code.
    """
    await _earlier_attempts(host, receipt, command)
    state = await detached.run(host, receipt.name, command, command.timeout)
    return _ended(host, state, command.argv[0])


async def ended(host: Host, receipt: Receipt, command: Command) -> JobState | None:
    """The job of this attempt once it has ended; None when it was never started or left no exit code.

    A job that still runs is waited for: looking at what it changes meanwhile would say nothing.
    """
    state = await detached.poll(host, receipt.name)
    if state.state == "running":
        state = await detached.run(host, receipt.name, command, command.timeout)
    if state.state == "running":
        raise Undetermined(f"{command.argv[0]} still runs on {host.name}")
    return state if state.state == "exited" else None


async def _earlier_attempts(host: Host, receipt: Receipt, command: Command) -> None:
    """Nothing is begun beside a job that an earlier attempt left running."""
    for attempt in range(1, receipt.attempt):
        await ended(host, replace(receipt, attempt=attempt), command)


def _ended(host: Host, state: JobState, tool: str) -> JobState:
    if state.state == "running":
        raise Undetermined(f"{tool} still runs on {host.name}")
    if state.state != "exited":
        raise Undetermined(f"{tool} on {host.name} is gone and left no exit code: it, or the machine, was stopped")
    return state
