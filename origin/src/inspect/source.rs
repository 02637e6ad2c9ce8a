//! Bytes from a file or a web server, read as they are needed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use immersive_hls::ByteRange;

/// A server that says nothing for so long counts as gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// Playlists, keys and initialization segments are smaller.
const MOST_SMALL_BYTES: u64 = 64 << 20;

/// Something that can be read, and what its server said of it.
pub struct Source {
    reader: Box<dyn Read>,
    /// Where it came from, after redirects.
    pub place: String,
    /// What a web server said, where it could be asked.
    pub headers: Option<Headers>,
}

/// What browsers look at.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Access-Control-Allow-Origin.
    pub allow_origin: Option<String>,
}

/// Whether this is an address of the web rather than a path.
pub fn is_url(place: &str) -> bool {
    let begins = |scheme: &str| {
        place.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    begins("http://") || begins("https://")
}

impl Source {
    /// Opens a file or an address, or a part of it.
    ///
    /// # Errors
    /// When it is not there; says what to do.
    pub fn open(place: &str, range: Option<ByteRange>) -> Result<Self> {
        if !is_url(place) {
            Self::file(place, range)
        } else if place.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
            Self::curl(place, range)
        } else {
            Self::web(place, range)
        }
    }

    fn file(path: &str, range: Option<ByteRange>) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("cannot open {path}"))?;
        if file.metadata().is_ok_and(|data| data.is_dir()) {
            bail!("{path} is a folder: name a file in it");
        }
        let reader: Box<dyn Read> = match range {
            Some(range) => {
                file.seek(SeekFrom::Start(range.offset)).with_context(|| format!("in {path}"))?;
                Box::new(file.take(range.length))
            }
            None => Box::new(file),
        };
        Ok(Self { reader, place: path.to_owned(), headers: None })
    }

    fn web(url: &str, range: Option<ByteRange>) -> Result<Self> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_recv_body(Some(Duration::from_secs(3600)))
            .http_status_as_error(false)
            .build()
            .into();
        // As a page on another site would ask, so that the answer is what such a page gets.
        let mut request = agent.get(url).header("Origin", "https://example.org");
        if let Some(range) = range {
            request = request.header("Range", header_of(range));
        }
        let answer = request.call().with_context(|| format!("{url} does not answer"))?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            bail!("{url} answers with status {status}");
        }
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let headers = Headers {
            content_type: header("content-type"),
            allow_origin: header("access-control-allow-origin"),
        };
        let whole = status == 200;
        let mut reader: Box<dyn Read> = Box::new(answer.into_body().into_reader());
        // A server that knows no ranges sends everything.
        if let Some(range) = range.filter(|_| whole) {
            std::io::copy(&mut reader.by_ref().take(range.offset), &mut std::io::sink())
                .with_context(|| format!("reading {url}"))?;
            reader = Box::new(reader.take(range.length));
        }
        Ok(Self { reader, place: url.to_owned(), headers: Some(headers) })
    }

    /// Encrypted connections are left to curl, so that the system's certificates hold.
    fn curl(url: &str, range: Option<ByteRange>) -> Result<Self> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail", "--location", "--compressed"]);
        command.args(["--connect-timeout", "30", "--speed-time", "30", "--speed-limit", "1"]);
        if let Some(range) = range {
            let last = range.offset.saturating_add(range.length).saturating_sub(1);
            command.args(["--range", &format!("{}-{last}", range.offset)]);
        }
        command.args(["--", url]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context(
            "addresses with https are read by curl, which does not start: install it \
             (Debian/Ubuntu: apt-get install curl), or save the file and name that",
        )?;
        let reader = child.stdout.take().context("curl has no output")?;
        let reader = Box::new(Curl { child, reader, url: url.to_owned() });
        Ok(Self { reader, place: url.to_owned(), headers: None })
    }

    /// Everything, of something that is small by nature.
    ///
    /// # Errors
    /// When it breaks off or is too large.
    pub fn read_small(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let place = self.place.clone();
        (&mut self).take(MOST_SMALL_BYTES + 1).read_to_end(&mut bytes).context(place.clone())?;
        if bytes.len() as u64 > MOST_SMALL_BYTES {
            bail!("{place} is larger than {MOST_SMALL_BYTES} bytes: it is not what it should be");
        }
        Ok(bytes)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// RFC 9110, 14.1.2.
fn header_of(range: ByteRange) -> String {
    let last = range.offset.saturating_add(range.length).saturating_sub(1);
    format!("bytes={}-{last}", range.offset)
}

/// A curl that runs; it ends with this.
struct Curl {
    child: Child,
    reader: ChildStdout,
    url: String,
}

impl Read for Curl {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        // Only its status tells the end from a failure; what it said is on standard error.
        let status = self.child.wait()?;
        if status.success() {
            return Ok(0);
        }
        let why = format!("{} cannot be read: curl ended with {status}", self.url);
        Err(std::io::Error::other(why))
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
