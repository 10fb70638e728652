"""Files beside the chain: alert rules, dashboards, manifests, environments; and an alert that must arrive."""
