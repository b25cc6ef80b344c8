//! Names of hosts as they stand in inventories of Ansible: `web[01:50:2].example.org:2222`.

use windlass_model::freeze::MAX_NODES;

/// The hosts that a name stands for, and the port behind it.
pub(super) fn hosts(written: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (pattern, port) = port(written)?;
    Ok((expand(pattern)?, port))
}

/// `host:22`, `[::1]:22`; a lone IPv6 address has no port.
fn port(written: &str) -> Result<(&str, Option<u16>), String> {
    if let Some((address, after)) = written.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && address.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, Some(number(written, port)?))),
            None => Ok((address, None)),
        };
    }
    if written.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((written, None));
    }
    if written.contains('[') && !written.contains(']') {
        return Ok((written, None));
    }
    let tail = written.rfind(']').map_or(0, |at| at + 1);
    match written.get(tail..).and_then(|after| after.rfind(':')).map(|at| tail + at) {
        Some(at) => {
            let (pattern, port) = written.split_at(at);
            Ok((pattern, Some(number(written, port.trim_start_matches(':'))?)))
        }
        None => Ok((written, None)),
    }
}

fn number(written: &str, port: &str) -> Result<u16, String> {
    port.parse().map_err(|_| format!("`{written}` ends with no port: `{port}`"))
}

fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((range, after)) = after.split_once(']') else {
            return Err(format!("`{pattern}` lacks a ]"));
        };
        let items = items(range).map_err(|why| format!("`{pattern}` is no range of hosts: {why}"))?;
        if names.len().saturating_mul(items.len()) > MAX_NODES {
            return Err(format!("`{pattern}` stands for more than {MAX_NODES} hosts"));
        }
        let longer =
            names.iter().flat_map(|name| items.iter().map(move |item| format!("{name}{before}{item}")));
        names = longer.collect();
        rest = after;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

/// `01:50`, `1:9:2`, `a:f`
fn items(range: &str) -> Result<Vec<String>, String> {
    let mut parts = range.split(':');
    let (from, to, step) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let Some(to) = to.filter(|_| parts.next().is_none()) else {
        return Err("it is written [FROM:TO] or [FROM:TO:STEP]".to_owned());
    };
    let step: usize = step.map_or(Ok(1), str::parse).map_err(|_| "the step is no number".to_owned())?;
    if step == 0 {
        return Err("the step is zero".to_owned());
    }
    let from = if from.is_empty() { "0" } else { from };
    if let (Ok(low), Ok(high)) = (from.parse::<u64>(), to.parse::<u64>()) {
        if low > high {
            return Err("it goes from low to high".to_owned());
        }
        if (high - low) / step as u64 >= MAX_NODES as u64 {
            return Err(format!("it stands for more than {MAX_NODES} hosts"));
        }
        let is_padded = from.len() > 1 && from.starts_with('0');
        if is_padded && from.len() != to.len() {
            return Err("both ends of a range with leading zeros have the same length".to_owned());
        }
        let width = if is_padded { from.len() } else { 0 };
        return Ok((low..=high).step_by(step).map(|n| format!("{n:0width$}")).collect());
    }
    match (one_letter(from), one_letter(to)) {
        (Some(low), Some(high)) if low <= high => Ok((low..=high).step_by(step).map(String::from).collect()),
        (Some(_), Some(_)) => Err("it goes from low to high".to_owned()),
        _ => Err("its ends are numbers or letters".to_owned()),
    }
}

fn one_letter(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|c| c.is_ascii_alphabetic() && chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_ports() {
        for (written, names, known) in [
            ("web1", &["web1"][..], None),
            ("web[01:03].x:2222", &["web01.x", "web02.x", "web03.x"], Some(2222)),
            ("w[1:9:4]", &["w1", "w5", "w9"], None),
            ("db-[a:c]", &["db-a", "db-b", "db-c"], None),
            ("r[1:2]n[a:b]", &["r1na", "r1nb", "r2na", "r2nb"], None),
            ("w[9:10]", &["w9", "w10"], None),
            ("[2001:db8::1]:22", &["2001:db8::1"], Some(22)),
            ("2001:db8::1", &["2001:db8::1"], None),
        ] {
            assert_eq!(
                hosts(written).unwrap(),
                (names.iter().map(|&s| s.to_owned()).collect(), known),
                "{written}"
            );
        }
        for written in ["w[1", "w[3:1]", "w[1:x]", "w[01:100]", "w[1:5:0]", "w[1:99999999]", "w:x", "w[1]"] {
            assert!(hosts(written).is_err(), "{written}");
        }
    }
}
