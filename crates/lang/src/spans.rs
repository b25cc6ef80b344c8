//! Where in a text each part of a value stood: a tree of the same shape as the value.

use windlass_model::Value;

/// A range of bytes in a text of at most 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    start: u32,
    end: u32,
}

/// Where a value and its parts stood.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanTree {
    range: Range,
    parts: Parts,
}

/// The parts of a value, in its order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parts {
    None,
    List(Vec<SpanTree>),
    Map(Vec<(Range, SpanTree)>),
}

/// What a pointer led to.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The value; the nearest that exists on the way there if the pointer leads nowhere.
    pub value: &'a Value,
    /// Where it stood.
    pub range: Range,
    /// Where its key stood, if it has one.
    pub key: Option<Range>,
    /// Whether the pointer led all the way.
    pub exact: bool,
}

// === impl Range ===

impl Range {
    /// From `start` up to `end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From the start of this one to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }

    /// As indexes into the text.
    #[must_use]
    pub fn bytes(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

// === impl SpanTree ===

impl SpanTree {
    pub(crate) fn leaf(range: Range) -> Self {
        Self { range, parts: Parts::None }
    }

    pub(crate) fn new(range: Range, parts: Parts) -> Self {
        Self { range, parts }
    }

    pub(crate) fn into_parts(self) -> Parts {
        self.parts
    }

    /// Where the whole value stood.
    #[must_use]
    pub fn range(&self) -> Range {
        self.range
    }

    /// Follows a JSON pointer through the value that this tree belongs to, as far as it leads.
    #[must_use]
    pub fn locate<'a>(&self, value: &'a Value, pointer: &str) -> Located<'a> {
        let mut at = Located { value, range: self.range, key: None, exact: true };
        let mut tree = self;
        let mut segments = pointer.split('/').skip(1).map(unescape).peekable();
        while let Some(segment) = segments.next() {
            let next = match (at.value, &tree.parts) {
                (Value::Array(items), Parts::List(trees)) => {
                    let index = segment.parse::<usize>().ok();
                    index.and_then(|index| Some((items.get(index)?, None, trees.get(index)?)))
                }
                (Value::Object(map), Parts::Map(trees)) => {
                    let index = map.keys().position(|key| *key == segment);
                    index.and_then(|index| {
                        let (key, tree) = trees.get(index)?;
                        Some((map.get(&segment)?, Some(*key), tree))
                    })
                }
                _ => None,
            };
            let Some((value, key, below)) = next else {
                // The short form of a sequence template is a list, the long one a map with `actions`.
                if let (Some(Value::Array(_)), Parts::Map(trees)) = (at.value.get("actions"), &tree.parts)
                    && segment.parse::<usize>().is_ok()
                    && let Some(index) =
                        at.value.as_object().and_then(|map| map.keys().position(|key| key == "actions"))
                    && let (Some((key, below)), Some(value)) = (trees.get(index), at.value.get("actions"))
                {
                    let rest: String = segments.map(|segment| format!("/{}", escape(&segment))).collect();
                    let found = below.locate(value, &format!("/{segment}{rest}"));
                    return Located { key: found.key.or(Some(*key).filter(|_| !found.exact)), ..found };
                }
                at.exact = false;
                return at;
            };
            at = Located { value, range: below.range, key, exact: true };
            tree = below;
        }
        at
    }
}

/// A key as a segment of a JSON pointer.
#[must_use]
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
