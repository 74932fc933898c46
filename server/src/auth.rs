//! Who somebody is: passwords, access tokens, attempts.

pub mod attempts;
pub mod erasure;
pub mod password;
pub mod posts;
pub mod token;
