//! The file that Monica exports an account to, version `1.0-preview.1`.
//!
//! Its contacts have their calls inside, and refer to genders and kinds of contact fields that come at the end. The file is
//! read three times, so that only one contact or call is in memory: for what they refer to, for the contacts and for the
//! calls.

use std::collections::HashMap;
use std::fs::File;

use indicatif::ProgressBar;
use ports::inbound::ImportRecord;
use serde_json::{Map, Value};
use struson::reader::{JsonReader, JsonStreamReader, ReaderError};

use super::export_items;
use crate::transfer::bounded::{Bounded, PieceLimit};

/// The version of the format.
const VERSION: &str = "1.0-preview.1";

/// The maximal size of a contact or a call without what is skipped, in bytes.
const MAX_ITEM: usize = 8 << 20;

/// The maximal number of genders and kinds of contact fields.
const MAX_TYPES: usize = 10_000;

/// What contacts refer to, by its UUID.
#[derive(Default)]
pub struct Types {
    /// The names of genders.
    pub genders: HashMap<String, String>,
    /// The kinds of contact fields, with name and type.
    pub fields: HashMap<String, Value>,
}

/// Which records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Contacts,
    Calls,
}

/// A record, or what cannot be imported and why.
pub type Item = Result<ImportRecord, String>;

/// Why the reading of a file ended early.
#[derive(Debug)]
pub enum Failure {
    /// The file cannot be read. What is wrong with it.
    File(String),
    /// The receiver of the records wants no more.
    Stopped,
}

/// Reads a file.
pub struct ExportFile<'a> {
    json: JsonStreamReader<Bounded<Box<dyn std::io::Read + 'a>>>,
    limit: PieceLimit,
}

impl<'a> ExportFile<'a> {
    /// Reads the file from its start. The bar shows the number of bytes read.
    pub fn new(file: File, bar: &'a ProgressBar) -> Self {
        let limit = PieceLimit::default();
        limit.begin(usize::MAX);
        let input: Box<dyn std::io::Read> = Box::new(bar.wrap_read(file));
        Self { json: JsonStreamReader::new(Bounded::new(input, limit.clone())), limit }
    }

    /// Returns what contacts refer to. An error if the file is of another kind or version, or no complete JSON.
    pub fn types(mut self) -> Result<Types, Failure> {
        let (mut types, mut version) = (Types::default(), None);
        let result = self.read_types(&mut types, &mut version);
        let problem = match (version.as_deref(), result) {
            (Some(VERSION), Ok(())) => return Ok(types),
            (Some(VERSION), Err(error)) => self.problem(&error),
            (Some(version), _) => format!("it is of version {version}, this Callbook reads version {VERSION}"),
            (None, _) => "it is no JSON export of Monica".to_owned(),
        };
        Err(Failure::File(problem))
    }

    fn read_types(&mut self, types: &mut Types, version: &mut Option<String>) -> Result<(), ReaderError> {
        self.json.begin_object()?;
        while self.json.has_next()? {
            match self.json.next_name()? {
                "version" => *version = self.value()?.as_str().map(str::to_owned),
                "account" => self.read_types_of_account(types)?,
                _ => self.json.skip_value()?,
            }
        }
        self.json.end_object()
    }

    fn read_types_of_account(&mut self, types: &mut Types) -> Result<(), ReaderError> {
        self.json.begin_object()?;
        while self.json.has_next()? {
            if self.json.next_name()? != "instance" {
                self.json.skip_value()?;
                continue;
            }
            self.json.begin_object()?;
            while self.json.has_next()? {
                match self.json.next_name()? {
                    "genders" => self.each_value(|gender| {
                        if let (Some(uuid), Some(name)) =
                            (gender["uuid"].as_str(), gender["properties"]["name"].as_str())
                            && types.genders.len() < MAX_TYPES
                        {
                            types.genders.insert(uuid.to_owned(), name.to_owned());
                        }
                    })?,
                    "contact_field_types" => self.each_value(|mut kind| {
                        if let Some(uuid) = kind["uuid"].as_str().map(str::to_owned)
                            && types.fields.len() < MAX_TYPES
                        {
                            types.fields.insert(uuid, kind["properties"].take());
                        }
                    })?,
                    _ => self.json.skip_value()?,
                }
            }
            self.json.end_object()?;
        }
        self.json.end_object()
    }

    /// Passes the contacts or the calls to `emit`, which returns false if it wants no more.
    pub fn read(mut self, wanted: Wanted, types: &Types, emit: &mut dyn FnMut(Item) -> bool) -> Result<(), Failure> {
        match self.read_file(wanted, types, emit) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Stopped),
            Err(error) => Err(Failure::File(self.problem(&error))),
        }
    }

    fn read_file(
        &mut self,
        wanted: Wanted,
        types: &Types,
        emit: &mut dyn FnMut(Item) -> bool,
    ) -> Result<bool, ReaderError> {
        self.json.begin_object()?;
        while self.json.has_next()? {
            if self.json.next_name()? != "account" {
                self.json.skip_value()?;
                continue;
            }
            self.json.begin_object()?;
            while self.json.has_next()? {
                if self.json.next_name()? != "data" {
                    self.json.skip_value()?;
                } else if !self.each_of_type("contact", &mut |file| file.read_contact(wanted, types, emit))? {
                    return Ok(false);
                }
            }
            self.json.end_object()?;
        }
        Ok(true)
    }

    /// Calls `read` for each value of the collections of this type. Returns false as soon as `read` does.
    fn each_of_type(
        &mut self,
        wanted: &str,
        read: &mut dyn FnMut(&mut Self) -> Result<bool, ReaderError>,
    ) -> Result<bool, ReaderError> {
        self.json.begin_array()?;
        while self.json.has_next()? {
            self.json.begin_object()?;
            let mut is_wanted = false;
            while self.json.has_next()? {
                match self.json.next_name()? {
                    "type" => is_wanted = self.value()?.as_str() == Some(wanted),
                    "values" if is_wanted => {
                        self.json.begin_array()?;
                        while self.json.has_next()? {
                            if !read(self)? {
                                return Ok(false);
                            }
                        }
                        self.json.end_array()?;
                    }
                    _ => self.json.skip_value()?,
                }
            }
            self.json.end_object()?;
        }
        self.json.end_array()?;
        Ok(true)
    }

    /// Reads a contact, and emits it or its calls.
    fn read_contact(
        &mut self,
        wanted: Wanted,
        types: &Types,
        emit: &mut dyn FnMut(Item) -> bool,
    ) -> Result<bool, ReaderError> {
        let (mut contact, mut fields) = (Map::new(), Vec::new());
        self.json.begin_object()?;
        while self.json.has_next()? {
            let name = self.json.next_name_owned()?;
            match (name.as_str(), wanted) {
                ("data", Wanted::Contacts) => {
                    self.each_of_type("contact_field", &mut |file| {
                        fields.push(file.value()?);
                        Ok(true)
                    })?;
                }
                ("data", Wanted::Calls) => {
                    let uuid = contact.get("uuid").cloned().unwrap_or_default();
                    let read = &mut |file: &mut Self| Ok(emit(export_items::call(file.value()?, &uuid)));
                    if !self.each_of_type("call", read)? {
                        return Ok(false);
                    }
                }
                ("uuid", _) | ("created_at" | "updated_at" | "properties", Wanted::Contacts) => {
                    contact.insert(name, self.value()?);
                }
                _ => self.json.skip_value()?,
            }
        }
        self.json.end_object()?;
        if wanted == Wanted::Calls {
            return Ok(true);
        }
        let mut skipped = Vec::new();
        let contact = export_items::contact(contact.into(), fields, types, &mut skipped);
        Ok(skipped.into_iter().all(|problem| emit(Err(problem))) && emit(contact))
    }

    /// Calls `visit` with each value of an array.
    fn each_value(&mut self, mut visit: impl FnMut(Value)) -> Result<(), ReaderError> {
        self.json.begin_array()?;
        while self.json.has_next()? {
            visit(self.value()?);
        }
        self.json.end_array()
    }

    /// Reads a value of bounded size.
    fn value(&mut self) -> Result<Value, ReaderError> {
        self.limit.begin(MAX_ITEM);
        let value = self.json.deserialize_next().map_err(|error| match error {
            struson::serde::DeserializerError::ReaderError(error) => error,
            error => {
                let location = self.json.current_position(false);
                ReaderError::IoError { error: std::io::Error::other(error.to_string()), location }
            }
        });
        if value.is_ok() {
            self.limit.begin(usize::MAX);
        }
        value
    }

    /// Describes an error of the file.
    fn problem(&self, error: &ReaderError) -> String {
        let line = self.limit.line();
        if self.limit.is_exceeded() {
            return format!("line {line}: an item has more than 8 MiB");
        }
        // The error can quote the file.
        let problem = match error {
            ReaderError::IoError { error, .. } => error.to_string(),
            ReaderError::MaxNestingDepthExceeded { .. } => "it is nested too deeply".to_owned(),
            ReaderError::SyntaxError(_) => "it is not JSON, or not complete".to_owned(),
            _ => "it is not as Monica writes it".to_owned(),
        };
        format!("line {line}: {problem}")
    }
}
