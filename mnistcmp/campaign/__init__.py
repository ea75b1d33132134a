"""Many training runs: plan, train on several processes, record, continue, verify, measure."""
