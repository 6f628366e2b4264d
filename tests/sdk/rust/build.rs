//! Generates the client from `openapi.json`.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.json");
    let document = serde_json::from_slice(&std::fs::read("openapi.json")?)?;
    let client = progenitor::Generator::default().generate_tokens(&document)?;
    // As formatted source, so that the lints of the compiler apply to it.
    let source = prettyplease::unparse(&syn::parse2(client)?);
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    Ok(std::fs::write(folder.join("client.rs"), source)?)
}
