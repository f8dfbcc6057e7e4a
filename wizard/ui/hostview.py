"""The hosts in words and signs: pure functions that the hosts screen draws with."""

from __future__ import annotations

from textual.content import Content

from wizard.profile.rules import check_field
from wizard.ui.draft import Draft, HostDraft
from wizard.ui.services import HostLook
from wizard.ui.words import BAD, BUSY, IDLE, OK, cut, host_line

NAMED = 3
"""So many hosts of a zone are named; of more, only the number is said."""


def connection(look: HostLook | None) -> Content:
    """Return what is known of the way to a host."""
    if look is None:
        return Content.styled(f"{IDLE} not tested", "$quiet")
    if look.error is not None:
        return Content.styled(f"{BAD} {look.error.title}", "$error")
    if look.facts is not None:
        return Content.assemble(Content.styled(OK, "$success"), " ", host_line(look.facts))
    return Content.styled(f"{BUSY} connecting", "$accent")


def login_words(draft: Draft, width: int) -> Content:
    """Return the shared login in one line of at most `width` columns."""
    user = draft.text("ssh.user") or "root unless ~/.ssh/config says otherwise"
    parts = [f"Login  {user}"]
    parts += [f"port {draft.text('ssh.port')}"] if draft.text("ssh.port") else []
    parts += [f"key {draft.text('ssh.key')}"] if draft.text("ssh.key") else []
    parts += [f"through {draft.text('ssh.via')}"] if draft.text("ssh.via") else []
    hint = "   l changes it"
    return Content.assemble(cut(", ".join(parts), max(20, width - len(hint))), Content.styled(hint, "$quiet"))


def zone_words(draft: Draft, width: int) -> Content:
    """Return the zones with their hosts in one line of at most `width` columns."""
    parts: list[str] = []
    for zone in (*zones_of(draft), ""):
        names = [host.name for host in draft.hosts if zone_of(host) == zone]
        if names:
            parts.append(f"{zone or 'in none'}: {' '.join(names) if len(names) <= NAMED else len(names)}")
    words = ", ".join(parts) if zones_of(draft) else "none named: what fails together isn't known"
    hint = "   z sets a host's" if draft.hosts else ""
    return Content.assemble(f"Zones  {cut(words, max(20, width - len(hint) - 7))}", Content.styled(hint, "$quiet"))


def zone_of(host: HostDraft) -> str:
    """Return the zone of a host as typed."""
    return host.text("zone").strip()


def zones_of(draft: Draft) -> list[str]:
    """Return the zones that hosts are in."""
    return sorted({zone_of(host) for host in draft.hosts} - {""})


def zone_problem(text: str) -> str:
    """Return what the rules have against a zone of that name, or nothing."""
    problem = check_field("hosts[0].zone", text)
    return f"{problem.message} {problem.hint}".rstrip() if problem else ""
