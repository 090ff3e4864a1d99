"""The worker: runs the handlers of one pool and commits what they want."""
