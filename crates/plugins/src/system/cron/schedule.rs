//! When a job of cron runs: five fields, or a word.

const WORDS: &[&str] =
    &["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field: what it is called, its first and last number, and the names of its numbers.
type Field = (&'static str, u32, u32, &'static [&'static str]);

const FIELDS: &[Field] = &[
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day", 1, 31, &[]),
    ("month", 1, 12, MONTHS),
    ("weekday", 0, 7, DAYS),
];

/// What is wrong with a schedule. Cron would leave out the line, or the whole table, and tell nobody.
pub(super) fn wrong(schedule: &str) -> Option<String> {
    if schedule.contains(['\n', '\r', '\0']) {
        return Some("it holds a line break".into());
    }
    let words: Vec<&str> = schedule.split_whitespace().collect();
    if let [word] = words.as_slice()
        && word.starts_with('@')
    {
        return (!WORDS.contains(word)).then(|| format!("`{word}` is none of {}", WORDS.join(", ")));
    }
    if words.len() != FIELDS.len() {
        return Some(format!(
            "it has {} fields; five are needed: minute, hour, day, month, weekday",
            words.len()
        ));
    }
    words.iter().zip(FIELDS).find_map(|(word, field)| {
        let part = word.split(',').find(|part| !is_part(part, field))?;
        let (name, first, last, _) = field;
        Some(format!("`{part}` is no {name}; from {first} to {last}, with `*`, `a-b`, `/n` and commas"))
    })
}

fn is_part(part: &str, field: &Field) -> bool {
    let (_, first, last, names) = *field;
    let number = |text: &str| {
        let named = names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name))
            .and_then(|at| u32::try_from(at).ok());
        let is_digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        let written = is_digits.then(|| text.parse().ok()).flatten();
        named.map(|at| at + first).or(written).filter(|number| (first..=last).contains(number))
    };
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let is_step = step.is_none_or(|step| {
        step.bytes().all(|c| c.is_ascii_digit())
            && step.parse().is_ok_and(|step: u32| step > 0 && step <= last)
    });
    let is_range = match range.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => range == "*" || (step.is_none() && number(range).is_some()),
    };
    is_step && is_range
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cron_understands() {
        for good in ["* * * * *", "*/5 0-6,22 1 jan-Mar mon-fri", "30 3 * * 7", "0 0 1-31/2 12 0", "@reboot"]
        {
            assert_eq!(wrong(good), None, "{good}");
        }
        for (bad, says) in [
            ("60 * * * *", "`60` is no minute"),
            ("* 24 * * *", "`24` is no hour"),
            ("* * 0 * *", "`0` is no day"),
            ("* * * 13 *", "`13` is no month"),
            ("* * * * 8", "`8` is no weekday"),
            ("*/0 * * * *", "is no minute"),
            ("5-1 * * * *", "is no minute"),
            ("1,, * * * *", "`` is no minute"),
            ("* * * *", "it has 4 fields"),
            ("@noon", "is none of @reboot"),
            ("+5 * * * *", "is no minute"),
        ] {
            assert!(wrong(bad).unwrap().contains(says), "{bad}: {:?}", wrong(bad));
        }
    }
}
