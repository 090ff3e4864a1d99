"""The network server without any I/O: time is an argument, frames are messages."""
