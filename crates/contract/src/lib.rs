//! What a server and those who ask it say to each other: the types of requests and answers, and nothing that acts on them.
//!
//! Both sides are made of these types, and so is the OpenAPI document. A key that is added to an answer breaks nobody; a key
//! of a request that a server does not know is refused, so that nothing that somebody wanted is left out in silence.

mod agent;
mod audit;
mod board;
mod object;
mod operate;
mod people;
mod problem;
mod run;
mod texts;
mod words;

pub use self::agent::{
    Agent, AgentPage, AgentReach, AgentState, AgentTokenView, AgentTokens, AgentView, Certificate,
    NewAgentToken, NewAgentTokenMade, Reached,
};
pub use self::audit::{AuditPage, AuditVerified, Entry, Noted, Outcome};
pub use self::board::{
    Board, BoardAction, BoardBatch, BoardBlock, BoardFailure, BoardHeld, BoardLabel, BoardNote, BoardPart,
    BoardPhase, BoardRetries, BoardWait, Element, ElementAttempt, ElementError, ElementPage, NewRehearsal,
    RehearsalTouched, Rehearsed, WorstCase,
};
pub use self::object::{
    Applied, AppliedObject, AtLock, Changed, Difference, Differences, HiddenVar, Metadata, Name, NodeFacts,
    NodeFactsList, NodeLock, NodeVar, NodeVars, Object, ObjectPage, OneRevision, RevisionPage, What,
};
pub use self::operate::{NewBackup, NewRetention, Retained, RetainedRun};
pub use self::people::{
    ComeFor, DeviceQuestion, DeviceSignIn, DeviceStands, Me, NewPassword, NewToken, NewTokenMade, Provided,
    Session, SignIn, SignedIn, TokenView, Tokens, Verb,
};
pub use self::problem::{OneProblem, Problem};
pub use self::run::{
    NewRun, PlanState, PlanStep, PreviewedAction, PreviewedBlock, Reason, RecordedEvent, Resolution,
    RetryRun, Run, RunApproval, RunPage, RunPreview, RunReason, Submitted, TargetState,
};
pub use self::words::{
    APPLY, CSRF_HEADER, GROUPS_LABEL, JSON_PATCH, MERGE_PATCH, NAMESPACE_LABEL, PROBLEM, Version, WAITS_LABEL,
};
