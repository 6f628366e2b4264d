//! Writing an export or a backup.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ports::outbound::Record;
use sha2::{Digest, Sha256};

use super::lines::{Kind, Line, Totals, VERSION};
use super::reader::Reader;
use crate::error::Error;

/// Writes records, one line each.
pub struct Writer<W: Write> {
    output: BufWriter<Hashed<W>>,
    name: String,
    kind: Kind,
    totals: Totals,
}

/// What was written or read, and its hash.
pub struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W> Hashed<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn new(output: W, name: String, kind: Kind) -> Result<Self, Error> {
        let output = BufWriter::with_capacity(1 << 16, Hashed::new(output));
        let mut writer = Self { output, name, kind, totals: Totals::default() };
        writer.line(&Line::Header { format: "callbook".to_owned(), version: VERSION, content: kind })?;
        Ok(writer)
    }

    /// Writes a record. In an export, which is of contacts and calls, others are left out.
    pub fn write(&mut self, record: Record) -> Result<(), Error> {
        self.totals.count(&record);
        self.line(&Line::of(record, self.kind))
    }

    /// Writes the end; answers how many records there are, and what they were written to.
    pub fn finish(mut self) -> Result<(Totals, Hashed<W>), Error> {
        self.line(&Line::End(self.totals))?;
        let inner = self.output.into_inner().map_err(std::io::IntoInnerError::into_error);
        let mut inner = inner.map_err(Error::io(self.name.clone()))?;
        inner.flush().map_err(Error::io(self.name))?;
        Ok((self.totals, inner))
    }

    fn line(&mut self, line: &Line) -> Result<(), Error> {
        let written = serde_json::to_writer(&mut self.output, line).map_err(Into::into);
        written.and_then(|()| self.output.write_all(b"\n")).map_err(Error::io(self.name.clone()))
    }
}

/// Writes a file for its owner's eyes, reads it again, and only then gives it its name.
pub fn write_file(
    path: &Path,
    kind: Kind,
    write: impl FnOnce(&mut Writer<File>) -> Result<(), Error>,
) -> Result<Totals, Error> {
    let name = path.display().to_string();
    // Whatever stands there now is replaced: a device or a pipe must not be, nor what a link points to.
    if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(Error::Failed(format!("{name} is there already, and is no plain file")));
    }
    let partial = Partial::beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&partial.path).map_err(Error::io(name.clone()))?;
    let mut writer = Writer::new(file, name.clone(), kind)?;
    write(&mut writer)?;
    let (totals, written) = writer.finish()?;
    written.inner.sync_all().map_err(Error::io(name.clone()))?;
    check(&partial.path, &name, kind, totals, &written.hash.finalize())?;
    std::fs::rename(&partial.path, path).map_err(Error::io(name.clone()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(name))?;
    Ok(totals)
}

/// Reads the file to its end: every line must be a record, and every byte the one that was written.
fn check(path: &Path, name: &str, kind: Kind, totals: Totals, hash: &[u8]) -> Result<(), Error> {
    let mut file = Hashed::new(File::open(path).map_err(Error::io(name))?);
    let mut reader = Reader::new(&mut file, name.to_owned(), None, kind)?;
    while reader.next_record()?.is_some() {}
    let read = reader.totals();
    drop(reader);
    if read == totals && file.hash.finalize()[..] == *hash {
        Ok(())
    } else {
        Err(Error::Failed(format!("{name}: what was read again is not what was written")))
    }
}

/// A file that goes again unless it gets its name.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        Self { path: name.into() }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is nothing left of this name.
        let _ = std::fs::remove_file(&self.path);
    }
}
