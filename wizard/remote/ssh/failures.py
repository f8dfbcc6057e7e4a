"""What went wrong on the way to a host, in words a person can act on."""

from __future__ import annotations

import errno
import socket

from wizard.remote.base import Command, LoginRefused, RemoteError, Result, SudoRefused, Target, TimedOut, Unreachable
from wizard.remote.ssh.library import asyncssh


def place(target: Target) -> str:
    """Return where a target is: user, address, port and the way there."""
    through = " via " + ", ".join(hop.address for hop in target.via) if target.via else ""
    return f"{target.user}@{target.address} port {target.port}{through}"


def unreachable(target: Target, error: BaseException) -> RemoteError:
    """Return why `target` can't be reached, for an error of the network or of the SSH protocol."""
    why, hint = _reason(target, error)
    return Unreachable("Can't reach the host", where=target.name, why=f"{place(target)}: {why}", hint=hint)


def _reason(target: Target, error: BaseException) -> tuple[str, str]:
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).strip()
    if isinstance(error, asyncssh.ChannelOpenError):
        if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            hint = "Allow it in sshd_config there: AllowTcpForwarding yes (or local); see PermitOpen too."
            return f"the jump host may not forward ({text})", hint
        hint = "Check that the jump host reaches this address and port, and that sshd runs there."
        return f"the jump host doesn't get there ({text})", hint
    if isinstance(error, socket.gaierror):
        return "the name has no address", "Check the spelling, or use an IP address; a closed site often has no DNS."
    if number == errno.ECONNREFUSED or "refused" in text.lower():
        return (
            "connection refused: the machine answers and nothing listens there",
            "Check the port, and that sshd runs: systemctl status ssh (or sshd) on the host's console.",
        )
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH) or "no route" in text.lower():
        return "no route to the host", "Check address, cable, power, and that this machine is in the right network."
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        return (
            f"no answer within {target.connect_timeout:g} s",
            "Check address and power; a firewall that drops packets looks the same.",
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return f"no common algorithm ({text})", "Update sshd on the host, or allow aes128-gcm and curve25519 there."
    if isinstance(error, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported):
        return f"what answers there speaks no proper SSH ({text})", "Check the port: another service may listen there."
    if isinstance(error, asyncssh.ConnectionLost) or number in (errno.ECONNRESET, errno.EPIPE):
        return (
            f"the connection was closed ({text or 'reset'})",
            "Look at the host: journalctl -u ssh; MaxStartups or a full disk can do this.",
        )
    return text or type(error).__name__, "Try ssh by hand from this machine with the same user and key."


def unanswered(target: Target, seconds: float) -> RemoteError:
    """Return the error for a machine that takes the connection and then doesn't let the login finish."""
    return Unreachable(
        "The login takes too long",
        where=target.name,
        why=f"{place(target)}: the port is open, and the login was not done after {seconds:g} s",
        hint="Look at the host's load; sshd also waits for DNS (UseDNS no) and for a directory service that is down.",
    )


def lost(target: Target, error: BaseException | None) -> RemoteError:
    """Return the error for a connection that broke after it stood."""
    text = str(error) if error else "closed by the host"
    why = "it answered nothing for 15 s" if "keepalive" in text else text
    return Unreachable(
        "Lost the connection to the host",
        where=target.name,
        why=f"{place(target)}: {why}",
        hint="If the host has power and network, try again: what was done is found and not done twice.",
    )


def no_session(target: Target, error: BaseException) -> RemoteError:
    """Return the error for a host that lets us log in and runs nothing."""
    return RemoteError(
        "The host runs no command for this login",
        where=target.name,
        why=f"{place(target)}: {error}",
        hint="Look for MaxSessions 0, ForceCommand or a restricted key in sshd_config and authorized_keys.",
    )


def not_run(target: Target, said: str, status: int) -> RemoteError:
    """Return the error for a login whose shell ended with `status` before the command ran; `said` is its last word."""
    return RemoteError(
        "The host didn't run the command",
        where=target.name,
        why=f"{place(target)}: the login shell ended with {status}" + (f", saying: {said[-300:]}" if said else ""),
        hint="Look at that user's login shell (nologin?) and its start files; env, timeout and sh must be there.",
    )


def too_slow(target: Target, command: Command, said: Result, how: str) -> RemoteError:
    """Return the error for a command whose time was up; `how` tells what became of it."""
    return TimedOut(
        "The command took too long",
        where=target.name,
        why=f"it had {command.timeout:g} s; {how}",
        hint="Look at the host's load and disk, then try again.",
        details="" if command.secret else said.complaint,
    )


def refused(target: Target, tried: list[str]) -> RemoteError:
    """Return the error for a login that was refused; `tried` names the methods offered in order."""
    key = str(target.key_file) if target.key_file else "the usual ones"
    return LoginRefused(
        "The host refuses the login",
        where=target.name,
        why=f"{place(target)}; tried: {', '.join(tried) or 'nothing the host accepts'}",
        hint=f"Check the user ({target.user}) and the key ({key}). The public key belongs into "
        f"~{target.user}/.ssh/authorized_keys; root may need PermitRootLogin prohibit-password.",
    )


SUDO_HINTS = (
    ("not in the sudoers file", "the user is not in sudoers", "Add the user to the sudo or wheel group on the host."),
    ("not allowed", "sudo allows this user too little", "Slipway needs ALL in sudoers: USER ALL=(ALL:ALL) ALL."),
    ("may not run sudo", "the user may not run sudo here", "Add the user to the sudo or wheel group on the host."),
    ("must have a tty", "sudoers has requiretty", "Add to sudoers: Defaults:USER !requiretty"),
    ("no new privileges", "the login runs with no_new_privs", "Look for NoNewPrivileges in sshd's unit or container."),
    ("command not found", "sudo is not installed", "Log in as root, or install sudo on the host."),
    ("No such file", "sudo is not installed", "Log in as root, or install sudo on the host."),
    ("password is required", "sudo needs a password", "Give the sudo password."),
    ("account", "the account is locked or expired", "Look at it on the host: chage -l USER; passwd -S USER."),
)


def sudo_refused(target: Target, said: str) -> RemoteError:
    """Return the error for what sudo `said` instead of running the command."""
    for words, why, hint in SUDO_HINTS:
        if words in said:
            return _sudo(target, why, hint.replace("USER", target.user), said)
    return _sudo(target, "sudo ended without running the command", "Try sudo -v on the host by hand.", said)


def sudo_wrong_password(target: Target) -> RemoteError:
    """Return the error for a sudo password that the host doesn't take."""
    return _sudo(target, "the sudo password is wrong", f"Give the password of {target.user} on this host.", "")


def sudo_needs_password(target: Target) -> RemoteError:
    """Return the error for a sudo that asks for a password nobody gave."""
    return _sudo(
        target,
        "sudo asks for a password and none was given",
        f"Give the password of {target.user}, or allow it without: {target.user} ALL=(ALL:ALL) NOPASSWD: ALL",
        "",
    )


def _sudo(target: Target, why: str, hint: str, said: str) -> RemoteError:
    why = f"{target.user} on {target.address}: {why}"
    return SudoRefused("Can't become root on the host", where=target.name, why=why, hint=hint, details=said)
