//! What is pending for one file, and the memory that goes around.

use std::sync::Arc;

/// How large a sheet of records is that was not made for fewer.
const SHEET: usize = 64 << 10;
/// What a sheet may have grown to and still be used again.
const MOST: usize = 2 * SHEET;
/// How many are kept for those who come.
const SPARE: usize = 64;

/// Records for one file, in their order.
#[derive(Debug, Default)]
pub(super) struct Pages(Vec<Page>);

/// Whole records.
#[derive(Debug)]
enum Page {
    /// Few at a time, of this file alone.
    Own(Vec<u8>),
    /// Many at once, which may stand in other files, too.
    Sheet(Arc<Vec<u8>>),
}

/// Sheets that were written.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

// === impl Pages ===

impl Pages {
    pub(super) fn append(&mut self, records: &[u8], spare: &mut Spare) {
        match self.0.last_mut() {
            Some(Page::Own(page)) if page.len().saturating_add(records.len()) <= SHEET => {
                page.extend_from_slice(records);
            }
            // There are many after all.
            Some(Page::Own(_)) => {
                let mut page = spare.take();
                page.extend_from_slice(records);
                self.0.push(Page::Own(page));
            }
            Some(Page::Sheet(_)) | None => self.0.push(Page::Own(records.to_vec())),
        }
    }

    pub(super) fn append_sheet(&mut self, sheet: Arc<Vec<u8>>) {
        self.0.push(Page::Sheet(sheet));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|page| match page {
            Page::Own(records) => records.as_slice(),
            Page::Sheet(records) => records.as_slice(),
        })
    }
}

// === impl Spare ===

impl Spare {
    /// An empty sheet.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(SHEET))
    }

    /// What is in no other file any more is used again.
    pub(super) fn give(&mut self, pages: Pages) {
        for page in pages.0 {
            let sheet = match page {
                Page::Own(page) => Some(page),
                Page::Sheet(sheet) => Arc::into_inner(sheet),
            };
            let Some(mut sheet) = sheet else { continue };
            if self.0.len() < SPARE && (SHEET..=MOST).contains(&sheet.capacity()) {
                sheet.clear();
                self.0.push(sheet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_small_pieces_is_never_moved_in_large_ones() {
        let (mut pages, mut spare) = (Pages::default(), Spare::default());
        let line = [vec![b'x'; 99], vec![b'\n']].concat();
        (0..2000).for_each(|_| pages.append(&line, &mut spare));
        assert_eq!(pages.iter().map(<[u8]>::len).sum::<usize>(), 200_000);
        assert!(pages.iter().all(|page| page.len() <= SHEET && page.ends_with(b"\n")));
        spare.give(pages);
        assert!(!spare.0.is_empty());
    }

    #[test]
    fn records_keep_their_order_and_a_sheet_is_used_again_once_it_stands_everywhere() {
        let (mut one, mut other, mut spare) = (Pages::default(), Pages::default(), Spare::default());
        let mut sheet = spare.take();
        sheet.extend_from_slice(b"c\n");
        let (place, sheet) = (sheet.as_ptr(), Arc::new(sheet));
        one.append(b"a\n", &mut spare);
        one.append(b"b\n", &mut spare);
        one.append_sheet(Arc::clone(&sheet));
        one.append(b"d\n", &mut spare);
        other.append_sheet(sheet);
        assert_eq!(one.iter().collect::<Vec<_>>().concat(), b"a\nb\nc\nd\n");
        assert_eq!(one.iter().count(), 3);
        spare.give(one);
        assert!(spare.0.is_empty());
        spare.give(other);
        let again = spare.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        // What was made for little, or had to grow, is not kept.
        for size in [10, MOST + 1] {
            let mut pages = Pages::default();
            pages.append_sheet(Arc::new(Vec::with_capacity(size)));
            spare.give(pages);
            assert!(spare.0.is_empty());
        }
    }
}
