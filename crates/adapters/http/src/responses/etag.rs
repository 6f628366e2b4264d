//! Entity tags of calls.

use sha2::{Digest, Sha256};

/// The entity tag of a call: the first half of a SHA-256 of its JSON. It is the same with every toolchain; under another
/// host name, where the links in the JSON are others, the tag is another.
pub fn etag(json: &[u8]) -> String {
    let hash = Sha256::digest(json);
    let half = hash.iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    format!("\"{half:032x}\"")
}

#[cfg(test)]
mod tests {
    use domain::{Call, Content, Name};

    use crate::responses::{CallResponse, Links};
    use crate::tests::call;

    #[test]
    fn a_tag_depends_on_the_state_of_the_call_alone() {
        let tag = |call: &Call| CallResponse::new(call, &Links::under("https://example.org")).to_json().unwrap().1;
        assert_eq!(tag(&call()), "\"6cd45d4a67308a74ef4b5eac5beffc2c\"");
        let content = Content::parse("another").ok();
        let mut renamed = call();
        renamed.contact.profile.nickname = Name::parse("Les").ok();
        for other in [Call { content, ..call() }, renamed] {
            assert_ne!(tag(&other), tag(&call()));
        }
    }
}
