//! The files that imports read.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use indicatif::ProgressBar;

use crate::error::Error;

/// Opens the file, or standard input for `-`. Returns it with its name for errors. The bar shows the number of bytes read.
pub fn open(path: &Path, bar: &ProgressBar) -> Result<(Box<dyn Read>, String), Error> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), "standard input".to_owned()));
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(Error::io(name.clone()))?;
    Ok((Box::new(bar.wrap_read(file)), name))
}

/// Opens a file of text, as [`open`] does. An error if the text is UTF-16, which no reader understands.
pub fn open_text(path: &Path, bar: &ProgressBar) -> Result<(Box<dyn Read>, String), Error> {
    let (input, name) = open(path, bar)?;
    let mut input = BufReader::new(input);
    let start = input.fill_buf().map_err(Error::io(name.clone()))?;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(Error::Failed(format!("{name}: it is UTF-16; save it as UTF-8")));
    }
    Ok((Box::new(input), name))
}

/// Returns the size of a plain file in bytes. `None` for anything else.
pub fn file_size(path: &Path) -> Option<u64> {
    path.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len())
}
