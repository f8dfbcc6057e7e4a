"""SSH by asyncssh: the only room that imports it, and only when the first connection is opened."""

from wizard.remote.ssh.connector import SshConnector
from wizard.remote.ssh.settings import settings_of

__all__ = ["SshConnector", "settings_of"]
