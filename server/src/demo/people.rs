//! Who is there: members with a sign-in, requesters by name, and what their texts mention.

use desk_domain::people::Role;

/// A member of the demo.
pub(super) struct Person {
    /// What stands before `@demo.example`.
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) team: &'static str,
}

const fn person(login: &'static str, name: &'static str, role: Role, team: &'static str) -> Person {
    Person { login, name, role, team }
}

pub(super) const MEMBERS: [Person; 12] = [
    person("admin", "Алия Нурланова", Role::Admin, "infrastructure"),
    person("manager", "Сергей Ковалёв", Role::Manager, "service-desk"),
    person("agent", "Анна Петрова", Role::Agent, "service-desk"),
    person("field", "Тимур Ахметов", Role::Agent, "field"),
    person("daria.smirnova", "Дарья Смирнова", Role::Agent, "service-desk"),
    person("john.miller", "John Miller", Role::Agent, "service-desk"),
    person("aigerim.sadykova", "Айгерим Садыкова", Role::Agent, "service-desk"),
    person("pavel.orlov", "Павел Орлов", Role::Agent, "field"),
    person("nurlan.bekov", "Нурлан Беков", Role::Agent, "field"),
    person("emily.clark", "Emily Clark", Role::Agent, "infrastructure"),
    person("david.kim", "David Kim", Role::Agent, "infrastructure"),
    person("olga.fedorova", "Ольга Фёдорова", Role::Agent, "infrastructure"),
];

/// Teams that a new workspace does not have by itself.
pub(super) const TEAMS: [(&str, &str); 1] = [("infrastructure", "Инфраструктура / Infrastructure")];

/// Categories that a new workspace does not have by itself.
pub(super) const CATEGORIES: [(&str, &str); 4] = [
    ("printing", "Печать / Printing"),
    ("erp", "1С и учёт / 1C & ERP"),
    ("email", "Почта / E-mail"),
    ("retail", "Кассы и торговое оборудование / Point of sale"),
];

pub(super) const REQUESTERS_RU: [&str; 16] = [
    "Елена Соколова",
    "Марат Жумабаев",
    "Ирина Васильева",
    "Алексей Морозов",
    "Гульнара Ибраева",
    "Дмитрий Волков",
    "Салтанат Омарова",
    "Наталья Зайцева",
    "Ербол Касымов",
    "Виктор Лебедев",
    "Мария Егорова",
    "Асель Тулегенова",
    "Роман Никитин",
    "Динара Мусина",
    "Константин Белов",
    "Жанна Абдрахманова",
];

pub(super) const REQUESTERS_EN: [&str; 12] = [
    "Olivia Turner",
    "James Walker",
    "Sophie Bennett",
    "Michael Brown",
    "Laura Schmidt",
    "Daniel Novak",
    "Grace Wilson",
    "Peter Hughes",
    "Hannah Meyer",
    "Robert Evans",
    "Chloe Martin",
    "Thomas Fischer",
];

pub(super) const SHOPS_RU: [&str; 6] = ["Абая 150", "Мега", "Достык Плаза", "Хан Шатыр", "Керуен", "Сайран"];
pub(super) const SHOPS_EN: [&str; 6] =
    ["Abay 150", "Mega", "Dostyk Plaza", "Khan Shatyr", "Keruen", "Sairan"];
pub(super) const OFFICES: [&str; 4] =
    ["Алматы / Almaty", "Астана / Astana", "Караганда / Karaganda", "Шымкент / Shymkent"];
