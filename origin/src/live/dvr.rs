//! Segments that players may go back to after they have left memory: a folder of files per stream,
//! which a thread of its own fills, and removes when the stream is over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::notices::Notices;

/// The folder below the data folder.
pub const FOLDER: &str = "dvr";
/// What may wait for the disk, in bytes per stream. What comes on top of it is not kept.
const MOST_WAITING_BYTES: u64 = 128 << 20;
/// A folder may get one more file while it is being removed, from a thread that does not know yet.
const REMOVALS: usize = 3;

/// Where the folders of all streams are.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    keep_free_bytes: u64,
    notices: Arc<Notices>,
    closed: AtomicBool,
}

/// The folder of one stream.
#[derive(Debug)]
pub struct Dvr {
    folder: String,
    orders: Sender<Order>,
    waiting_bytes: Arc<AtomicU64>,
}

/// What became of a file that was to be kept.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<OnceLock<bool>>);

/// What the thread is to do.
#[derive(Debug)]
enum Order {
    /// Writes a file of a rung.
    Keep { rung: String, file: String, bytes: Bytes, kept: Kept },
    /// Removes it.
    Remove { rung: String, file: String },
}

impl Place {
    /// In this data folder. Nothing is written while less than `keep_free_mib` is free there.
    pub fn new(data: &Path, keep_free_mib: u64, notices: Arc<Notices>) -> Self {
        let (folder, closed) = (data.join(FOLDER), AtomicBool::new(false));
        Self { folder, keep_free_bytes: keep_free_mib << 20, notices, closed }
    }

    /// Removes everything: what is there before any stream is from a run that ended without a word.
    ///
    /// The folder itself stays, as it may be a link to another disk.
    pub fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        entries.flatten().for_each(|entry| remove(&entry.path()));
    }

    /// Writes nothing any more, and removes everything.
    pub fn close(&self) {
        self.closed.store(true, Relaxed);
        self.clear();
    }

    /// A folder for this run of `stream`.
    pub fn open(self: &Arc<Self>, stream: &str, run: &str) -> io::Result<Dvr> {
        let folder = format!("{stream}-{run}");
        fs::create_dir_all(self.folder.join(&folder))?;
        let (orders, taken) = channel();
        let waiting_bytes = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            folder: self.folder.join(&folder),
            subject: format!("DVR of {stream}"),
            stream: stream.to_owned(),
            place: self.clone(),
            waiting_bytes: waiting_bytes.clone(),
            told: false,
        };
        std::thread::Builder::new()
            .name("dvr".to_owned())
            .stack_size(512 << 10)
            .spawn(move || writer.run(&taken))?;
        Ok(Dvr { folder, orders, waiting_bytes })
    }
}

impl Dvr {
    /// Writes a file of a rung, soon.
    pub fn keep(&self, rung: &str, file: String, bytes: Bytes) -> Kept {
        let kept = Kept::default();
        let size = bytes.len() as u64;
        if self.waiting_bytes.load(Relaxed) + size <= MOST_WAITING_BYTES {
            self.waiting_bytes.fetch_add(size, Relaxed);
            let kept = kept.clone();
            // Without its thread nothing is kept, and segments leave the playlist.
            let _ = self.orders.send(Order::Keep { rung: rung.to_owned(), file, bytes, kept });
        } else {
            kept.settle(false);
        }
        kept
    }

    /// Removes a file that was to be kept.
    pub fn remove(&self, rung: &str, file: String) {
        let _ = self.orders.send(Order::Remove { rung: rung.to_owned(), file });
    }

    /// Where a file is, from the data folder on.
    pub fn path(&self, rung: &str, file: &str) -> Vec<String> {
        [FOLDER, &self.folder, rung, file].map(str::to_owned).into()
    }
}

impl Kept {
    /// It is whole and can be read.
    pub fn is_there(&self) -> bool {
        self.0.get() == Some(&true)
    }

    /// It will never be there.
    pub fn has_failed(&self) -> bool {
        self.0.get() == Some(&false)
    }

    fn settle(&self, is_there: bool) {
        // Once: whoever does it has the only order.
        let _ = self.0.set(is_there);
    }
}

/// The thread of a stream. A slow disk is slow only for this one.
struct Writer {
    folder: PathBuf,
    subject: String,
    stream: String,
    place: Arc<Place>,
    waiting_bytes: Arc<AtomicU64>,
    told: bool,
}

impl Writer {
    /// Until the stream is forgotten; then the folder goes, too.
    fn run(&mut self, orders: &Receiver<Order>) {
        for order in orders {
            if self.place.closed.load(Relaxed) {
                continue;
            }
            match order {
                Order::Keep { rung, file, bytes, kept } => {
                    let written = self.keep(&self.folder.join(rung), &file, &bytes);
                    self.waiting_bytes.fetch_sub(bytes.len() as u64, Relaxed);
                    kept.settle(written.is_ok());
                    self.tell(written);
                }
                Order::Remove { rung, file } => {
                    let _ = fs::remove_file(self.folder.join(rung).join(file));
                }
            }
        }
        remove(&self.folder);
        self.place.notices.clear(&self.subject);
    }

    fn keep(&self, folder: &Path, file: &str, bytes: &Bytes) -> io::Result<()> {
        let free = rustix::fs::statvfs(&self.folder)?;
        if free.f_bavail.saturating_mul(free.f_frsize) < self.place.keep_free_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        fs::create_dir_all(folder)?;
        let path = folder.join(file);
        fs::write(&path, bytes).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    fn tell(&mut self, written: io::Result<()>) {
        match written {
            Ok(()) if self.told => {
                self.told = false;
                self.place.notices.clear(&self.subject);
            }
            Err(error) if !self.told => {
                self.told = true;
                let what = format!(
                    "players cannot go back in stream {:?}: its segments cannot be kept in {} ({error}). Live goes on; make room, or lower live.dvr_hours",
                    self.stream,
                    self.folder.display()
                );
                self.place.notices.raise(&self.subject, &what);
            }
            Ok(()) | Err(_) => {}
        }
    }
}

fn remove(folder: &Path) {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(folder = %folder.display(), "not removed yet: {error}");
            }
            Ok(()) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_until(what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..6_000 {
            if is_so() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("waited in vain until {what}");
    }

    fn place(data: &Path, keep_free_mib: u64) -> (Arc<Place>, Arc<Notices>) {
        let notices = Arc::new(Notices::default());
        (Arc::new(Place::new(data, keep_free_mib, notices.clone())), notices)
    }

    #[test]
    fn files_are_kept_removed_and_gone_with_the_stream() {
        let data = tempfile::tempdir().unwrap();
        let (place, _) = place(data.path(), 0);
        let dvr = place.open("test", "run").unwrap();
        let keep = |name: &str| dvr.keep("480", name.to_owned(), Bytes::from_static(b"segment"));
        let first = keep("a.m4s");
        dvr.remove("480", "a.m4s".to_owned());
        let second = keep("b.m4s");
        let folder = data.path().join("dvr/test-run");
        wait_until("the second is there", || second.is_there());
        assert!(first.is_there() && !folder.join("480/a.m4s").exists());
        let path = dvr.path("480", "b.m4s");
        let file = path.iter().fold(data.path().to_owned(), |folder, name| folder.join(name));
        assert_eq!(fs::read(file).unwrap(), b"segment");
        drop(dvr);
        wait_until("the folder is gone", || !folder.exists());
        assert!(data.path().join("dvr").exists());
    }

    #[test]
    fn what_an_earlier_run_left_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let left = data.path().join("dvr/test-old/480");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("a.m4s"), b"old").unwrap();
        place(data.path(), 0).0.clear();
        assert_eq!(fs::read_dir(data.path().join("dvr")).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_told_and_keeps_nothing() {
        let data = tempfile::tempdir().unwrap();
        // More than any disk has.
        let (place, notices) = place(data.path(), u64::MAX >> 20);
        let dvr = place.open("test", "run").unwrap();
        let kept = dvr.keep("480", "a.m4s".to_owned(), Bytes::from_static(b"segment"));
        wait_until("it is told", || !notices.all().is_empty());
        assert!(kept.has_failed() && notices.all()[0].text.contains("live.dvr_hours"));
        drop(dvr);
        let folder = data.path().join("dvr/test-run");
        wait_until("the folder is gone", || !folder.exists());
    }
}
