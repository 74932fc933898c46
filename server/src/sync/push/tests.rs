//! The verdicts without a server around them, as a simulation calls them.

use desk_domain::{
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::uuid_v7,
    people::Team,
    workspace::Workspace,
};

use super::*;
use crate::random::{FreshIds, SeededRandom};

const NOW: UtcMillis = UtcMillis(1_790_240_400_000);

struct Device {
    sender: Sender,
    document: Document,
    random: SeededRandom,
}

impl Device {
    fn new(number: u8, doc: DocId) -> Self {
        let id = uuid_v7(NOW, [number; 10]);
        Self {
            sender: Sender {
                device: DeviceId(id),
                member: MemberId(id),
                role: Role::Agent,
                scope: Arc::default(),
            },
            document: Document::empty(doc, DocKind::Ticket),
            random: SeededRandom::new(u64::from(number)),
        }
    }

    fn make(&mut self, op: TicketOp) -> Incoming {
        let (doc, workflow) = (self.document.id(), Workflow::default());
        let actor = Actor { member: Some(self.sender.member), role: Role::Admin };
        let author = Author { device: self.sender.device, actor, workflow: &workflow };
        let steps = vec![Stamped::new(NOW, self.sender.member.to_string(), op)];
        let edit = Edit { doc, ops: Ops::Ticket(steps) };
        let ids = FreshIds::at(NOW, &self.random);
        let (document, made) = self.document.clone().edit(&author, &edit, NOW, &ids).unwrap();
        self.document = document;
        let made = made.unwrap();
        let hash = Hash(made.hash);
        Incoming::verify(&WireChange { doc, kind: DocKind::Ticket, hash, bytes: made.bytes })
    }
}

fn doc() -> DocId {
    DocId(uuid_v7(NOW, [9; 10]))
}

fn create() -> TicketOp {
    TicketOp::Create { ticket: NewTicket::titled("Заявка") }
}

fn tag(name: &str) -> TicketOp {
    TicketOp::SetTag { tag: name.to_owned(), on: true }
}

/// Seqs of accepted changes, codes of refused ones.
fn told(judgement: &Judgement) -> Vec<Result<u64, RejectCode>> {
    let outcome = |verdict: &Verdict| match &verdict.outcome {
        Outcome::Accepted { seq } => Ok(*seq),
        Outcome::Rejected { code, .. } => Err(*code),
    };
    judgement.verdicts.iter().map(outcome).collect()
}

#[test]
fn accepted_changes_follow_the_head_and_refused_ones_take_no_number() {
    let mut anna = Device::new(1, doc());
    let made = [create(), tag("a"), TicketOp::SetDeleted { deleted: true }].map(|op| anna.make(op));
    let mut other = Device::new(1, DocId(uuid_v7(NOW, [8; 10])));
    let changes = made.into_iter().chain([other.make(create())]).collect();
    let mut subjects = BTreeMap::new();
    let workflow = Workflow::default();
    let judgement = judge_batch(anna.sender.clone(), &workflow, NOW, 41, &mut subjects, changes).unwrap();
    assert_eq!(told(&judgement), [Ok(42), Ok(43), Err(RejectCode::Forbidden), Ok(44)]);
    let entries: Vec<_> = judgement.entries.iter().map(|entry| (entry.doc, entry.actor_seq)).collect();
    assert_eq!(entries, [(doc(), 1), (doc(), 2), (other.document.id(), 1)]);
    assert!(judgement.entries.iter().all(|entry| entry.member == Some(anna.sender.member)));
}

#[test]
fn a_refused_change_leaves_the_document_as_the_accepted_ones_made_it() {
    let mut anna = Device::new(1, doc());
    let accepted = [create(), tag("a")].map(|op| anna.make(op));
    let mut expected = anna.document.clone();
    let refused = [TicketOp::SetDeleted { deleted: true }, tag("b")].map(|op| anna.make(op));
    let changes = accepted.into_iter().chain(refused).collect();
    let mut subjects = BTreeMap::new();
    let judgement =
        judge_batch(anna.sender.clone(), &Workflow::default(), NOW, 0, &mut subjects, changes).unwrap();
    let codes = [Err(RejectCode::Forbidden), Err(RejectCode::DependsOnRejected)];
    assert_eq!(told(&judgement), [&[Ok(1), Ok(2)][..], &codes].concat());
    let document = subjects.get_mut(&doc()).unwrap().document.as_mut().unwrap();
    assert_eq!(document.heads(), expected.heads());
    assert_eq!(document.save(), expected.save());
}

#[test]
fn a_document_that_only_refused_changes_name_comes_into_no_being() {
    let mut anna = Device::new(1, doc());
    let create = anna.make(create());
    let requester = Sender { role: Role::Requester, ..anna.sender };
    let mut subjects = BTreeMap::new();
    let judgement =
        judge_batch(requester, &Workflow::default(), NOW, 0, &mut subjects, vec![create]).unwrap();
    assert_eq!(told(&judgement), [Err(RejectCode::Forbidden)]);
    let subject = &subjects[&doc()];
    assert_eq!((subject.place, subject.document.is_none(), subject.changed), (Place::Nowhere, true, false));
}

#[test]
fn a_verdict_stands_whatever_the_role_is_later() {
    let mut anna = Device::new(1, doc());
    let made = [create(), TicketOp::SetDeleted { deleted: true }].map(|op| anna.make(op));
    let mut subjects = BTreeMap::new();
    let workflow = Workflow::default();
    let judged = judge_batch(anna.sender.clone(), &workflow, NOW, 0, &mut subjects, made.to_vec()).unwrap();
    assert_eq!(told(&judged), [Ok(1), Err(RejectCode::Forbidden)]);
    let refused: Vec<_> = judged.refusals.iter().map(|refused| (refused.hash, refused.code)).collect();
    assert_eq!(refused, [(made[1].hash.0, RejectCode::Forbidden)]);
    // The same request again, late: by now she may do it, but she was told otherwise.
    let manager = Sender { role: Role::Manager, ..anna.sender };
    let judged = judge_batch(manager, &workflow, NOW, 1, &mut subjects, made.to_vec()).unwrap();
    assert_eq!(told(&judged), [Ok(1), Err(RejectCode::Forbidden)]);
    assert!(judged.refusals.is_empty() && judged.entries.is_empty(), "it is remembered once");
}

#[test]
fn what_builds_on_something_missing_is_welcome_later() {
    let mut anna = Device::new(1, doc());
    let made = [create(), tag("a")].map(|op| anna.make(op));
    let mut subjects = BTreeMap::new();
    let workflow = Workflow::default();
    let early =
        judge_batch(anna.sender.clone(), &workflow, NOW, 0, &mut subjects, vec![made[1].clone()]).unwrap();
    assert_eq!(told(&early), [Err(RejectCode::UnknownDocument)]);
    let both = judge_batch(anna.sender.clone(), &workflow, NOW, 0, &mut subjects, made.to_vec()).unwrap();
    assert_eq!(told(&both), [Ok(1), Ok(2)]);
}

#[test]
fn a_document_does_not_outgrow_its_limit() {
    let mut anna = Device::new(1, doc());
    let changes = vec![anna.make(create()), anna.make(tag("a"))];
    let mut subjects =
        BTreeMap::from([(doc(), Subject { size_bytes: MAX_DOCUMENT_BYTES - 1_000, ..Subject::nowhere() })]);
    let judgement =
        judge_batch(anna.sender.clone(), &Workflow::default(), NOW, 0, &mut subjects, changes).unwrap();
    assert_eq!(told(&judgement), [Ok(1), Ok(2)]);
    let mut later = anna.make(tag(&"б".repeat(199)));
    later.doc = doc();
    let judgement =
        judge_batch(anna.sender.clone(), &Workflow::default(), NOW, 2, &mut subjects, vec![later]).unwrap();
    assert!(subjects[&doc()].size_bytes > MAX_DOCUMENT_BYTES - 1_000);
    assert_eq!(told(&judgement), [Err(RejectCode::TooLarge)]);
}

#[test]
fn a_document_is_restored_from_its_changes_but_one() {
    let mut anna = Device::new(1, doc());
    anna.make(create());
    let mut before = anna.document.clone();
    let last = anna.make(tag("a"));
    let mut restored = without(anna.document, last.hash).unwrap();
    assert_eq!(restored.heads(), before.heads());
}

/// The scope of somebody who is not in the private team `hr`.
fn outside() -> Arc<Scope> {
    let team = Team { key: "hr".into(), name: "HR".into(), private: true };
    let settings = Workspace {
        id: doc(),
        name: String::new(),
        zone: String::new(),
        members: BTreeMap::new(),
        teams: [("hr".to_owned(), team)].into(),
        categories: BTreeMap::new(),
        workflow: Workflow::default(),
        calendars: BTreeMap::new(),
        policies: BTreeMap::new(),
        escalations: BTreeMap::new(),
        schedules: BTreeMap::new(),
        services: BTreeMap::new(),
        detection: BTreeMap::new(),
        schema: 1,
    };
    Arc::new(Scope::of(&settings, MemberId(uuid_v7(NOW, [1; 10])), Role::Agent))
}

fn team(team: Option<&str>) -> TicketOp {
    TicketOp::SetTeam { team: team.map(str::to_owned) }
}

#[test]
fn whoever_moves_a_ticket_out_of_their_sight_is_told_and_changes_it_no_more() {
    let mut anna = Device::new(1, doc());
    anna.sender.scope = outside();
    let made = [create(), team(Some("hr")), tag("late"), tag("later")].map(|op| anna.make(op));
    let mut subjects = BTreeMap::new();
    let workflow = Workflow::default();
    let judged = judge_batch(anna.sender.clone(), &workflow, NOW, 0, &mut subjects, made.to_vec()).unwrap();
    let unknown = RejectCode::UnknownDocument;
    assert_eq!(told(&judged), [Ok(1), Ok(2), Err(unknown), Err(unknown)]);
    assert_eq!(judged.withdrawn, [doc()]);
    let remembered: Vec<_> = judged.refusals.iter().map(|refused| refused.hash).collect();
    assert_eq!(remembered, [made[2].hash.0, made[3].hash.0], "a late repetition brings in nothing");
    // The answer was lost: the same again.
    let again = judge_batch(anna.sender.clone(), &workflow, NOW, 2, &mut subjects, made.to_vec()).unwrap();
    assert_eq!((told(&again), again.withdrawn.as_slice()), (told(&judged), &[doc()][..]));
    assert!(again.entries.is_empty() && again.refusals.is_empty());
    // Made in the private team from the start.
    let other = DocId(uuid_v7(NOW, [8; 10]));
    let mut maria = Device::new(2, other);
    maria.sender.scope = outside();
    let mut ticket = NewTicket::titled("Зарплата");
    ticket.team = Some("hr".to_owned());
    let made = vec![maria.make(TicketOp::Create { ticket })];
    let judged = judge_batch(maria.sender.clone(), &workflow, NOW, 2, &mut subjects, made).unwrap();
    assert_eq!((told(&judged), judged.withdrawn), (vec![Ok(3)], vec![other]));
}

#[test]
fn a_hidden_ticket_answers_like_one_that_is_not_there() {
    let mut boris = Device::new(2, doc());
    let known = [create(), team(Some("hr"))].map(|op| boris.make(op));
    let mut anna = Device::new(1, doc());
    anna.sender.scope = outside();
    anna.document = boris.document.clone();
    let meddling = [tag("a"), team(None)].map(|op| anna.make(op));
    let answers = |subjects: &mut BTreeMap<DocId, Subject>| {
        let batch = [known.to_vec(), meddling.to_vec()].concat()[1..].to_vec();
        judge_batch(anna.sender.clone(), &Workflow::default(), NOW, 9, subjects, batch).unwrap()
    };
    let nowhere = answers(&mut BTreeMap::new());
    let mut subjects = BTreeMap::new();
    let workflow = Workflow::default();
    judge_batch(boris.sender.clone(), &workflow, NOW, 0, &mut subjects, known.to_vec()).unwrap();
    let hidden = answers(&mut subjects);
    assert_eq!(hidden.verdicts, nowhere.verdicts);
    assert_eq!(told(&hidden), [Err(RejectCode::UnknownDocument); 3]);
    assert!(hidden.withdrawn.is_empty() && hidden.entries.is_empty());
}
