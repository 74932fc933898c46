//! What people ask a help desk for, in Russian and English. `{room}`, `{shop}`, `{asset}`, `{n}` and `{colleague}`
//! are filled in.

use desk_domain::ticket::Priority;

/// A kind of request.
pub(super) struct Scenario {
    /// A category of the workspace.
    pub(super) category: &'static str,
    /// The team that gets it.
    pub(super) team: &'static str,
    /// Labels that fit.
    pub(super) tags: &'static [&'static str],
    /// What it usually has.
    pub(super) priority: Priority,
    /// Which of the questions (and answers) fits each course.
    pub(super) asks: [Option<usize>; 3],
    /// Which of the notes fits each course.
    pub(super) noted: [Option<usize>; 3],
    /// How it goes in Russian.
    pub(super) ru: Script,
    /// How it goes in English.
    pub(super) en: Script,
}

/// What is said. Title, description and solution of one index belong together: three courses that it can take.
pub(super) struct Script {
    pub(super) titles: [&'static str; 3],
    pub(super) descriptions: [&'static str; 3],
    /// What the agent has to ask first.
    pub(super) questions: [&'static str; 2],
    /// What the requester answers.
    pub(super) answers: [&'static str; 2],
    /// What the agent notes for colleagues.
    pub(super) notes: [&'static str; 2],
    /// How it was solved.
    pub(super) solutions: [&'static str; 3],
}

/// What is said whatever the request is about.
pub(super) struct Phrases {
    pub(super) first_replies: &'static [&'static str],
    pub(super) progress: &'static [&'static str],
    pub(super) nudges: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
    pub(super) withdrawn: &'static [&'static str],
}

pub(super) const RU: Phrases = Phrases {
    first_replies: &[
        "Здравствуйте! Заявка принята, уже смотрю.",
        "Добрый день! Заявка в работе, вернусь с ответом в течение часа.",
        "Здравствуйте! Спасибо за подробное описание, проверяю с нашей стороны.",
        "Добрый день! Вижу проблему, начинаю диагностику.",
    ],
    progress: &[
        "Настройки в порядке, смотрю дальше по цепочке.",
        "На прошлой неделе был похожий случай, пробую то же решение.",
        "Передаю коллегам на площадку, подойдут в течение дня.",
        "Нужно согласование руководителя, запрос отправлен.",
    ],
    nudges: &[
        "Есть ли новости? Работа стоит.",
        "Подскажите, пожалуйста, когда ждать решения?",
        "Проблема всё ещё повторяется, сегодня уже дважды.",
    ],
    thanks: &[
        "Спасибо, всё заработало!",
        "Проверили — работает. Спасибо!",
        "Отлично, вопрос закрыт.",
        "Благодарю за оперативность!",
    ],
    withdrawn: &["Уже не актуально, разобрались сами.", "Дубль: такая заявка уже есть, эту отменяю."],
};

pub(super) const EN: Phrases = Phrases {
    first_replies: &[
        "Hi! Got it, I am looking into this now.",
        "Hello, thanks for the details. I will get back to you within the hour.",
        "Good morning! I can see the problem on our side, starting diagnostics.",
        "Hi, picked this up. More in a moment.",
    ],
    progress: &[
        "The settings look fine here, checking the next hop.",
        "We had a similar case last week, trying the same fix.",
        "Passed to the on-site team, they will stop by today.",
        "This needs your manager's approval; the request is out.",
    ],
    nudges: &[
        "Any news? We are stuck without it.",
        "Could you tell me when to expect a fix?",
        "It is still happening, twice already today.",
    ],
    thanks: &[
        "Works now, thank you!",
        "Perfect, all good on my side.",
        "Thanks for the quick help!",
        "Confirmed, you can close this.",
    ],
    withdrawn: &[
        "Not needed any more, we sorted it out.",
        "Duplicate of an earlier request, cancelling this one.",
    ],
};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        category: "printing",
        team: "service-desk",
        tags: &["printer", "hp", "office"],
        priority: Priority::Medium,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Не печатает принтер в кабинете {room}",
                "Принтер {asset} зажёвывает бумагу",
                "Печать идёт с полосами, кабинет {room}",
            ],
            descriptions: [
                "С утра принтер не печатает: задания висят в очереди, на экране «Готов». Перезагружали, не помогло.",
                "При печати двусторонних документов бумага застревает во втором лотке. Картридж меняли месяц назад.",
                "На всех страницах серая полоса слева. Счета клиентам в таком виде отправлять нельзя.",
            ],
            questions: [
                "Подскажите, с одного компьютера не печатает или со всех?",
                "Пришлите, пожалуйста, код ошибки с экрана принтера.",
            ],
            answers: [
                "Со всех, проверили с трёх.",
                "На экране 13.20.00, крышку открывали, бумаги внутри не видно.",
            ],
            notes: [
                "Очередь на сервере печати зависла, spooler перезапущен. Проверить прошивку {asset}.",
                "Ролик захвата изношен, ресурс 98 %. Заказан комплект.",
            ],
            solutions: [
                "Очередь печати очищена, служба перезапущена, тестовая страница вышла.",
                "Ролик захвата во втором лотке заменён, 20 листов вышли без замятия.",
                "Установлен новый картридж, барабан почищен, полоса исчезла.",
            ],
        },
        en: Script {
            titles: [
                "Printer in room {room} does not print",
                "{asset} jams on every second page",
                "Grey stripes on printouts, room {room}",
            ],
            descriptions: [
                "Jobs stay in the queue and the display says Ready. We restarted it twice.",
                "Double-sided jobs jam at tray 2. The toner was replaced last month.",
                "There is a grey stripe on the left of each page, we cannot send invoices like that.",
            ],
            questions: [
                "Is it one computer or everybody in the room?",
                "Which error code does the display show?",
            ],
            answers: ["Everybody, we tried three laptops.", "13.20.00. We opened the lid, no paper inside."],
            notes: [
                "Print server queue was stuck, spooler restarted. Firmware of {asset} is two versions behind.",
                "Pickup roller at 98 % wear, kit ordered.",
            ],
            solutions: [
                "Cleared the queue and restarted the spooler; the test page is out.",
                "Replaced the pickup roller of tray 2, printed 20 pages without a jam.",
                "New cartridge in, drum cleaned, the stripe is gone.",
            ],
        },
    },
    Scenario {
        category: "network",
        team: "infrastructure",
        tags: &["vpn", "remote"],
        priority: Priority::High,
        asks: [Some(0), Some(1), None],
        noted: [Some(1), Some(0), None],
        ru: Script {
            titles: [
                "Не подключается VPN из дома",
                "VPN обрывается каждые 10 минут",
                "VPN: ошибка проверки сертификата",
            ],
            descriptions: [
                "Ввожу логин и код из приложения, крутится «Проверка учётных данных» и ошибка 691. Вчера работало.",
                "Подключаюсь через мобильный интернет, соединение рвётся каждые 10 минут, удалённый стол закрывается.",
                "После обновления ноутбука {asset} клиент пишет, что сертификат сервера недействителен.",
            ],
            questions: [
                "Время на ноутбуке совпадает с телефоном? Код действует 30 секунд.",
                "Какой оператор и версия клиента?",
            ],
            answers: ["Часы отставали на четыре минуты!", "Beeline, клиент 5.1.2."],
            notes: [
                "В журнале шлюза replay window exceeded, MTU 1500 через LTE. Рекомендую 1380.",
                "Учётка не заблокирована, TOTP drift 240 с.",
            ],
            solutions: [
                "Синхронизация времени включена, код принимается, VPN подключился.",
                "В профиле теперь MTU 1380, час без обрывов.",
                "Обновлённый корневой сертификат установлен, ошибка больше не появляется.",
            ],
        },
        en: Script {
            titles: [
                "VPN does not connect from home",
                "VPN drops every ten minutes",
                "VPN client rejects the server certificate",
            ],
            descriptions: [
                "After the one-time code it says error 691. It worked yesterday.",
                "On mobile internet the tunnel drops every ten minutes and remote desktop closes.",
                "Since the update of {asset} the client says that the server certificate is not valid.",
            ],
            questions: [
                "Does your laptop show the same time as your phone? Codes live for 30 seconds.",
                "Which provider and client version do you have?",
            ],
            answers: ["The clock was four minutes behind!", "Kcell, client 5.1.2."],
            notes: [
                "Gateway log: replay window exceeded, MTU 1500 over LTE. Suggest 1380.",
                "Account not locked, TOTP drift 240 s.",
            ],
            solutions: [
                "Time sync is on again, the code is accepted, VPN is up.",
                "Set the profile's MTU to 1380, an hour without a drop.",
                "Installed the new root certificate, the error is gone.",
            ],
        },
    },
    Scenario {
        category: "erp",
        team: "service-desk",
        tags: &["1c", "accounting"],
        priority: Priority::High,
        asks: [Some(0), Some(0), Some(1)],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "1С не запускается: «Не обнаружен ключ защиты»",
                "1С зависает при проведении реализации",
                "Нет прав на закрытие месяца в 1С",
            ],
            descriptions: [
                "При запуске 1С:Бухгалтерии пишет, что не обнаружен ключ защиты программы. У соседей по кабинету {room} работает.",
                "Проведение документа реализации № {n} занимает больше пяти минут, потом программа не отвечает.",
                "При закрытии месяца выходит «Недостаточно прав». Ответственный сотрудник ({colleague}) в отпуске.",
            ],
            questions: [
                "Пришлите, пожалуйста, снимок экрана с ошибкой и имя базы.",
                "Кто из руководителей согласует права?",
            ],
            answers: [
                "База «Бухгалтерия 3.0», снимок во вложении к письму.",
                "Согласовано с главным бухгалтером.",
            ],
            notes: [
                "Сервер лицензий не виден с этой подсети, правило на брандмауэре пропало после обновления.",
                "Регламент обновления индексов не выполнялся 9 дней.",
            ],
            solutions: [
                "Правило для сервера лицензий восстановлено, 1С запускается.",
                "Индексы базы перестроены, документ проводится за 4 секунды.",
                "Роль «Закрытие периода» выдана до конца отпуска коллеги.",
            ],
        },
        en: Script {
            titles: [
                "1C does not start: no licence found",
                "1C hangs when posting a sales document",
                "No rights to close the month in 1C",
            ],
            descriptions: [
                "1C Accounting says that the licence key was not found. It works for my neighbours in room {room}.",
                "Posting sales document {n} takes more than five minutes, then the program stops responding.",
                "Closing the month ends with insufficient rights. {colleague} used to do it and is on leave.",
            ],
            questions: [
                "Please send a screenshot and the name of the database.",
                "Which manager approves the rights?",
            ],
            answers: ["Database Accounting 3.0, screenshot sent.", "Approved by the chief accountant."],
            notes: [
                "Licence server not reachable from this subnet, the firewall rule was lost in the update.",
                "Index maintenance has not run for 9 days.",
            ],
            solutions: [
                "Restored the rule for the licence server, 1C starts.",
                "Rebuilt the indexes, the document posts in 4 seconds.",
                "Added the period-closing role until your colleague is back.",
            ],
        },
    },
    Scenario {
        category: "email",
        team: "service-desk",
        tags: &["outlook", "mailbox"],
        priority: Priority::Medium,
        asks: [Some(0), None, Some(1)],
        noted: [Some(0), None, Some(1)],
        ru: Script {
            titles: [
                "Не отправляются письма с вложениями",
                "Переполнен почтовый ящик",
                "Письма клиентов попадают в спам",
            ],
            descriptions: [
                "Письма с вложением больше 10 МБ остаются в исходящих. Клиент ждёт договор.",
                "Outlook пишет, что ящик заполнен, новые письма не приходят с утра.",
                "Ответы от домена клиента третий день попадают в нежелательную почту, чуть не пропустили заказ № {n}.",
            ],
            questions: [
                "Какого размера вложение и кому отправляете?",
                "Пришлите заголовки одного из писем, пожалуйста.",
            ],
            answers: ["14 МБ, сканы договора.", "Письмо отправлено вам как вложение."],
            notes: [
                "Лимит отправки 10 МБ на коннекторе, для отдела продаж согласован 25 МБ.",
                "SPF у клиента с ошибкой, добавлено в разрешённые до исправления.",
            ],
            solutions: [
                "Лимит увеличен до 25 МБ, письмо ушло.",
                "Архивный ящик включён, письма старше года перенесены.",
                "Домен клиента в списке доверенных, письма снова во входящих.",
            ],
        },
        en: Script {
            titles: [
                "Mails with attachments are not sent",
                "Mailbox is full",
                "Customer mails end up in junk",
            ],
            descriptions: [
                "Anything above 10 MB stays in the outbox. The customer is waiting for the contract.",
                "Outlook says that the mailbox is full, nothing has arrived since the morning.",
                "Replies from a customer's domain go to junk, we almost missed order {n}.",
            ],
            questions: [
                "How large is the attachment, and who is it for?",
                "Please forward one of the mails as an attachment.",
            ],
            answers: ["14 MB, scans of the contract.", "Forwarded."],
            notes: [
                "Send limit 10 MB on the connector, 25 MB agreed for sales.",
                "Customer's SPF record is broken, allow-listed until they fix it.",
            ],
            solutions: [
                "Raised the limit to 25 MB, the mail is out.",
                "Enabled the archive mailbox and moved everything older than a year.",
                "The domain is on the trusted list, mails arrive in the inbox again.",
            ],
        },
    },
    Scenario {
        category: "access",
        team: "service-desk",
        tags: &["password", "account"],
        priority: Priority::Medium,
        asks: [Some(0), Some(0), Some(1)],
        noted: [Some(0), None, Some(1)],
        ru: Script {
            titles: [
                "Заблокирована учётная запись",
                "Сброс пароля: {colleague}",
                "Нет доступа к папке «Договоры»",
            ],
            descriptions: [
                "После отпуска не могу войти в систему: «Учётная запись заблокирована».",
                "Пароль забыт, телефон для подтверждения новый. Нужен сброс и новый второй фактор.",
                "Перевели в отдел продаж, а папка «Договоры» на общем диске не открывается.",
            ],
            questions: [
                "Подтвердите, пожалуйста, личность по видеозвонку.",
                "Кто владелец папки, есть согласование?",
            ],
            answers: ["Можно созвониться в любое время до обеда.", "Владелец согласовал в письме."],
            notes: [
                "Блокировка со старого телефона, там сохранён прежний пароль почты.",
                "Группа FS_Contracts_RW, добавлено по согласованию владельца.",
            ],
            solutions: [
                "Учётная запись разблокирована, старый пароль удалён с телефона.",
                "Пароль сброшен, второй фактор привязан к новому номеру.",
                "Доступ выдан, после повторного входа папка открывается.",
            ],
        },
        en: Script {
            titles: [
                "Account is locked",
                "Password reset for {colleague}",
                "No access to the Contracts folder",
            ],
            descriptions: [
                "Back from leave and cannot sign in: the account is locked.",
                "My colleague forgot the password and has a new phone. Needs a reset and a new second factor.",
                "I moved to sales, but the Contracts folder on the shared drive does not open.",
            ],
            questions: [
                "Please confirm your identity in a short video call.",
                "Who owns the folder, and did they approve?",
            ],
            answers: ["Any time before lunch works.", "The owner approved by mail."],
            notes: [
                "Lock comes from an old phone with the previous mail password.",
                "Group FS_Contracts_RW, added with the owner's approval.",
            ],
            solutions: [
                "Unlocked; the old password is gone from the phone.",
                "Password reset, second factor bound to the new number.",
                "Access granted, sign in again and the folder opens.",
            ],
        },
    },
    Scenario {
        category: "retail",
        team: "field",
        tags: &["pos", "cash-register", "store"],
        priority: Priority::Urgent,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Касса № {n} не пробивает чеки, магазин «{shop}»",
                "Терминал оплаты не видит сеть, «{shop}»",
                "Сканер штрихкодов не читает, касса {n}",
            ],
            descriptions: [
                "Касса пишет «Превышен срок ФН», покупатели стоят в очереди.",
                "Терминал оплаты показывает «Нет связи с банком», принимаем только наличные.",
                "Сканер пищит, но товар не появляется в чеке. Кабель переставляли.",
            ],
            questions: [
                "Остальные кассы работают? Назовите серийный номер фискального накопителя.",
                "Горит ли индикатор сети на терминале?",
            ],
            answers: ["Остальные работают, номер {asset}.", "Индикатор мигает жёлтым."],
            notes: [
                "Отчёты не уходили в ОФД 30 дней: сменился адрес шлюза.",
                "SIM терминала исчерпала пакет, переключаю на Wi-Fi магазина.",
            ],
            solutions: [
                "Исправлен адрес ОФД, чеки отправлены, касса работает.",
                "Терминал переведён на проводную сеть, три оплаты прошли.",
                "Сканер переключён в режим USB-COM, товар читается.",
            ],
        },
        en: Script {
            titles: [
                "Register {n} does not print receipts, {shop} store",
                "Card terminal offline, {shop} store",
                "Barcode scanner does not read, register {n}",
            ],
            descriptions: [
                "The register says that the fiscal memory has expired, customers are queueing.",
                "The card terminal shows no connection to the bank, cash only at the moment.",
                "The scanner beeps but nothing appears on the receipt. We tried another port.",
            ],
            questions: [
                "Do the other registers work? What is the fiscal serial number?",
                "Is the network light of the terminal on?",
            ],
            answers: ["The others work, it is {asset}.", "It blinks yellow."],
            notes: [
                "No reports sent for 30 days: the gateway's address changed.",
                "The terminal's SIM ran out of data, moving it to the store's Wi-Fi.",
            ],
            solutions: [
                "Corrected the gateway, reports are out, the register works.",
                "Terminal moved to the wired network, three payments went through.",
                "Scanner switched to USB-COM mode, items are read.",
            ],
        },
    },
    Scenario {
        category: "hardware",
        team: "field",
        tags: &["laptop", "battery"],
        priority: Priority::Medium,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), None, Some(1)],
        ru: Script {
            titles: [
                "Ноутбук {asset} не включается",
                "Не работает второй монитор, кабинет {room}",
                "Шумит и греется системный блок",
            ],
            descriptions: [
                "Ноутбук не реагирует на кнопку питания, индикатор зарядки не горит.",
                "После переезда рабочего места второй монитор пишет «Нет сигнала».",
                "Системный блок гудит, через полчаса работы всё тормозит.",
            ],
            questions: ["Пробовали другое зарядное устройство?", "Каким кабелем подключён монитор?"],
            answers: ["Да, с чужим блоком то же самое.", "Через переходник USB-C — HDMI."],
            notes: [
                "Плата питания, гарантия до конца года. Выдан подменный ноутбук.",
                "Пыль в радиаторе, термопаста высохла.",
            ],
            solutions: [
                "Заменена батарея, ноутбук включается, данные на месте.",
                "Переходник заменён, оба монитора работают.",
                "Система охлаждения почищена, температура упала с 92 до 61 °C.",
            ],
        },
        en: Script {
            titles: [
                "Laptop {asset} does not turn on",
                "Second monitor stays black, room {room}",
                "Desktop is loud and hot",
            ],
            descriptions: [
                "No reaction to the power button, the charging light is off.",
                "Since we moved desks the second monitor says no signal.",
                "The desktop howls and everything slows down after half an hour.",
            ],
            questions: ["Did you try another charger?", "Which cable goes to the monitor?"],
            answers: ["Yes, the same with a colleague's.", "A USB-C to HDMI adapter."],
            notes: [
                "Power board, under warranty. Loan laptop handed out.",
                "Dust in the heatsink, dry thermal paste.",
            ],
            solutions: [
                "Battery replaced, it boots and the data is there.",
                "New adapter, both monitors work.",
                "Cooling cleaned, from 92 down to 61 °C.",
            ],
        },
    },
    Scenario {
        category: "network",
        team: "infrastructure",
        tags: &["wifi", "office"],
        priority: Priority::Medium,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Слабый Wi-Fi в переговорной {room}",
                "Нет сети в кабинете {room}",
                "Медленный интернет в магазине «{shop}»",
            ],
            descriptions: [
                "На видеозвонках в переговорной пропадает звук, индикатор сети одно деление.",
                "С 9:30 нет ни интернета, ни общих папок. Розетка у окна.",
                "Сайт поставщика открывается по минуте, заявки на товар не уходят.",
            ],
            questions: ["Сколько человек подключено и к какой сети?", "Какой номер на розетке?"],
            answers: ["Человек десять, сеть Office.", "Розетка {room}-4."],
            notes: [
                "Точка доступа на канале 11 вместе с соседями, перевод на 36.",
                "Порт коммутатора в err-disable: петля через IP-телефон.",
            ],
            solutions: [
                "Точка доступа перенастроена на 5 ГГц, скорость 180 Мбит/с.",
                "Петля убрана, порт включён, сеть есть.",
                "Провайдер восстановил канал, скорость по договору.",
            ],
        },
        en: Script {
            titles: [
                "Weak Wi-Fi in meeting room {room}",
                "No network in room {room}",
                "Slow internet in the {shop} store",
            ],
            descriptions: [
                "Video calls lose sound, one bar of signal.",
                "Neither internet nor shared folders since 9:30. The socket is by the window.",
                "The supplier's site takes a minute to open, orders are not sent.",
            ],
            questions: ["How many people, and on which network?", "What number is on the socket?"],
            answers: ["About ten, network Office.", "Socket {room}-4."],
            notes: [
                "Access point shares channel 11 with the neighbours, moving to 36.",
                "Switch port in err-disable: loop through the desk phone.",
            ],
            solutions: [
                "Access point moved to 5 GHz, 180 Mbit/s now.",
                "Loop removed, port is up, network is back.",
                "The provider restored the line, speed as agreed.",
            ],
        },
    },
    Scenario {
        category: "software",
        team: "service-desk",
        tags: &["install", "licence"],
        priority: Priority::Low,
        asks: [Some(0), Some(1), Some(0)],
        noted: [Some(0), Some(1), Some(0)],
        ru: Script {
            titles: [
                "Установить AutoCAD на {asset}",
                "Excel закрывается при открытии отчёта",
                "Нужна лицензия на редактор PDF",
            ],
            descriptions: [
                "Для проекта нужен AutoCAD 2025, согласовано с руководителем отдела.",
                "Отчёт с макросами закрывает Excel без ошибки. У коллеги ({colleague}) открывается.",
                "Нужно подписывать и объединять PDF, сейчас только просмотр.",
            ],
            questions: ["На какой срок нужна лицензия?", "Файл открывается с сетевого диска или локально?"],
            answers: ["До конца проекта, три месяца.", "С сетевого, локально то же самое."],
            notes: [
                "Свободно 2 лицензии из 15.",
                "Надстройка 32-бит в 64-битном Excel, отключена политикой.",
            ],
            solutions: [
                "Установлено, лицензия назначена на три месяца.",
                "Надстройка обновлена до 64-бит, отчёт открывается.",
                "Лицензия выдана, программа в центре установки.",
            ],
        },
        en: Script {
            titles: [
                "Install AutoCAD on {asset}",
                "Excel closes when opening a report",
                "Licence for the PDF editor",
            ],
            descriptions: [
                "I need AutoCAD 2025 for a project, approved by the head of department.",
                "A report with macros closes Excel without an error. It opens for {colleague}.",
                "I have to sign and merge PDF files and can only view them.",
            ],
            questions: ["For how long do you need the licence?", "Is the file on a network drive or local?"],
            answers: ["Until the end of the project, three months.", "Network drive, the same when local."],
            notes: ["2 of 15 licences free.", "32-bit add-in in 64-bit Excel, disabled by policy."],
            solutions: [
                "Installed, licence assigned for three months.",
                "Add-in updated to 64-bit, the report opens.",
                "Licence assigned, you find it in the software centre.",
            ],
        },
    },
    Scenario {
        category: "access",
        team: "service-desk",
        tags: &["onboarding", "account"],
        priority: Priority::Low,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Новый сотрудник: {colleague}",
                "Увольнение: отключить доступы, {colleague}",
                "Пропуск и учётка для стажёра",
            ],
            descriptions: [
                "Выходит в понедельник. Нужны ноутбук, учётная запись, почта, доступ к CRM и 1С, кабинет {room}.",
                "Последний рабочий день — пятница. Почту перенаправить руководителю на 30 дней.",
                "Стажёр на два месяца, только почта и портал.",
            ],
            questions: ["Какие роли в CRM?", "Кому передать файлы?"],
            answers: ["Как у остальных менеджеров отдела.", "Мне, в общую папку отдела."],
            notes: [
                "Шаблон «Продажи», ноутбук {asset} подготовлен.",
                "Учётка отключена, сеансы завершены, токены отозваны.",
            ],
            solutions: [
                "Всё готово, данные для входа переданы лично.",
                "Доступы отключены, почта перенаправлена.",
                "Учётная запись действует два месяца.",
            ],
        },
        en: Script {
            titles: [
                "New employee: {colleague}",
                "Leaver: revoke access for {colleague}",
                "Badge and account for a trainee",
            ],
            descriptions: [
                "Starts on Monday. Laptop, account, mail, CRM and 1C, room {room}.",
                "Last day is Friday. Forward mail to the manager for 30 days.",
                "Trainee for two months, mail and portal only.",
            ],
            questions: ["Which CRM roles?", "Who gets the files?"],
            answers: ["The same as the other account managers.", "Me, into the team folder."],
            notes: [
                "Template Sales, laptop {asset} prepared.",
                "Account disabled, sessions ended, tokens revoked.",
            ],
            solutions: [
                "All ready, sign-in details handed over in person.",
                "Access revoked, mail forwarded.",
                "The account is valid for two months.",
            ],
        },
    },
    Scenario {
        category: "hardware",
        team: "field",
        tags: &["phone", "telephony"],
        priority: Priority::Medium,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), None, Some(1)],
        ru: Script {
            titles: [
                "IP-телефон без регистрации, кабинет {room}",
                "Не слышно собеседника в гарнитуре",
                "Переадресация на мобильный не работает",
            ],
            descriptions: [
                "На экране телефона «Нет регистрации», входящие клиентов не проходят.",
                "В гарнитуре собеседник слышит меня, я его нет. Через динамик всё хорошо.",
                "Включаю переадресацию, но звонки всё равно идут на стационарный.",
            ],
            questions: ["Перезагружали телефон по питанию?", "Гарнитура USB или Bluetooth?"],
            answers: ["Да, дважды.", "USB, другая такая же работает."],
            notes: [
                "Порт в гостевом VLAN после ремонта.",
                "Правило переадресации отключено на АТС для группы.",
            ],
            solutions: [
                "Порт возвращён в голосовую сеть, телефон зарегистрирован.",
                "Гарнитура заменена, звук в обе стороны.",
                "Переадресация разрешена для отдела, проверили звонком.",
            ],
        },
        en: Script {
            titles: [
                "Desk phone not registered, room {room}",
                "Cannot hear the other side in the headset",
                "Call forwarding to mobile does not work",
            ],
            descriptions: [
                "The display says not registered, customer calls do not come through.",
                "They hear me, I do not hear them. On loudspeaker everything is fine.",
                "Forwarding is on, but calls still ring at the desk.",
            ],
            questions: ["Did you power-cycle the phone?", "Is the headset USB or Bluetooth?"],
            answers: ["Twice.", "USB, an identical one works."],
            notes: [
                "Port in the guest VLAN after the refurbishment.",
                "Forwarding disabled on the exchange for the group.",
            ],
            solutions: [
                "Port back in the voice network, phone registered.",
                "Headset replaced, sound both ways.",
                "Forwarding allowed for the department, tested with a call.",
            ],
        },
    },
    Scenario {
        category: "erp",
        team: "infrastructure",
        tags: &["1c", "exchange", "warehouse"],
        priority: Priority::High,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Не идёт обмен 1С со складом",
                "Остатки на сайте не совпадают с 1С",
                "ТСД не выгружает инвентаризацию",
            ],
            descriptions: [
                "Последний обмен был вчера в 23:40, заказы на сборку не приходят.",
                "На сайте товар есть, а в 1С ноль. Уже {n} таких заказов за день.",
                "Терминал сбора данных пишет «Сервер недоступен», инвентаризация стоит.",
            ],
            questions: ["Есть ли сообщения в журнале регистрации?", "Какие артикулы для примера?"],
            answers: ["«Таймаут ожидания блокировки», много раз.", "Список из пяти отправлен."],
            notes: [
                "Регламентное задание зависло на блокировке, сеанс завершён.",
                "Очередь сообщений 48 тыс., обработчик остановлен из-за кривой кодировки.",
            ],
            solutions: [
                "Обмен запущен, заказы загрузились.",
                "Остатки пересчитаны и выгружены, расхождений нет.",
                "Исправлен адрес сервера в профиле ТСД, данные ушли.",
            ],
        },
        en: Script {
            titles: [
                "1C does not exchange data with the warehouse",
                "Stock on the site differs from 1C",
                "Handheld does not upload the stock count",
            ],
            descriptions: [
                "The last exchange was yesterday at 23:40, picking orders do not arrive.",
                "The site shows stock, 1C says zero. {n} such orders today.",
                "The handheld says server unavailable, the stock count is on hold.",
            ],
            questions: ["Anything in the event log?", "Could you give a few article numbers?"],
            answers: ["Lock wait timeout, many times.", "Sent a list of five."],
            notes: [
                "Scheduled job stuck on a lock, session ended.",
                "48k messages queued, the handler stopped at a broken encoding.",
            ],
            solutions: [
                "Exchange is running, orders are loaded.",
                "Stock recalculated and uploaded, no differences.",
                "Server address corrected in the handheld's profile, data uploaded.",
            ],
        },
    },
    Scenario {
        category: "software",
        team: "infrastructure",
        tags: &["update", "security"],
        priority: Priority::Medium,
        asks: [Some(0), None, Some(1)],
        noted: [Some(0), Some(1), None],
        ru: Script {
            titles: [
                "Подозрительное письмо со ссылкой",
                "Антивирус блокирует клиент-банк",
                "Обновление Windows не ставится на {asset}",
            ],
            descriptions: [
                "Пришло письмо «от директора» с просьбой открыть ссылку. У коллеги ({colleague}) ссылка уже открыта.",
                "После обновления антивирус удаляет файл клиент-банка, платежи не отправить.",
                "Обновление доходит до 87 % и откатывается с ошибкой 0x800f0922.",
            ],
            questions: ["Вводили ли пароль на странице?", "Сколько свободного места на диске C?"],
            answers: ["Да, ввели, сразу поняли и позвонили вам.", "Осталось 3 ГБ."],
            notes: [
                "Сеансы завершены, пароль сброшен, домен заблокирован на шлюзе.",
                "Ложное срабатывание, хэш отправлен производителю.",
            ],
            solutions: [
                "Пароль сменён, подозрительных входов нет, письмо удалено у всех.",
                "Исключение добавлено, клиент-банк восстановлен.",
                "Место освобождено, обновление установлено.",
            ],
        },
        en: Script {
            titles: [
                "Suspicious mail with a link",
                "Antivirus blocks the banking client",
                "Windows update fails on {asset}",
            ],
            descriptions: [
                "A mail from the director asks to open a link. I left it alone, {colleague} opened it.",
                "Since its update the antivirus deletes the banking client, we cannot send payments.",
                "The update reaches 87 % and rolls back with 0x800f0922.",
            ],
            questions: ["Was a password entered on that page?", "How much space is left on drive C?"],
            answers: ["Yes, then we called you at once.", "3 GB."],
            notes: [
                "Sessions ended, password reset, domain blocked at the gateway.",
                "False positive, hash sent to the vendor.",
            ],
            solutions: [
                "Password changed, no suspicious sign-ins, the mail is removed everywhere.",
                "Exception added, banking client restored.",
                "Freed space, the update is installed.",
            ],
        },
    },
    Scenario {
        category: "other",
        team: "field",
        tags: &["office", "move"],
        priority: Priority::Low,
        asks: [Some(0), Some(1), None],
        noted: [Some(0), None, Some(1)],
        ru: Script {
            titles: [
                "Переезд рабочих мест в кабинет {room}",
                "Подготовить переговорную к совещанию",
                "Заявка на картриджи для «{shop}»",
            ],
            descriptions: [
                "Переезжают шесть человек, нужны розетки, телефоны и перенос техники в субботу.",
                "В четверг в 15:00 приедут партнёры, нужны проектор, микрофоны и гостевой Wi-Fi.",
                "Закончились картриджи для кассовых принтеров, нужно {n} штук.",
            ],
            questions: ["Пришлите план рассадки, пожалуйста.", "Сколько будет участников?"],
            answers: ["План во вложении.", "Двенадцать, двое удалённо."],
            notes: ["Розеток хватает, кроме двух мест у окна.", "На складе 14 штук, дозаказ оформлен."],
            solutions: [
                "Переезд завершён, все шесть мест проверены.",
                "Переговорная готова, звук и экран проверены.",
                "Картриджи отправлены с водителем.",
            ],
        },
        en: Script {
            titles: [
                "Moving desks to room {room}",
                "Prepare the meeting room for partners",
                "Ribbons and cartridges for {shop}",
            ],
            descriptions: [
                "Six people move on Saturday: sockets, phones and equipment.",
                "Partners visit on Thursday at 15:00: projector, microphones, guest Wi-Fi.",
                "The register printers are out of cartridges, please send {n}.",
            ],
            questions: ["Please send the seating plan.", "How many people will attend?"],
            answers: ["Attached to my mail.", "Twelve, two of them remote."],
            notes: ["Enough sockets but for two desks by the window.", "14 in stock, reorder placed."],
            solutions: [
                "Move done, all six desks checked.",
                "The room is ready, sound and screen tested.",
                "Cartridges are on their way.",
            ],
        },
    },
];
