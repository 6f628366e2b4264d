//! Contacts and calls to look at: those of Monica's published documentation, or made-up ones.

use domain::{
    ContactSearch, Content, Direction, Gender, ImportantDate, Name, NewCall, NewContact, PageRequest, PageSize,
    Profile, Timestamp,
};
use ports::outbound::Clock;

use crate::clock::SystemClock;
use crate::error::Error;
use crate::opened::AppContext;
use crate::output::answer;
use crate::{made_up, progress};

/// The people of the document, in the order of their ids: first name, last name, gender, approximate birthdate.
const CONTACTS: [(&str, &str, &str, Option<&str>); 2] =
    [("Henri", "Troyat", "male", Some("1987-01-01T21:56:44Z")), ("Leslie", "Knope", "none", None)];

/// The calls of the document, in the order of their ids: the contact's place above, when, and about what.
const CALLS: [(usize, &str, &str); 4] = [
    (1, "2017-10-07T21:00:56Z", "We talked about nice stuff\r\n* And especially about their wedding"),
    (0, "2017-10-07T21:02:57Z", "Just laughed super hard."),
    (1, "2017-10-07T21:17:45Z", "He called, we had fun."),
    (1, "2017-10-07T22:29:21Z", "He called, we had fun and really awesome."),
];

/// Fills the first account, unless the demo's contacts are there already.
pub async fn run(opened: &AppContext) -> Result<(), Error> {
    let account = opened.first_account().await?.id;
    let book = &opened.services.contacts;
    let order = domain::ContactOrder::CreatedAt(Direction::Ascending);
    let request = |number| PageRequest { number, size: PageSize::SMALLEST, order };
    for (first, last, ..) in CONTACTS {
        let search = ContactSearch::parse(&format!("{first} {last}")).unwrap_or_default();
        if book.list(account, search, request(1)).await?.total > 0 {
            answer!("Account {account} has {first} {last} already; nothing was added.")?;
            return Ok(());
        }
    }
    let mut ids = Vec::new();
    for contact in CONTACTS {
        ids.push(book.add(account, person(contact)?).await?.summary.id);
    }
    for (contact, called_at, content) in CALLS {
        let call = NewCall {
            contact: *ids.get(contact).ok_or_else(unreadable)?,
            called_at: timestamp(called_at)?,
            content: Content::parse(content).ok(),
            contact_called: None,
            emotions: Vec::new(),
        };
        opened.services.calls.record(account, call, None).await?;
    }
    answer!("Account {account} has {} contacts and {} calls more.", CONTACTS.len(), CALLS.len())
}

/// Fills the first account, which has no contact yet, with made-up ones.
pub async fn make_up(opened: &AppContext, contacts: u64, calls: u64) -> Result<(), Error> {
    let account = opened.first_account().await?.id;
    let order = domain::ContactOrder::CreatedAt(Direction::Ascending);
    let first = PageRequest { number: 1, size: PageSize::SMALLEST, order };
    if opened.services.contacts.list(account, ContactSearch::default(), first).await?.total > 0 {
        return Err(Error::Refused(format!("account {account} has contacts already; nothing was added")));
    }
    let bar = progress::bar("Making up", Some(contacts + calls));
    let imported = opened.store.bulk.import(account, &mut bar.wrap_iter(made_up::records(contacts, calls)), false)?;
    answer!(
        "Account {account} has {} made-up contacts and {} made-up calls.",
        imported.contacts.added,
        imported.calls.added
    )
}

fn person((first, last, gender, birthdate): (&str, &str, &str, Option<&str>)) -> Result<NewContact, Error> {
    let first_name = Name::parse(first).map_err(ports::Error::fault)?;
    let date = |date| ImportantDate { date, is_age_based: true, is_year_unknown: false };
    let profile = Profile {
        last_name: Name::parse(last).ok(),
        gender: Name::parse(gender).ok().and_then(Gender::named),
        birthdate: birthdate.map(timestamp).transpose()?.map(date),
        ..Profile::new(first_name.clone())
    };
    Ok(NewContact { profile, ..NewContact::new(first_name) })
}

fn timestamp(text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse(text, SystemClock.now()).ok_or_else(unreadable)
}

fn unreadable() -> Error {
    ports::Error::fault("the demonstration's own data cannot be read").into()
}
