//! Entity tags of calls.

use sha2::{Digest, Sha256};

/// Returns the entity tag of a call: the first half of the SHA-256 hash of its JSON. The JSON contains links, so the tag
/// depends on the host name.
pub fn etag(json: &[u8]) -> String {
    let hash = Sha256::digest(json);
    let half = hash.iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    format!("\"{half:032x}\"")
}

#[cfg(test)]
mod tests {
    use domain::{Call, CallDetails, Content, Name};

    use crate::responses::{CallResponse, Links};
    use crate::tests::call;

    #[test]
    fn a_tag_depends_on_the_content_of_the_call_and_its_contact() {
        let tag = |call: &Call| CallResponse::new(call, &Links::under("https://example.org")).to_json().unwrap().1;
        assert_eq!(tag(&call()), "\"6cd45d4a67308a74ef4b5eac5beffc2c\"");
        let content = Content::parse("another").ok();
        let mut renamed = call();
        renamed.contact.profile.nickname = Name::parse("Les").ok();
        for other in [Call { details: CallDetails { content, ..call().details }, ..call() }, renamed] {
            assert_ne!(tag(&other), tag(&call()));
        }
    }
}
