//! Entity tags of calls.

use std::hash::{Hash, Hasher};

use domain::Call;
use sha2::{Digest, Sha256};

/// Returns the entity tag of a call: the first half of the SHA-256 hash of its state, including its contact. It does not
/// depend on the host name, and a new member of a call changes it by itself.
pub fn etag(call: &Call) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    call.hash(&mut hasher);
    let half = hasher.0.finalize().iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    format!("\"{half:032x}\"")
}

/// Hashes what [`Hash`] feeds. Unlike the hashers of the standard library, the result does not change with its version;
/// the test below fixes a tag.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Is not used: the tag is longer than 64 bits.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use domain::{CallDetails, Content, Name};

    use super::*;
    use crate::tests::call;

    #[test]
    fn a_tag_depends_on_the_content_of_the_call_and_its_contact() {
        assert_eq!(etag(&call()), "\"d3bad705b6ebbe69494cc96db65c8a8c\"");
        let content = Content::parse("another").ok();
        let mut renamed = call();
        renamed.contact.profile.nickname = Name::parse("Les").ok();
        for other in [Call { details: CallDetails { content, ..call().details }, ..call() }, renamed] {
            assert_ne!(etag(&other), etag(&call()));
        }
    }
}
