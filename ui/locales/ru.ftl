# WorkerNet Desk по-русски. В en.ftl те же ключи; за этим следит тест.

## Везде
close = Закрыть
cancel = Отмена
remove = Удалить
save = Сохранить
edit = Изменить
copy = Копировать
copied = Скопировано
back = Назад
none = нет
nobody = никто
anyone = Все
me = Я
now-button = Сейчас
undo = Отменить
undo-nothing = Отменять нечего
undo-done = Отменено: { $what }
stopped = Окно остановилось из-за ошибки. Всё сохранённое на месте, черновики тоже.
stopped-reload = Загрузить снова
found-nothing = Ничего не найдено
not-here = На этом устройстве этого нет: удалено или недоступно вам.
draft-not-saved = То, что вы набираете, не удаётся сохранить.
draft-discard = Удалить черновик
edited-many = { $what } ({ $n ->
    [one] { $n } заявка
    [few] { $n } заявки
   *[other] { $n } заявок
})
markdown-hint = Markdown
unfold = Показать целиком
moment-hint = 21.11.2026 14:05
moment-none = не указано
moment-bad = Напишите время так: 21.11.2026 14:05, или 14:05, если сегодня.
preview = Просмотр
write = Текст

## Страницы и навигация
navigation = Навигация
nav-fold = Свернуть навигацию
nav-fold-hint = Свернуть навигацию ([)
tickets = Заявки
knowledge = База знаний
incidents = Инциденты
alerts = Оповещения
rejected = Отклонённые правки
sync = Синхронизация
settings = Настройки
view-mine = Мои
view-unassigned = Без исполнителя
view-active = В работе
view-breached = SLA нарушен
view-all = Все заявки

## Вход
sign-in = Войти
sign-in-busy = Вход…
ended-device = Это устройство отозвано
ended-device-todo = Чтобы работать здесь дальше, войдите ниже: устройство настроится заново. Если войти не получается, обратитесь к администратору.
ended-access = Ваш доступ закрыт
ended-access-todo = Если это ошибка, обратитесь к администратору, затем войдите ниже.
ended-kept = Всё, что дошло до сервера, там осталось. Неотправленные правки стёрты вместе с остальным.
join = Подключиться к серверу
join-explain = Это пространство есть только на этом устройстве. Войдите на сервер, и его заявки, статьи и инциденты будут отправлены туда.
sign-out = Выйти
sign-out-waiting = { $n ->
    [one] { $n } правка ещё не отправлена и будет потеряна.
    [few] { $n } правки ещё не отправлены и будут потеряны.
   *[other] { $n } правок ещё не отправлены и будут потеряны.
}
sign-out-discard = Выйти, потеряв их
server = Сервер
server-none = нет: пространство только на этом устройстве
workspace = Рабочее пространство
email = Эл. почта
password = Пароль

## Настройки
settings-language = Язык
settings-theme = Оформление
settings-account = Учётная запись
settings-name = Имя
settings-role = Роль
theme-system = Как в системе
theme-light = Светлое
theme-dark = Тёмное
role-requester = заявитель
role-agent = агент
role-manager = менеджер
role-admin = администратор

## Строка состояния
status-line = Состояние
status-palette = все команды
status-help = все клавиши
sync-local = только на этом устройстве
sync-idle = синхронизировано
sync-idle-at = синхронизировано в { $at }
sync-bootstrap = загружается пространство: { $percent } %
sync-indexing = поиск готовится: { $percent } %
sync-busy = синхронизация…
sync-offline = не в сети
sync-offline-since = не в сети с { $at }
sync-stopped = синхронизация остановлена
sync-waiting = { $n ->
    [one] { $n } правка ждёт отправки
    [few] { $n } правки ждут отправки
   *[other] { $n } правок ждут отправки
}
sync-last = последняя синхронизация { $at }
sync-rejected = { $n ->
    [one] { $n } правка отклонена
    [few] { $n } правки отклонены
   *[other] { $n } правок отклонено
}
next-due = { $number }, { $metric }: { $left }
next-due-none = сроки не идут

## Время
ago-now = только что
ago-minutes = { $n } мин
ago-hours = { $n } ч
ago-days = { $n } дн
duration-s = { $n } с
duration-m = { $m } мин
duration-h = { $h } ч
duration-h-m = { $h } ч { $m } мин
duration-d = { $d } д
duration-d-h = { $d } д { $h } ч
duration-days-clock = { $days } д { $clock }
month-1 = янв
month-2 = фев
month-3 = мар
month-4 = апр
month-5 = мая
month-6 = июн
month-7 = июл
month-8 = авг
month-9 = сен
month-10 = окт
month-11 = ноя
month-12 = дек

## Список заявок
tickets-count = { $n ->
    [one] { $n } заявка
    [few] { $n } заявки
   *[other] { $n } заявок
}
tickets-none = Здесь нет заявок.
tickets-none-found = Под эти фильтры не подходит ни одна заявка.
filters = Фильтры
filters-clear = Сбросить фильтры
filter-status = Статус
filter-priority = Приоритет
filter-assignee = Исполнитель
filter-team = Команда
filter-tag = Метка
filter-category = Категория
any-team = Любая команда
any-tag = Любая метка
any-category = Любая категория
sort = Порядок
sort-updated = Последние изменения
sort-created = Сначала новые
sort-priority = По приоритету
sort-due = По сроку
search-tickets = Поиск по заявкам
select-ticket = Выбрать { $number }
selected-count = Выбрано: { $n }
selection-clear = Снять выбор
mark-conflict = Несколько человек одновременно изменили одно поле: откройте и выберите
mark-unsent = Ещё не отправлено
due-hover = { $metric }: { $at }
due-late = +{ $time }
pick-status = Статус…
pick-priority = Приоритет…
pick-assignee = Исполнитель…
pick-tags = Метки…
new-tag = Новая метка

## Слова
status-open = Открыта
status-in_progress = В работе
status-pending = Ожидание
status-resolved = Решена
status-closed = Закрыта
status-cancelled = Отменена
priority-low = Низкий
priority-medium = Средний
priority-high = Высокий
priority-urgent = Срочный
priority-critical = Критический
side-requester = заявитель
side-staff = поддержка
metric-first_response = Первый ответ
metric-next_response = Следующий ответ
metric-resolution = Решение
clock-idle = без срока
clock-running = идёт
clock-paused = на паузе
clock-met = выполнен
clock-breached = нарушен
kind-ticket = Заявка
kind-article = Статья
kind-incident = Инцидент
kind-workspace = Рабочее пространство
kind-personal = Личные настройки
field-title = Тема
field-description = Описание
field-status = Статус
field-priority = Приоритет
field-category = Категория
field-assignee = Исполнитель
field-team = Команда
field-requester = Заявитель
field-tags = Метки
field-deleted = Удалена

## Заявка
new-ticket = Новая заявка
new-ticket-hint = Новая заявка (C)
new-ticket-create = Создать заявку
ticket-details = Сведения
ticket-number-shared = Такой же номер есть у другой заявки.
ticket-read-only = Заявку записала более новая версия программы: здесь видно то, что удаётся прочесть, менять её нельзя. Обновите программу.
ticket-deleted = Заявка удалена.
ticket-delete = Удалить заявку
ticket-restore = Восстановить
ticket-created = Создана
ticket-updated = Изменена
ticket-source = Источник
ticket-unsent = ещё не отправлено
assign-me = Мне
edit-title = Изменить тему
edit-description = Изменить описание
description-none = Описания нет.
description-add = Добавить описание
tag-add = Добавить метку
tag-remove = Снять метку { $tag }
requester-none = неизвестен
conversation = Переписка
comment-internal = Внутренняя заметка
comment-deleted = отозвано
comment-withdraw = Отозвать
reply = Ответ
note = Заметка
composer = Ответ или заметка
reply-placeholder = Ответ заявителю…
note-placeholder = Заметка для коллег: заявитель её не увидит…
send-reply = Отправить ответ
send-note = Сохранить заметку
sent-reply = Ответ отправлен
sent-note = Заметка сохранена
send-hint = Ctrl+Enter
history-show = История ({ $n })
history-created = создание заявки: { $status }, { $priority }
history-change = { $field }: { $from } → { $to }
history-description = изменено описание
history-tag-on = добавлена метка { $tag }
history-tag-off = снята метка { $tag }
history-reply = ответ заявителю
history-note = внутренняя заметка
history-request = сообщение
history-comment-deleted = сообщение отозвано
history-deleted = заявка удалена
history-restored = заявка восстановлена
past-show = Заявка, какой её видел автор
past-title = Глазами автора: { $by }, { $at }
past-place = изменение { $place } из { $n }, только чтение
past-earlier = Раньше
past-later = Позже
past-close = К настоящему
past-changed = (изменено)
conflict-title = Несколько человек одновременно изменили поле «{ $field }»
conflict-kept = действует
conflict-by = { $by }, { $at }
conflict-pick = Взять это
conflict-settled = Оставить это
conflict-offline = то устройство было без связи с { $at }
clocks = SLA
clocks-none = Для этой заявки нет правил SLA.
clock-left = осталось { $time }
clock-late = просрочено на { $time }
clock-due = срок { $at }
clock-paused-left = пауза, осталось { $time }
clock-paused-late = пауза, просрочено на { $time }
clock-met-after = выполнен за { $time }
clock-missed-after = нарушен: { $time } при норме { $target }
clock-waiting = отвечать не на что
explain = Почему?
explain-title = Почему такие сроки
explain-policy = Правило
explain-target = Норма { $time }
explain-target-none = без нормы
explain-elapsed = Прошло { $time }
explain-from = с { $at }
explain-projected = впереди
segment-running = идёт
segment-closed_hours = нерабочее время
segment-holiday = праздник
segment-paused = пауза
segment-done = работа окончена
op-create-ticket = Новая заявка: { $title }
op-description = Описание изменено
op-tag-on = Метка добавлена: { $tag }
op-tag-off = Метка снята: { $tag }
op-comment = Сообщение: { $text }
op-comment-deleted = Сообщение отозвано
op-deleted = Удалено
op-restored = Восстановлено

## База знаний
new-article = Новая статья
new-article-create = Создать черновик
articles-none = Статей пока нет.
article-search = Поиск по статьям
article-status-draft = Черновик
article-status-published = Опубликована
article-status-archived = В архиве
article-publish = Опубликовать
article-archive = В архив
article-to-draft = Вернуть в черновики
article-body = Текст
article-read-only = Статью записала более новая версия программы: здесь видно то, что удаётся прочесть, менять её нельзя. Обновите программу.
article-empty = В статье пока нет текста.
article-by = { $author }, изменена { $at }
op-article-create = Новая статья: { $title }
op-article-body = Текст изменён

## Инциденты
new-incident = Объявить инцидент
new-incident-create = Объявить
incidents-none = Инцидентов нет. Хорошо.
incident-running = Идут
incident-over = Завершены
incident-summary = Что известно
incident-severity = Серьёзность
incident-services = Затронутые службы
incident-services-hint = через запятую
incident-impact = Заметно пользователям с
incident-roles = Роли
incident-milestones = Вехи
incident-tickets = Связанные заявки
incident-link = Номер заявки
incident-link-add = Связать
incident-link-none = Заявки с таким номером здесь нет.
incident-unlink = Отвязать { $number }
incident-timeline = Хронология
incident-note = Запись в хронологию
incident-note-add = Добавить запись
incident-postmortem = Разбор
incident-postmortem-none = Пока ничего не написано.
incident-escalates = эскалация через { $left }
incident-escalated = эскалация { $at }
incident-acknowledge = Принять
incident-read-only = Инцидент записала более новая версия программы: здесь видно то, что удаётся прочесть, менять его нельзя. Обновите программу.
incident-declared = инцидент объявлен: { $severity }
incident-service-on = затронута служба { $name }
incident-service-off = больше не затронута служба { $name }
incident-linked = связана заявка
incident-unlinked = отвязана заявка
incident-deleted = инцидент удалён
incident-restored = инцидент восстановлен
incident-update-public = публичное сообщение: { $text }
incident-update-internal = внутреннее сообщение: { $text }
incident-proposed = предложено правилом { $rule } как { $severity }
incident-confirmed = подтверждает, что это инцидент
incident-dismissed = отклоняет: { $text }
escalation-started = началась эскалация по политике { $policy }
escalation-paged = оповещён уровень { $level } (круг { $cycle }): { $names }
escalation-paged-email = оповещён уровень { $level }, также по почте (круг { $cycle }): { $names }
escalation-paged-nobody = на уровне { $level } никого нет (круг { $cycle })
escalation-acknowledged = берёт инцидент на себя
escalation-acknowledged-until = берёт инцидент на себя до { $at }
escalation-acknowledgement-expired = срок подтверждения истёк
escalation-ended = эскалация завершена: { $reason }
escalation-end-resolved = инцидент завершён
escalation-end-exhausted = оповещены все
escalation-end-nobody = оповещать некого
escalation-end-expired = прошло семь дней
op-escalation-step = Шаг эскалации
op-incident-update = Сообщение: { $text }
op-incident-create = Новый инцидент: { $title }
op-incident-note = Запись: { $text }
ticket-declare = Инцидент
help-declare = Объявить инцидент по заявке
new-incident-from = По заявке { $number } «{ $title }»: она будет связана с инцидентом.
severity-guide = Как выбрать серьёзность
severity-means-P1 = Работа остановлена у всех или теряются деньги и данные. Поднимаем людей сразу, в любое время.
severity-example-P1 = Например: кассы не работают ни в одном магазине; 1С недоступна всем.
severity-means-P2 = Не работает важная функция или целый офис, обхода нет. Занимаемся немедленно.
severity-example-P2 = Например: офис без связи; оплата картой проходит через раз.
severity-means-P3 = Работать можно, но хуже или в обход. Занимаемся в рабочее время.
severity-example-P3 = Например: почта идёт с задержкой; принтер не работает на одном этаже.
severity-means-P4 = Пользователи почти не замечают, но это надо исправить.
severity-example-P4 = Например: датчик не передаёт данные; отчёт строится дольше обычного.
incident-updates = Сообщения о ходе работ
incident-update = Как обстоят дела, что дальше и когда следующее сообщение
incident-update-send = Опубликовать
update-for-internal = для команды
update-for-public = для всех, кого это касается
incident-customers = { $n ->
        [one] обратился { $n } человек
        [few] обратились { $n } человека
       *[other] обратились { $n } человек
    }
incident-proposed-group = Ждут решения
proposal-state-waiting = предложен
proposal-state-dismissed = отклонён
proposal-waiting = Похоже на инцидент (правило «{ $rule }»)
proposal-confirmed = Подтверждено: { $who }, { $at }
proposal-dismissed = Отклонено: { $who }, { $at }
proposal-confirm = Это инцидент
proposal-dismiss = Отклонить
proposal-reason = Почему нет (необязательно)
proposal-unknown = Что увидело правило, записала более новая версия программы; обновите эту.
evidence-burst = { $n ->
        [one] { $n } похожая заявка
        [few] { $n } похожие заявки
       *[other] { $n } похожих заявок
    } за { $minutes } мин до { $until }
evidence-burst-usual = Обычно в это время недели в категории «{ $category }»: { $usual } (по { $weeks } нед.)
evidence-burst-words = Общие слова: { $words }
evidence-heartbeat = «{ $name }» не выходил на связь с { $last }. Ждали до { $due }: должен отвечать раз в { $every }.
evidence-metric-above = «{ $name }» выше { $limit }
evidence-metric-below = «{ $name }» ниже { $limit }
evidence-metric-samples = { $n ->
        [one] { $n } измерение
        [few] { $n } измерения
       *[other] { $n } измерений
    }, с { $from } по { $to }: от { $low } до { $high }
postmortem-begin = Начать по образцу
action-items = Меры
action-items-done = сделано { $done } из { $of }
action-item-gone = Этой строки в разборе больше нет: её изменили или убрали.
action-due = до { $date }
metrics = Показатели
metrics-long = Показатели инцидентов
metrics-days = { $n } дн
metrics-from = с
metrics-to = по
metrics-service = Служба
metrics-all-services = Все службы
metrics-none = За это время инцидентов не объявляли.
metrics-count = { $n ->
        [one] { $n } инцидент объявлен
        [few] { $n } инцидента объявлены
       *[other] { $n } инцидентов объявлены
    } за это время
metrics-all = Все
metrics-mean = среднее
metrics-median = медиана
metrics-left-out = не учтено
metric-mttd = MTTD · время до обнаружения
metric-mtta = MTTA · время до реакции
metric-mttr = MTTR · время до решения
metric-means-mttd = От начала влияния до обнаружения.
metric-means-mtta = От обнаружения до первого подтверждения.
metric-means-mttr = От начала влияния до решения.
metrics-missing = { $n }: неизвестна веха «{ $milestone }»
metrics-out-of-order = { $n }: веха «{ $to }» раньше, чем «{ $from }»
metrics-definitions = p90 — наименьшее значение, которого не превышают девять десятых всех (ближайший ранг). Инцидент с несколькими службами учитывается у каждой.
severity-P1 = Затронуты все
severity-P2 = Не работает важная функция
severity-P3 = Часть работает хуже
severity-P4 = Почти незаметно
incident-status-open = Открыт
incident-status-investigating = Выясняем причину
incident-status-identified = Причина найдена
incident-status-monitoring = Наблюдаем
incident-status-resolved = Решён
incident-status-closed = Закрыт
incident-role-commander = Руководитель
incident-role-communications = Связь
incident-role-scribe = Летописец
incident-field-title = Название
incident-field-summary = Что известно
incident-field-severity = Серьёзность
incident-field-status = Статус
milestone-impact = Начало влияния
milestone-detected = Обнаружен
milestone-acknowledged = Принят
milestone-mitigated = Влияние снято
milestone-resolved = Решён

## Оповещения
alerts-open = Открытые
alerts-acknowledged = Принятые
alerts-none = Ничто не требует вашего внимания.
alerts-acknowledge = Принять
alerts-acknowledge-all = Принять все
alerts-snoozed = Отложенные
alerts-snooze = Отложить…
alerts-snooze-30m = На 30 минут
alerts-snooze-2h = На 2 часа
alerts-snooze-morning = До завтра, 9:00
alerts-snooze-week = На неделю
alerts-wake = Вернуть
alerts-new = новое
alerts-hidden = { $n ->
    [one] Ещё { $n } оповещение здесь не показано: примите часть открытых.
    [few] Ещё { $n } оповещения здесь не показаны: примите часть открытых.
   *[other] Ещё { $n } оповещений здесь не показаны: примите часть открытых.
}
alerts-acknowledged-done = { $n ->
    [one] Принято { $n } оповещение
    [few] Принято { $n } оповещения
   *[other] Принято { $n } оповещений
}
alerts-snoozed-done = Отложено до { $at }
alerts-held-snooze = отложено до { $at }
alerts-held-quiet = тихие часы: сообщим { $at }
alerts-held-digest = в сводке { $at }
alerts-filter = Какие оповещения
alerts-filter-all = Все
alerts-filter-urgent = Нарушения и инциденты
alerts-filter-tickets = Заявки
alerts-filter-incidents = Инциденты
alerts-settings = Настройка оповещений
alerts-settings-saved = Настройки оповещений сохранены для всех ваших устройств
alerts-rules = О чём и как сообщать
alerts-rules-explain = Для каждого оповещения действует первое подходящее правило сверху. Если приоритет или серьёзность не выбраны, подходят любые. Что не подходит ни под одно правило, попадает только в список.
alerts-how = Как сообщать
alerts-rule-add = Добавить правило
alerts-rule-up = Выше
alerts-rule-up-hint = Поднять: действует первое подходящее правило
alerts-quiet = Тихие часы
alerts-quiet-explain = В это время баннеры ждут. Когда тихие часы закончатся, придёт одна сводка.
alerts-quiet-add = Добавить тихие часы
alerts-quiet-from = Начало
alerts-quiet-to = Конец
alerts-break-through = Не ждёт
alerts-zone = Часовой пояс
alerts-digest = Сводка
alerts-digest-explain = Правила с пометкой «в сводке» собираются в один баннер к этому времени.
alerts-digest-times = Время
alerts-time-bad = «{ $text }» — не время. Пишите так: 22:30
alerts-say-everything = любое оповещение
alerts-say-never-quiet = Тихих часов нет.
alerts-say-quiet = Тихие часы: { $when }. Молчим обо всём, потом придёт сводка.
alerts-say-quiet-but = Тихие часы: { $when }. Молчим обо всём, кроме { $but }; потом придёт сводка.
alerts-say-digest = Сводка в { $times }.
topic-sla_warning = Срок SLA подходит
topic-sla_breach = Нарушение SLA
topic-incident = Новый инцидент
topic-escalation = Эскалация
manner-sound = Баннер со звуком
manner-banner = Баннер
manner-list = Только список
manner-digest = В сводке
manner-say-sound = баннер со звуком
manner-say-banner = баннер без звука
manner-say-list = только в списке
manner-say-digest = в сводке
weekday-mon = Пн
weekday-tue = Вт
weekday-wed = Ср
weekday-thu = Чт
weekday-fri = Пт
weekday-sat = Сб
weekday-sun = Вс
presence = На этом устройстве
presence-autostart = Запускать при входе в систему
presence-hidden = При таком запуске не показывать окно
presence-tray = Закрытое окно остаётся в трее, оповещения продолжают приходить
presence-no-tray = Здесь нет системного трея: закрытие окна завершает программу.
link-malformed = Ссылка «{ $link }» не распознана. Правильная выглядит так: worknet://ticket/TK-… или worknet://incident/INC-…
link-unknown = По ссылке «{ $link }» здесь ничего нет: заявка или инцидент ещё не пришли на это устройство или вам не видны.
alert-due = срок { $at }
alert-first_response_warning = Первый ответ: прошло { $percent } % срока
alert-first_response_breach = Нарушен срок первого ответа
alert-next_response_warning = Следующий ответ: прошло { $percent } % срока
alert-next_response_breach = Нарушен срок следующего ответа
alert-resolution_warning = Решение: прошло { $percent } % срока
alert-resolution_breach = Нарушен срок решения
alert-incident_declared = Объявлен инцидент
alert-incident_escalation = Эскалация инцидента

## Синхронизация
sync-page = Состояние синхронизации
sync-state = Состояние
sync-waiting-label = Ждут отправки
sync-synced-label = Последняя синхронизация
sync-offline-label = Не в сети с
sync-rejected-label = Отклонённые правки
sync-problem-label = Что не так
sync-never = ни разу
sync-now = Синхронизировать
sync-explain = Всё, что вы делаете, сразу сохраняется на этом устройстве и отправляется само, как только сервер доступен.

## Отклонённые правки
rejected-none = Отклонённых правок нет.
rejected-explain = Сервер не принял эти правки. Набранное не потеряно: предложите правку снова, исправьте её, скопируйте или удалите.
rejected-what = Что
rejected-when = { $edited }, отклонена { $rejected }
rejected-discard = Удалить
rejected-wanted = Вы хотели
rejected-now = Сейчас
rejected-said = Сервер: { $text }
rejected-retry = Предложить снова
rejected-amend = Исправить…
rejected-propose = Предложить
rejected-proposed = Предложено снова
rejected-discarded = Удалена отклонённая правка: { $what }
rejected-leave-out = Не включать этот шаг
rejected-is-so = уже так
rejected-not-so = не так
rejected-copied = { $field }: { $value }
refused-forbidden = Ваша роль этого не позволяет.
refused-forbidden-todo = Попросите того, чья роль позволяет, или исправьте правку.
refused-workflow = Такого перехода нет в порядке работы.
refused-workflow-todo = Исправьте её: выберите статус, который может следовать за нынешним.
refused-too_large = Текст слишком длинный.
refused-too_large-todo = Исправьте её: сократите текст.
refused-clock = Часы этого устройства спешат.
refused-clock-todo = Переведите часы и предложите правку снова.
refused-schema = В ней есть то, чего сервер не знает.
refused-schema-todo = Обновите программу и предложите правку снова.
refused-depends_on_rejected = Она опирается на отклонённую правку.
refused-depends_on_rejected-todo = Сначала предложите снова ту правку, затем эту.
refused-missing_dependency = Она опирается на правку, которой нет на сервере.
refused-missing_dependency-todo = Предложите её снова.
refused-unknown_document = Заявка у команды, чьи заявки вам не видны.
refused-unknown_document-todo = Спросите кого-нибудь из этой команды или перенесите написанное в свою заявку.
refused-wrong_document = Этот документ не ваш.
refused-wrong_document-todo = Скопируйте нужное и создайте свой документ.
refused-wrong_actor = Она сделана на другом устройстве.
refused-wrong_actor-todo = Предложите её снова с этого устройства.
refused-duplicate_seq = Данные этого устройства скопированы или восстановлены из копии.
refused-duplicate_seq-todo = Предложите её снова.
refused-corrupt = Она повреждена по дороге.
refused-corrupt-todo = Предложите её снова.
refused-discarded = Вы вышли до того, как она была отправлена.
refused-discarded-todo = Предложите её снова, если она ещё нужна.

## Палитра и клавиши
palette = Найти или выполнить команду
palette-theme = Оформление: { $theme }
palette-language = Язык: { $language }
help = Клавиши
help-explain = Клавиши действуют по своему месту на клавиатуре, при любой раскладке.
help-palette = Поиск и команды
help-search = Поиск в этом списке
help-down = Следующая строка
help-up = Предыдущая строка
help-jump = Прыжок по списку
help-open = Открыть
help-back = Назад, закрыть, выйти из поля
help-select = Выбрать
help-new = Создать
help-reply = Ответ
help-note = Внутренняя заметка
help-send = Отправить или сохранить
help-status = Статус
help-priority = Приоритет
help-assign = Исполнитель
help-tags = Метки
help-edit = Изменить текст
help-value = Взять значение при конфликте
help-past = По прошлому заявки
help-undo = Отменить
help-go-tickets = К заявкам
help-go-knowledge = К базе знаний
help-go-incidents = К инцидентам
help-go-alerts = К оповещениям
help-fold = Свернуть навигацию
help-tab = К следующему элементу
help-space = Нажать кнопку
help-help = Этот список

## Ошибки
error-bad_request = Программа отправила непонятный запрос.
error-invalid = Такое значение недопустимо.
error-too_large = Текст слишком длинный.
error-not_found = Этого не существует.
error-already_exists = Это уже существует.
error-signed_out = На этом устройстве никто не вошёл.
error-wrong_credentials = Неверны эл. почта, пароль или рабочее пространство.
error-session_expired = Сеанс завершён. Войдите снова.
error-forbidden = Ваша роль или порядок работы этого не позволяют.
error-device_revoked = Администратор отозвал это устройство. Данные на нём стёрты; войдите, чтобы работать с него как с нового.
error-access_ended = Ваш доступ к этому рабочему пространству закрыт. Его данные на этом устройстве стёрты.
error-rate_limited = Слишком много попыток. Подождите минуту.
error-offline = Сервер недоступен. Проверьте адрес и сеть.
error-bad_server = По этому адресу отвечает не сервер WorkerNet.
error-server_restored = Сервер восстановлен из резервной копии. То, что он потерял, отправляется ему снова.
error-upgrade_required = Сервер новее этой программы. Обновите её.
error-read_only_store = Данные на этом устройстве записала более новая версия: их можно читать, но не менять. Обновите программу.
error-damaged_store = Данные на этом устройстве повреждены. Выполните «desk doctor --repair».
error-wrong_key = Ключ к данным на этом устройстве отсутствует или не подходит.
error-store_busy = Данные на этом устройстве занимает другая запущенная копия.
error-disk_full = Диск заполнен. Ничего не сохранено.
error-newer_schema = Это записала более новая версия: можно читать, но не менять. Обновите программу.
error-bad_file = Файл не этого формата.
error-cancelled = Отменено.
error-internal = Что-то пошло не так. Подробности в журнале.

## Правила SLA
sla = Правила SLA
sla-open = Правила и календари
sla-explain = Правила проверяются по порядку: действует первое подходящее. Изменения вступят в силу после сохранения.
sla-managers = Менять правила могут менеджеры и администраторы.
sla-policies = Правила
sla-calendars = Календари
sla-policy = Правило
sla-calendar = Календарь
sla-add-policy = Добавить правило
sla-add-calendar = Добавить календарь
sla-new-policy = Новое правило
sla-new-calendar = Новый календарь
sla-up = Выше
sla-down = Ниже
sla-discard = Отменить изменения
sla-saved = Правила SLA изменены
sla-unsaved = Не сохранено изменений: { $n }
sla-typed-wrong = Отмеченные поля не удаётся прочитать: исправьте их, чтобы сохранить.
sla-name = Название
sla-conditions = Для каких заявок
sla-conditions-explain = Подходит заявка, которая отвечает каждому условию. Где ничего не отмечено, подходит любая.
sla-requesters = Заявители
sla-tags = Метки
sla-targets = Нормы
sla-targets-explain = Пишите как удобно: 1 ч 30 мин, 45 мин, 2 д. Пустое поле — без нормы; пустая строка — решает следующее правило.
sla-pauses = Пауза в статусах
sla-warnings = Предупреждать, %
sla-remove-policy = Убрать правило
sla-remove-calendar = Убрать календарь
sla-used-by = По нему считают: { $policies }
sla-always = Круглосуточно
sla-zone = Часовой пояс
sla-hours = Рабочие часы
sla-hours-explain = Несколько промежутков через запятую: 09:00–13:00, 14:00–18:00. Пустой день — выходной.
sla-closed = выходной
sla-holidays = Праздники
sla-own-holidays = Свои нерабочие дни
sla-dates-hint = 30.12.2026, 31.12.2026
sla-known-years = известны за { $from }–{ $to } годы
sla-year-missing = За { $year } год известны только праздники по закону. Переносы и плавающие дни добавьте ниже.
sla-no-calendar = нет такого календаря, выберите другой
sla-unknown-zone = нет часового пояса «{ $zone }», пример: Asia/Almaty
sla-wrong-windows = часы дня записаны неверно или пересекаются
sla-never-open = нет ни одного рабочего часа
sla-closed-for-a-year = из-за праздников целый год закрыто
sla-no-name = нет названия
sla-wrong-target = норма «{ $metric }», { $priority }: укажите время больше нуля или оставьте пустым
sla-no-targets = нет ни одной нормы для приоритетов, для которых оно действует
sla-always-paused = пауза во всех рабочих статусах: часы никогда не пойдут
sla-wrong-shares = предупреждать можно от 1 до 99 %
sla-preview = Что это значило бы
sla-preview-explain = Те же заявки по действующим правилам и по тем, что на странице.
sla-period = Заявки за
sla-period-month = прошлый месяц
sla-period-30 = 30 дней
sla-period-90 = 90 дней
sla-preview-run = Посчитать
sla-preview-progress = { $done } из { $all }
sla-preview-old = Правила с тех пор изменены: посчитайте снова.
sla-preview-tickets = Заявок: { $n }, { $from } – { $to }
sla-preview-lines = По правилам и приоритетам
sla-preview-changes = Выходит иначе: { $n }
sla-without-policy = Без правила: { $now } → { $then }
sla-metric = Срок
sla-met = Соблюдён
sla-breached = Нарушен
sla-running = Идёт
verdict-untargeted = без нормы
verdict-running = идёт
verdict-met = соблюдён
verdict-breached = нарушен
holidays-ru = Россия
holidays-kz = Казахстан
sla-day-mon = Понедельник
sla-day-tue = Вторник
sla-day-wed = Среда
sla-day-thu = Четверг
sla-day-fri = Пятница
sla-day-sat = Суббота
sla-day-sun = Воскресенье
explain-counted = Учтено { $time }
explain-ahead = впереди { $time }
filter-due = Осталось
any-due = Любой срок
due-breached = Просрочено
due-1h = Не больше часа
due-4h = Не больше 4 часов
due-1d = Не больше суток
due-3d = Не больше 3 суток
