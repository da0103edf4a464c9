//! The product checked from outside.
