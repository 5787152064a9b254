//! Files that the person named: never half written, never overwritten unasked.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::CliError;

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), step: "read", source };
    let size = fs::metadata(path).map_err(failed)?;
    if size.is_dir() {
        return Err(CliError::Content { path: path.to_owned(), why: "this is a folder; name a file".into() });
    }
    if size.len() > max {
        let why = format!("{} bytes are more than the {max} that such a file may have", size.len());
        return Err(CliError::Content { path: path.to_owned(), why });
    }
    fs::read(path).map_err(failed)
}

/// Writes a file so that it is there whole or not at all, readable by its owner only.
pub(crate) fn write(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), CliError> {
    let exists = || CliError::Exists { path: path.to_owned(), advice: "name another file, or add --force" };
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let beside = beside(path)?;
    let failed = |step| move |source| CliError::File { path: path.to_owned(), step, source };
    let written = write_whole(&beside, bytes).map_err(failed("written"));
    let placed = written.and_then(|()| {
        if overwrite {
            fs::rename(&beside, path).map_err(failed("put in its place"))
        } else {
            // A link, unlike a rename, fails when the name was taken meanwhile.
            match fs::hard_link(&beside, path) {
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
                Err(_) => fs::rename(&beside, path).map_err(failed("put in its place")),
                Ok(()) => Ok(()),
            }
        }
    });
    // After a rename it is gone already; anything else that is left is ours to take away.
    let _ = fs::remove_file(&beside);
    placed?;
    sync_parent(path).map_err(failed("made durable"))
}

fn beside(path: &Path) -> Result<PathBuf, CliError> {
    let Some(name) = path.file_name() else {
        return Err(CliError::Content { path: path.to_owned(), why: "this names no file".into() });
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_alone_and_not_overwritten_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        write(&path, b"first", false).unwrap();
        let again = write(&path, b"second", false).unwrap_err();
        assert!(
            again.to_string().ends_with("is there already; name another file, or add --force"),
            "{again}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_for_its_owner_only_even_where_it_replaces_one_that_was_not() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.csv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new", true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        fs::write(&path, [0; 10]).unwrap();
        assert!(read(&path, 9).unwrap_err().to_string().contains("10 bytes are more than the 9"));
        assert!(read(dir.path(), 9).unwrap_err().to_string().contains("this is a folder"));
        assert!(read(&dir.path().join("none"), 9).unwrap_err().to_string().contains("cannot be read"));
    }
}
