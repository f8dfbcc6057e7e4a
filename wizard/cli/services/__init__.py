"""What the wizard's screens ask of the world, for real: `RealServices` implements `wizard.ui.services.Services`."""

from wizard.cli.services.real import RealServices

__all__ = ["RealServices"]
