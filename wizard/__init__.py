"""slipway: bare machines become a highly available Kubernetes, proven."""

__version__ = "0.1.0"
