//! Entity tags of calls and contacts.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

/// Returns the entity tag of a call or a contact: the first half of the SHA-256 hash of its state, including the contact
/// of a call and the counters of a contact. It does not depend on the host name, and a new member changes it by itself.
pub fn etag(state: &impl Hash) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    state.hash(&mut hasher);
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
    use domain::{Call, CallDetails, Contact, Content, Name};

    use super::*;
    use crate::tests::{call, contact};

    #[test]
    fn a_tag_does_not_change_with_the_toolchain() {
        assert_eq!(etag(&(1_i64, "text", Some(true))), "\"63d3f6203ebae86a310e68e60241e7ce\"");
    }

    #[test]
    fn a_tag_depends_on_the_content_of_the_call_and_its_contact() {
        let content = Content::parse("another").ok();
        let mut renamed = call();
        renamed.contact.profile.nickname = Name::parse("Les").ok();
        for other in [Call { details: CallDetails { content, ..call().details }, ..call() }, renamed] {
            assert_ne!(etag(&other), etag(&call()));
        }
    }

    #[test]
    fn a_tag_depends_on_the_counters_of_the_contact() {
        let called = Contact { calls: 8, ..contact() };
        let earlier = Contact { last_called: None, ..contact() };
        assert_eq!(etag(&contact()), etag(&contact()));
        assert!([called, earlier].iter().all(|other| etag(other) != etag(&contact())));
    }
}
