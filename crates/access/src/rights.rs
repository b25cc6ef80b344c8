//! What people may do: roles as policies, bound by objects, evaluated by Cedar.
//!
//! ```text
//!   User ──in──► Group            Object, Run, … ──in──► Namespace ──in──► Cluster
//! ```
//!
//! A binding links the policies of its role to a user or group, and to a namespace or the cluster. What is of the whole
//! cluster lies in the cluster and in no namespace. The picture of all people and bindings is made anew when one of them
//! changes; while there is none, nobody may do anything.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr as _;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicyId, PolicySet, Request,
    RestrictedExpression, SlotId,
};
use tokio::sync::watch;
use windlass_objects::kinds::{self, RoleBindingSpec, RoleSpec, UserIdentity, UserSpec};
use windlass_objects::{Error, Objects, Query, Selector};

use windlass_contract::Verb;
use windlass_model::texts::Texts;

use crate::cedar::uid;
use crate::resource::Resource;

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name of the user.
    pub user: String,
    /// The namespaces that this sign-in is confined to; none: to none of them.
    pub namespaces: Option<Vec<String>>,
    /// What this sign-in is confined to doing; none: to nothing.
    pub verbs: Option<Vec<Verb>>,
    /// The groups that a provider of identities said that they are in, beside those of the user.
    pub groups: Vec<String>,
}

/// Everybody, and what they may do.
#[derive(Clone)]
pub struct Rights(Arc<RwLock<Arc<People>>>);

/// Several users say of an identity that it is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// A picture of everybody at one moment.
pub struct People {
    users: HashMap<String, UserSpec>,
    /// Who somebody is that a provider knows; nobody, where several users say that it is they.
    identities: HashMap<UserIdentity, Option<String>>,
    policies: PolicySet,
    authorizer: Authorizer,
}

/// Everywhere, in a binding.
const ALL: &str = "*";
const CLUSTER: &str = "all";
/// How many are read at once.
const PAGE: usize = 1000;

const ROLES: [(&str, &str); 5] = [
    ("viewer", include_str!("roles/viewer.cedar")),
    ("operator", include_str!("roles/operator.cedar")),
    ("approver", include_str!("roles/approver.cedar")),
    ("author", include_str!("roles/author.cedar")),
    ("admin", include_str!("roles/admin.cedar")),
];

// === impl Rights ===

impl Rights {
    /// Reads everybody, and keeps the picture up to date as long as `ended` has a sender.
    pub async fn follow(objects: &Objects, mut ended: watch::Receiver<()>) -> Result<Self, Error> {
        let mut changes = Changes::begin(objects).await?;
        let rights = Self(Arc::new(RwLock::new(Arc::new(People::read(objects).await?))));
        let (own, objects) = (rights.clone(), objects.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = ended.changed() => return,
                    going = changes.next(&objects) => if !going { return },
                }
                match People::read(&objects).await {
                    Ok(people) => own.set(people),
                    Err(error) => {
                        // Whoever cannot be looked up may do nothing.
                        tracing::error!(%error, "rights cannot be read: nobody may do anything until they can");
                        own.set(People::nobody());
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                        changes.is_due = true;
                    }
                }
            }
        });
        Ok(rights)
    }

    /// Reads everybody again at once: for whoever has just changed somebody and acts on it.
    pub async fn refresh(&self, objects: &Objects) -> Result<(), Error> {
        self.set(People::read(objects).await?);
        Ok(())
    }

    /// Everybody, as they are now.
    #[must_use]
    pub fn people(&self) -> Arc<People> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody may do something.
    #[must_use]
    pub fn may(&self, who: &Principal, verb: Verb, what: &Resource<'_>) -> bool {
        self.people().may(who, verb, what)
    }

    fn set(&self, people: People) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(people);
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights").finish_non_exhaustive()
    }
}

/// Says when somebody has changed.
struct Changes {
    users: windlass_objects::ObjectWatch,
    roles: windlass_objects::ObjectWatch,
    bindings: windlass_objects::ObjectWatch,
    is_due: bool,
}

// === impl Changes ===

impl Changes {
    async fn begin(objects: &Objects) -> Result<Self, Error> {
        let users = objects.watch(&kinds::USER, None, None, Selector::default(), None).await?;
        let roles = objects.watch(&kinds::ROLE, None, None, Selector::default(), None).await?;
        let bindings = objects.watch(&kinds::ROLE_BINDING, None, None, Selector::default(), None).await?;
        Ok(Self { users, roles, bindings, is_due: false })
    }

    /// Waits for a change; false when there will be none any more.
    async fn next(&mut self, objects: &Objects) -> bool {
        if std::mem::take(&mut self.is_due) {
            return true;
        }
        let told = tokio::select! {
            told = self.users.next() => told,
            told = self.roles.next() => told,
            told = self.bindings.next() => told,
        };
        match told {
            None => false,
            Some(Ok(_)) => true,
            // Too much has happened meanwhile: everything is read again anyway.
            Some(Err(_)) => match Self::begin(objects).await {
                Ok(anew) => {
                    *self = anew;
                    true
                }
                Err(_) => false,
            },
        }
    }
}

// === impl People ===

impl People {
    fn nobody() -> Self {
        Self {
            users: HashMap::new(),
            identities: HashMap::new(),
            policies: PolicySet::new(),
            authorizer: Authorizer::new(),
        }
    }

    async fn read(objects: &Objects) -> Result<Self, Error> {
        let mut people = Self { policies: roles(), ..Self::nobody() };
        for user in all(objects, &kinds::USER).await? {
            match serde_json::from_value(user.spec) {
                Ok(spec) => people.add(user.metadata.name, spec),
                Err(error) => {
                    tracing::error!(user = user.metadata.name, %error, "a user cannot be read and may do nothing");
                }
            }
        }
        let mut included = HashMap::new();
        for role in all(objects, &kinds::ROLE).await? {
            let name = role.metadata.name;
            let spec: Result<RoleSpec, _> = serde_json::from_value(role.spec);
            let added = spec.map_err(|error| error.to_string()).and_then(|spec| {
                add(&mut people.policies, &name, &spec.cedar())?;
                Ok(spec.includes)
            });
            match added {
                Ok(includes) => drop(included.insert(name, includes)),
                Err(error) => {
                    tracing::error!(role = name, error, "a role cannot be read and gives nobody anything");
                }
            }
        }
        for binding in all(objects, &kinds::ROLE_BINDING).await? {
            let name = &binding.metadata.name;
            let spec: Result<RoleBindingSpec, _> = serde_json::from_value(binding.spec);
            let bound =
                spec.map_err(|error| error.to_string()).and_then(|spec| people.bind(name, &spec, &included));
            if let Err(error) = bound {
                tracing::error!(binding = name, %error, "a binding cannot be read and gives nobody anything");
            }
        }
        Ok(people)
    }

    fn add(&mut self, name: String, spec: UserSpec) {
        for identity in &spec.identities {
            let known = self.identities.entry(identity.clone()).or_insert_with(|| Some(name.clone()));
            if known.as_ref() != Some(&name) {
                *known = None;
            }
        }
        self.users.insert(name, spec);
    }

    fn bind(
        &mut self,
        name: &str,
        spec: &RoleBindingSpec,
        included: &HashMap<String, Texts>,
    ) -> Result<(), String> {
        let whom = spec
            .users
            .iter()
            .map(|user| ("User", user))
            .chain(spec.groups.iter().map(|group| ("Group", group)));
        let others = included.get(&spec.role).into_iter().flat_map(|roles| roles.iter());
        let roles: HashSet<&str> = others.map(String::as_str).chain([spec.role.as_str()]).collect();
        let templates: Vec<PolicyId> = self
            .policies
            .templates()
            .map(|template| template.id().clone())
            .filter(|id| id.to_string().rsplit_once('#').is_some_and(|(role, _)| roles.contains(role)))
            .collect();
        for (kind, who) in whom {
            for place in spec.namespaces.iter() {
                let place = if place == ALL { uid("Cluster", CLUSTER)? } else { uid("Namespace", place)? };
                for template in &templates {
                    let id = PolicyId::new(format!("{name} gives {template} to {kind} {who} in {place}"));
                    let slots = HashMap::from([
                        (SlotId::principal(), uid(kind, who)?),
                        (SlotId::resource(), place.clone()),
                    ]);
                    self.policies.link(template.clone(), id, slots).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// Whether there is such a user who may sign in.
    #[must_use]
    pub fn is_welcome(&self, user: &str) -> bool {
        self.users.get(user).is_some_and(|spec| !spec.disabled)
    }

    /// A user.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&UserSpec> {
        self.users.get(name)
    }

    /// Who somebody is that a provider of identities knows: a user; or nobody, where it is not said who, or of several.
    pub fn identified(&self, identity: &UserIdentity) -> Result<Option<&str>, Ambiguous> {
        match self.identities.get(identity) {
            None => Ok(None),
            Some(Some(user)) => Ok(Some(user)),
            Some(None) => Err(Ambiguous),
        }
    }

    /// The groups that somebody is in: as a user, and by how they signed in.
    #[must_use]
    pub fn groups(&self, who: &Principal) -> Vec<String> {
        let own = self.users.get(&who.user).map(|spec| spec.groups.to_vec()).unwrap_or_default();
        let mut all = own;
        all.extend(who.groups.iter().filter(|group| !all.contains(group)).cloned().collect::<Vec<_>>());
        all
    }

    /// Whether somebody may do something.
    #[must_use]
    pub fn may(&self, who: &Principal, verb: Verb, what: &Resource<'_>) -> bool {
        let confined = who.verbs.as_ref().is_some_and(|verbs| !verbs.contains(&verb))
            || who.namespaces.as_ref().is_some_and(|namespaces| {
                !what.namespace.is_some_and(|namespace| namespaces.iter().any(|one| one == namespace))
            });
        if confined || !self.is_welcome(&who.user) {
            return false;
        }
        match self.decide(who, verb, what) {
            Ok(decision) => decision == Decision::Allow,
            Err(error) => {
                tracing::error!(user = who.user, %verb, %what, error, "a right cannot be evaluated, and is refused");
                false
            }
        }
    }

    fn decide(&self, who: &Principal, verb: Verb, what: &Resource<'_>) -> Result<Decision, String> {
        let say = |error: &dyn fmt::Display| error.to_string();
        let user = uid("User", &who.user)?;
        let groups: HashSet<EntityUid> =
            self.groups(who).iter().map(|group| uid("Group", group)).collect::<Result<_, _>>()?;
        let cluster = uid("Cluster", CLUSTER)?;
        let within = match what.namespace {
            Some(namespace) => uid("Namespace", namespace)?,
            None => cluster.clone(),
        };
        let resource = uid("Resource", &what.to_string())?;
        let attributes =
            HashMap::from([("kind".to_owned(), RestrictedExpression::new_string(what.kind.to_owned()))]);
        let mut entities = vec![
            Entity::new_no_attrs(user.clone(), groups),
            Entity::new(resource.clone(), attributes, HashSet::from([within.clone()]))
                .map_err(|error| say(&error))?,
        ];
        if what.namespace.is_some() {
            entities.push(Entity::new_no_attrs(within, HashSet::from([cluster])));
        }
        let entities = Entities::from_entities(entities, None).map_err(|error| say(&error))?;
        let action = uid("Action", verb.word())?;
        let request =
            Request::new(user, action, resource, Context::empty(), None).map_err(|error| say(&error))?;
        Ok(self.authorizer.is_authorized(&request, &self.policies, &entities).decision())
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

/// The policies of all roles, not bound to anybody yet. One that does not parse would give nobody anything; a test reads
/// them all.
fn roles() -> PolicySet {
    let mut set = PolicySet::new();
    for (role, text) in ROLES {
        if let Err(error) = add(&mut set, role, text) {
            tracing::error!(role, error, "a role cannot be read");
        }
    }
    set
}

/// Adds the policies of a role.
fn add(set: &mut PolicySet, role: &str, text: &str) -> Result<(), String> {
    let read = PolicySet::from_str(text).map_err(|error| error.to_string())?;
    for (index, template) in read.templates().enumerate() {
        let template = template.new_id(PolicyId::new(format!("{role}#{index}")));
        set.add_template(template).map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn all(
    objects: &Objects,
    kind: &'static windlass_objects::Kind,
) -> Result<Vec<windlass_objects::Object>, Error> {
    let mut query = Query { limit: PAGE, ..Query::default() };
    let mut found = Vec::new();
    loop {
        let page = objects.list(kind, &query).await?;
        found.extend(page.objects);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests;
