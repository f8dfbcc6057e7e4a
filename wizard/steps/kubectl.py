"""Asking the API by kubectl on a master: the words for it, and how a look makes sure that there is one to ask."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.render.places import BALANCER_HEALTH_PORT, LOCAL_API

_SUPER_ADMIN = "/etc/kubernetes/super-admin.conf"
READY = f"curl -skf -m 2 -o /dev/null {LOCAL_API}/readyz"
"""Succeeds where an apiserver answers through the local haproxy and is ready."""
_SOME = f"curl -sf -m 2 -o /dev/null http://127.0.0.1:{BALANCER_HEALTH_PORT}/"
"""Succeeds where the local haproxy has an apiserver to pass requests on to: it knows, and no handshake is needed."""


def kubectl(server: str) -> str:
    """Return kubectl's words on a master, asking the API at `server`.

    Its cache lies where a look may write: root's own ~/.kube is the person's.
    """
    return (
        f"kubectl --kubeconfig {_SUPER_ADMIN} --server {server} --cache-dir /run/slipway/kubectl --request-timeout=15s"
    )


KUBECTL = kubectl(LOCAL_API)
"""Through the local haproxy, so that any apiserver may answer: the host's own may be the last to come up."""


def turned(masters: Sequence[str], by: int) -> tuple[str, ...]:
    """Return the same masters, beginning `by` places later: what asks the API is spread over those who can ask.

    All looks at a host are one command, one after the other there: the first master's would take longest by far.
    """
    start = by % len(masters)
    return (*masters[start:], *masters[:start])


def where_it_answers(look: str) -> str:
    """Return shell lines that take `look`, which asks by `KUBECTL`, where there is an apiserver; else they fail.

    kubectl goes on asking for minutes where haproxy has no apiserver, and the look at everything else with it. Three
    tries bear with a moment's gap; where there is nothing to ask with, as on a bare host, none is made.
    """
    return f"""ready=
for try in 1 2 3; do
  [ -e {_SUPER_ADMIN} ] || break
  if {_SOME}; then ready=yes; break; fi
  sleep 0.5
done
if [ -n "$ready" ]; then
{look.rstrip()}
else false; fi
"""
