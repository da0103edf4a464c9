//! A virtual device: the firmware that real hardware runs, compiled for this machine at run time.
//!
//! The firmware is a process of its own. Everything that a device has around its firmware is here: clock, button, power,
//! connection, serial port. In reading order:
//!
//! - [`platform`]: which hardware it pretends to be
//! - [`compiler`]: from source files to a program, with the compiler found here
//! - [`limits`] and [`sandbox`]: what that program may do
//! - [`wire`] and [`process`]: the program, driven over a pipe
//! - [`config`] and [`device`]: all of it together, with a real clock
//! - [`attach`] and [`console`]: for the program that runs one in a terminal
//!
//! The header that the firmware is compiled against, and what it leaves out, is `device-os/Particle.h`.

pub mod attach;
mod binary_store;
pub mod compiler;
pub mod config;
pub mod console;
pub mod device;
pub mod limits;
pub mod platform;
mod power_source;
pub mod process;
mod programs;
mod restarts;
mod running;
pub mod sandbox;
mod serial;
mod sketch;
mod supervisor;
pub mod wire;
