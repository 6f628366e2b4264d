//! Contacts, the people that calls are made with.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveTime};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::{
    AccountId, ContactField, ContactFieldId, ContactId, Content, Name, NamedField, NewContactField,
    StayInTouchFrequency, Timestamp, index_text,
};

/// The gender of a contact, by any name that its owner chose except "none", which means no gender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gender(Name);

impl Gender {
    /// The genders of a new Monica account. Their ids count from 1.
    pub const DEFAULTS: [&'static str; 3] = ["Man", "Woman", "Rather not say"];

    /// Returns the default gender with this id. `None` if there is none.
    pub fn by_id(id: i64) -> Option<Self> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        Self::DEFAULTS.get(index).and_then(|name| Name::parse(name).ok()).map(Self)
    }

    /// Returns the gender of this name. `None` for "none".
    pub fn named(name: Name) -> Option<Self> {
        (!name.as_str().eq_ignore_ascii_case("none")).then_some(Self(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns Monica's letter: M, F, or O for any other gender.
    pub fn letter(&self) -> &'static str {
        match self.as_str().to_ascii_lowercase().as_str() {
            "man" | "male" => "M",
            "woman" | "female" => "F",
            _ => "O",
        }
    }
}

/// A birthdate or a date of death, with its precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImportantDate {
    /// The date.
    pub date: Timestamp,
    /// The date is estimated from an age, so that only its year is meaningful.
    pub is_age_based: bool,
    /// Only the day and the month are known.
    pub is_year_unknown: bool,
}

impl ImportantDate {
    /// Returns the date of year, month and day. Without a year, it is in this year, or in the last leap year if only that
    /// has the day. `None` if there is no such date.
    pub fn of_parts(year: Option<i32>, month: u32, day: u32, now: Timestamp) -> Option<Self> {
        let date = match year {
            Some(year) => NaiveDate::from_ymd_opt(year, month, day),
            None => (now.year() - 7..=now.year()).rev().find_map(|year| NaiveDate::from_ymd_opt(year, month, day)),
        };
        let date = Timestamp::from_unix(date?.and_time(NaiveTime::MIN).and_utc().timestamp())?;
        Some(Self { date, is_age_based: false, is_year_unknown: year.is_none() })
    }
}

/// Names, gender, flags and dates of a contact: the part that every call of the contact shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// First name.
    pub first_name: Name,
    /// Middle name.
    pub middle_name: Option<Name>,
    /// Last name.
    pub last_name: Option<Name>,
    /// Nickname.
    pub nickname: Option<Name>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Marked as a favourite.
    pub is_starred: bool,
    /// Exists only as a relation of another contact.
    pub is_partial: bool,
    /// Not archived. The calls of an archived contact cannot be written.
    pub is_active: bool,
    /// Deceased.
    pub is_dead: bool,
    /// Birthdate.
    pub birthdate: Option<ImportantDate>,
    /// Date of death.
    pub deceased_date: Option<ImportantDate>,
}

impl Profile {
    /// Returns a profile with a first name only.
    pub fn new(first_name: Name) -> Self {
        Self {
            first_name,
            middle_name: None,
            last_name: None,
            nickname: None,
            gender: None,
            is_starred: false,
            is_partial: false,
            is_active: true,
            is_dead: false,
            birthdate: None,
            deceased_date: None,
        }
    }

    /// Returns a profile with the names of a full name: its first word is the first name, the rest the last name.
    pub fn from_full_name(name: Name) -> Self {
        match name.as_str().split_once(char::is_whitespace).map(|(first, last)| (Name::parse(first), Name::parse(last)))
        {
            Some((Ok(first_name), Ok(last_name))) => Self { last_name: Some(last_name), ..Self::new(first_name) },
            _ => Self::new(name),
        }
    }

    /// Returns first, middle and last name, with the nickname in parentheses: `Jane Q Doe (JD)`.
    pub fn complete_name(&self) -> String {
        let mut name = self.names().collect::<Vec<_>>().join(" ");
        if let Some(nickname) = &self.nickname {
            name.push_str(" (");
            name.push_str(nickname.as_str());
            name.push(')');
        }
        name
    }

    /// Returns the first letter or digit of each word of the names, without accents: `JvD`.
    pub fn initials(&self) -> String {
        let initial = |word: &str| word.nfkd().next().filter(|c| c.is_alphanumeric());
        self.names().flat_map(str::split_whitespace).filter_map(initial).collect()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [Some(&self.first_name), self.middle_name.as_ref(), self.last_name.as_ref()]
            .into_iter()
            .flatten()
            .map(Name::as_str)
    }
}

/// The part of a contact that every call of the contact shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContactSummary {
    /// The id, unique among all contacts and never reused.
    pub id: ContactId,
    /// The globally unique id.
    pub uuid: Uuid,
    /// The account that owns the contact.
    pub account: AccountId,
    /// Names, gender, flags and dates.
    pub profile: Profile,
}

impl ContactSummary {
    /// Checks that calls of the contact may be recorded, changed and deleted.
    pub fn check_accepts_calls(&self) -> Result<(), Archived> {
        if self.profile.is_active { Ok(()) } else { Err(Archived) }
    }

    /// Checks that single contact fields may be added, changed and deleted: as calls.
    pub fn check_accepts_fields(&self) -> Result<(), Archived> {
        self.check_accepts_calls()
    }
}

/// The contact is archived, so its calls and single contact fields cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the contact is archived")]
pub struct Archived;

/// A contact with all its data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contact {
    /// The identity and the profile.
    pub summary: ContactSummary,
    /// A note about the person.
    pub description: Option<Content>,
    /// The person's job.
    pub job: Option<Name>,
    /// The person's company.
    pub company: Option<Name>,
    /// How often the contact is to be called. `None` if no frequency is set.
    pub stay_in_touch_frequency: Option<StayInTouchFrequency>,
    /// The contact fields, in the order in which they were added.
    pub fields: Vec<ContactField>,
    /// The newest `called_at` of the contact's calls.
    pub last_called: Option<Timestamp>,
    /// The number of the contact's calls.
    pub calls: u64,
    /// When the contact was created.
    pub created_at: Timestamp,
    /// When the contact last changed. A call changes `last_called`, not this.
    pub updated_at: Timestamp,
}

impl Contact {
    /// Returns when the contact is to be called next. `None` if it has no frequency.
    pub fn stay_in_touch_trigger_date(&self) -> Option<Timestamp> {
        self.stay_in_touch_frequency.map(|frequency| frequency.trigger_date(self.last_called, self.created_at))
    }

    /// Checks that the contact may get one more contact field.
    pub fn check_has_room_for_a_field(&self) -> Result<(), TooManyFields> {
        if self.fields.len() < NewContact::MAX_FIELDS { Ok(()) } else { Err(TooManyFields) }
    }
}

/// A contact without an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    /// Names, gender, flags and dates.
    pub profile: Profile,
    /// A note about the person.
    pub description: Option<Content>,
    /// The person's job.
    pub job: Option<Name>,
    /// The person's company.
    pub company: Option<Name>,
    /// How often the contact is to be called.
    pub stay_in_touch_frequency: Option<StayInTouchFrequency>,
    /// The contact fields.
    pub fields: Vec<NewContactField>,
}

/// A contact would have more than [`NewContact::MAX_FIELDS`] contact fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the contact has too many contact fields")]
pub struct TooManyFields;

impl NewContact {
    /// The maximal number of contact fields. A contact that an early version imported can have more.
    pub const MAX_FIELDS: usize = 100;

    /// Returns a contact with a first name only.
    pub fn new(first_name: Name) -> Self {
        Self::with_profile(Profile::new(first_name))
    }

    /// Returns a contact with a profile only.
    pub fn with_profile(profile: Profile) -> Self {
        Self { profile, description: None, job: None, company: None, stay_in_touch_frequency: None, fields: Vec::new() }
    }

    /// Returns the words that searches find: of names, nickname, job, company, description and contact fields.
    pub fn search_text(&self) -> String {
        let profile = &self.profile;
        let optional = [&profile.middle_name, &profile.last_name, &profile.nickname, &self.job, &self.company];
        let names = std::iter::once(&profile.first_name).chain(optional.into_iter().flatten());
        let fields = self.fields.iter().map(|field| &field.data);
        // The description is the longest text: if not all fits into an index, then the rest of it is missing.
        let texts = names.chain(fields).map(Name::as_str).chain(self.description.as_ref().map(Content::as_str));
        index_text(texts)
    }
}

impl From<Contact> for NewContact {
    /// Drops the identity of the contact.
    fn from(contact: Contact) -> Self {
        Self {
            profile: contact.summary.profile,
            description: contact.description,
            job: contact.job,
            company: contact.company,
            stay_in_touch_frequency: contact.stay_in_touch_frequency,
            fields: contact.fields.into_iter().map(|field| field.content).collect(),
        }
    }
}

/// A partial change of a contact. `None` keeps the stored value, `Some(None)` removes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactPatch {
    /// First name.
    pub first_name: Option<Name>,
    /// Middle name.
    pub middle_name: Option<Option<Name>>,
    /// Last name.
    pub last_name: Option<Option<Name>>,
    /// Nickname.
    pub nickname: Option<Option<Name>>,
    /// Gender.
    pub gender: Option<Option<Gender>>,
    /// Marked as a favourite.
    pub is_starred: Option<bool>,
    /// Exists only as a relation of another contact.
    pub is_partial: Option<bool>,
    /// Not archived.
    pub is_active: Option<bool>,
    /// Deceased.
    pub is_dead: Option<bool>,
    /// Birthdate.
    pub birthdate: Option<Option<ImportantDate>>,
    /// Date of death.
    pub deceased_date: Option<Option<ImportantDate>>,
    /// A note about the person.
    pub description: Option<Option<Content>>,
    /// The person's job.
    pub job: Option<Option<Name>>,
    /// The person's company.
    pub company: Option<Option<Name>>,
    /// How often the contact is to be called.
    pub stay_in_touch_frequency: Option<Option<StayInTouchFrequency>>,
    /// Contact fields to add or to change. All others stay.
    pub fields: Vec<NamedField>,
}

impl ContactPatch {
    /// Returns the contact with the patch applied. `field_ids` are the ids of the stored fields, which keep their places;
    /// new ones follow.
    pub fn apply(self, stored: NewContact, field_ids: &[ContactFieldId]) -> Result<NewContact, TooManyFields> {
        let NewContact { profile, description, job, company, stay_in_touch_frequency, fields } = stored;
        let fields = apply_fields(self.fields, fields, field_ids)?;
        Ok(NewContact {
            profile: Profile {
                first_name: self.first_name.unwrap_or(profile.first_name),
                middle_name: self.middle_name.unwrap_or(profile.middle_name),
                last_name: self.last_name.unwrap_or(profile.last_name),
                nickname: self.nickname.unwrap_or(profile.nickname),
                gender: self.gender.unwrap_or(profile.gender),
                is_starred: self.is_starred.unwrap_or(profile.is_starred),
                is_partial: self.is_partial.unwrap_or(profile.is_partial),
                is_active: self.is_active.unwrap_or(profile.is_active),
                is_dead: self.is_dead.unwrap_or(profile.is_dead),
                birthdate: self.birthdate.unwrap_or(profile.birthdate),
                deceased_date: self.deceased_date.unwrap_or(profile.deceased_date),
            },
            description: self.description.unwrap_or(description),
            job: self.job.unwrap_or(job),
            company: self.company.unwrap_or(company),
            stay_in_touch_frequency: self.stay_in_touch_frequency.unwrap_or(stay_in_touch_frequency),
            fields,
        })
    }
}

/// Changes the stored fields that are named by their ids, and adds those of the others that the contact does not have.
///
/// Fields are the same only if kind and text are: a search does not tell `zoë@x.org` and `zoe@x.org` apart, but they are
/// two addresses.
fn apply_fields(
    named: Vec<NamedField>,
    mut fields: Vec<NewContactField>,
    field_ids: &[ContactFieldId],
) -> Result<Vec<NewContactField>, TooManyFields> {
    let max = fields.len().max(NewContact::MAX_FIELDS);
    let mut new = Vec::new();
    for NamedField { id, content } in named {
        let stored = id.and_then(|id| field_ids.iter().position(|stored| *stored == id));
        match stored.and_then(|place| fields.get_mut(place)) {
            Some(field) => *field = content,
            None => new.push(content),
        }
    }
    let mut known: HashSet<NewContactField> = fields.iter().cloned().collect();
    fields.extend(new.into_iter().filter(|field| known.insert(field.clone())));
    if fields.len() > max { Err(TooManyFields) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn jane() -> NewContact {
        let profile = Profile {
            middle_name: Some(name("q")),
            last_name: Some(name("Doë")),
            nickname: Some(name("JD")),
            ..Profile::new(name("Jane"))
        };
        NewContact {
            profile,
            description: Content::parse("A friend").ok(),
            job: Some(name("Pilot")),
            stay_in_touch_frequency: StayInTouchFrequency::from_days(30),
            ..NewContact::new(name("Jane"))
        }
    }

    #[test]
    fn composes_names_as_monica_does() {
        assert_eq!(jane().profile.complete_name(), "Jane q Doë (JD)");
        assert_eq!(jane().profile.initials(), "JqD");
        let named = |first, last| Profile { last_name: Name::parse(last).ok(), ..Profile::new(name(first)) };
        assert_eq!(named("Ünï ☎ 📞", "O'Brien <b>").initials(), "UO");
        assert_eq!(named("Bobs contact", "").initials(), "Bc");
        assert_eq!(named("Ludwig", "van Beethoven 2nd").initials(), "LvB2");
        assert_eq!(named("Лев", "李").initials(), "Л李");
        assert_eq!(Profile::new(name("John")).complete_name(), "John");
    }

    #[test]
    fn a_date_without_a_year_is_in_the_last_year_that_has_the_day() {
        let now = Timestamp::from_unix(1_517_566_500).unwrap();
        let date = |year, month, day| {
            let date = ImportantDate::of_parts(year, month, day, now)?;
            Some((date.date.to_string(), date.is_year_unknown))
        };
        assert_eq!(date(Some(1985), 4, 12), Some(("1985-04-12T00:00:00Z".to_owned(), false)));
        assert_eq!(date(None, 4, 12), Some(("2018-04-12T00:00:00Z".to_owned(), true)));
        assert_eq!(date(None, 2, 29), Some(("2016-02-29T00:00:00Z".to_owned(), true)));
        assert_eq!((date(Some(1985), 2, 29), date(None, 13, 1), date(None, 0, 0)), (None, None, None));
        assert_eq!((date(Some(0), 1, 1), date(Some(10_000), 1, 1)), (None, None));
    }

    #[test]
    fn a_full_name_has_a_first_and_a_last_name() {
        for (full, first, last) in [
            ("Leslie", "Leslie", None),
            ("Leslie Knope", "Leslie", Some("Knope")),
            ("Ludwig\u{a0} van Beethoven", "Ludwig", Some("van Beethoven")),
        ] {
            let profile = Profile::from_full_name(name(full));
            assert_eq!((profile.first_name.as_str(), profile.last_name.as_ref().map(Name::as_str)), (first, last));
        }
    }

    #[test]
    fn search_text_has_every_word_folded() {
        let email = NewContactField { kind: crate::ContactFieldKind::EMAIL, data: name("Jane@Ex.org") };
        let jane = NewContact { fields: vec![email], ..jane() };
        assert_eq!(jane.search_text(), "jane q doe jd pilot jane ex org a friend");
    }

    #[test]
    fn a_gender_has_a_letter_and_is_not_none() {
        assert_eq!(Gender::named(name("None")), None);
        for (text, letter) in [("male", "M"), ("Man", "M"), ("Woman", "F"), ("FEMALE", "F"), ("Agender", "O")] {
            assert_eq!(Gender::named(name(text)).unwrap().letter(), letter, "{text}");
        }
        assert_eq!(Gender::by_id(2).unwrap().as_str(), "Woman");
        assert_eq!((Gender::by_id(0), Gender::by_id(4), Gender::by_id(-1)), (None, None, None));
    }

    #[test]
    fn a_patch_keeps_absent_values() {
        assert_eq!(ContactPatch::default().apply(jane(), &[]), Ok(jane()));
        let change = ContactPatch { nickname: Some(None), is_starred: Some(true), ..ContactPatch::default() };
        let changed = change.apply(jane(), &[]).unwrap();
        assert_eq!(changed.profile.complete_name(), "Jane q Doë");
        assert!(changed.profile.is_starred);
        assert_eq!((changed.job, changed.stay_in_touch_frequency), (jane().job, jane().stay_in_touch_frequency));
        let never = ContactPatch { stay_in_touch_frequency: Some(None), ..ContactPatch::default() };
        assert_eq!(never.apply(jane(), &[]).unwrap().stay_in_touch_frequency, None);
    }

    fn phone(number: &str) -> NewContactField {
        NewContactField { kind: crate::ContactFieldKind::PHONE, data: name(number) }
    }

    fn email(address: &str) -> NewContactField {
        NewContactField { kind: crate::ContactFieldKind::EMAIL, data: name(address) }
    }

    /// Applies a patch that names these fields to a contact whose fields have the ids 1, 2 and so on.
    fn apply_fields(
        named: impl IntoIterator<Item = NamedField>,
        stored: &[NewContactField],
    ) -> Result<Vec<NewContactField>, TooManyFields> {
        let ids: Vec<_> = (1..=stored.len()).map(|id| id_of(i64::try_from(id).unwrap())).collect();
        let patch = ContactPatch { fields: named.into_iter().collect(), ..ContactPatch::default() };
        let contact = NewContact { fields: stored.to_vec(), ..jane() };
        patch.apply(contact, &ids).map(|contact| contact.fields)
    }

    fn id_of(id: i64) -> ContactFieldId {
        ContactFieldId::new(id).unwrap()
    }

    #[test]
    fn a_patch_adds_fields_and_drops_none() {
        let stored = [phone("+1 555 0100"), email("jane@example.org"), phone("+1 555 0100")];
        let fields =
            |named: Vec<NewContactField>| apply_fields(named.into_iter().map(NamedField::from), &stored).unwrap();
        assert_eq!(fields(vec![]), stored);
        assert_eq!(fields(vec![stored[1].clone()]), stored, "the patch does not name all");
        assert_eq!(fields(stored.to_vec()), stored, "also equal ones are two fields");
        let added = fields(vec![phone("+1 555 0199"), stored[0].clone(), phone("+1 555 0199")]);
        assert_eq!(added, [&stored[..], &[phone("+1 555 0199")]].concat());
    }

    #[test]
    fn a_patch_changes_the_fields_that_it_names_by_id() {
        let stored = [phone("1"), email("a@x.org"), phone("1")];
        let change = |id, content| NamedField { id: Some(id_of(id)), content };
        let changed = apply_fields([phone("1").into(), change(3, phone("3")), change(1, phone("2"))], &stored);
        assert_eq!(changed.unwrap(), [phone("2"), email("a@x.org"), phone("3"), phone("1")]);
        let of_another_contact = apply_fields([change(4, phone("1")), change(4, email("b@x.org"))], &stored);
        assert_eq!(of_another_contact.unwrap(), [&stored[..], &[email("b@x.org")]].concat());
    }

    #[test]
    fn only_fields_of_the_same_kind_and_text_are_duplicates() {
        let similar = [
            phone("+1 555 0100"),
            phone("1-555-0100"),
            phone("+1 555 0100 ext 5"),
            phone("+1 555 01005"),
            email("zoë@x.org"),
            email("zoe@x.org"),
            email("Zoe@x.org"),
        ];
        let twice = || similar.iter().chain(&similar).cloned().map(NamedField::from);
        assert_eq!(apply_fields(twice(), &[]).unwrap(), similar);
        assert_eq!(apply_fields(twice(), &similar).unwrap(), similar);
    }

    #[test]
    fn a_patch_cannot_exceed_the_maximal_number_of_fields() {
        let phones = |numbers: std::ops::Range<usize>| numbers.map(|n| phone(&n.to_string())).collect::<Vec<_>>();
        let add = |numbers, stored: usize| {
            let named = phones(numbers).into_iter().map(NamedField::from);
            apply_fields(named, &phones(0..stored)).map(|fields| fields.len())
        };
        assert_eq!(add(99..100, 99), Ok(100));
        assert_eq!(add(99..100, 100), Ok(100), "it has this one");
        assert_eq!(add(100..101, 100), Err(TooManyFields));
        assert_eq!((add(0..0, 150), add(150..151, 150)), (Ok(150), Err(TooManyFields)), "an early version imported it");
    }

    #[test]
    fn a_contact_has_room_for_100_fields() {
        let field = ContactField {
            id: id_of(1),
            uuid: Uuid::nil(),
            content: phone("1"),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        };
        let with_fields = |count| Contact { fields: vec![field.clone(); count], ..stored() };
        assert_eq!(with_fields(99).check_has_room_for_a_field(), Ok(()));
        assert_eq!(with_fields(100).check_has_room_for_a_field(), Err(TooManyFields));
    }

    fn stored() -> Contact {
        let NewContact { profile, description, job, company, stay_in_touch_frequency, .. } = jane();
        let (id, account) = (ContactId::new(1).unwrap(), AccountId::new(1).unwrap());
        Contact {
            summary: ContactSummary { id, uuid: Uuid::nil(), account, profile },
            description,
            job,
            company,
            stay_in_touch_frequency,
            fields: vec![],
            last_called: None,
            calls: 0,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn a_contact_is_to_be_called_after_its_newest_call() {
        let date = |contact: &Contact| contact.stay_in_touch_trigger_date().map(|date| date.to_string());
        assert_eq!(date(&stored()).as_deref(), Some("1970-01-31T00:00:00Z"));
        let called = Contact { last_called: Timestamp::from_unix(86_400), ..stored() };
        assert_eq!(date(&called).as_deref(), Some("1970-02-01T00:00:00Z"));
        assert_eq!(date(&Contact { stay_in_touch_frequency: None, ..called }), None);
    }

    #[test]
    fn an_archived_contact_accepts_neither_calls_nor_fields() {
        let mut contact = stored().summary;
        assert_eq!((contact.check_accepts_calls(), contact.check_accepts_fields()), (Ok(()), Ok(())));
        contact.profile.is_active = false;
        assert_eq!((contact.check_accepts_calls(), contact.check_accepts_fields()), (Err(Archived), Err(Archived)));
    }
}
