//! The use case of call logs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, CallFilters, CallQuery, LoggedCall, Name, Outcome, PageRequest, PhoneNumber};
use ports::inbound::{CallLogOptions, CallLogService, CallService, ContactService, LogOutcome, RecordedLog};
use ports::{Error, Result};

/// Implements [`CallLogService`] with the use cases of calls and contacts.
pub struct CallLog {
    calls: Arc<dyn CallService>,
    contacts: Arc<dyn ContactService>,
}

impl CallLog {
    /// Uses the use cases.
    pub fn new(calls: Arc<dyn CallService>, contacts: Arc<dyn ContactService>) -> Self {
        Self { calls, contacts }
    }

    /// Records the calls with the contacts that exist.
    async fn record_known_numbers(&self, account: AccountId, calls: Vec<LoggedCall>) -> Result<Vec<LogOutcome>> {
        let results = self.calls.create_many(account, calls.into_iter().map(Into::into).collect()).await?;
        let outcome = |result: Result<domain::RecordedCall>| match result.map(|recorded| recorded.outcome) {
            Ok(Outcome::Created) => Ok(LogOutcome::Added),
            Ok(Outcome::Updated | Outcome::Unchanged) => Ok(LogOutcome::AlreadyRecorded),
            Err(Error::NotFound) => Ok(LogOutcome::NoContact),
            Err(Error::SeveralContacts) => Ok(LogOutcome::SeveralContacts),
            Err(Error::Archived) => Ok(LogOutcome::Archived),
            Err(error) => Err(error),
        };
        results.into_iter().map(outcome).collect()
    }

    /// Creates a contact for each number of the calls that no contact has. Returns the numbers.
    async fn create_contacts(&self, account: AccountId, calls: &[&LoggedCall]) -> Result<Vec<PhoneNumber>> {
        let mut created = Vec::new();
        for call in calls {
            // One number can be written in several ways.
            let found = self.contacts.find_by_phone(account, vec![call.phone_number.clone()]).await?;
            if found.iter().all(Vec::is_empty)
                && let Some(contact) = call.new_contact()
            {
                self.contacts.create(account, contact).await?;
                created.push(call.phone_number.clone());
            }
        }
        Ok(created)
    }

    /// Returns what [`CallLogService::record`] would do.
    async fn preview(&self, account: AccountId, calls: &[LoggedCall], create_contacts: bool) -> Result<RecordedLog> {
        let numbers = self.outcomes_by_number(account, calls).await?;
        let (mut log, mut seen, mut new_contacts) = (RecordedLog::default(), HashSet::new(), HashSet::new());
        for call in calls {
            let outcome = numbers.get(&call.phone_number).copied().unwrap_or(LogOutcome::NoContact);
            let is_known = seen.contains(&call.external_id) || self.is_recorded(account, &call.external_id).await?;
            let is_created = outcome == LogOutcome::NoContact && create_contacts && !is_known;
            if is_created && new_contacts.insert(&call.phone_number) {
                log.new_contacts.push(call.phone_number.clone());
            }
            let outcome = match outcome {
                _ if is_known => LogOutcome::AlreadyRecorded,
                _ if is_created => LogOutcome::Added,
                outcome => outcome,
            };
            if outcome == LogOutcome::Added {
                seen.insert(&call.external_id);
            }
            log.outcomes.push(outcome);
        }
        Ok(log)
    }

    /// Returns what happens to new calls of each number.
    async fn outcomes_by_number(
        &self,
        account: AccountId,
        calls: &[LoggedCall],
    ) -> Result<HashMap<PhoneNumber, LogOutcome>> {
        let numbers: HashSet<&PhoneNumber> = calls.iter().map(|call| &call.phone_number).collect();
        let numbers: Vec<PhoneNumber> = numbers.into_iter().cloned().collect();
        let contacts = self.contacts.find_by_phone(account, numbers.clone()).await?;
        let mut outcomes = HashMap::new();
        for (number, contacts) in numbers.into_iter().zip(contacts) {
            let outcome = match contacts.as_slice() {
                [] => LogOutcome::NoContact,
                [contact] => match self.contacts.find(account, *contact).await?.summary.check_accepts_calls() {
                    Ok(()) => LogOutcome::Added,
                    Err(_) => LogOutcome::Archived,
                },
                _ => LogOutcome::SeveralContacts,
            };
            outcomes.insert(number, outcome);
        }
        Ok(outcomes)
    }

    /// Returns whether the account has a call with the external id.
    async fn is_recorded(&self, account: AccountId, external_id: &Name) -> Result<bool> {
        let filters = CallFilters { external_id: Some(external_id.clone()), ..CallFilters::default() };
        let query = CallQuery { filters, ..CallQuery::newest_first(PageRequest::SMALLEST) };
        Ok(!self.calls.keys(account, query, None, 1).await?.is_empty())
    }
}

#[async_trait]
impl CallLogService for CallLog {
    async fn record(
        &self,
        account: AccountId,
        mut calls: Vec<LoggedCall>,
        options: CallLogOptions,
    ) -> Result<RecordedLog> {
        LoggedCall::put_answered_first(&mut calls);
        if options.dry_run {
            return self.preview(account, &calls, options.create_contacts).await;
        }
        let mut outcomes = self.record_known_numbers(account, calls.clone()).await?;
        if !options.create_contacts {
            return Ok(RecordedLog { outcomes, new_contacts: Vec::new() });
        }
        let rest = outcomes.iter_mut().zip(&calls).filter(|(outcome, _)| **outcome == LogOutcome::NoContact);
        let (rest_outcomes, rest): (Vec<_>, Vec<_>) = rest.unzip();
        if rest.is_empty() {
            return Ok(RecordedLog { outcomes, new_contacts: Vec::new() });
        }
        let new_contacts = self.create_contacts(account, &rest).await?;
        let recorded = self.record_known_numbers(account, rest.into_iter().cloned().collect()).await?;
        rest_outcomes.into_iter().zip(recorded).for_each(|(outcome, recorded)| *outcome = recorded);
        Ok(RecordedLog { outcomes, new_contacts })
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        CallContact, CallDetails, CallId, CallUpsert, Contact, ContactId, ContactSummary, ItemKey, Profile,
        RecordedCall, Timestamp, Uuid,
    };
    use ports::inbound::LogOutcome::{Added, AlreadyRecorded, Archived, NoContact, SeveralContacts};
    use ports::inbound::{MockCallService, MockContactService};

    use super::*;

    fn account() -> AccountId {
        AccountId::new(5).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn call(number: &str, external_id: &str) -> LoggedCall {
        LoggedCall {
            phone_number: PhoneNumber::parse(number).unwrap(),
            external_id: name(external_id),
            name: None,
            details: CallDetails::at(Timestamp::EPOCH),
        }
    }

    fn contact(id: i64, is_active: bool) -> Contact {
        let profile = Profile { is_active, ..Profile::new(name("Leslie")) };
        let id = ContactId::new(id).unwrap();
        Contact {
            summary: ContactSummary { id, uuid: Uuid::nil(), account: account(), profile },
            description: None,
            job: None,
            company: None,
            stay_in_touch_frequency: None,
            fields: vec![],
            last_called: None,
            calls: 0,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    fn recorded(outcome: Outcome) -> RecordedCall {
        let call = domain::Call {
            id: CallId::new(1).unwrap(),
            uuid: Uuid::nil(),
            account: account(),
            contact: contact(1, true).summary,
            details: CallDetails::at(Timestamp::EPOCH),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        };
        RecordedCall { call, outcome }
    }

    fn external_id(upsert: &CallUpsert) -> &str {
        upsert.details.external_id.as_ref().unwrap().as_str()
    }

    #[actix_web::test]
    async fn records_calls_with_the_contacts_that_have_their_numbers() {
        let mut calls = MockCallService::new();
        calls.expect_create_many().times(1).returning(|_, upserts| {
            assert!(upserts.iter().all(|upsert| matches!(upsert.contact, CallContact::Number(_))));
            Ok(upserts
                .iter()
                .map(|upsert| match external_id(upsert) {
                    "new" => Ok(recorded(Outcome::Created)),
                    "known" => Ok(recorded(Outcome::Unchanged)),
                    "nobody" => Err(Error::NotFound),
                    "several" => Err(Error::SeveralContacts),
                    _ => Err(Error::Archived),
                })
                .collect())
        });
        let log = CallLog::new(Arc::new(calls), Arc::new(MockContactService::new()));
        let logged = ["new", "known", "nobody", "several", "archived"].map(|key| call("1234567", key));
        let recorded = log.record(account(), logged.into(), CallLogOptions::default()).await.unwrap();
        assert_eq!(recorded.outcomes, [Added, AlreadyRecorded, NoContact, SeveralContacts, Archived]);
        assert_eq!(recorded.new_contacts, []);
    }

    #[actix_web::test]
    async fn creates_one_contact_for_a_number_that_is_written_in_two_ways() {
        let (mut calls, mut contacts) = (MockCallService::new(), MockContactService::new());
        calls.expect_create_many().times(1).returning(|_, upserts| {
            Ok(upserts
                .iter()
                .map(
                    |upsert| {
                        if external_id(upsert) == "a" { Ok(recorded(Outcome::Created)) } else { Err(Error::NotFound) }
                    },
                )
                .collect())
        });
        calls.expect_create_many().times(1).returning(|_, upserts| {
            assert_eq!(upserts.iter().map(external_id).collect::<Vec<_>>(), ["b", "c"]);
            Ok(upserts.iter().map(|_| Ok(recorded(Outcome::Created))).collect())
        });
        contacts.expect_find_by_phone().times(1).returning(|_, _| Ok(vec![vec![]]));
        contacts.expect_find_by_phone().times(1).returning(|_, _| Ok(vec![vec![ContactId::new(7).unwrap()]]));
        contacts.expect_create().times(1).returning(|_, new| {
            assert_eq!(new.fields[0].data.as_str(), "+41 31 000 00 00");
            Ok(contact(7, true))
        });
        let log = CallLog::new(Arc::new(calls), Arc::new(contacts));
        let logged = vec![call("1234567", "a"), call("+41 31 000 00 00", "b"), call("0041310000000", "c")];
        let options = CallLogOptions { create_contacts: true, dry_run: false };
        let recorded = log.record(account(), logged, options).await.unwrap();
        assert_eq!(recorded.outcomes, [LogOutcome::Added; 3]);
        assert_eq!(recorded.new_contacts, [PhoneNumber::parse("+41 31 000 00 00").unwrap()]);
    }

    #[actix_web::test]
    async fn an_error_of_the_store_is_an_error() {
        let mut calls = MockCallService::new();
        calls.expect_create_many().returning(|_, _| Ok(vec![Err(Error::unavailable("the disk is full"))]));
        let log = CallLog::new(Arc::new(calls), Arc::new(MockContactService::new()));
        let result = log.record(account(), vec![call("1234567", "a")], CallLogOptions::default()).await;
        assert!(matches!(result, Err(Error::Unavailable(_))));
    }

    #[actix_web::test]
    async fn a_dry_run_changes_nothing_and_tells_what_would_happen() {
        for (create_contacts, nobody, new_contacts) in [(false, NoContact, 0), (true, Added, 1)] {
            let (mut calls, mut contacts) = (MockCallService::new(), MockContactService::new());
            calls.expect_keys().returning(|_, query, _, limit| {
                assert_eq!(limit, 1);
                let is_known = query.filters.external_id == Some(name("known"));
                Ok(is_known.then_some(ItemKey { value: Timestamp::EPOCH, id: 1 }).into_iter().collect())
            });
            contacts.expect_find_by_phone().times(1).returning(|_, numbers| {
                let contacts = |number: &PhoneNumber| match number.as_str() {
                    "1111111" => vec![1],
                    "2222222" => vec![1, 2],
                    "3333333" => vec![3],
                    _ => vec![],
                };
                let ids = |number| contacts(number).into_iter().filter_map(ContactId::new).collect();
                Ok(numbers.iter().map(ids).collect())
            });
            contacts.expect_find().returning(|_, id| Ok(contact(id.get(), id.get() != 3)));
            let log = CallLog::new(Arc::new(calls), Arc::new(contacts));
            let logged = vec![
                call("1111111", "a"),
                call("1111111", "a"),
                call("1111111", "known"),
                call("2222222", "b"),
                call("3333333", "c"),
                call("4444444", "d"),
                call("4444444", "e"),
            ];
            let options = CallLogOptions { create_contacts, dry_run: true };
            let recorded = log.record(account(), logged, options).await.unwrap();
            assert_eq!(
                recorded.outcomes,
                [Added, AlreadyRecorded, AlreadyRecorded, SeveralContacts, Archived, nobody, nobody]
            );
            assert_eq!(recorded.new_contacts.len(), new_contacts);
        }
    }
}
