//! Keeping contacts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AccountId, Contact, ContactChange, ContactId, ContactOrder, ContactSearch, NewContact, Page, PageRequest,
};
use ports::Result;
use ports::inbound::ContactBook;
use ports::outbound::{Clock, ContactRepository};
use uuid::Uuid;

/// The contacts, in a repository.
pub struct Contacts {
    contacts: Arc<dyn ContactRepository>,
    clock: Arc<dyn Clock>,
}

impl Contacts {
    /// Over this repository.
    pub fn new(contacts: Arc<dyn ContactRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { contacts, clock }
    }
}

#[async_trait]
impl ContactBook for Contacts {
    async fn list(
        &self,
        account: AccountId,
        query: Option<String>,
        page: PageRequest<ContactOrder>,
    ) -> Result<Page<Contact>> {
        self.contacts.list(account, ContactSearch::parse(&query.unwrap_or_default()), page).await
    }

    async fn find(&self, account: AccountId, contact: ContactId) -> Result<Contact> {
        self.contacts.find(account, contact).await
    }

    async fn add(&self, account: AccountId, contact: NewContact) -> Result<Contact> {
        self.contacts.create(account, contact, Uuid::new_v4(), self.clock.now()).await
    }

    async fn revise(&self, account: AccountId, contact: ContactId, change: ContactChange) -> Result<Contact> {
        self.contacts.update(account, contact, change, self.clock.now()).await
    }

    async fn delete(&self, account: AccountId, contact: ContactId) -> Result<()> {
        self.contacts.delete(account, contact).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{Direction, PageSize};
    use ports::outbound::{MockClock, MockContactRepository};

    use super::*;

    #[actix_web::test]
    async fn a_search_is_read_by_the_domain() {
        for query in [Some(" Zoë  BRONTË "), Some("phone:+1 555 0100"), Some("  "), None] {
            let mut contacts = MockContactRepository::new();
            contacts
                .expect_list()
                .withf(move |_, asked, _| *asked == ContactSearch::parse(query.unwrap_or_default()))
                .return_once(|_, _, _| Ok(Page { items: vec![], total: 0 }));
            let book = Contacts::new(Arc::new(contacts), Arc::new(MockClock::new()));
            let order = ContactOrder::CreatedAt(Direction::Ascending);
            let page = PageRequest { number: 1, size: PageSize::SMALLEST, order };
            book.list(AccountId::from_store(5), query.map(str::to_owned), page).await.unwrap();
        }
    }
}
