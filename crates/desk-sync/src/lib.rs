//! Sync without I/O: the wire format that client and server share, the client's engine as a state machine, and what
//! a device does with a pulled batch and with the server's verdicts.
//!
//! Invariants: nothing here waits, reads a clock or opens a socket; a batch is decoded only after its frame,
//! its length and its checksum hold; the engine never asks for a push and a pull at once; whatever the server refuses,
//! each waiting edit is afterwards sent again, held already, or refused.
//! Not here: what a change says (`desk-docs`), where it is kept (`desk-store`, the server's storage).

pub mod digest;
pub mod engine;
pub mod live;
pub mod pull;
pub mod push;
pub mod scope;
pub mod segment;
pub mod wire;

#[cfg(test)]
mod sample;
