"""What the person's ``~/.ssh/config`` says for a name, read by asyncssh's own parser."""

from __future__ import annotations

import getpass
from pathlib import Path

from wizard.errors import UsageError
from wizard.remote.targets import Settings


def settings_of(name: str, config: Path | None = None) -> Settings:
    """Return the settings for host `name` from `config` (``~/.ssh/config`` by default); a missing file says nothing.

    Raises `UsageError` when the file can't be understood.
    """
    path = config or Path.home() / ".ssh" / "config"
    if not path.is_file():
        return Settings()
    from wizard.remote.ssh.library import SSHClientConfig  # asyncssh takes a while to import

    try:
        found = SSHClientConfig.load(None, [path], False, False, False, getpass.getuser(), (), name, ())
    except (OSError, ValueError) as error:
        raise UsageError(
            "The SSH settings can't be read",
            where=str(path),
            why=str(error),
            hint="Mend the line, or move the file away.",
        ) from None
    user, port, files = found.get("User"), found.get("Port"), found.get("IdentityFile")
    jump, command = str(found.get("ProxyJump") or "none"), str(found.get("ProxyCommand") or "none")
    return Settings(
        host_name=str(found.get("Hostname") or ""),
        user=str(user) if user else None,
        port=int(str(port)) if port else None,
        key_files=tuple(Path(str(file)).expanduser() for file in files) if isinstance(files, list) else (),
        jump=() if jump == "none" else tuple(hop.strip() for hop in jump.split(",") if hop.strip()),
        proxy_command="" if command == "none" else command,
    )
