"""Asking the API by kubectl on a master: the words for it, how a look makes sure that there is one to ask, and how it
is asked again where it broke off.
"""

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


PATIENCE = 30
"""For how long the API is asked again where it breaks off, in seconds: an apiserver comes up anew in less, also where
it is the only one."""
_BROKE_OFF = (
    "*EOF*|*'nable to connect to the server'*|*'connection refused'*|*'connection reset'*|*'connection timed out'*"
    "|*'broken pipe'*|*'was refused - did you'*|*'connection lost'*|*GOAWAY*|*'TLS handshake timeout'*|*'i/o timeout'*"
    "|*'no route to host'*|*'Client.Timeout exceeded'*|*'context deadline exceeded'*|*'etcdserver: request timed out'*"
    "|*etcdserver:*leader*|*'etcdserver: server stopped'*|*'etcdserver: too many requests'*|*'code = Unavailable'*"
    "|*'currently unable to handle'*|*'in the time allotted'*|*'please try again'*|*'apiserver not ready'*"
    "|*'apiserver is shutting down'*"
)
"""What kubectl says where the API broke off or has no leader, as shell patterns.

None of it is a refusal (NotFound, Forbidden, Invalid, Conflict, a disruption budget). ``was refused`` is what kubectl
makes of a connection refused (``StandardErrorMessage`` in kubectl's cmd/util/helpers.go); the last ones are the API's
own (``NewServerTimeout``, ``NewTimeoutError``, ``NewGenericServerResponse`` in apimachinery's api/errors).
"""
AGAIN = f"""
again() (
  set +e
  read -r now rest </proc/uptime; left=$1; end=$((${{now%.*}}+left)); shift
  exec 4>&1
  while :; do
    said=$({{ out=$("$@" 2>&3 4>&-); got=$?
      [ $got != 0 ] || [ -z "$out" ] || printf '%s\\n' "$out" >&4
      exit $got; }} 3>&1)
    got=$?
    read -r now rest </proc/uptime; left=$((end-${{now%.*}}))
    case "$got $said" in
    0*|*x509:*) break;;
    {_BROKE_OFF}) [ $left -gt 0 ] || break;;
    *) break;;
    esac
    sleep 1
  done
  [ -z "$said" ] || printf '%s\\n' "$said" >&2
  exit $got
)
"""
"""The shell function ``again SECONDS COMMAND…``: runs kubectl, or a function of the script that does, and again each
second where the API broke off, for so long. What it printed is the last try's, and so is its exit status.

An apiserver that comes up, haproxy that sees another one go, and etcd while its leader moves end connections at any
time. The command must bear being run twice, and reads no stdin but its own; what it has left of the seconds is in
``$left``.
"""


def asked_again(command: str, seconds: int = PATIENCE) -> str:
    """Return shell lines that run kubectl's `command` as ``again`` does; its output is not wanted, and a heredoc in it
    is read anew by each try.
    """
    return f"{AGAIN}asked() {{\n{command.rstrip()}\n}}\nagain {seconds} asked >/dev/null\n"


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
