//! A virtual device: runs a firmware file on this machine.
