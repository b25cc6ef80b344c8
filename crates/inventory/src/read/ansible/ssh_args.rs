//! Arguments for the program ssh that stand in inventories: what of them has a setting here.

use windlass_model::texts::Texts;
use windlass_model::transport::{Credential, Hop, HopHost, HostKeys, KeyCredential, TextOrSecret, Transport};

/// Options of ssh that take an argument.
const WITH_ARGUMENT: &str = "BbcDEeFIiJLlmOopQRSWw";

/// Takes over what has a setting; gives back what has none.
pub(super) fn take(text: &str, transport: &mut Transport) -> Vec<String> {
    let mut left = Vec::new();
    let words = words(text);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let Some((flag, attached)) = word.strip_prefix('-').and_then(|rest| rest.split_at_checked(1)) else {
            left.push(word.to_owned());
            continue;
        };
        if !WITH_ARGUMENT.contains(flag) {
            left.push(word.to_owned());
            continue;
        }
        let argument = if attached.is_empty() { words.next().unwrap_or_default() } else { attached };
        let taken = match flag {
            "J" => jump(argument, transport),
            "p" => argument.parse().map(|port| transport.port = Some(port)).is_ok(),
            "l" => {
                transport.user = Some(argument.to_owned());
                true
            }
            "o" => option(argument, transport),
            _ => false,
        };
        if !taken {
            left.push(format!("-{flag} {argument}"));
        }
    }
    left
}

/// `ProxyJump=gate`, `ProxyJump gate`
fn option(text: &str, transport: &mut Transport) -> bool {
    let Some((name, value)) = text.split_once(['=', ' ']) else { return false };
    let value = value.trim();
    match name.trim().to_ascii_lowercase().as_str() {
        "proxyjump" => jump(value, transport),
        "proxycommand" => match through(value) {
            Some(hop) => {
                transport.jump = Some(vec![hop]);
                true
            }
            None => false,
        },
        "userknownhostsfile" if value != "/dev/null" => {
            transport.known_hosts = Some(value.split_whitespace().map(str::to_owned).collect::<Texts>());
            true
        }
        "stricthostkeychecking" => match value {
            "accept-new" => {
                transport.host_keys = Some(HostKeys::AcceptNew);
                true
            }
            "yes" => {
                transport.host_keys = Some(HostKeys::Check);
                true
            }
            _ => false,
        },
        // What is done here anyway.
        "controlmaster" | "controlpersist" | "controlpath" => true,
        _ => false,
    }
}

fn jump(text: &str, transport: &mut Transport) -> bool {
    transport.jump = Some(match text {
        "none" => Vec::new(),
        hops => hops.split(',').map(|hop| Hop::Name(hop.trim().to_owned())).collect(),
    });
    true
}

/// The host that `ssh -W %h:%p -p 22 -i key user@host` goes through.
fn through(command: &str) -> Option<Hop> {
    let words = words(command);
    let mut words = words.iter().map(String::as_str);
    words.next().filter(|program| *program == "ssh" || program.ends_with("/ssh"))?;
    let mut host = HopHost::default();
    let mut forwards = false;
    while let Some(word) = words.next() {
        let Some((flag, attached)) = word.strip_prefix('-').and_then(|rest| rest.split_at_checked(1)) else {
            let (user, name) = word.rsplit_once('@').map_or((None, word), |(user, name)| (Some(user), name));
            host.user = user.map(str::to_owned).or(host.user);
            name.clone_into(&mut host.name);
            continue;
        };
        if !WITH_ARGUMENT.contains(flag) {
            continue;
        }
        let argument = if attached.is_empty() { words.next()? } else { attached };
        match flag {
            "W" => forwards = argument.trim_matches('"') == "%h:%p",
            "p" => host.port = Some(argument.parse().ok()?),
            "l" => host.user = Some(argument.to_owned()),
            "i" => {
                let key = TextOrSecret::Text(argument.to_owned());
                let key = KeyCredential { key, certificate: None, passphrase: None };
                host.credentials.get_or_insert_default().push(Credential::Key(key));
            }
            "J" => return None,
            _ => {}
        }
    }
    (forwards && !host.name.is_empty()).then(|| match (&host.user, host.port, &host.credentials) {
        (None, None, None) => Hop::Name(host.name),
        _ => Hop::Host(Box::new(host)),
    })
}

/// Words, divided at spaces that are in no quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
