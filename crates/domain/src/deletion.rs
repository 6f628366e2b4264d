//! What remains known of deleted calls and contacts.

use uuid::Uuid;

use crate::{Cursor, Name, PageRequest, PageSize, PageStart, Timestamp};

/// A deleted call or contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The number of the deletion, which orders those of the same second.
    pub number: i64,
    /// What was deleted.
    pub object: DeletedObject,
    /// The id that it had.
    pub id: i64,
    /// The globally unique id that it had.
    pub uuid: Uuid,
    /// The external id of a call that had one.
    pub external_id: Option<Name>,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

impl Deletion {
    /// How long deletions are kept, in seconds: 180 days.
    pub const TTL_SECONDS: i64 = 180 * 24 * 60 * 60;
}

/// The kind of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedObject {
    /// A call.
    Call,
    /// A contact.
    Contact,
}

/// A request for a page of deletions, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionQuery {
    /// Lists what was deleted at this time or later.
    pub since: Timestamp,
    /// Where the page begins.
    pub cursor: Cursor,
    /// The size of the page.
    pub size: PageSize,
}

impl DeletionQuery {
    /// Returns the request for the page.
    pub fn page(&self) -> PageRequest {
        PageRequest { start: PageStart::Cursor(self.cursor), size: self.size }
    }
}
