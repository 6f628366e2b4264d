//! Entity tags of calls.

use std::fmt::Write;

use domain::Call;
use sha2::{Digest, Sha256};

use super::{CallResource, CallResponse, Links};

/// The entity tag of a call in its present state: half of a SHA-256 of its JSON with relative links. It is the same with
/// every toolchain and under every public URL.
pub fn etag(call: &Call) -> String {
    let response = CallResponse { data: CallResource::new(call, &Links::under("")) };
    // Serialising plain structs cannot fail.
    let hash = Sha256::digest(response.to_json().unwrap_or_default());
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &hash[..16] {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use domain::{Content, Name};

    use super::*;
    use crate::tests::call;

    #[test]
    fn a_tag_depends_on_the_state_of_the_call_alone() {
        assert_eq!(etag(&call()), "\"5212b4c05778520ae71614bc9c9def2d\"");
        let content = Content::parse("another").ok();
        let mut renamed = call();
        renamed.contact.profile.nickname = Name::parse("Les").ok();
        for other in [Call { content, ..call() }, renamed] {
            assert_ne!(etag(&other), etag(&call()));
        }
    }
}
