//! The network cable between one device and the server, which can be pulled.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

/// Passes connections on to the server until it is cut. A cut ends every open connection and each new one at once, so the
/// device sees what it would see on a network that is gone; the address stays its own, so no other program can take it.
#[derive(Debug)]
pub(crate) struct Cable {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: AtomicBool,
    is_gone: AtomicBool,
    /// Both ends of every connection that was made since the last cut.
    open: Mutex<Vec<TcpStream>>,
}

impl Cable {
    /// Lays a cable to the server, plugged in.
    pub(crate) fn lay(server: &str) -> anyhow::Result<Self> {
        let server: SocketAddr = server.parse().context("the server's address")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.is_gone.load(Ordering::SeqCst) {
                    return;
                }
                // An error here is a connection that ended meanwhile; the device sees that by itself.
                let _ = shared.pass_on(stream, server);
            }
        });
        Ok(Self { address, state })
    }

    /// Where the device finds the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Pulls the cable.
    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        self.state.end_all();
    }

    /// Plugs it in again.
    pub(crate) fn restore(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.state.is_gone.store(true, Ordering::SeqCst);
        self.state.end_all();
        // The listening thread looks at the flag when somebody connects.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn pass_on(&self, device: TcpStream, server: SocketAddr) -> std::io::Result<()> {
        let server = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock: a cut that comes now waits, and then ends this connection with the others.
            if self.is_cut.load(Ordering::SeqCst) {
                return device.shutdown(Shutdown::Both);
            }
            let server = TcpStream::connect(server)?;
            open.push(device.try_clone()?);
            open.push(server.try_clone()?);
            server
        };
        copy(device.try_clone()?, server.try_clone()?);
        copy(server, device);
        Ok(())
    }

    fn end_all(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Carries bytes one way until either end closes.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(read @ 1..) if to.write_all(&buffer[..read]).is_ok() => {}
                _ => break,
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
fn a_cut_cable_ends_connections_and_a_restored_one_carries_again() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in server.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            });
        }
    });
    let echo = |stream: &mut TcpStream| {
        let mut byte = [0];
        stream.write_all(b"x").and_then(|()| stream.read_exact(&mut byte)).is_ok()
    };
    let cable = Cable::lay(&address.to_string()).unwrap();
    let mut before = TcpStream::connect(cable.address).unwrap();
    assert!(echo(&mut before));

    cable.cut();
    assert!(!echo(&mut before), "an open connection survived the cut");
    let mut during = TcpStream::connect(cable.address).unwrap();
    assert!(!echo(&mut during), "a new connection went through the cut");

    cable.restore();
    let mut after = TcpStream::connect(cable.address).unwrap();
    assert!(echo(&mut after), "the cable does not carry again");
}
