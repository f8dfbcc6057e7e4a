"""`make bench`: slipway and its peers, measured side by side in one run, on practice hosts of this machine."""
