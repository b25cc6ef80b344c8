//! What each role allows, where, and to whom.

use super::*;

fn people(bindings: &[(&str, &[&str], &[&str])]) -> People {
    let mut people = People { policies: roles(), ..People::nobody() };
    for (user, groups) in [("ann", &["web"][..]), ("bob", &[]), ("eve", &[]), ("out", &["web"])] {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let spec = UserSpec { groups, disabled: user == "out", ..UserSpec::default() };
        people.users.insert(user.to_owned(), spec);
    }
    for (index, (role, whom, namespaces)) in bindings.iter().enumerate() {
        let (groups, users): (Vec<&str>, Vec<&str>) = whom.iter().partition(|who| who.starts_with('@'));
        let texts =
            |list: Vec<&str>| list.iter().map(|text| text.trim_start_matches('@').to_owned()).collect();
        let spec = RoleBindingSpec {
            role: (*role).to_owned(),
            users: texts(users),
            groups: texts(groups),
            namespaces: texts(namespaces.to_vec()),
        };
        people.bind(&format!("b{index}"), &spec, &HashMap::new()).unwrap();
    }
    people
}

fn who(user: &str) -> Principal {
    Principal { user: user.to_owned(), namespaces: None, verbs: None, groups: Vec::new() }
}

#[test]
fn every_role_parses_and_gives_what_it_says() {
    use Verb::{Approve, Command, Resolve, Submit, View, Write};
    let expect: [(&str, &[Verb], &[Verb]); 5] = [
        ("viewer", &[View], &[View]),
        ("operator", &[View, Submit, Command, Resolve], &[View, Submit, Command, Resolve]),
        ("approver", &[View, Approve], &[View, Approve]),
        ("author", &[View, Write], &[View]),
        ("admin", &Verb::ALL, &Verb::ALL),
    ];
    for (role, of_a_plan, of_a_run) in expect {
        let people = people(&[(role, &["bob"], &["team"])]);
        let all = |kind: &str| -> Vec<Verb> {
            let resource = Resource::within(kind, "team").named("x");
            Verb::ALL.into_iter().filter(|verb| people.may(&who("bob"), *verb, &resource)).collect()
        };
        let sorted = |verbs: &[Verb]| {
            let mut verbs = verbs.to_vec();
            verbs.sort_unstable();
            verbs
        };
        let found = |kind: &str| sorted(&all(kind));
        assert_eq!(found("Plan"), sorted(of_a_plan), "{role}");
        assert_eq!(found("Run"), sorted(of_a_run), "{role}");
        for verb in Verb::ALL {
            let elsewhere =
                [Resource::within("Plan", "other"), Resource::global("Node"), Resource::global("Plan")];
            assert!(elsewhere.iter().all(|it| !people.may(&who("bob"), verb, it)), "{role} {verb}");
            assert!(!people.may(&who("eve"), verb, &Resource::within("Plan", "team")), "{role} {verb}");
        }
    }
}

#[test]
fn groups_clusters_and_those_who_are_shut_out() {
    let people = people(&[("operator", &["@web"], &["team"]), ("viewer", &["bob"], &["*"])]);
    let run = Resource::within("Run", "team");
    assert!(people.may(&who("ann"), Verb::Submit, &run));
    assert!(!people.may(&who("out"), Verb::View, &run), "disabled");
    assert!(!people.may(&who("nobody"), Verb::View, &run), "unknown");
    assert!(people.may(&who("bob"), Verb::View, &run));
    assert!(people.may(&who("bob"), Verb::View, &Resource::global("Node").named("web01")));
    assert!(!people.may(&who("bob"), Verb::Submit, &run));
    assert!(!people.may(&who("web"), Verb::Submit, &run), "a group is not a user of its name");
}

#[test]
fn a_token_may_be_less_than_its_user() {
    let people = people(&[("admin", &["bob"], &["*"])]);
    let narrow = Principal {
        user: "bob".into(),
        namespaces: Some(vec!["team".into()]),
        verbs: Some(vec![Verb::View]),
        groups: Vec::new(),
    };
    assert!(people.may(&narrow, Verb::View, &Resource::within("Run", "team")));
    assert!(!people.may(&narrow, Verb::Submit, &Resource::within("Run", "team")));
    assert!(!people.may(&narrow, Verb::View, &Resource::within("Run", "other")));
    assert!(!people.may(&narrow, Verb::View, &Resource::global("Node")));
}

#[test]
fn while_nothing_is_known_nothing_is_allowed() {
    assert!(!People::nobody().may(&who("ann"), Verb::View, &Resource::global("Node")));
}

#[test]
fn a_group_of_a_provider_counts_for_who_signed_in_there() {
    let people = people(&[("operator", &["@oidc:web"], &["team"])]);
    let run = Resource::within("Run", "team");
    assert!(!people.may(&who("bob"), Verb::Submit, &run));
    let bob = Principal { groups: vec!["oidc:web".into()], ..who("bob") };
    assert!(people.may(&bob, Verb::Submit, &run));
    assert!(!people.may(&Principal { user: "out".into(), ..bob }, Verb::Submit, &run), "who may not sign in");
}

#[test]
fn an_identity_is_one_user_or_nobody() {
    let identity =
        |subject: &str| UserIdentity { issuer: "https://id.example.org".into(), subject: subject.into() };
    let mut people = People::nobody();
    for (user, subjects) in [("ann", vec!["1", "2", "2"]), ("bob", vec!["3"]), ("eve", vec!["3", "4"])] {
        let identities = subjects.into_iter().map(identity).collect();
        people.add(user.to_owned(), UserSpec { identities, ..UserSpec::default() });
    }
    assert_eq!(people.identified(&identity("1")), Ok(Some("ann")));
    assert_eq!(people.identified(&identity("2")), Ok(Some("ann")));
    assert_eq!(people.identified(&identity("3")), Err(Ambiguous));
    assert_eq!(people.identified(&identity("4")), Ok(Some("eve")));
    assert_eq!(people.identified(&identity("ann")), Ok(None));
}

#[test]
fn hostile_names_are_names() {
    let name = "a\" || true; permit(principal, action, resource); //";
    let mut people = people(&[]);
    people.users.insert(name.to_owned(), UserSpec::default());
    assert!(!people.may(&who(name), Verb::View, &Resource::global(name).named(name)));
}

#[test]
fn a_role_of_ones_own_allows_what_it_says_and_what_it_includes() {
    let spec: RoleSpec = serde_json::from_value(serde_json::json!({
        "includes": ["viewer"],
        "allow": [
            {"verbs": ["command", "resolve"], "kinds": ["Run"]},
            {"verbs": ["write"], "kinds": ["Freeze"]},
            {"verbs": [], "kinds": ["*"]},
        ],
    }))
    .unwrap();
    let mut people = people(&[]);
    add(&mut people.policies, "stopper", &spec.cedar()).unwrap();
    let included = HashMap::from([("stopper".to_owned(), spec.includes)]);
    let list = |text: &str| [text.to_owned()].into_iter().collect::<Texts>();
    let binding = RoleBindingSpec {
        role: "stopper".into(),
        users: list("bob"),
        groups: Texts::default(),
        namespaces: list("*"),
    };
    people.bind("b", &binding, &included).unwrap();
    let may = |verb, resource: Resource<'_>| people.may(&who("bob"), verb, &resource);
    assert!(may(Verb::View, Resource::within("Plan", "team")));
    assert!(may(Verb::Command, Resource::within("Run", "team")));
    assert!(may(Verb::Write, Resource::global("Freeze")));
    assert!(!may(Verb::Submit, Resource::within("Run", "team")));
    assert!(!may(Verb::Write, Resource::within("Plan", "team")));
    assert!(!people.may(&who("eve"), Verb::View, &Resource::global("Freeze")));
}
