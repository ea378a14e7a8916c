//! Tests of the log on disk that need its insides: a simulated disk, and counting what is read.

mod crash;
mod decode;
mod files;
mod sim;
