//! A line of a given bandwidth and delay between a server and its clients, for whole connections:
//! what goes down shares the bandwidth, and either way takes the delay.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep_until};

/// What is taken off a connection at a time.
const PIECE_BYTES: usize = 4096;
/// Pieces under way: with the delays that are measured, far more than a line holds.
const PIECES: usize = 64;

/// What a line is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// From the server to all clients together.
    pub down_bits_per_sec: f64,
    /// Either way.
    pub delay: Duration,
}

/// A port that leads to a server through a line. Dropping it closes it.
pub struct Shaper {
    /// Where clients connect.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Shaper {
    /// Opens a free port of this machine.
    pub async fn start(server: SocketAddr, shape: Shape) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let free_at = Arc::new(Mutex::new(Instant::now()));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, server, shape, free_at.clone()));
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when both sides have said all they had to say.
async fn connect(client: TcpStream, to: SocketAddr, shape: Shape, free_at: Arc<Mutex<Instant>>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = carry(from_client, to_server, move |_| Instant::now() + shape.delay);
    let down = carry(from_server, to_client, move |bytes| {
        let takes = Duration::from_secs_f64(bytes as f64 * 8.0 / shape.down_bits_per_sec);
        let mut free_at = free_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *free_at = Instant::now().max(*free_at) + takes;
        *free_at + shape.delay
    });
    tokio::join!(up, down);
}

/// One direction: `due` says when so many bytes are through.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    due: impl Fn(usize) -> Instant + Send,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let read = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        while let Ok(length) = from.read(&mut buffer).await {
            let piece = (due(length), buffer[..length].to_vec());
            if length == 0 || sender.send(piece).await.is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((at, piece)) = receiver.recv().await {
            sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        // The other side may still be speaking.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of a megabit at 8 Mb/s: a sixteenth of a second, and the delay both ways on top.
    #[tokio::test]
    async fn bytes_take_their_time() -> Result<()> {
        const BYTES: usize = 62_500;
        let server = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shape = Shape { down_bits_per_sec: 8e6, delay: Duration::from_millis(25) };
        let shaper = Shaper::start(server.local_addr()?, shape).await?;
        let serving = tokio::spawn(async move {
            let (mut stream, _) = server.accept().await?;
            let mut asked = [0; 1];
            stream.read_exact(&mut asked).await?;
            stream.write_all(&[7; BYTES]).await?;
            anyhow::Ok(asked[0])
        });
        let started = Instant::now();
        let mut client = TcpStream::connect(shaper.address).await?;
        client.write_all(b"?").await?;
        let mut got = Vec::new();
        client.read_to_end(&mut got).await?;
        assert_eq!((got.len(), serving.await??), (BYTES, b'?'));
        assert!(started.elapsed() >= Duration::from_millis(50 + 62), "{:?}", started.elapsed());
        Ok(())
    }
}
