"""What a plan watches, as other tools watch it: Prometheus alert rules and Alertmanager routes."""
