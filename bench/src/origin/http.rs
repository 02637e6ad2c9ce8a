//! As little of an HTTP client as measuring needs: one connection, one request after the other.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An open connection.
pub struct Connection {
    server: SocketAddr,
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(server).await;
        let socket = socket.with_context(|| format!("cannot reach {server}"))?;
        socket.set_nodelay(true)?;
        Ok(Self { server, socket, buffer: Vec::new() })
    }

    /// `GET`, until the last byte of the answer is here.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask(path).await?;
        self.answer().await
    }

    /// Sends the request.
    pub async fn ask(&mut self, path: &str) -> Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.server);
        self.socket.write_all(request.as_bytes()).await?;
        Ok(())
    }

    /// Reads the answer.
    pub async fn answer(&mut self) -> Result<Answer> {
        self.buffer.clear();
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = match length {
            Some(text) => text.trim().parse().context("a content-length that is no number")?,
            None => 0,
        };
        while self.buffer.len() < end + length {
            self.more().await?;
        }
        let status = status.context("an answer without a status")?;
        Ok(Answer { status, body: self.buffer[end..end + length].to_vec() })
    }

    async fn more(&mut self) -> Result<()> {
        let count = self.socket.read_buf(&mut self.buffer).await?;
        ensure!(count > 0, "{} hung up", self.server);
        Ok(())
    }
}

impl Answer {
    /// The body, which must be text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
