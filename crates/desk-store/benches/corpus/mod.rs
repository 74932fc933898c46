//! Tickets like those of a help desk that has run for some years: in Russian and English, most of them closed, words as
//! unevenly used as in real texts. The same for the same seed.

use std::collections::{BTreeMap, BTreeSet};

use desk_domain::projection::{Deadline, NextDue, Row};
use desk_domain::{
    alert::AlertRule,
    edit::{Edit, Ops, Stamped, TicketOp},
    ids::{CommentId, DocId, uuid_v7},
    sla::Metric,
    state::State,
    ticket::{AuthorSide, Comment, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};
use desk_store::{Batch, DocWrite, OutboxEntry, Store};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// 2026-11-21T09:00:00Z.
pub(crate) const NOW: UtcMillis = UtcMillis(1_795_251_600_000);

/// For how long the help desk has been running.
const YEARS_MS: i64 = 3 * 365 * 86_400_000;
/// Tickets that are remembered, to be edited.
const KEPT: usize = 5_000;

/// What is searched for: words of both languages, inflected, rare and frequent, and their beginnings.
pub(crate) const QUERIES: &[&str] = &[
    "принтер",
    "принтеры",
    "не печатает",
    "ошибка",
    "ошибки подключения",
    "vpn",
    "сервер",
    "пароль",
    "почта outlook",
    "printer",
    "password reset",
    "network",
    "connection error",
    "server",
    "пр",
    "по",
    "не",
    "ош",
    "се",
    "на",
    "pr",
    "co",
    "se",
    "re",
    "in",
    "прин",
    "подк",
    "conn",
    "серв",
    "принтер сервер vpn",
    "монитор",
    "заявка",
    "kernel",
    "а",
    "p",
];

/// Words that tickets are about; the first ones are the most frequent.
const RUSSIAN: &str = "не работает принтер ошибка пароль доступ сервер почта компьютер сеть печатает подключения программа \
    заявка пользователь система файл монитор телефон учётная запись обновление диск папка экран клавиатура мышь картридж \
    кабинет этаж бухгалтерия отдел кадров договор отчёт выгрузка база данных резервная копия восстановление настройка \
    установка лицензия антивирус вирус письмо вложение календарь встреча переговорная проектор камера пропуск турникет \
    медленно зависает перезагрузка синий включается выключается пропал интернет роутер коммутатор кабель розетка удалённый \
    рабочий стол подпись сертификат токен электронная очередь срочно пожалуйста помогите прошу проверить сегодня вчера \
    утром после обеда снова опять иногда постоянно сотрудник новый уволен перевести телефонный номер внутренний";
const ENGLISH: &str = "printer password error connection network server access account reset email outlook vpn laptop \
    monitor keyboard update install license software windows kernel driver crash slow freeze restart backup restore disk \
    folder permission share group policy certificate token login locked expired wifi router switch cable port docking \
    station headset camera meeting room calendar invite attachment spam phishing request change approve urgent please \
    check again today yesterday user employee onboarding offboarding phone extension voicemail report export import \
    database query timeout deployment release version rollback config proxy firewall";

/// Makes tickets and edits of them.
pub(crate) struct Corpus {
    random: StdRng,
    words: [Vec<String>; 2],
    pub(crate) agents: Vec<String>,
    pub(crate) teams: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) tags: Vec<String>,
    made: i64,
    step_ms: i64,
    /// Some of the tickets, to be edited later.
    kept: Vec<Ticket>,
}

impl Corpus {
    /// `tickets`: how many there will be; they are made in the order in which they came in.
    pub(crate) fn new(seed: u64, tickets: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let words = [
            rare(&mut random, RUSSIAN, "абвгдежзиклмнопрстуфхцчшэюя"),
            rare(&mut random, ENGLISH, "abcdefghiklmnoprstuvwy"),
        ];
        let agents = (0..60).map(|n| uuid_v7(UtcMillis(n), random.random()).to_string()).collect();
        let named = |what: &str, count: usize| (0..count).map(|n| format!("{what}-{n}")).collect();
        Self {
            random,
            words,
            agents,
            teams: named("team", 12),
            categories: named("category", 25),
            tags: named("тег", 150),
            made: 0,
            step_ms: YEARS_MS / i64::try_from(tickets.max(1)).expect("few"),
            kept: Vec::new(),
        }
    }

    /// A ticket, with the bytes of a document of the usual size.
    pub(crate) fn ticket(&mut self) -> DocWrite {
        self.made += 1;
        let created_at = NOW
            .plus_ms(-self.random.random_range(0..86_400_000) - (YEARS_MS - self.made * self.step_ms).max(0));
        let age = NOW.since(created_at);
        let updated_at = created_at.plus_ms(self.random.random_range(0..=age.min(20 * 86_400_000)));
        let id = DocId(uuid_v7(created_at, self.random.random()));
        let language = usize::from(self.random.random_bool(0.4));
        let status = match self.random.random_range(0..100) {
            0..7 => Status::Open,
            7..14 => Status::InProgress,
            14..18 => Status::Pending,
            18..28 => Status::Resolved,
            28..96 => Status::Closed,
            _ => Status::Cancelled,
        };
        let priority = match self.random.random_range(0..100) {
            0..20 => Priority::Low,
            20..65 => Priority::Medium,
            65..88 => Priority::High,
            88..97 => Priority::Urgent,
            _ => Priority::Critical,
        };
        let comments =
            (0..self.random.random_range(0..10_u32)).map(|_| self.comment(created_at, language)).collect();
        let tags: BTreeSet<String> =
            (0..self.random.random_range(0..4)).map(|_| skewed(&mut self.random, &self.tags)).collect();
        let ticket = Ticket {
            id,
            title: self.text(language, 7),
            description: self.text(language, 80),
            status,
            priority,
            category: self.random.random_bool(0.9).then(|| skewed(&mut self.random, &self.categories)),
            assignee: self.random.random_bool(0.85).then(|| skewed(&mut self.random, &self.agents)),
            team: self.random.random_bool(0.9).then(|| skewed(&mut self.random, &self.teams)),
            requester: Some(format!("person{}@example.org", self.random.random_range(0..4_000))),
            tags,
            custom: BTreeMap::new(),
            comments,
            log: Vec::new(),
            source: None,
            created_at,
            updated_at,
            deleted: false,
            conflicts: Vec::new(),
            schema: 1,
        };
        if self.kept.len() < KEPT {
            self.kept.push(ticket.clone());
        }
        self.write(ticket, None)
    }

    /// Knows again what it made for a store that is there already.
    pub(crate) fn remember(&mut self) {
        for _ in 0..KEPT {
            self.ticket();
        }
    }

    /// What an agent does: a comment, and every third time another status and tag.
    pub(crate) async fn edit(&mut self, store: &Store) -> Batch {
        let index = self.random.random_range(0..self.kept.len());
        let mut ticket = self.kept[index].clone();
        let heads = store.heads(ticket.id).await.expect("reads").expect("is there");
        self.made += 1;
        let comment = self.comment(NOW, 0);
        ticket.comments.push(comment);
        ticket.updated_at = NOW.plus_ms(self.made * 1_000);
        if self.made % 3 == 0 {
            ticket.status = *Status::ALL.choose(&mut self.random).expect("not empty");
            ticket.tags.insert(skewed(&mut self.random, &self.tags));
        }
        self.kept[index] = ticket.clone();
        let doc = ticket.id;
        let op = TicketOp::SetTitle { title: ticket.title.clone() };
        let stamped = Stamped { at: ticket.updated_at, by: self.agents[0].clone(), entry: None, op };
        let write = self.write(ticket, Some(heads));
        let entry = OutboxEntry {
            doc,
            hash: write.heads[0],
            bytes: vec![3; 250],
            edit: Edit { doc, ops: Ops::Ticket(vec![stamped]) },
            edited_at: NOW,
        };
        Batch {
            outbox: vec![entry],
            drop_drafts: vec![format!("reply/{doc}")],
            ..Batch::of_docs(vec![write])
        }
    }

    fn write(&mut self, ticket: Ticket, before: Option<Vec<[u8; 32]>>) -> DocWrite {
        // Automerge's own bookkeeping does not compress.
        let mut snapshot: Vec<u8> = (0..700).map(|_| self.random.random()).collect();
        snapshot.extend(ticket.title.bytes().chain(ticket.description.bytes()));
        snapshot.extend(ticket.comments.iter().flat_map(|comment| comment.body.bytes()));
        let active = !ticket.status.is_done();
        let due_at = NOW.plus_ms(self.random.random_range(-2 * 86_400_000..6 * 86_400_000_i64));
        let share = |percent, rule, before: i64| Deadline {
            rule,
            percent,
            metric: Some(Metric::Resolution),
            due_at: due_at.plus_ms(-before),
            members: Vec::new(),
        };
        let deadlines = [
            share(75, AlertRule::ResolutionWarning, 3_600_000),
            share(90, AlertRule::ResolutionWarning, 600_000),
            share(100, AlertRule::ResolutionBreach, 0),
        ];
        let id = ticket.id;
        DocWrite {
            id,
            kind: desk_domain::ids::DocKind::Ticket,
            expected_heads: before,
            heads: vec![self.random.random()],
            snapshot,
            schema: 1,
            row: Some(Row::of(&State::Ticket(Box::new(ticket)))),
            next_due: active.then_some(NextDue { metric: Metric::Resolution, due_at }),
            deadlines: if active { deadlines.into() } else { Vec::new() },
        }
    }

    fn comment(&mut self, at: UtcMillis, language: usize) -> Comment {
        let words = self.random.random_range(3..40);
        Comment {
            id: CommentId(uuid_v7(at, self.random.random())),
            author: self.agents[0].clone(),
            side: AuthorSide::Staff,
            visibility: Visibility::Public,
            body: self.text(language, words),
            created_at: at,
            deleted: false,
        }
    }

    fn text(&mut self, language: usize, words: usize) -> String {
        let mut text = String::new();
        for n in 0..words {
            if n > 0 {
                text.push_str(if n % 11 == 0 { ". " } else { " " });
            }
            // One word in twelve is of the other language.
            let other = self.random.random_range(0..12) == 0;
            let words = &self.words[if other { 1 - language } else { language }];
            text.push_str(&skewed(&mut self.random, words));
        }
        text
    }
}

/// The frequent words, then thousands of rare ones made of letters.
fn rare(random: &mut StdRng, frequent: &str, letters: &str) -> Vec<String> {
    let letters: Vec<char> = letters.chars().collect();
    let made = (0..12_000).map(|_| {
        let length = random.random_range(4..11);
        (0..length).map(|_| *letters.choose(random).expect("not empty")).collect::<String>()
    });
    let mut words: Vec<String> = frequent.split_whitespace().map(str::to_owned).collect();
    words.extend(made);
    words
}

/// The further back the rarer, about as Zipf found it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a small count")]
fn skewed(random: &mut StdRng, values: &[String]) -> String {
    let count = u32::try_from(values.len()).expect("few");
    let index = f64::from(count).powf(random.random::<f64>()) as usize - 1;
    values[index].clone()
}
