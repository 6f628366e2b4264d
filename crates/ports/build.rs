//! Generates the macro `contract_tests!` from the functions in `src/contract/`, so that no contract test is forgotten.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FOLDER: &str = "src/contract";

const HEAD: &str = "\
/// Defines a test for each contract test of a store. The expression opens an empty store.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files = fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    files.sort();
    let mut generated = HEAD.to_owned();
    for file in files {
        generated.push_str(&tests_of(&file)?);
    }
    generated.push_str("    };\n}\n");
    fs::write(output()?, generated)?;
    Ok(())
}

/// Returns a module with the tests of one file. Empty if the file has none.
fn tests_of(file: &Path) -> Result<String, Box<dyn Error>> {
    let module = file.file_stem().ok_or("a file without a name")?.display();
    let mut tests = String::new();
    for line in fs::read_to_string(file)?.lines() {
        let Some(function) = line.strip_prefix("pub async fn ") else { continue };
        let (name, stores) = match function.split_once('(') {
            Some((name, "store: &Store) {")) => (name, "&$store"),
            Some((name, "store: &Store, empty: &Store) {")) => (name, "&$store, &$store"),
            _ => return Err(format!("{}: not the signature of a contract test: {line}", file.display()).into()),
        };
        writeln!(tests, "            #[tokio::test(flavor = \"multi_thread\")]")?;
        writeln!(tests, "            async fn {name}() {{ $crate::contract::{module}::{name}({stores}).await; }}")?;
    }
    if !tests.is_empty() {
        tests = format!("        mod {module} {{\n            use super::*;\n{tests}        }}\n");
    }
    Ok(tests)
}

#[expect(clippy::disallowed_methods, reason = "Cargo passes the folder of the output in a variable")]
fn output() -> Result<PathBuf, env::VarError> {
    Ok(Path::new(&env::var("OUT_DIR")?).join("contract_tests.rs"))
}
