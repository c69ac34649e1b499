"""Windows hosts over WinRM, quick to lose patience, at endpoints of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.support.winrm_endpoint import Endpoint

from handrail.hosts.winrm import WinrmHost
from handrail.hosts.winrm_line import Patience
from handrail.model.estate import Connect

QUICK = Patience(connect=1.0, answer=0.5, poll=0.5, grace=0.5, busy=0.4, ending=0.5)
CALM = Patience(connect=5.0, answer=10.0, poll=0.5, grace=5.0, busy=0.4, ending=0.5)
"""For a machine that has much to do."""


def connect_to(endpoint: Endpoint, **more: Any) -> Connect:
    """How an estate would say it."""
    made = Connect(
        "winrm",
        address="127.0.0.1",
        port=endpoint.port,
        user=endpoint.user,
        password="env:LAB",
        auth=endpoint.auth,
        tls=endpoint.papers is not None,
    )
    if endpoint.papers is not None:
        made = replace(made, ca=str(endpoint.papers.ca))
    if endpoint.papers is not None and endpoint.auth == "certificate":
        papers = endpoint.papers
        made = replace(made, user=None, password=None, certificate=str(papers.client), key=str(papers.client_key))
    return replace(made, **more)


@asynccontextmanager
async def host_at(
    endpoint: Endpoint, patience: Patience = CALM, password: str | None = None, **more: Any
) -> AsyncIterator[WinrmHost]:
    """`more` are fields of `connect`."""
    secret = endpoint.password if password is None else password
    host = WinrmHost("sync01", connect_to(endpoint, **more), lambda _: secret, patience=patience)
    try:
        yield host
    finally:
        await host.close()
