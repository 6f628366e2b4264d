//! Emotions felt during a call. The list is fixed, so an id means the same on every server.

use std::collections::HashSet;

/// One of the emotions of [`Emotion::all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emotion(u8);

/// The 135 emotion words of Shaver, Schwartz, Kirson and O'Connor (1987), grouped as they group them.
/// Monica numbers the same words from 1.
#[rustfmt::skip]
const NAMES: [&str; 135] = [
    // love
    "adoration", "affection", "love", "fondness", "liking", "attraction", "caring", "tenderness", "compassion",
    "sentimentality", "arousal", "desire", "lust", "passion", "infatuation", "longing",
    // joy
    "amusement", "bliss", "cheerfulness", "gaiety", "glee", "jolliness", "joviality", "joy", "delight", "enjoyment",
    "gladness", "happiness", "jubilation", "elation", "satisfaction", "ecstasy", "euphoria", "enthusiasm", "zeal",
    "zest", "excitement", "thrill", "exhilaration", "contentment", "pleasure", "pride", "triumph", "eagerness",
    "hope", "optimism", "enthrallment", "rapture", "relief",
    // surprise
    "amazement", "surprise", "astonishment",
    // anger
    "aggravation", "irritation", "agitation", "annoyance", "grouchiness", "grumpiness", "exasperation",
    "frustration", "anger", "rage", "outrage", "fury", "wrath", "hostility", "ferocity", "bitterness", "hate",
    "loathing", "scorn", "spite", "vengefulness", "dislike", "resentment", "disgust", "revulsion", "contempt",
    "envy", "jealousy", "torment",
    // sadness
    "agony", "suffering", "hurt", "anguish", "depression", "despair", "hopelessness", "gloom", "glumness",
    "sadness", "unhappiness", "grief", "sorrow", "woe", "misery", "melancholy", "dismay", "disappointment",
    "displeasure", "guilt", "shame", "regret", "remorse", "alienation", "isolation", "neglect", "loneliness", "rejection",
    "homesickness", "defeat", "dejection", "insecurity", "embarrassment", "humiliation", "insult", "pity",
    "sympathy",
    // fear
    "alarm", "shock", "fear", "fright", "horror", "terror", "panic", "hysteria", "mortification", "anxiety",
    "nervousness", "tenseness", "uneasiness", "apprehension", "worry", "distress", "dread",
];

impl Emotion {
    /// Returns the emotion with this id. `None` if there is none.
    pub fn new(id: i64) -> Option<Self> {
        u8::try_from(id).ok().filter(|id| (1..=NAMES.len()).contains(&usize::from(*id))).map(Self)
    }

    /// Returns all emotions, by id.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).map_while(Self::new)
    }

    /// Returns the emotions without repetitions, in their order.
    pub fn distinct(emotions: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut known = HashSet::new();
        emotions.into_iter().filter(|emotion| known.insert(*emotion)).collect()
    }

    /// Returns the id, counted from 1.
    pub fn id(self) -> i64 {
        i64::from(self.0)
    }

    /// Returns the English name.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0) - 1).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_ids_from_1_without_gaps_and_unique_names() {
        let all: Vec<_> = Emotion::all().collect();
        assert_eq!(all.len(), 135);
        assert_eq!(all.iter().map(|e| e.id()).collect::<Vec<_>>(), (1..=135).collect::<Vec<_>>());
        let mut names: Vec<_> = all.iter().map(|e| e.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 135);
        assert_eq!((Emotion::new(0), Emotion::new(136), Emotion::new(-1)), (None, None, None));
    }

    #[test]
    fn distinct_keeps_the_first_of_each() {
        let emotions = |ids: &[i64]| ids.iter().filter_map(|id| Emotion::new(*id)).collect::<Vec<_>>();
        assert_eq!(Emotion::distinct(emotions(&[3, 1, 3, 2, 1])), emotions(&[3, 1, 2]));
    }

    #[test]
    fn has_the_order_of_monica() {
        let names: Vec<_> = Emotion::all().take(3).map(Emotion::name).collect();
        assert_eq!(names, ["adoration", "affection", "love"]);
    }
}
