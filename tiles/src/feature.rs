//! What a layer holds: features, their attributes and who may see them.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use crate::shape::Shape;

/// The stable number of a feature; becomes the MVT feature id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureId(pub u64);

/// What a feature belongs to for visibility, as whoever hands features over numbers it: from 0 on and
/// without large gaps, because sets of them are kept as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u32);

/// One feature as the registry hands it over.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Stable number.
    pub id: FeatureId,
    /// The registry's id; shown in tiles as the hyphenated string attribute `id`.
    pub uuid: [u8; 16],
    /// Prepared geometry.
    pub shape: Shape,
    /// Area in square metres, as the registry computed it (not from Web Mercator).
    pub area_m2: f64,
    /// Who may see it.
    pub scope: ScopeId,
    /// The rest of what a tile shows.
    pub attributes: Attributes,
}

/// Attributes of a feature. Absent ones ([`Word::NONE`], `None`) are left out of the tile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Business code.
    pub code: Option<Box<str>>,
    /// Name shown to people.
    pub name: Option<Box<str>>,
    /// Registration status word.
    pub title_status: Word,
    /// Usage word.
    pub usage: Word,
    /// Occupancy word.
    pub occupancy: Word,
    /// Whether it stands idle, where known.
    pub idle: Option<bool>,
    /// Code of the unit that holds it.
    pub unit: Word,
    /// Code of the region it lies in; totals of zooms 0–8 are grouped by it.
    pub region: Word,
    /// Stage of its open case.
    pub case_stage: Word,
    /// Phase of that stage: one of a few words, counted in totals.
    pub case_phase: Word,
}

/// A string interned in a [`Dictionary`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word(pub(crate) u32);

impl Word {
    /// No value.
    pub const NONE: Self = Self(0);
}

/// Words stay below this, so that totals can pack them with two more bits.
pub(crate) const WORD_LIMIT: u32 = 1 << 30;

/// Strings that many features share, each kept once.
///
/// Cloning gives another handle to the same dictionary; one may serve all layers. It only grows, so
/// intern vocabularies, units and regions, not free text.
#[derive(Clone, Default)]
pub struct Dictionary {
    inner: Arc<RwLock<Words>>,
}

#[derive(Default)]
pub(crate) struct Words {
    by_text: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Dictionary {
    /// An empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// The word for `text`; the empty string is [`Word::NONE`].
    pub fn intern(&self, text: &str) -> Word {
        if text.is_empty() {
            return Word::NONE;
        }
        if let Some(&number) = self.read().by_text.get(text) {
            return Word(number);
        }
        let mut words = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = words.by_text.get(text) {
            return Word(number);
        }
        // Number 0 stands for "no value", so the first text is number 1. A billion distinct texts
        // do not fit into memory; the answer past that is "no value" rather than a panic.
        let number = match u32::try_from(words.texts.len() + 1) {
            Ok(number) if number < WORD_LIMIT => number,
            _ => return Word::NONE,
        };
        let text: Arc<str> = text.into();
        words.texts.push(text.clone());
        words.by_text.insert(text, number);
        Word(number)
    }

    /// The text behind a word of this dictionary; `None` for [`Word::NONE`].
    pub fn text(&self, word: Word) -> Option<Arc<str>> {
        let words = self.read();
        words.texts.get((word.0 as usize).checked_sub(1)?).cloned()
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.read().texts.len()
    }

    /// Whether nothing was interned yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Words> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Words {
    pub fn text(&self, number: u32) -> &str {
        (number as usize)
            .checked_sub(1)
            .and_then(|index| self.texts.get(index))
            .map_or("", |text| text)
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn memory_bytes(&self) -> usize {
        let text: usize = self.texts.iter().map(|text| text.len() + 16).sum();
        text + self.texts.capacity() * 16 + self.by_text.capacity() * 25
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Dictionary({} words)", self.len())
    }
}

/// The layers that have tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerName {
    /// Land parcels (宗地).
    Parcels,
    /// Buildings (楼栋).
    Buildings,
    /// Sites (院落).
    Sites,
}

impl LayerName {
    /// Every layer, in the order in which they stand in a tile.
    pub const ALL: [Self; 3] = [Self::Parcels, Self::Buildings, Self::Sites];

    /// The name in addresses and inside tiles.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Buildings => "buildings",
            Self::Sites => "sites",
        }
    }

    /// The name of the MVT layer that carries totals at low zooms.
    pub const fn totals_name(self) -> &'static str {
        match self {
            Self::Parcels => "parcels_totals",
            Self::Buildings => "buildings_totals",
            Self::Sites => "sites_totals",
        }
    }

    /// Undoes [`LayerName::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// Lowest zoom at which every tile holds features instead of totals.
    pub const fn feature_zoom(self) -> u8 {
        match self {
            Self::Parcels | Self::Buildings => 13,
            Self::Sites => 10,
        }
    }

    /// Lowest zoom at which a tile with few enough features may already hold them.
    pub const fn first_feature_zoom(self) -> u8 {
        match self {
            Self::Parcels | Self::Buildings => 12,
            Self::Sites => 10,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Parcels => 0,
            Self::Buildings => 1,
            Self::Sites => 2,
        }
    }
}

/// Whose features a tile may show.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ScopeFilter {
    /// Everything.
    All,
    /// Only features of these scopes; build it with [`ScopeFilter::only`].
    Only(ScopeSet),
}

/// Some scopes. Clones share one memory; asking for a scope costs the same however many there are,
/// and so does telling two different sets apart.
#[derive(Clone)]
pub struct ScopeSet {
    inner: Arc<ScopeBits>,
}

struct ScopeBits {
    /// One bit a scope, without empty words at the end.
    words: Box<[u64]>,
    /// Of the words: worked out once, because a set is part of the key of every tile made for it.
    hash: u64,
}

impl ScopeSet {
    fn contains(&self, scope: ScopeId) -> bool {
        let word = self.inner.words.get(scope.0 as usize / 64);
        word.is_some_and(|word| word & 1 << (scope.0 % 64) != 0)
    }
}

impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
            || (self.inner.hash == other.inner.hash && self.inner.words == other.inner.words)
    }
}

impl Eq for ScopeSet {}

impl Hash for ScopeSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.inner.hash);
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: u32 = self.inner.words.iter().map(|word| word.count_ones()).sum();
        write!(formatter, "ScopeSet({count} scopes)")
    }
}

impl ScopeFilter {
    /// A filter that lets through exactly these scopes.
    pub fn only(scopes: impl IntoIterator<Item = ScopeId>) -> Self {
        let mut words: Vec<u64> = Vec::new();
        for ScopeId(number) in scopes {
            let index = number as usize / 64;
            if words.len() <= index {
                words.resize(index + 1, 0);
            }
            words[index] |= 1 << (number % 64);
        }
        let words = words.into_boxed_slice();
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        let hash = hasher.finish();
        Self::Only(ScopeSet {
            inner: Arc::new(ScopeBits { words, hash }),
        })
    }

    /// Whether features of this scope pass.
    pub fn allows(&self, scope: ScopeId) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.contains(scope),
        }
    }
}

/// One change of a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds the feature, or replaces the one with the same id.
    Put(Feature),
    /// Removes the feature, if it is there.
    Remove(FeatureId),
}
