"""What follows a commit: deliveries, effects, reconciliation."""
