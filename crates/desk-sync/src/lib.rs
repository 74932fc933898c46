//! Sync without I/O: the wire format that client and server share, and the client's engine as a state machine.
//!
//! Invariants: nothing here waits, reads a clock or opens a socket; a batch is decoded only after its frame,
//! its length and its checksum hold; the engine never asks for a push and a pull at once.
//! Not here: what a change says (`desk-docs`), where it is kept (`desk-store`, the server's storage).

pub mod engine;
pub mod wire;
