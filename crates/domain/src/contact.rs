//! Contacts, the people that calls are made with.

use chrono::{NaiveDate, NaiveTime};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::{AccountId, ContactField, ContactId, Content, Name, NewContactField, Timestamp, index_text};

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
}

/// The contact is archived, so its calls cannot be written.
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
    /// The contact fields, without duplicates.
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
        Self { profile, description: None, job: None, company: None, fields: Vec::new() }
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
    /// The new contact fields, which replace the whole list.
    pub fields: Option<Vec<NewContactField>>,
    /// Contact fields to add.
    pub more_fields: Vec<NewContactField>,
}

impl ContactPatch {
    /// Returns the contact with the patch applied. A patch that names no contact fields keeps those of the contact.
    pub fn apply(self, stored: NewContact) -> Result<NewContact, TooManyFields> {
        let NewContact { profile, description, job, company, fields } = stored;
        let max = fields.len().max(NewContact::MAX_FIELDS);
        let mut all_fields = if self.fields.is_some() { Vec::new() } else { fields };
        let named = self.fields.into_iter().flatten().chain(self.more_fields);
        NewContactField::add_missing(&mut all_fields, named);
        if all_fields.len() > max {
            return Err(TooManyFields);
        }
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
            fields: all_fields,
        })
    }
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
        assert_eq!(ContactPatch::default().apply(jane()), Ok(jane()));
        let change = ContactPatch { nickname: Some(None), is_starred: Some(true), ..ContactPatch::default() };
        let changed = change.apply(jane()).unwrap();
        assert_eq!(changed.profile.complete_name(), "Jane q Doë");
        assert!(changed.profile.is_starred);
        assert_eq!(changed.job, jane().job);
    }

    #[test]
    fn a_patch_replaces_or_adds_fields_without_duplicates() {
        use crate::ContactFieldKind as Kind;
        let phone = |number| NewContactField { kind: Kind::PHONE, data: name(number) };
        let email = NewContactField { kind: Kind::EMAIL, data: name("jane@example.org") };
        let stored = NewContact { fields: vec![phone("+1 555 0100")], ..jane() };
        let more = vec![phone("+1 555 0100"), email.clone()];
        let added = ContactPatch { more_fields: more, ..ContactPatch::default() }.apply(stored.clone());
        assert_eq!(added.unwrap().fields, [phone("+1 555 0100"), email.clone()]);
        let replaced = ContactPatch { fields: Some(vec![email.clone()]), ..ContactPatch::default() }.apply(stored);
        assert_eq!(replaced.unwrap().fields, [email]);
    }

    #[test]
    fn only_fields_of_the_same_kind_and_text_are_duplicates() {
        use crate::ContactFieldKind as Kind;
        let field = |kind, data| NewContactField { kind, data: name(data) };
        let similar = [
            (Kind::PHONE, "+1 555 0100"),
            (Kind::PHONE, "1-555-0100"),
            (Kind::PHONE, "+1 555 0100 ext 5"),
            (Kind::PHONE, "+1 555 01005"),
            (Kind::EMAIL, "zoë@x.org"),
            (Kind::EMAIL, "zoe@x.org"),
            (Kind::EMAIL, "Zoe@x.org"),
        ];
        let fields: Vec<_> = similar.into_iter().map(|(kind, data)| field(kind, data)).collect();
        let twice = || fields.iter().chain(&fields).cloned().collect::<Vec<_>>();
        let stored = NewContact { fields: fields.clone(), ..jane() };
        let rename = ContactPatch { first_name: Some(name("Lesley")), ..ContactPatch::default() };
        let repeated = NewContact { fields: twice(), ..jane() };
        assert_eq!(rename.apply(repeated.clone()).unwrap().fields, repeated.fields, "the patch names no fields");
        let replace = ContactPatch { fields: Some(twice()), ..ContactPatch::default() };
        assert_eq!(replace.apply(jane()).unwrap().fields, fields);
        let add = ContactPatch { more_fields: twice(), ..ContactPatch::default() };
        assert_eq!(add.apply(stored).unwrap().fields, fields);
    }

    #[test]
    fn a_patch_cannot_exceed_the_maximal_number_of_fields() {
        let phones = |count: usize| -> Vec<_> {
            let phone = |n: usize| NewContactField { kind: crate::ContactFieldKind::PHONE, data: name(&n.to_string()) };
            (0..count).map(phone).collect()
        };
        let stored = |count| NewContact { fields: phones(count), ..jane() };
        let more = |from: usize, to| ContactPatch { more_fields: phones(to).split_off(from), ..Default::default() };
        assert_eq!(more(99, 100).apply(stored(99)).unwrap().fields.len(), 100);
        assert_eq!(more(99, 100).apply(stored(100)).unwrap().fields.len(), 100, "it has this one");
        assert_eq!(more(100, 101).apply(stored(100)), Err(TooManyFields));
        let imported = stored(150);
        assert_eq!(ContactPatch::default().apply(imported.clone()), Ok(imported.clone()));
        assert_eq!(more(150, 151).apply(imported.clone()), Err(TooManyFields));
        let fewer = ContactPatch { fields: Some(phones(120)), ..Default::default() };
        assert_eq!(fewer.apply(imported).unwrap().fields.len(), 120);
    }

    #[test]
    fn an_archived_contact_accepts_no_calls() {
        let mut contact = ContactSummary {
            id: ContactId::new(1).unwrap(),
            uuid: Uuid::nil(),
            account: AccountId::new(1).unwrap(),
            profile: Profile::new(name("Leslie")),
        };
        assert_eq!(contact.check_accepts_calls(), Ok(()));
        contact.profile.is_active = false;
        assert_eq!(contact.check_accepts_calls(), Err(Archived));
    }
}
