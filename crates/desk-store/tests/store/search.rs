//! What a search finds, and in which order.

use desk_api::view::{TicketFilter, TicketSort};
use desk_domain::{ids::DocKind, state::State, ticket::Ticket};
use desk_store::{Batch, Store};

use crate::sample::*;

async fn found(store: &Store, text: &str) -> Vec<String> {
    let hits = store.search(text, 100, None).await.expect("searches");
    hits.into_iter().map(|hit| hit.title).collect()
}

async fn with(tickets: impl IntoIterator<Item = Ticket>) -> (Place, Store) {
    let place = Place::new();
    let store = place.open().await;
    let docs = tickets.into_iter().map(new_ticket).collect();
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    (place, store)
}

#[tokio::test]
async fn words_are_found_in_every_form_in_both_languages() {
    let (_place, store) = with([
        ticket(1, "Не печатают принтеры на третьем этаже"),
        ticket(2, "Ошибка подключения к серверу Exchange"),
        ticket(3, "Printers are disconnecting from Wi-Fi"),
        ticket(4, "Ещё одна жалоба: ёмкость диска"),
    ])
    .await;
    let check = async |text: &str, expected: &[u128]| {
        let mut numbers: Vec<u128> = Vec::new();
        for hit in store.search(text, 100, None).await.expect("searches") {
            numbers.extend((1..=4).filter(|n| id(*n) == hit.id));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{text}");
    };
    // Inflected forms.
    check("принтер", &[1]).await;
    check("принтера", &[1]).await;
    check("принтеров этаж", &[1]).await;
    check("ошибками", &[2]).await;
    check("сервера", &[2]).await;
    check("printer", &[3]).await;
    check("disconnected", &[3]).await;
    // Beginnings, of two letters too.
    check("пр", &[1]).await;
    check("прин", &[1]).await;
    check("ос", &[]).await;
    check("ex", &[2]).await;
    check("exch", &[2]).await;
    check("disc", &[3]).await;
    // One letter is a word.
    check("к", &[2]).await;
    check("п", &[]).await;
    // ё and е, capitals.
    check("еще", &[4]).await;
    check("ЁМКОСТЬ", &[4]).await;
    check("емкости", &[4]).await;
    // Both languages in one query; all words must be there.
    check("сервер exchange", &[2]).await;
    check("принтер exchange", &[]).await;
    check("wi fi", &[3]).await;
    check("wi-fi", &[3]).await;
}

#[tokio::test]
async fn what_is_typed_is_never_syntax() {
    let texts = [
        "a\" OR \"b",
        "title:принтер",
        "NEAR(a b)",
        "a AND NOT b",
        "\"",
        "*",
        "^a",
        "-принтер",
        "a + b",
        "{title} : x",
        "'); DROP TABLE search; --",
        "%",
        "_",
        "?1",
        "\0",
        "§t",
        "(",
        "принтер)",
        "a\u{0}b",
        "search MATCH 'x'",
        "\u{202E}abc",
        "😀",
        "NULL",
        "1e999",
        "\\",
        "a/*b*/c",
        "column=",
        "rowid:1",
        "x'00'",
    ];
    let tickets = texts.iter().zip(1_u128..).map(|(text, n)| Ticket {
        description: (*text).to_owned(),
        category: Some((*text).to_owned()),
        requester: Some((*text).to_owned()),
        comments: vec![comment(n, text)],
        tags: [(*text).to_owned()].into(),
        source: Some(source(text)),
        ..ticket(n, text)
    });
    let (_place, store) = with(tickets).await;
    for (text, n) in texts.iter().zip(1_u128..) {
        let filter = TicketFilter { tag: Some((*text).to_owned()), ..TicketFilter::default() };
        let rows = store.list_tickets(&filter, TicketSort::Updated, 0, 99, NOW).await.expect("lists");
        assert_eq!(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), [*text]);
        let filter =
            TicketFilter { text: Some((*text).to_owned()), category: Some((*text).to_owned()), ..filter };
        store.list_tickets(&filter, TicketSort::Due, 0, 99, NOW).await.expect("lists");
        store.count_tickets(&filter, NOW).await.expect("counts");
        store.list_articles(Some(text)).await.expect("lists");
        let hits = found(&store, text).await;
        if text.chars().any(char::is_alphanumeric) {
            assert!(hits.contains(&(*text).to_owned()), "{text} finds {hits:?}");
        } else {
            assert_eq!(hits, [""; 0], "{text}");
        }
        assert_eq!(store.find_source("servicenow-csv", text).await.expect("finds"), Some(id(n)));
    }
    assert!(store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn numbers_come_first_then_titles_then_the_newest() {
    let mut by_number = ticket(1, "Без слов");
    by_number.updated_at = NOW.plus_ms(-9_000_000);
    let number = by_number.number();
    let aged = |n, title: &str, description: &str, hours: i64| Ticket {
        description: description.to_owned(),
        updated_at: NOW.plus_ms(-hours * 3_600_000),
        ..ticket(n, title)
    };
    let (_place, store) = with([
        aged(2, "старая сеть", "", 50),
        aged(3, "старое описание", "сеть", 9),
        aged(4, "новая сеть", "", 5),
        aged(5, "новое описание", "сеть", 1),
        aged(6, "см. номер", &format!("как в {number}"), 0),
        by_number,
        Ticket { source: Some(source("tlswg/draft#5")), ..aged(7, "импорт", "", 70) },
        aged(8, "ещё импорт", "из tlswg/draft#5", 0),
    ])
    .await;
    assert_eq!(
        found(&store, "сети").await,
        ["новая сеть", "старая сеть", "новое описание", "старое описание"]
    );
    assert_eq!(found(&store, &number).await, ["Без слов", "см. номер"]);
    let sloppy = number.to_lowercase().replace('0', "o");
    assert_eq!(found(&store, sloppy.trim_start_matches("tk-")).await[0], "Без слов");
    // The source key counts as a title.
    assert_eq!(found(&store, "TLSWG/draft#5").await, ["импорт", "ещё импорт"]);
    let limited = store.search("сети", 2, None).await.expect("searches");
    assert_eq!(limited.len(), 2);
    assert_eq!((limited[0].kind, limited[0].status.as_str()), (DocKind::Ticket, "open"));
}

#[tokio::test]
async fn everything_that_people_write_is_found_and_nothing_that_was_deleted() {
    let mut seen = ticket(1, "Заявка");
    seen.description = "описание".to_owned();
    let mut withdrawn = comment(2, "ОТОЗВАНО");
    withdrawn.deleted = true;
    seen.comments = vec![comment(1, "внутренняя пометка"), comment(3, "прин"), comment(4, "теры"), withdrawn];
    let (_place, store) = with([seen.clone(), Ticket { deleted: true, ..ticket(2, "Удалённая") }]).await;
    let mut postmortem = incident(4, "Сеть лежит", "Коммутатор перезагружен");
    postmortem.postmortem = "Причина: прошивка".to_owned();
    let docs = vec![
        new(State::Article(Box::new(article(3, "Настройка", "Как настроить **почту**")))),
        new(State::Incident(Box::new(postmortem))),
    ];
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    for (text, expected) in [
        ("описание", "Заявка"),
        ("пометка", "Заявка"),
        ("почта", "Настройка"),
        ("коммутатор", "Сеть лежит"),
        ("прошивки", "Сеть лежит"),
    ] {
        assert_eq!(found(&store, text).await, [expected], "{text}");
    }
    assert_eq!(found(&store, "отозвано").await, [""; 0]);
    assert_eq!(found(&store, "принтеры").await, [""; 0], "a word ends with its text");
    assert_eq!(found(&store, "удаленная").await, [""; 0]);
    let articles = store.search("на", 9, Some(DocKind::Article)).await.expect("searches");
    assert_eq!(articles.iter().map(|hit| hit.kind).collect::<Vec<_>>(), [DocKind::Article]);

    // What was edited is found by its new words alone; what was deleted by none; what came back again.
    let edited = Ticket { description: "совсем другое".to_owned(), ..seen };
    store
        .commit(&Batch::of_docs(vec![again(State::Ticket(Box::new(edited.clone())), 1)]))
        .await
        .expect("commits");
    assert_eq!(found(&store, "описание").await, [""; 0]);
    assert_eq!(found(&store, "другое").await, ["Заявка"]);
    let deleted = Ticket { deleted: true, ..edited.clone() };
    store.commit(&Batch::of_docs(vec![again(State::Ticket(Box::new(deleted)), 2)])).await.expect("commits");
    assert_eq!(found(&store, "заявка").await, [""; 0]);
    store.commit(&Batch::of_docs(vec![again(State::Ticket(Box::new(edited)), 3)])).await.expect("commits");
    assert_eq!(found(&store, "заявка").await, ["Заявка"]);
    assert!(store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn thousands_of_documents_of_one_second_are_all_found() {
    // All want the same key of the index.
    let (_place, store) = with((0..3_000).map(|n| ticket(n, "одинаковые"))).await;
    for batch in 0..30_u128 {
        let docs = (0..100).map(|n| new_ticket(ticket(10_000 + batch * 100 + n, "одинаковые"))).collect();
        store.commit(&Batch::of_docs(docs)).await.expect("commits");
    }
    let filter = TicketFilter { text: Some("одинаковый".to_owned()), ..TicketFilter::default() };
    assert_eq!(store.count_tickets(&filter, NOW).await.expect("counts"), 2_000);
    assert_eq!(found(&store, "одинаковые").await.len(), 100);
    let health = store.check().await.expect("checks");
    assert!(health.is_good() && health.documents == 6_000, "{health:?}");
}

#[tokio::test]
async fn a_text_of_ten_megabytes_is_stored_and_its_beginning_found() {
    let huge = format!("начало {} конец", "слово123 ".repeat(1_200_000));
    let different = (0..60_000).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let long_title = "т".repeat(10_000);
    let (_place, store) = with([
        Ticket { description: huge, ..ticket(1, "Огромная") },
        Ticket { description: different, ..ticket(2, "Разная") },
        ticket(3, &long_title),
    ])
    .await;
    assert_eq!(found(&store, "начала слово123").await, ["Огромная"]);
    assert_eq!(found(&store, "w12345").await, ["Разная"]);
    assert_eq!(found(&store, &long_title).await, [long_title]);
}
