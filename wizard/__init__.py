"""slipway: bare machines become a highly available Kubernetes, proven."""
