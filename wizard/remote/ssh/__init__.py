"""SSH by asyncssh: the only room that imports it, and only when the first connection is opened."""

from wizard.remote.ssh.connector import SshConnector

__all__ = ["SshConnector"]
