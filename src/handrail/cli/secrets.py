"""`secrets`: can what a plan refers to be looked up here? Answered without showing any of it."""

from __future__ import annotations

from handrail.actions.catalogue import signatures
from handrail.cli.output import Output
from handrail.cli.preflight import is_plan
from handrail.cli.secrecy import secret_store
from handrail.documents.estate import read_estate
from handrail.documents.plan import plan_to_json, read_plan
from handrail.reporting import text
from handrail.reporting.secrets import secrets_document, secrets_page
from handrail.running.chain import canonical
from handrail.running.needed_secrets import look_up, needs_of_estate, needs_of_plan


def secrets(output: Output, file: str, format: str) -> int:
    """0 when all can be used, 1 otherwise."""
    store = secret_store(output)
    if is_plan(file):
        plan = read_plan(file)
        found = look_up(needs_of_plan(plan, signatures()), store.resolve, [canonical(plan_to_json(plan))])
        what = f"the plan of {plan.estate.name}"
    else:
        estate = read_estate(file).estate
        found = look_up(needs_of_estate(estate), store.resolve)
        what = f"the estate {estate.name}"
    if format == "json":
        output.json(secrets_document(found))
    else:
        output.lines(text.render(secrets_page(found, what), width=output.width, colour=output.colour))
    return 1 if any(one.because for one in found) else 0
