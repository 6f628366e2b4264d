//! Writing an export or a backup.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read, Write};
use std::path::Path;

use ports::inbound::{BackupRecord, ImportRecord};
use sha2::{Digest, Sha256};

use super::lines::{Kind, Line, Totals, VERSION};
use super::reader::Reader;
use crate::error::Error;

/// Writes an export or a backup record by record.
pub struct Writer<W: Write> {
    output: BufWriter<Hashing<W>>,
    name: String,
    kind: Kind,
    totals: Totals,
}

/// Hashes what is read or written.
pub struct Hashing<T> {
    inner: T,
    hash: Sha256,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self { inner, hash: Sha256::new() }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the header. `name` is shown in errors.
    pub fn new(output: W, name: String, kind: Kind) -> Result<Self, Error> {
        let output = BufWriter::with_capacity(1 << 16, Hashing::new(output));
        let mut writer = Self { output, name, kind, totals: Totals::default() };
        writer.write_line(&Line::Header { format: "callbook".to_owned(), version: VERSION, content: kind })?;
        Ok(writer)
    }

    /// Writes the line of a record.
    pub fn write(&mut self, record: BackupRecord) -> Result<(), Error> {
        let line = Line::new(record, self.kind);
        self.totals.count(&line);
        self.write_line(&line)
    }

    /// Writes the line `end`. Returns the number of records and the output.
    pub fn finish(mut self) -> Result<(Totals, Hashing<W>), Error> {
        self.write_line(&Line::End(self.totals))?;
        let inner = self.output.into_inner().map_err(IntoInnerError::into_error);
        let mut inner = inner.map_err(Error::io(self.name.clone()))?;
        inner.flush().map_err(Error::io(self.name))?;
        Ok((self.totals, inner))
    }

    fn write_line(&mut self, line: &Line) -> Result<(), Error> {
        let written = serde_json::to_writer(&mut self.output, line).map_err(Into::into);
        written.and_then(|()| self.output.write_all(b"\n")).map_err(Error::io(self.name.clone()))
    }
}

/// Writes a file that only its owner can read. The file gets its name after it was read again and compared.
pub fn write_file(
    path: &Path,
    kind: Kind,
    write: impl FnOnce(&mut Writer<&File>) -> Result<(), Error>,
) -> Result<Totals, Error> {
    let name = path.display().to_string();
    // A plain file is replaced. A device, a pipe or a link is not.
    if std::fs::symlink_metadata(path).is_ok_and(|existing| !existing.is_file()) {
        return Err(Error::Failed(format!("{name} is there already, and is no plain file")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A new file with a name that no other file has. It is removed unless it gets its final name.
    let partial = tempfile::Builder::new().prefix(".callbook-").suffix(".partial").tempfile_in(folder);
    let partial = partial.map_err(Error::io(name.clone()))?;
    let mut writer = Writer::new(partial.as_file(), name.clone(), kind)?;
    write(&mut writer)?;
    let (totals, written) = writer.finish()?;
    written.inner.sync_all().map_err(Error::io(name.clone()))?;
    verify(partial.path(), &name, kind, totals, &written.hash.finalize())?;
    partial.persist(path).map_err(|error| Error::io(name.clone())(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(name))?;
    Ok(totals)
}

/// Reads the whole file. An error unless each line is a record and the bytes are those that were written.
fn verify(path: &Path, name: &str, kind: Kind, totals: Totals, hash: &[u8]) -> Result<(), Error> {
    let mut file = Hashing::new(File::open(path).map_err(Error::io(name))?);
    let mut reader = Reader::new(&mut file, name.to_owned(), kind)?;
    match kind {
        Kind::Export => while reader.next_record::<ImportRecord>()?.is_some() {},
        Kind::Backup => while reader.next_record::<BackupRecord>()?.is_some() {},
    }
    let read = reader.totals();
    drop(reader);
    if read == totals && file.hash.finalize()[..] == *hash {
        Ok(())
    } else {
        Err(Error::Failed(format!("{name}: the file that was read again is not the one that was written")))
    }
}
