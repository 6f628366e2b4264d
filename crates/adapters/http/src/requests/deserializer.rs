//! Deserialises a request: the members of a JSON object or a form, and those of the query string that the body lacks.
//!
//! Members that the target struct declares are kept as slices of the request, others are skipped. So the memory that a
//! request needs is bounded by its size.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::value::SeqDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Error;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A deserializer of the members of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestDeserializer<'a> {
    query: &'a str,
    body: Body<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    Json(&'a str),
    Form(&'a str),
}

impl<'a> RequestDeserializer<'a> {
    /// Deserialises a JSON object and a query string. A blank body has no members, so that the response names the
    /// required ones.
    pub fn json(query: &'a str, text: &'a str) -> Self {
        let is_empty = text.trim_ascii().is_empty();
        Self { query, body: if is_empty { Body::Form("") } else { Body::Json(text) } }
    }

    /// Deserialises a form and a query string. An error if the decoded form is not UTF-8.
    pub fn form(query: &'a str, text: &'a str) -> Result<Self, Error> {
        percent_decode_str(text).decode_utf8().map_err(Error::custom)?;
        Ok(Self { query, body: Body::Form(text) })
    }

    /// Deserialises a query string alone.
    pub fn query(query: &'a str) -> Self {
        Self { query, body: Body::Form("") }
    }

    /// Returns a hash of the names and values of all members, which does not depend on their order. It is stored, so
    /// it must not change.
    pub fn fingerprint(self) -> Result<i64, Error> {
        let query = form_fingerprint(self.query);
        let body = match self.body {
            Body::Form(text) => form_fingerprint(text),
            Body::Json(text) => serde_json::Deserializer::from_str(text).deserialize_map(JsonFingerprint)?,
        };
        Ok(query.wrapping_add(body))
    }

    /// Returns the members of these names, in this order.
    fn find(self, names: &'static [&'static str]) -> Result<Vec<Member<'a>>, Error> {
        let mut found = vec![Member::Absent; names.len()];
        find_in_form(self.query, names, &mut found);
        match self.body {
            Body::Json(text) => {
                let mut deserializer = serde_json::Deserializer::from_str(text);
                deserializer.deserialize_map(KnownMembers { names, found: &mut found })?;
                deserializer.end()?;
            }
            Body::Form(text) => {
                let mut in_body = vec![Member::Absent; names.len()];
                find_in_form(text, names, &mut in_body);
                for (found, member) in
                    found.iter_mut().zip(in_body).filter(|(_, member)| !matches!(member, Member::Absent))
                {
                    *found = member;
                }
            }
        }
        Ok(found)
    }
}

/// Deserialises structs only. A member that occurs twice has its last value, as in PHP.
impl<'de> Deserializer<'de> for RequestDeserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only structs can be deserialised"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(FoundMembers { names: names.iter(), found: self.find(names)?.into_iter() })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// An encoded member.
#[derive(Clone)]
enum Member<'a> {
    Absent,
    Json(&'a RawValue),
    /// `name=…` in a form.
    Text(Cow<'a, str>),
    /// `name[]=…` in a form: the form and the name, so that no item is stored.
    List(&'a str, &'static str),
}

/// Returns the pairs of a form or a query string. Invalid UTF-8 becomes U+FFFD.
fn pairs(form: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(form.as_bytes())
}

/// Finds the members of a form: of several `name=…` the last one, else all `name[…]=…` as a list.
fn find_in_form<'a>(form: &'a str, names: &'static [&'static str], found: &mut [Member<'a>]) {
    for (name, value) in pairs(form) {
        let (name, is_list) = name.split_once('[').map_or((&*name, false), |(list, _)| (list, true));
        let Some(index) = names.iter().position(|known| *known == name) else { continue };
        match &mut found[index] {
            Member::Text(_) if is_list => {}
            member if is_list => *member = Member::List(form, names[index]),
            member => *member = Member::Text(value),
        }
    }
}

/// Returns the items of the list of this name in a form.
fn items<'a>(form: &'a str, list: &'static str) -> impl Iterator<Item = Cow<'a, str>> {
    let is_item = move |name: &str| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('['));
    pairs(form).filter(move |(name, _)| is_item(name)).map(|(_, value)| value)
}

/// Finds the members of a JSON object.
struct KnownMembers<'f, 'de> {
    names: &'static [&'static str],
    found: &'f mut [Member<'de>],
}

impl<'de> Visitor<'de> for KnownMembers<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key::<String>()? {
            match self.names.iter().position(|known| **known == name) {
                Some(index) => self.found[index] = Member::Json(object.next_value()?),
                None => {
                    let Skipped = object.next_value()?;
                }
            }
        }
        Ok(())
    }
}

/// The members that a struct declares, including absent ones.
struct FoundMembers<'de, N> {
    names: N,
    found: std::vec::IntoIter<Member<'de>>,
}

impl<'de, N: Iterator<Item = &'static &'static str>> MapAccess<'de> for FoundMembers<'de, N> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.names.next().map(|name| seed.deserialize((*name).into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.found.next().unwrap_or(Member::Absent) {
            Member::Absent => seed.deserialize(Absent),
            Member::Json(value) => seed.deserialize(&mut serde_json::Deserializer::from_str(value.get())),
            Member::Text(text) => seed.deserialize(text.into_deserializer()),
            Member::List(form, name) => seed.deserialize(SeqDeserializer::new(items(form, name))),
        }
    }
}

/// Deserialises an absent member, as none. Null is a unit.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A JSON value that is parsed and not stored. Unlike serde's `IgnoredAny`, it rejects lone surrogates, numbers out of
/// range and deep nesting.
pub struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Computes the fingerprint of a JSON object: the sum of the hashes of its members.
struct JsonFingerprint;

impl<'de> Visitor<'de> for JsonFingerprint {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<i64, A::Error> {
        let mut sum = 0_i64;
        while let Some((name, value)) = object.next_entry::<String, &RawValue>()? {
            sum = sum.wrapping_add(member_fingerprint(&name, value.get()));
        }
        Ok(sum)
    }
}

fn form_fingerprint(form: &str) -> i64 {
    pairs(form).fold(0, |sum, (name, value)| sum.wrapping_add(member_fingerprint(&name, &value)))
}

/// Returns the first eight bytes of the SHA-256 hash of name and value.
fn member_fingerprint(name: &str, value: &str) -> i64 {
    let hash = Sha256::new().chain_update(name).chain_update([0]).chain_update(value).finalize();
    hash.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Returns the names of the members of a struct, in the order of declaration.
pub fn member_names<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The deserializer has no values, so it ends with an error.
    let _ = T::deserialize(NameRecorder(&mut names));
    names
}

/// Records the names that a derived `Deserialize` requests.
struct NameRecorder<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for NameRecorder<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no values"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = names;
        Err(Error::custom("no values"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        a: serde_json::Value,
        b: serde_json::Value,
    }

    fn sample(deserializer: Result<RequestDeserializer, Error>) -> Result<String, Error> {
        let sample = Sample::deserialize(deserializer?)?;
        Ok(format!("{} {}", sample.a, sample.b))
    }

    fn json(text: &str) -> Result<String, Error> {
        sample(Ok(RequestDeserializer::json("", text)))
    }

    #[test]
    fn accepts_only_an_object_as_json() {
        assert_eq!(json(" {\"a\": 1} ").unwrap(), "1 null");
        assert_eq!(json(r#"{"a": 1, "x": [{}], "b": "2", "a": {"c": 3}}"#).unwrap(), r#"{"c":3} "2""#);
        assert_eq!(json(" ").unwrap(), "null null");
        for text in [
            "null",
            "[]",
            r#""x""#,
            "7",
            "{",
            r#"{"a": 1} x"#,
            r#"{"a": "\ud800"}"#,
            r#"{"x": "\ud800"}"#,
            r#"{"x": 1e999}"#,
            "a=1",
        ] {
            assert!(json(text).is_err(), "{text}");
        }
        for name in ["a", "x"] {
            let deep = [format!("{{\"{name}\":").repeat(10_000), "1".to_owned(), "}".repeat(10_000)].concat();
            assert!(json(&deep).is_err(), "deep nesting is rejected");
        }
    }

    #[test]
    fn parses_texts_and_lists_of_a_form() {
        let form = |text| sample(RequestDeserializer::form("", text));
        assert_eq!(form("b[]=1&a=x+y%21&b[]=2&b[0]=3&a=last&c=4").unwrap(), r#""last" ["1","2","3"]"#);
        assert_eq!(form("a=text&a[]=item").unwrap(), r#""text" null"#);
        for text in ["a=%FF", "a=%C3&b=%A9"] {
            assert!(form(text).is_err(), "{text}");
        }
    }

    #[test]
    fn takes_members_that_the_body_lacks_from_the_query_string() {
        let query = "a=query&b[]=1&b[]=2";
        assert_eq!(sample(Ok(RequestDeserializer::query(query))).unwrap(), r#""query" ["1","2"]"#);
        assert_eq!(sample(Ok(RequestDeserializer::json(query, ""))).unwrap(), r#""query" ["1","2"]"#);
        assert_eq!(sample(Ok(RequestDeserializer::json(query, r#"{"a": false}"#))).unwrap(), r#"false ["1","2"]"#);
        assert_eq!(sample(RequestDeserializer::form(query, "b=body")).unwrap(), r#""query" "body""#);
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_the_order_of_members() {
        let json = |text| RequestDeserializer::json("", text).fingerprint().unwrap();
        assert_eq!(json(r#"{"a": 1, "x": 2}"#), json(r#"{"x":2,"a":1}"#));
        assert_ne!(json(r#"{"a": 1}"#), json(r#"{"a": 2}"#));
        assert_ne!(json(r#"{"a": 1}"#), json("{}"));
        let form = |text| RequestDeserializer::form("", text).unwrap().fingerprint().unwrap();
        assert_eq!(form("a=1&b=2"), form("b=2&a=1"));
        assert_ne!(form("a=1&b=2"), form("a=2&b=1"));
        assert_eq!(form("a=1"), RequestDeserializer::json("a=1", "{}").fingerprint().unwrap());
        // Stored fingerprints must stay valid.
        assert_eq!(form("content=hi"), -5_853_924_787_912_741_039);
    }

    #[test]
    fn returns_member_names_in_the_order_of_declaration() {
        assert_eq!(member_names::<Sample>(), ["a", "b"]);
    }
}
