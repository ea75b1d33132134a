"""Where the runs of a campaign are made: by processes here, or by the workers of a cluster."""
