//! The stable codes of everything that a person can be told is wrong. Never reused, never renumbered.
//!
//! Each has a page `docs/errors/WL-dddd.md`. Ranges: 01 the file, 02 what a plan means, 03 runs,
//! 04 the store, 05 plugins, 06 the command line, 07 warnings: not wrong, but worth a look,
//! 08 the inventory, 09 objects, 10 a server and who asks it, 11 agents, 12 operating a server.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A stable code such as `WL-0201`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

// === impl Code ===

impl Code {
    const fn known(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that of a warning: not wrong, but worth a look.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.0.starts_with("WL-07")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code::known($text);)*

        /// Every code with its title, in order.
        pub const ALL: &[(Code, &str)] = &[$(($name, $title)),*];
    };
}

codes! {
    FILE_UNREADABLE = "WL-0101", "a file cannot be read";
    YAML_SYNTAX = "WL-0102", "the file is not valid YAML";
    UNKNOWN_KEY = "WL-0103", "unknown key";
    WRONG_TYPE = "WL-0104", "a value of the wrong type or form";
    MISSING_KEY = "WL-0105", "a required key is missing";
    TOO_LARGE = "WL-0106", "the file is larger, deeper or more repetitive than is accepted";
    WRONG_KIND = "WL-0107", "not a document that Windlass knows";
    TEMPLATE_SYNTAX = "WL-0108", "a template does not parse";
    DUPLICATE_KEY = "WL-0109", "a key is given twice";

    BLANK_NAME = "WL-0201", "a name is missing";
    BAD_NAME = "WL-0202", "a name has characters that names cannot have";
    DUPLICATE_NAME = "WL-0203", "two siblings have the same name";
    EMPTY_CONTAINER = "WL-0204", "something that must hold something is empty";
    UNKNOWN_PLUGIN = "WL-0205", "no such plugin";
    BAD_REQUEST = "WL-0206", "a request does not fit the plugin's schema";
    CHECK_IN_SEQUENCE = "WL-0207", "a check plugin where work is expected";
    ACTION_IN_CHECK = "WL-0208", "an acting plugin where a check is expected";
    BAD_NUMBER = "WL-0209", "a number out of range";
    UNKNOWN_NAME = "WL-0210", "a template refers to something that does not exist";
    NESTED_UNDO = "WL-0211", "an undo has an undo";
    BAD_COMBINATION = "WL-0212", "keys that do not go together";
    UNKNOWN_STEP_SET = "WL-0213", "no such step set";
    BAD_PARAM_SPEC = "WL-0214", "a parameter's definition contradicts itself";
    BAD_PARAM = "WL-0215", "a parameter's value is not acceptable";
    UNKNOWN_PARAM = "WL-0216", "no such parameter";
    MISSING_PARAM = "WL-0217", "a required parameter is missing";
    EMPTY_SELECTION = "WL-0218", "the selection of targets is empty";
    BAD_PATTERN = "WL-0219", "a pattern of node names cannot be written out";
    TOO_MANY = "WL-0220", "more than is accepted";
    UNKNOWN_SECRET = "WL-0221", "no such secret";
    SECRET_UNAVAILABLE = "WL-0222", "a secret cannot be had";
    BAD_SECRETS_FILE = "WL-0223", "the file that says where secrets come from is not understood";

    UNKNOWN_RUN = "WL-0301", "no such run";
    RUN_ENDED = "WL-0302", "the run has ended";
    NOT_ALLOWED = "WL-0303", "the command does not fit the run's state";
    SELF_APPROVAL = "WL-0304", "the author of a run cannot approve it";
    DIGEST_MISMATCH = "WL-0305", "the approval is for something else";
    EXPIRED = "WL-0306", "the run was submitted too long ago";
    NOT_INTERRUPTED = "WL-0307", "nothing there waits for a person";
    RUN_EXISTS = "WL-0308", "a run with this id exists";
    RUN_PARKED = "WL-0309", "the run is parked";
    LOG_DAMAGED = "WL-0310", "the run's log cannot be read";
    NOT_RESUBMITTABLE = "WL-0311", "this cannot be submitted";
    RUN_SEALED = "WL-0312", "the run's secrets cannot be read";
    NO_NODE_OF_RUN = "WL-0313", "the run has no such node";

    STORE_LOCKED = "WL-0401", "another process has the store";
    STORE_NEWER = "WL-0402", "the store was written by a newer version";
    STORE_FULL = "WL-0403", "the disk is full";
    STORE_READ_ONLY = "WL-0404", "the store's directory cannot be written";
    STORE_CORRUPT = "WL-0405", "the store is damaged";
    STORE_STOPPED = "WL-0406", "the store has stopped after a failed flush";
    STORE_IO = "WL-0407", "the store cannot be read or written";
    STORE_PRECONDITION = "WL-0408", "somebody else was first";
    STORE_COMPACTED = "WL-0409", "that much history is not kept";
    STORE_TOO_LARGE = "WL-0410", "a record is too large";
    STORE_CLOSED = "WL-0411", "the store is closed";
    STORE_BUSY = "WL-0412", "too much waits for the disk";
    STORE_LEASED = "WL-0413", "somebody else holds the lease";
    STORE_LEASE_LOST = "WL-0414", "the lease is no longer held";
    STORE_BAD_KEY = "WL-0415", "the key is not allowed";

    PLUGIN_DUPLICATE = "WL-0501", "a plugin of this name is registered";
    PLUGIN_NAME = "WL-0502", "a plugin has no proper name";
    PLUGIN_POLICY = "WL-0503", "a plugin's retry policy makes no sense";
    PLUGIN_SECRET = "WL-0504", "a field looks like a secret and is not of the secret type";
    PLUGIN_NOT_READY = "WL-0505", "a plugin is not ready";
    PLUGIN_MISSING = "WL-0506", "the run needs a plugin that is not registered";
    PLUGIN_SCHEMA = "WL-0507", "a plugin's schema cannot be used";

    USAGE = "WL-0601", "the command line is not understood";
    NO_OWNER = "WL-0602", "no process drives this run";
    CONTROL = "WL-0603", "the process that drives the runs cannot be talked to";
    BUG = "WL-0699", "a bug in Windlass";

    UNUSED_PARAM = "WL-0701", "a parameter that nothing reads";
    UNUSED_VAR = "WL-0702", "a variable that nothing reads";
    UNUSED_SAVE = "WL-0703", "a saved value that nothing reads";
    NO_EFFECT = "WL-0704", "a key that has no effect where it stands";
    TIMEOUT_BEYOND_DEADLINE = "WL-0705", "a timeout that is longer than the deadline";
    LIMITS_NOTHING = "WL-0706", "a limit that limits nothing";
    EXCLUDES_NOTHING = "WL-0707", "an exclusion that excludes nothing";
    SELECTS_NOTHING = "WL-0708", "a part of a selection that selects nothing";
    NOT_JUDGED = "WL-0709", "nodes left out because an expression cannot be judged";
    OUT_OF_SERVICE = "WL-0710", "nodes left out because they are out of service";
    UNUSED_INVENTORY = "WL-0711", "an inventory that nothing selects from";
    NOT_TAKEN_OVER = "WL-0712", "something of an inventory of Ansible that is not taken over";
    UNKNOWN_FACT = "WL-0713", "a fact that no node has";

    UNKNOWN_NODE = "WL-0801", "no such node in the inventory";
    UNKNOWN_GROUP = "WL-0802", "no such group in the inventory";
    BAD_SELECTOR = "WL-0803", "a selection or label selector is not understood";
    NEEDS_INVENTORY = "WL-0804", "a selection needs an inventory, and there is none";
    ANCESTRY_CYCLE = "WL-0805", "something is a part of itself";
    INVENTORY_PROGRAM = "WL-0806", "a program gave no inventory";
    INI_SYNTAX = "WL-0807", "a line of an inventory is not understood";
    VAR_CYCLE = "WL-0808", "variables are computed from each other";

    UNKNOWN_OBJECT = "WL-0901", "no such object";
    OBJECT_EXISTS = "WL-0902", "an object of this name exists";
    OBJECT_CHANGED = "WL-0903", "somebody else changed the object";
    OBJECT_NEEDED = "WL-0904", "the object is needed by others";
    UNKNOWN_OBJECT_KIND = "WL-0905", "no such kind of objects";
    BAD_QUERY = "WL-0906", "a question about objects is not understood";
    MISSING_REFERENCE = "WL-0907", "an object refers to one that is not there";
    BAD_PATCH = "WL-0908", "a patch cannot be applied";
    OBJECT_SEALED = "WL-0909", "the secrets of an object cannot be read";

    UNAUTHENTICATED = "WL-1001", "who asks is not known";
    FORBIDDEN = "WL-1002", "who asks may not";
    FROZEN = "WL-1003", "what is to be done is frozen";
    NOT_GRANTED = "WL-1004", "a namespace may not touch a node";
    UNKNOWN_ENDPOINT = "WL-1005", "nothing can be asked there";
    SERVER = "WL-1006", "the server cannot begin, or go on";
    UNREACHABLE = "WL-1007", "the server cannot be reached";
    NO_CONTEXT = "WL-1008", "it is not known which server is meant";
    POLICY = "WL-1009", "a policy does not let a run begin";
    BAD_POLICY = "WL-1010", "a policy is not well-formed";
    NO_PROVIDER = "WL-1011", "the provider of identities cannot be asked";
    UNKNOWN_IDENTITY = "WL-1012", "the provider knows who signs in, and nobody here does";

    JOIN_REFUSED = "WL-1101", "somebody may not become an agent";
    AGENT_TAKEN = "WL-1102", "the node has another agent";
    AGENT_REVOKED = "WL-1103", "the agent is not, or no more, taken for one";
    AGENT_COPIED = "WL-1104", "two agents use one key";
    NO_AGENT = "WL-1105", "the agent cannot serve";

    CONFIG = "WL-1201", "the settings of a server cannot be used";
    BACKUP = "WL-1202", "a backup cannot be made, or used";
    TOO_OFTEN = "WL-1203", "more is asked than may be asked at a time";
    TOO_SLOW = "WL-1204", "a request took too long to come";
}

/// The code with a text such as `WL-0401`.
#[must_use]
pub fn find(text: &str) -> Option<Code> {
    ALL.iter().find(|(code, _)| code.as_str() == text).map(|(code, _)| code.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.is_sorted_by(|a, b| a.0 < b.0));
    }
}
