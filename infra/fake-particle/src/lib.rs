//! A working stand-in for the parts of the Particle cloud that webhooks need.
