//! The table of locks against runs that behave in every way that runs behave.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use windlass_model::element::ElementId;
use windlass_model::id::RunId;

use super::{Budget, Claim, LockTable, Locks, Owner, Returned};

const RUNS: u8 = 5;
const LOCKS: u8 = 3;
const SEQUENCES: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Takes what it can get.
    Awake,
    /// Hears, and takes nothing: it is paused, or has no room.
    Paused,
    /// Hears nothing: it cannot be written.
    Away,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A sequence of the run needs the lock.
    Want(u8, u8, u8),
    GiveBack(u8, u8),
    Mood(u8, Mood),
    End(u8),
    /// The driver tells the next run of an offer.
    Deliver,
    /// The oldest record of a lock that was given back becomes durable.
    Durable,
}

/// The runs as they see themselves, and the driver between them and the table.
struct World {
    table: LockTable,
    wants: BTreeSet<(u8, u8, u8)>,
    holds: BTreeMap<u8, (u8, u8)>,
    moods: [Mood; RUNS as usize],
    told: VecDeque<RunId>,
    /// Who has which lock by what is durable, where that comes later.
    records: Option<BTreeMap<u8, u8>>,
    returned: VecDeque<(u8, u8, Vec<Returned>)>,
    budgets: Vec<Budget>,
}

fn run(n: u8) -> RunId {
    RunId(uuid::Uuid::from_u128(u128::from(n)))
}

fn number(run: RunId) -> u8 {
    run.0.as_bytes()[15]
}

fn element(seq: u8) -> ElementId {
    sequence(0, seq)
}

/// One of the sequences that need a lock: each needs one.
fn sequence(lock: u8, seq: u8) -> ElementId {
    ElementId::Sequence { block: 0, seq: u32::from(lock * SEQUENCES + seq) }
}

fn name(lock: u8) -> String {
    format!("node/{lock}")
}

/// A sequence takes the lock of its node.
fn claim(lock: u8) -> Claim {
    Claim { lock: Some(name(lock)), node: Some(lock.to_string().into()) }
}

fn budget(name: &str, most: u32, nodes: &[u8]) -> Budget {
    Budget { name: name.to_owned(), most, nodes: nodes.iter().map(u8::to_string).collect() }
}

// === impl World ===

impl World {
    fn new() -> Self {
        Self {
            table: LockTable::default(),
            wants: BTreeSet::new(),
            holds: BTreeMap::new(),
            moods: [Mood::Awake; RUNS as usize],
            told: VecDeque::new(),
            records: None,
            returned: VecDeque::new(),
            budgets: Vec::new(),
        }
    }

    fn within(mut self, budgets: Vec<Budget>) -> Self {
        self.set(budgets);
        self
    }

    fn set(&mut self, budgets: Vec<Budget>) {
        self.budgets.clone_from(&budgets);
        self.table.set_budgets(budgets);
        self.told.extend(self.table.take_freed());
    }

    fn behind_records() -> Self {
        Self { table: LockTable::behind_records(), records: Some(BTreeMap::new()), ..Self::new() }
    }

    fn mood(&self, of: u8) -> Mood {
        self.moods[usize::from(of)]
    }

    /// A run that is awake tries everything that it waits for.
    fn try_all(&mut self, of: u8) {
        let wanted: Vec<_> = self.wants.iter().filter(|(who, ..)| *who == of).copied().collect();
        for (who, lock, seq) in wanted {
            if self.table.acquire(&claim(lock), run(who), sequence(lock, seq)).is_ok() {
                self.wants.remove(&(who, lock, seq));
                assert_eq!(self.holds.insert(lock, (who, seq)), None, "two hold {lock}");
                if let Some(records) = &mut self.records {
                    let by = records.insert(lock, who);
                    assert!(by.is_none_or(|by| by == who), "two records hold {lock}");
                }
            }
        }
    }

    fn do_one(&mut self, op: Op) {
        match op {
            Op::Want(who, lock, seq) => {
                if self.holds.get(&lock) != Some(&(who, seq)) {
                    self.wants.insert((who, lock, seq));
                    if self.mood(who) == Mood::Awake {
                        self.try_all(who);
                    }
                }
            }
            Op::GiveBack(who, lock) => {
                if let Some((holder, seq)) = self.holds.get(&lock).copied()
                    && holder == who
                    && self.mood(who) != Mood::Away
                {
                    self.holds.remove(&lock);
                    self.table.release(&claim(lock), run(who), sequence(lock, seq));
                    let returned = self.table.take_returned();
                    if !returned.is_empty() {
                        self.returned.push_back((who, lock, returned));
                    }
                    if self.mood(who) == Mood::Awake {
                        self.try_all(who);
                    }
                }
            }
            Op::Mood(who, mood) => {
                self.moods[usize::from(who)] = mood;
                match mood {
                    Mood::Awake => self.try_all(who),
                    Mood::Paused => {}
                    Mood::Away => self.table.leave(run(who)),
                }
            }
            Op::End(who) => {
                self.wants.retain(|(other, ..)| *other != who);
                self.holds.retain(|_, (other, _)| *other != who);
                self.table.forget(run(who));
                self.returned.retain(|(other, ..)| *other != who);
                if let Some(records) = &mut self.records {
                    records.retain(|_, other| *other != who);
                }
            }
            Op::Durable => {
                let Some((who, lock, returned)) = self.returned.pop_front() else { return };
                let again = self.holds.get(&lock).is_some_and(|(holder, _)| *holder == who)
                    || self.returned.iter().any(|(_, other, _)| *other == lock);
                if let Some(records) = self.records.as_mut().filter(|_| !again) {
                    records.remove(&lock);
                }
                returned.iter().for_each(|one| self.table.given_back(one));
            }
            Op::Deliver => {
                let Some(who) = self.told.pop_front() else { return };
                if self.mood(number(who)) == Mood::Awake {
                    self.try_all(number(who));
                }
                if self.mood(number(who)) != Mood::Away {
                    self.table.settle(who);
                }
            }
        }
        self.told.extend(self.table.take_freed());
        self.is_sound();
    }

    fn is_sound(&self) {
        for (name, lock) in &self.table.locks {
            match lock.owner {
                Owner::Held(holder, of) => {
                    let known = self.holds.iter().find(|(lock, _)| self::name(**lock) == *name);
                    let known = known.map(|(lock, (who, seq))| (run(*who), sequence(*lock, *seq)));
                    assert_eq!(known, Some((holder, of)), "{name}");
                }
                Owner::Returned(..) => {
                    let lock = self.returned.iter().find(|(_, lock, _)| self::name(*lock) == *name);
                    assert!(lock.is_some(), "{name} was given back, and nobody will say so");
                }
                Owner::Offered(to) => assert!(self.told.contains(&to), "{name} is offered in silence"),
            }
            for waiting in &lock.queue {
                assert!(self.table.waits[waiting].contains(name), "{name}: {waiting} waits unknown");
            }
            let once: BTreeSet<_> = lock.queue.iter().collect();
            assert_eq!(once.len(), lock.queue.len(), "{name}: somebody waits twice");
        }
        for lock in self.holds.keys() {
            assert!(self.table.locks.contains_key(&name(*lock)), "{lock} is held and counts as free");
        }
        for (who, waits) in &self.table.waits {
            for name in waits {
                let lock = &self.table.locks[name];
                assert!(lock.owner == Owner::Offered(*who) || lock.queue.contains(who), "{who} {name}");
            }
        }
        // Whoever is awake and waits for another run will hear of it.
        for (who, lock, _) in &self.wants {
            let by_itself = self.holds.get(lock).is_some_and(|(holder, _)| holder == who);
            if self.mood(*who) == Mood::Awake && !by_itself {
                let waits = self.table.waits.get(&run(*who));
                let waits = waits.is_some_and(|waits| waits.contains(&name(*lock)));
                let waits = waits || self.table.budgets.waits(run(*who));
                assert!(waits || self.told.contains(&run(*who)), "{who} is forgotten");
            }
        }
        let at_work = |of: &Budget| {
            let given_back = self.returned.iter().map(|(_, lock, _)| *lock);
            let locks: BTreeSet<u8> = self.holds.keys().copied().chain(given_back).collect();
            locks.into_iter().filter(|lock| of.nodes.contains(&lock.to_string())).count()
        };
        for (name, seats) in self.table.budgets() {
            let of = self.budgets.iter().find(|budget| budget.name == name).unwrap();
            assert_eq!(seats.taken as usize, at_work(of), "{name}");
        }
    }

    /// Everybody is awake, hears everything, and gives everything back in the end.
    fn settle_down(&mut self) {
        for who in 0..RUNS {
            self.do_one(Op::Mood(who, Mood::Awake));
        }
        let mut steps = 0;
        while !(self.told.is_empty() && self.holds.is_empty() && self.returned.is_empty()) {
            steps += 1;
            assert!(steps < 1_000, "nothing comes of it: {:?} {:?}", self.wants, self.table);
            self.do_one(Op::Deliver);
            self.do_one(Op::Durable);
            if self.told.is_empty()
                && let Some((lock, (who, _))) = self.holds.iter().next()
            {
                let (lock, who) = (*lock, *who);
                self.do_one(Op::GiveBack(who, lock));
            }
        }
        assert_eq!(self.wants, BTreeSet::new(), "somebody waits for ever");
        assert!(self.table.locks.is_empty() && self.table.waits.is_empty(), "{:?}", self.table);
    }
}

fn op() -> impl Strategy<Value = Op> {
    let mood = prop_oneof![Just(Mood::Awake), Just(Mood::Paused), Just(Mood::Away)];
    prop_oneof![
        6 => (0..RUNS, 0..LOCKS, 0..SEQUENCES).prop_map(|(who, lock, seq)| Op::Want(who, lock, seq)),
        5 => (0..RUNS, 0..LOCKS).prop_map(|(who, lock)| Op::GiveBack(who, lock)),
        2 => (0..RUNS, mood).prop_map(|(who, mood)| Op::Mood(who, mood)),
        1 => (0..RUNS).prop_map(Op::End),
        4 => Just(Op::Deliver),
        4 => Just(Op::Durable),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn nobody_waits_for_ever_and_no_two_hold_a_lock(ops in prop::collection::vec(op(), 0..120)) {
        for mut world in [World::new(), World::behind_records()] {
            for op in &ops {
                world.do_one(*op);
            }
            world.settle_down();
        }
    }

    #[test]
    fn no_budget_is_exceeded_and_nobody_waits_for_ever(
        ops in prop::collection::vec(op(), 0..120),
        most in 1..3u32,
    ) {
        let budgets = || vec![budget("all", most, &[0, 1, 2]), budget("two", 1, &[1, 2])];
        for world in [World::new(), World::behind_records()] {
            let mut world = world.within(budgets());
            for op in &ops {
                world.do_one(*op);
                for (name, seats) in world.table.budgets() {
                    assert!(seats.taken <= seats.most, "{name} {seats:?}");
                }
            }
            world.settle_down();
        }
    }

    #[test]
    fn budgets_that_change_count_what_is_at_work_and_hold_up_nobody_for_ever(
        ops in prop::collection::vec((op(), prop::option::weighted(0.2, 0..3u32)), 0..80),
    ) {
        for mut world in [World::new(), World::behind_records()] {
            for (op, change) in &ops {
                world.do_one(*op);
                if let Some(most) = change {
                    // None of them is called twice alike; with 0, nothing begins.
                    let nodes: &[u8] = if *most == 2 { &[0] } else { &[0, 1, 2] };
                    world.set(vec![budget("all", *most, nodes)]);
                    world.is_sound();
                }
            }
            world.set(vec![budget("all", 1, &[0, 1, 2])]);
            world.settle_down();
        }
    }
}

/// Runs 1 to 5 ask for what run 0 holds, some of them do this; then they get it in this order.
#[track_caller]
fn check(meanwhile: &[Op], expect: &[u8]) {
    let mut world = World::new();
    for who in 0..RUNS {
        world.do_one(Op::Want(who, 0, 0));
    }
    for op in meanwhile {
        world.do_one(*op);
    }
    let mut order = Vec::new();
    while let Some((who, _)) = world.holds.get(&0).copied() {
        order.push(who);
        world.do_one(Op::GiveBack(who, 0));
        assert!(world.told.len() <= 1, "more than one was woken");
        while !world.told.is_empty() {
            world.do_one(Op::Deliver);
        }
    }
    assert_eq!(order, expect);
}

#[test]
fn who_came_first_is_served_first() {
    check(&[], &[0, 1, 2, 3, 4]);
}

#[test]
fn who_cannot_take_it_does_not_hold_up_the_others() {
    check(&[Op::Mood(1, Mood::Paused)], &[0, 2, 3, 4]);
    check(&[Op::Mood(1, Mood::Away)], &[0, 2, 3, 4]);
    check(&[Op::End(1), Op::End(3)], &[0, 2, 4]);
}

#[test]
fn who_was_away_waits_behind_the_others() {
    check(&[Op::Mood(2, Mood::Away), Op::Mood(2, Mood::Awake)], &[0, 1, 3, 4, 2]);
    check(&[Op::Mood(2, Mood::Paused), Op::Mood(2, Mood::Awake)], &[0, 1, 2, 3, 4]);
}

#[test]
fn who_asks_while_it_is_offered_to_another_waits() {
    let mut world = World::new();
    world.do_one(Op::Want(0, 0, 0));
    world.do_one(Op::Want(1, 0, 0));
    world.do_one(Op::GiveBack(0, 0));
    world.do_one(Op::Want(2, 0, 0));
    assert_eq!(world.holds.get(&0), None);
    world.do_one(Op::Deliver);
    assert_eq!(world.holds.get(&0), Some(&(1, 0)));
}

#[test]
fn what_a_record_holds_is_taken_back_from_whom_it_is_offered() {
    let mut world = World::new();
    world.do_one(Op::Want(0, 0, 0));
    world.do_one(Op::Want(1, 0, 0));
    world.do_one(Op::Want(2, 0, 0));
    world.do_one(Op::GiveBack(0, 0));
    assert!(world.table.hold(&claim(0), run(0), element(0)));
    assert!(!world.table.hold(&claim(0), run(3), element(0)));
    world.holds.insert(0, (0, 0));
    world.do_one(Op::Deliver);
    world.do_one(Op::GiveBack(0, 0));
    world.do_one(Op::Deliver);
    assert_eq!(world.holds.get(&0), Some(&(1, 0)));
    world.settle_down();
}

#[test]
fn what_was_given_back_goes_on_when_the_record_of_it_is_durable() {
    let mut world = World::behind_records();
    world.do_one(Op::Want(0, 0, 0));
    world.do_one(Op::Want(1, 0, 0));
    world.do_one(Op::GiveBack(0, 0));
    assert!(world.told.is_empty() && world.holds.is_empty());
    assert_eq!(world.table.waits_of(run(1)).collect::<Vec<_>>(), [("node/0", run(0))]);
    // Who gave it back asks for it again, and waits behind the other.
    world.do_one(Op::Want(0, 0, 1));
    assert!(world.holds.is_empty());
    world.do_one(Op::Durable);
    world.do_one(Op::Deliver);
    assert_eq!(world.holds.get(&0), Some(&(1, 0)));
    world.settle_down();
}

#[test]
fn who_has_it_still_by_their_record_may_take_it_again_at_once() {
    let mut world = World::behind_records();
    world.do_one(Op::Want(0, 0, 0));
    world.do_one(Op::GiveBack(0, 0));
    world.do_one(Op::Want(0, 0, 1));
    assert_eq!(world.holds.get(&0), Some(&(0, 1)));
    world.do_one(Op::GiveBack(0, 0));
    // The first record says nothing of the second time.
    world.do_one(Op::Durable);
    assert_eq!(world.table.holder(&name(0)), Some((run(0), element(1))));
    world.settle_down();
}

#[test]
fn a_free_seat_goes_to_who_has_waited_longest() {
    let mut world = World::new().within(vec![budget("all", 1, &[0, 1, 2])]);
    for (who, seq) in [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)] {
        world.do_one(Op::Want(who, who, seq));
    }
    let mut order = Vec::new();
    while let Some((lock, (who, _))) = world.holds.iter().next().map(|(lock, held)| (*lock, *held)) {
        assert_eq!(world.holds.len(), 1);
        order.push(who);
        world.do_one(Op::GiveBack(who, lock));
        while !world.told.is_empty() {
            world.do_one(Op::Deliver);
        }
    }
    assert_eq!(order, [0, 1, 2, 0, 1, 2], "who has got one waits behind the others");
}

#[test]
fn a_sequence_without_a_lock_sits_in_the_budget_of_its_node() {
    let mut table = LockTable::default();
    let claim = |node: &str| Claim { lock: None, node: Some(node.into()) };
    assert_eq!(table.acquire(&claim("a"), run(0), element(0)), Ok(()));
    // A budget that is made later counts what is at work already.
    let nodes = ["a", "b"].map(str::to_owned).into();
    table.set_budgets(vec![Budget { name: "web".into(), most: 1, nodes }]);
    let lacking = table.acquire(&claim("b"), run(1), element(0)).unwrap_err();
    assert_eq!((lacking.what.as_str(), lacking.holder.as_str()), ("budget/web", "1 of 1 at work"));
    assert_eq!(table.waits_of(run(1)).collect::<Vec<_>>(), [("web", run(0))]);
    table.release(&claim("a"), run(0), element(0));
    assert_eq!(table.take_freed(), [run(1)]);
    assert_eq!(table.acquire(&claim("b"), run(1), element(0)), Ok(()));
    // What is at work goes on when there is room for less.
    table.set_budgets(vec![Budget { name: "web".into(), most: 0, nodes: ["b".to_owned()].into() }]);
    assert_eq!(table.budgets().next().unwrap().1.taken, 1);
    table.forget(run(1));
    assert!(table.acquire(&claim("b"), run(2), element(0)).is_err());
    // Whoever waits for a budget that is gone tries again.
    table.set_budgets(Vec::new());
    assert_eq!(table.take_freed(), [run(2)]);
    assert_eq!(table.acquire(&claim("b"), run(2), element(0)), Ok(()));
}
