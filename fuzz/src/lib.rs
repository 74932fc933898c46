//! What the fuzz targets share: a base document that is the same in every run, so that a change found today applies
//! tomorrow, and changes whose checksum holds.

pub mod corpus;

use std::{
    panic,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use desk_docs::{Author, Document, VerifiedChange, verify};
use desk_domain::{
    edit::{ArticleOp, Edit, IncidentOp, NewTicket, Ops, Stamped, TicketOp},
    ids::{CommentId, DeviceId, DocId, DocKind, Ids, MemberId, uuid_v7},
    incident::Severity,
    people::Role,
    permissions::Actor,
    ticket::{AuthorSide, Priority, Status, Visibility},
    time::UtcMillis,
    workspace::Workflow,
};
use sha2::{Digest, Sha256};

/// The judge's clock.
pub const NOW: UtcMillis = UtcMillis(1_790_240_400_000);

/// Ids in order.
pub struct Counting(AtomicU64);

impl Counting {
    /// From a number on.
    pub fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Ids for Counting {
    fn fresh(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        uuid_v7(NOW, random)
    }
}

/// A person at a device; the same for the same number.
pub fn author(number: u8, workflow: &Workflow) -> Author<'_> {
    let id = uuid_v7(NOW, [number; 10]);
    let actor = Actor { member: Some(MemberId(id)), role: Role::Admin };
    Author { device: DeviceId(id), actor, workflow }
}

/// A document of a kind with some edits by two devices, and the bytes of every change that made it.
pub fn base(kind: DocKind) -> (Document, Vec<Vec<u8>>) {
    let (ids, workflow) = (Counting::from(1), Workflow::default());
    let doc = DocId(uuid_v7(NOW, [9; 10]));
    let mut document = Document::empty(doc, kind);
    let mut changes = Vec::new();
    for (number, ops) in script(kind, &ids) {
        let author = author(number, &workflow);
        let by = author.actor.member.map(|member| member.to_string()).unwrap_or_default();
        let edit = Edit { doc, ops: ops(&by) };
        let (next, made) = document.edit(&author, &edit, NOW, &ids).expect("the script is allowed");
        document = next;
        changes.extend(made.map(|made| made.bytes));
    }
    (document, changes)
}

type Step = Box<dyn Fn(&str) -> Ops>;

fn script(kind: DocKind, ids: &Counting) -> Vec<(u8, Step)> {
    match kind {
        DocKind::Ticket => {
            let comment = CommentId(ids.fresh());
            let add = move || TicketOp::AddComment {
                id: comment,
                visibility: Visibility::Public,
                side: AuthorSide::Staff,
                body: "Перезагрузите 🖨️".to_owned(),
            };
            vec![
                ticket(1, || TicketOp::Create { ticket: NewTicket::titled("Принтер") }),
                ticket(2, || TicketOp::SetPriority { priority: Priority::High }),
                ticket(1, add),
                ticket(2, || TicketOp::SetStatus { status: Status::Pending }),
                ticket(1, || TicketOp::SetTag { tag: "vip".to_owned(), on: true }),
            ]
        }
        DocKind::Article => vec![
            article(1, || ArticleOp::Create {
                title: "VPN".to_owned(),
                body: "Шаг 1".to_owned(),
                category: None,
                tags: [].into(),
            }),
            article(2, || ArticleOp::EditBody { base: None, body: "Шаг 1\nШаг 2".to_owned() }),
        ],
        DocKind::Incident | DocKind::Workspace | DocKind::Personal => vec![
            incident(1, || IncidentOp::Create {
                title: "Сеть".to_owned(),
                summary: String::new(),
                severity: Severity::P2,
                services: ["mail".to_owned()].into(),
                impact_at: None,
            }),
            incident(2, || IncidentOp::AddNote { text: "ищем".to_owned() }),
        ],
    }
}

fn ticket(number: u8, op: impl Fn() -> TicketOp + 'static) -> (u8, Step) {
    (number, Box::new(move |by| Ops::Ticket(vec![Stamped::new(NOW, by, op())])))
}

fn article(number: u8, op: impl Fn() -> ArticleOp + 'static) -> (u8, Step) {
    (number, Box::new(move |by| Ops::Article(vec![Stamped::new(NOW, by, op())])))
}

fn incident(number: u8, op: impl Fn() -> IncidentOp + 'static) -> (u8, Step) {
    (number, Box::new(move |by| Ops::Incident(vec![Stamped::new(NOW, by, op())])))
}

/// The kinds that members make, by a number.
pub fn kind_of(number: u8) -> DocKind {
    [DocKind::Ticket, DocKind::Article, DocKind::Incident][usize::from(number) % 3]
}

/// A chunk of Automerge's format around `body`, with the checksum that it needs: whoever is hostile computes it, too.
pub fn chunk(kind: u8, body: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let mut tail = vec![kind];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        tail.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            break;
        }
    }
    tail.extend_from_slice(body);
    let hash: [u8; 32] = Sha256::digest(&tail).into();
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83];
    bytes.extend_from_slice(&hash[..4]);
    bytes.extend_from_slice(&tail);
    (bytes, hash)
}

/// What follows the header of a chunk.
pub fn body_of(bytes: &[u8]) -> &[u8] {
    let length_bytes = bytes[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    &bytes[9 + length_bytes..]
}

/// The change in an input: its first byte says whether the rest is a whole chunk or only its body.
pub fn change(input: &[u8]) -> Option<VerifiedChange> {
    let (how, rest) = input.split_first()?;
    if how & 0x80 != 0 {
        let hash: [u8; 32] = Sha256::digest(rest.get(8..)?).into();
        return verify(rest, hash).ok();
    }
    let (bytes, hash) = chunk(1, rest);
    verify(&bytes, hash).ok()
}

/// A frame around a body, with the length and the checksum that it needs. The body is compressed: what the fuzzer varies
/// is what comes out at the other end.
pub fn frame(code: u8, body: &[u8]) -> Vec<u8> {
    let compressed = zstd::bulk::compress(body, 1).unwrap_or_default();
    let mut frame = b"WND".to_vec();
    frame.extend_from_slice(&desk_sync::wire::WIRE_VERSION.to_le_bytes());
    frame.push(code);
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    let checksum = Sha256::new().chain_update(&frame).chain_update(&compressed).finalize();
    frame.extend_from_slice(&checksum[..8]);
    frame.extend_from_slice(&compressed);
    frame
}

/// Where the inputs are; `cargo xtask fuzz` says.
pub const CORPUS: &str = "DESK_FUZZ_CORPUS";

/// What a target does first: writes the inputs to begin with, where it is told to, and lets the product catch the panics
/// that it means to catch (Automerge's, on hostile bytes): libFuzzer's own hook would abort at them. A panic that nobody
/// catches still ends the run.
pub fn begin() {
    if let Some(dir) = std::env::var_os(CORPUS) {
        corpus::write(Path::new(&dir)).expect("the corpus can be written");
    }
    panic::set_hook(Box::new(|what| {
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = what.to_string();
        }
    }));
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs a target's body; a panic that nobody caught is told of before it ends the run.
pub fn guard(body: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(panic::AssertUnwindSafe(body)) {
        if let Ok(last) = LAST_PANIC.lock() {
            eprintln!("{last}");
        }
        panic::resume_unwind(panic);
    }
}
