//! The local home: the whole product in one process on loopback.
