//! The connections of this process to the database as the kernel knows them. The driver waits for an answer for as long as the
//! socket is open, and gives no socket out; one that is shut down ends the wait, and whoever waited is told. Decides nothing
//! about when.

use std::collections::HashSet;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::{fs, io};

use sqlx::postgres::PgConnectOptions;

/// Where this process's descriptors are listed.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Those that lead to one database.
#[derive(Debug)]
pub(super) struct Sockets {
    place: Place,
    /// All addresses that the host's name has led to.
    known: HashSet<IpAddr>,
}

#[derive(Debug)]
enum Place {
    Host(String, u16),
    /// A socket of this host, in this folder.
    Local(PathBuf),
}

impl Sockets {
    pub(super) fn to(options: &PgConnectOptions) -> Self {
        let place = match options.get_socket() {
            Some(folder) => Place::Local(folder.clone()),
            None if options.get_host().starts_with('/') => Place::Local(options.get_host().into()),
            None => Place::Host(options.get_host().to_owned(), options.get_port()),
        };
        Self { place, known: HashSet::new() }
    }

    /// Takes note of where the name leads now; connections that were made before may lead elsewhere.
    pub(super) async fn look_up(&mut self) -> io::Result<()> {
        if let Place::Host(host, port) = &self.place {
            let host = host.trim_matches(['[', ']']);
            self.known
                .extend(tokio::net::lookup_host((host, *port)).await?.map(|found| found.ip().to_canonical()));
        }
        Ok(())
    }

    /// Shuts all of them down. How many.
    pub(super) fn cut(&self) -> io::Result<usize> {
        let mut cut = 0;
        for entry in fs::read_dir(DESCRIPTORS)? {
            let entry = entry?;
            // Others are left alone: closing the copy of a file would give up this process's locks on it.
            let is_socket =
                fs::read_link(entry.path()).is_ok_and(|what| what.to_string_lossy().starts_with("socket:"));
            let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
            if let Some(number) = number.filter(|_| is_socket) {
                cut += usize::from(copy_of(number).is_ok_and(|socket| self.cut_if_ours(socket)));
            }
        }
        Ok(cut)
    }

    fn cut_if_ours(&self, socket: OwnedFd) -> bool {
        match &self.place {
            Place::Host(_, port) => {
                let socket = TcpStream::from(socket);
                let is_ours = socket
                    .peer_addr()
                    .is_ok_and(|peer| peer.port() == *port && self.known.contains(&peer.ip().to_canonical()));
                is_ours && socket.shutdown(Shutdown::Both).is_ok()
            }
            Place::Local(folder) => {
                let socket = UnixStream::from(socket);
                let is_ours = socket
                    .peer_addr()
                    .is_ok_and(|peer| peer.as_pathname().is_some_and(|path| path.starts_with(folder)));
                is_ours && socket.shutdown(Shutdown::Both).is_ok()
            }
        }
    }
}

/// The same socket under another number, which nobody else closes.
#[expect(unsafe_code, reason = "the standard library copies only descriptors that somebody has lent")]
fn copy_of(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the number is used for nothing but a copy. If it was closed in between, that fails, or the copy is of whatever
    // has the number now; what it is, is then asked of the copy, which stays what it is.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_connections_to_the_database_are_cut() {
        let (database, other) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let address = database.local_addr().unwrap();
        let options = PgConnectOptions::new_without_pgpass().host("localhost").port(address.port());
        let mut sockets = Sockets::to(&options);
        sockets.look_up().await.unwrap();
        let mut ours = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        let others = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        let (_theirs, _) = database.accept().unwrap();
        assert_eq!(sockets.cut().unwrap(), 2);
        for socket in &mut ours {
            assert_eq!(socket.read(&mut [0; 8]).unwrap(), 0, "whoever waits is told at once");
        }
        others.set_nonblocking(true).unwrap();
        assert_eq!((&others).read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn sockets_of_this_host_are_cut_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".s.PGSQL.5432");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut ours = UnixStream::connect(&path).unwrap();
        let options = PgConnectOptions::new_without_pgpass().socket(folder.path());
        assert_eq!(Sockets::to(&options).cut().unwrap(), 1);
        assert_eq!(ours.read(&mut [0; 8]).unwrap(), 0);
    }
}
