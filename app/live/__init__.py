"""Live pages over Socket.IO."""
