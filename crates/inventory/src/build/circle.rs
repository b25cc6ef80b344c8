//! Whether things that belong to others belong to themselves in the end.

/// The circles among things of which each names others by number. Each circle once, from its lowest member.
pub(super) fn circles<'a>(size: usize, above: impl Fn(usize) -> &'a [u32]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; size];
    let mark = |seen: &mut Vec<Seen>, at: usize, state: Seen| {
        if let Some(slot) = seen.get_mut(at) {
            *slot = state;
        }
    };
    let mut found = Vec::new();
    for start in 0..size {
        if seen.get(start) != Some(&Seen::No) {
            continue;
        }
        // The way from where it started, with how many of those above each were looked at.
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        mark(&mut seen, start, Seen::Open);
        while let Some((at, next)) = way.last_mut() {
            let here = *at;
            let Some(to) = above(here).get(*next).map(|to| *to as usize) else {
                mark(&mut seen, here, Seen::Done);
                way.pop();
                continue;
            };
            *next += 1;
            match seen.get(to) {
                Some(Seen::No) => {
                    mark(&mut seen, to, Seen::Open);
                    way.push((to, 0));
                }
                Some(Seen::Open) => {
                    let from = way.iter().position(|(at, _)| *at == to).unwrap_or(0);
                    let mut circle: Vec<usize> = way.iter().skip(from).map(|(at, _)| *at).collect();
                    let lowest = circle.iter().enumerate().min_by_key(|(_, at)| **at).map_or(0, |(i, _)| i);
                    circle.rotate_left(lowest);
                    found.push(circle);
                }
                _ => {}
            }
        }
    }
    found
}

/// `a → b → a`
pub(super) fn drawn<'a>(circle: &[usize], name: impl Fn(usize) -> &'a str) -> String {
    let names: Vec<&str> = circle.iter().chain(circle.first()).map(|at| name(*at)).collect();
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_circle_once() {
        for (above, expect) in [
            (&[&[][..], &[0]][..], &[][..]),
            (&[&[0]], &[&[0][..]]),
            (&[&[1], &[0]], &[&[0, 1]]),
            (&[&[1], &[2], &[1]], &[&[1, 2]]),
            (&[&[1, 2], &[3], &[3], &[]], &[]),
            (&[&[1], &[0], &[3], &[2], &[0]], &[&[0, 1], &[2, 3]]),
        ] {
            assert_eq!(circles(above.len(), |at| above[at]), expect, "{above:?}");
        }
    }
}
