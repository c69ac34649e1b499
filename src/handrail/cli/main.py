"""The entry point: runs a command and turns whatever happens into output, one clear sentence and an exit code.

Exit codes: 0 done; 1 failed or halted; 2 bad usage or bad input; 3 blocked by findings; 4 waiting for a person; 5 in
doubt. Nothing heavy is imported here, so that an interrupt at any moment meets the handler below.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence

from handrail.cli.output import Output

INTERRUPTED = 130  # what Typer makes of Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `handrail ARGUMENTS` (default: the process's own) and return the exit code."""
    keep_standard_streams()
    if arguments is None:
        seldom_collect()
        end_when_asked()
    output = Output.of_process(os.environ)
    try:
        code = _run(output, arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if arguments is None:
        gc.freeze()
    if code == INTERRUPTED:
        output.complain("handrail: Interrupted.")
        code = 1
    return output.finish(code)


def _run(output: Output, arguments: Sequence[str] | None) -> int:
    try:
        from handrail.cli.app import command

        result = command().main(
            args=None if arguments is None else list(arguments),
            prog_name="handrail",
            standalone_mode=False,
            obj=output,
        )
        return result if isinstance(result, int) else 0
    except SystemExit as leaving:  # Typer leaves this way when standard output is gone
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        from handrail.cli.faults import explain_fault

        return explain_fault(error, output, os.environ)


def seldom_collect() -> None:
    """Look for garbage in circles less often. What we import stays; searching it again and again, and once more at the
    end (hence `gc.freeze`), takes a third of the time of a short command."""
    gc.set_threshold(50_000, 20, 50)


def end_when_asked() -> None:
    """SIGTERM interrupts, as Ctrl-C does. Without a handler nothing would be cleaned up; and the first process of a
    container would ignore it, so that a command that is stopped would go on until it is killed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def keep_standard_streams() -> None:
    """Fill closed descriptors 0 to 2, so that a store opened later never becomes somebody's standard output."""
    while True:
        try:
            opened = os.open(os.devnull, os.O_RDWR)
        except OSError:
            return
        if opened > 2:
            os.close(opened)
            return


if __name__ == "__main__":
    sys.exit(main())
