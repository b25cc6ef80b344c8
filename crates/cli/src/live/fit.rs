//! A line of pieces that gives up what matters least where there is no room for all of it.

use crate::table::shown_width;

/// Between two pieces.
const BETWEEN: &str = " · ";

/// Pieces in the order in which they are read, each with how soon it is given up.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Vec<(u8, String)>);

// === impl Pieces ===

impl Pieces {
    /// What is never given up.
    pub(crate) fn new(first: String) -> Self {
        Self(vec![(0, first)])
    }

    /// Adds a piece; those of the highest rank go first, of one rank the last one.
    pub(crate) fn add(&mut self, rank: u8, piece: impl std::fmt::Display) {
        self.0.push((rank, piece.to_string()));
    }

    /// One line of as many columns at the most, unless what is never given up needs more.
    pub(crate) fn fit(mut self, width: usize) -> String {
        loop {
            let line = self.0.iter().map(|(_, piece)| piece.as_str()).collect::<Vec<_>>().join(BETWEEN);
            let last = self.0.iter().enumerate().max_by_key(|(at, (rank, _))| (*rank, *at));
            match last {
                Some((at, (1.., _))) if shown_width(&line) > width => {
                    self.0.remove(at);
                }
                _ => return line,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_first() {
        let check = |width, expect: &str| {
            let mut pieces = Pieces::new("name".into());
            pieces.add(2, "second");
            pieces.add(1, "first");
            pieces.add(2, "last");
            assert_eq!(pieces.fit(width), expect);
        };
        check(40, "name · second · first · last");
        check(27, "name · second · first");
        check(20, "name · first");
        check(11, "name");
        check(2, "name");
    }
}
