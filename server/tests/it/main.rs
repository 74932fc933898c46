//! The server as its users meet it: over HTTP, in this process, on a port of its own; and as a program.

#[cfg(test)]
mod ahead;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod escalation;
#[cfg(test)]
mod folding;
#[cfg(test)]
mod live;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod rejects;
#[cfg(test)]
mod restored;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod together;
