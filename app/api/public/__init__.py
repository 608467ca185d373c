"""The customers' interface: read only, no login."""
