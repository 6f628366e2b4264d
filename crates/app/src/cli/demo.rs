//! `callbook demo`: the contacts and calls of Monica's published documentation, or generated ones.

use domain::{
    AccountId, CallDetails, ContactQuery, ContactSearch, Content, Gender, ImportantDate, Name, NewCall, NewContact,
    PageRequest, Profile, Timestamp,
};
use ports::outbound::Clock;

use super::AccountArg;
use crate::clock::SystemClock;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::{progress, sample_data};

#[derive(clap::Args)]
pub struct DemoArgs {
    #[command(flatten)]
    account: AccountArg,
    /// Number of contacts to generate instead, always the same ones, in an account without contacts
    #[arg(long, value_name = "N", requires = "calls", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    contacts: Option<u64>,
    /// Number of calls to generate with them
    #[arg(long, value_name = "M", requires = "contacts", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    calls: Option<u64>,
}

/// The contacts of the document, in the order of their ids: first name, last name, gender, approximate birthdate.
const CONTACTS: [(&str, &str, &str, Option<&str>); 2] =
    [("Henri", "Troyat", "male", Some("1987-01-01T21:56:44Z")), ("Leslie", "Knope", "none", None)];

/// The calls of the document, in the order of their ids: index of the contact in `CONTACTS`, time, content.
const CALLS: [(usize, &str, &str); 4] = [
    (1, "2017-10-07T21:00:56Z", "We talked about nice stuff\r\n* And especially about their wedding"),
    (0, "2017-10-07T21:02:57Z", "Just laughed super hard."),
    (1, "2017-10-07T21:17:45Z", "He called, we had fun."),
    (1, "2017-10-07T22:29:21Z", "He called, we had fun and really awesome."),
];

/// Runs `callbook demo`.
pub async fn run(context: &AppContext, args: &DemoArgs) -> Result<(), Error> {
    match args.contacts.zip(args.calls) {
        None => add_documented(context, args.account.id).await,
        Some((contacts, calls)) => generate(context, args.account.id, contacts, calls).await,
    }
}

/// Adds the document's contacts and calls to the account, unless it has all of the contacts. One of them may be a user's:
/// the first contact of the README.
async fn add_documented(context: &AppContext, account: Option<AccountId>) -> Result<(), Error> {
    let account = context.account(account).await?;
    let mut found = 0;
    for (first, last, ..) in CONTACTS {
        let search = ContactSearch::parse(&format!("{first} {last}")).unwrap_or_default();
        found += count_contacts(context, account, search).await?.min(1);
    }
    if found == CONTACTS.len() as u64 {
        return outln!("Account {account} has the contacts of the demo already; nothing was added.");
    }
    let http_adapter::Services { contacts, calls, .. } = &context.services.http;
    let mut ids = Vec::new();
    for contact in CONTACTS {
        ids.push(contacts.create(account, new_contact(contact)?).await?.summary.id);
    }
    for (contact, called_at, text) in CALLS {
        let contact = *ids.get(contact).ok_or_else(invalid_data)?;
        let details = CallDetails { content: Content::parse(text).ok(), ..CallDetails::at(timestamp(called_at)?) };
        calls.create(account, NewCall { contact, details }.into(), None).await?;
    }
    outln!("Account {account} has {} contacts and {} calls more.", CONTACTS.len(), CALLS.len())
}

/// Fills the account, which must have no contacts, with generated ones.
async fn generate(context: &AppContext, account: Option<AccountId>, contacts: u64, calls: u64) -> Result<(), Error> {
    let account = context.account(account).await?;
    if count_contacts(context, account, ContactSearch::default()).await? > 0 {
        return Err(Error::Failed(format!("account {account} has contacts already; nothing was added")));
    }
    let bar = progress::bar("Generating", Some(contacts + calls));
    let mut records = bar.wrap_iter(sample_data::records(contacts, calls));
    let summary = context.services.transfer.import(account, &mut records, false)?;
    let (contacts, calls) = (summary.contacts.added, summary.calls.added);
    outln!("Account {account} has {contacts} made-up contacts and {calls} made-up calls.")
}

/// Counts the contacts of the account that match.
async fn count_contacts(context: &AppContext, account: AccountId, search: ContactSearch) -> Result<u64, Error> {
    let query = ContactQuery { search, ..ContactQuery::oldest_first(PageRequest::SMALLEST) };
    Ok(context.services.http.contacts.list(account, query).await?.total)
}

fn new_contact((first, last, gender, birthdate): (&str, &str, &str, Option<&str>)) -> Result<NewContact, Error> {
    let first_name = Name::parse(first).map_err(ports::Error::internal)?;
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
    Timestamp::parse(text, SystemClock.now()).ok_or_else(invalid_data)
}

fn invalid_data() -> Error {
    ports::Error::internal("the data of the demo cannot be parsed").into()
}
