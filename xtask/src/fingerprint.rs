//! What a build was made from, so that it is not made again from the same.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file below `folder` but those that `skip` says, in an order that does not depend on the
/// file system.
pub fn files_below(folder: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if skip(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A number that changes when the name or the content of any file does. It is compared only with
/// numbers that an xtask built by the same compiler made.
pub fn of_files(files: &[PathBuf], also: &[&str]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    also.hash(&mut hasher);
    for path in files {
        path.hash(&mut hasher);
        std::fs::read(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}
